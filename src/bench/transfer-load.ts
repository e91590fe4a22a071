/**
 * Clients that move money, in a process of their own: each has a connection and
 * one transaction under way, and sends the next when the answer is there. Or,
 * at a given rate, transactions begin when they are due, whoever is late; then
 * a latency counts from when the transaction was due, and all that were due in
 * the measured time are waited for, so that a stall shows in every transaction
 * it delayed, also the last ones.
 *
 * What it costs must not hide what it measures: requests are text put together
 * once, answers are looked through and not parsed. The floor is driven by this
 * very load.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Json } from '../base/canonical-json.ts';
import { TransferWriter } from './transfer-writer.ts';
import type { TransferOptions } from './transfer-writer.ts';
import { latencyOf } from './statistics.ts';

/** Against whom. */
export interface LoadOptions extends TransferOptions {
  readonly host: string;
  readonly port: number;
  readonly authorization: string;
}

/** How much, and how long. */
export interface LoadQuestion {
  readonly clients: number;
  readonly warmMs: number;
  readonly measureMs: number;
  readonly protocol: string;
  readonly hot: boolean;
  /** How many participants a transaction has. */
  readonly spread: number;
  /** Transactions a second for all clients together; absent: as fast as they are answered. */
  readonly rate?: number;
}

/** What came out in the measured time. */
export interface LoadAnswer {
  readonly committed: number;
  readonly aborted: number;
  /** Answers that were neither. */
  readonly others: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

const NOT_CONNECTED_MS_MAX = 10_000;
const DUE_LOOK_MS = 1;

/** The task; see child-task.ts. */
export function runTransferLoad(options: Json): Promise<(question: Json) => Promise<Json>> {
  const load = new TransferLoad(options as unknown as LoadOptions);
  return Promise.resolve(async (question) => ({ ...(await load.run(question as unknown as LoadQuestion)) }));
}

/** One connection with at most one transaction under way. */
interface Client {
  readonly socket: Socket;
  /** When it was sent; at a given rate, when it was due. */
  sentAtMs: number;
  pending: string;
}

/** See the header. */
class TransferLoad {
  readonly #options: LoadOptions;
  readonly #writer: TransferWriter;
  #clients: Client[] = [];
  /** Free clients and due times, at a given rate. */
  #free: Client[] = [];
  #due: number[] = [];
  #question: LoadQuestion | undefined;
  /** What is counted: answers that come then; at a given rate, transactions that are due then. */
  #window = { fromMs: Infinity, untilMs: Infinity };
  #latencies: number[] = [];
  #counts = { committed: 0, aborted: 0, others: 0 };
  #underWay = 0;
  #stopping = false;
  #whenStill: (() => void) | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { host, port } = options;
    const head =
      `POST /transactions HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: parley-bench\r\n` +
      `Authorization: ${options.authorization}\r\nContent-Type: application/json\r\nContent-Length: `;
    this.#writer = new TransferWriter(head, options);
  }

  async run(question: LoadQuestion): Promise<LoadAnswer> {
    this.#question = question;
    this.#stopping = false;
    await this.#connect(question.clients);
    this.#latencies = [];
    this.#counts = { committed: 0, aborted: 0, others: 0 };
    this.#free = [];
    this.#due = [];
    if (question.rate === undefined) for (const client of this.#clients) this.#send(client, performance.now());
    else this.#free = [...this.#clients];
    this.#window = { fromMs: Infinity, untilMs: Infinity };
    const stopPacing = this.#pace(question.rate);
    await new Promise((resolve) => setTimeout(resolve, question.warmMs));
    this.#window.fromMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, question.measureMs));
    this.#window.untilMs = performance.now();
    const elapsedMs = this.#window.untilMs - this.#window.fromMs;
    stopPacing();
    await this.#still();
    const latency = latencyOf(this.#latencies.length === 0 ? [0] : this.#latencies);
    return { ...this.#counts, elapsedMs, ...latency };
  }

  /** Begins transactions when they are due. */
  #pace(rate: number | undefined): () => void {
    if (rate === undefined) return () => undefined;
    const startedMs = performance.now();
    let begun = 0;
    const look = (nowMs: number): void => {
      for (; begun < ((nowMs - startedMs) * rate) / 1000; begun += 1) this.#due.push(startedMs + (begun * 1000) / rate);
      this.#serve();
    };
    const timer = setInterval(() => look(performance.now()), DUE_LOOK_MS);
    return () => {
      clearInterval(timer);
      look(this.#window.untilMs);
    };
  }

  #serve(): void {
    while (this.#due.length > 0 && this.#free.length > 0) {
      const client = this.#free.pop();
      const dueMs = this.#due.shift();
      if (client !== undefined && dueMs !== undefined) this.#send(client, dueMs);
    }
  }

  #send(client: Client, sinceMs: number): void {
    const { protocol, hot, spread } = this.#question ?? { protocol: '2pc', hot: false, spread: 2 };
    client.sentAtMs = sinceMs;
    this.#underWay += 1;
    client.socket.write(this.#writer.next({ protocol, hot, spread }), 'latin1');
  }

  #receive(client: Client, chunk: Buffer): void {
    client.pending += chunk.toString('latin1');
    const bodyAt = client.pending.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const length = Number(/\r\nContent-Length: (\d+)/.exec(client.pending)?.[1]);
    if (client.pending.length < bodyAt + length) return;
    const text = client.pending;
    client.pending = '';
    this.#underWay -= 1;
    const nowMs = performance.now();
    const isPaced = this.#question?.rate !== undefined;
    const countsAtMs = isPaced ? client.sentAtMs : nowMs;
    const { fromMs, untilMs } = this.#window;
    if (countsAtMs >= fromMs && countsAtMs < untilMs) this.#count(text, bodyAt, nowMs - client.sentAtMs);
    if (isPaced) {
      this.#free.push(client);
      this.#serve();
    } else if (!this.#stopping) this.#send(client, nowMs);
    this.#tellWhenStill();
  }

  #tellWhenStill(): void {
    if (this.#stopping && this.#underWay <= 0 && (this.#due.length === 0 || this.#clients.length === 0)) {
      this.#whenStill?.();
    }
  }

  #count(text: string, bodyAt: number, elapsedMs: number): void {
    if (text.includes('"outcome":"committed"', bodyAt)) {
      this.#counts.committed += 1;
      this.#latencies.push(elapsedMs);
    } else if (text.includes('"outcome":"aborted"', bodyAt)) this.#counts.aborted += 1;
    else this.#counts.others += 1;
  }

  /** Resolves when nothing is under way, and nothing that was due is left. */
  async #still(): Promise<void> {
    this.#stopping = true;
    await new Promise<void>((resolve) => {
      this.#whenStill = resolve;
      this.#tellWhenStill();
    });
  }

  async #connect(count: number): Promise<void> {
    while (this.#clients.length > count) this.#clients.pop()?.socket.destroy();
    while (this.#clients.length < count) this.#clients.push(await this.#dial());
  }

  #dial(): Promise<Client> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      const client: Client = { socket, sentAtMs: 0, pending: '' };
      socket.setTimeout(NOT_CONNECTED_MS_MAX, () => socket.destroy(new Error('no connection in time')));
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.on('data', (chunk: Buffer) => this.#receive(client, chunk));
        socket.on('close', () => this.#lost(client));
        resolve(client);
      });
    });
  }

  /** A connection that closes by itself: its transaction has no answer, and a run must not wait for one. */
  #lost(client: Client): void {
    const place = this.#clients.indexOf(client);
    if (place < 0) return;
    this.#clients.splice(place, 1);
    this.#counts.others += 1;
    this.#underWay -= 1;
    this.#tellWhenStill();
  }
}
