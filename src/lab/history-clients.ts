/**
 * Clients of a run: each sends one thing after the other and records what it
 * was told. When an outcome is unknown its process is retired, and the next
 * one sends the same id again until the outcome is definite: that is what the
 * product tells people to do, and what shows whether it was right to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ParleyError } from '../base/errors.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import { COORDINATOR, freshId } from './history-cluster.ts';
import { processNames } from './history-recorder.ts';
import { draw } from './history-workload.ts';
import type { Json } from '../base/canonical-json.ts';
import type { HistoryCluster, NodeAnswer } from './history-cluster.ts';
import type { HistoryRecorder } from './history-recorder.ts';
import type { DrawnRead, DrawnTransaction, WorkloadProtocol } from './history-workload.ts';

/** Who works, and how. */
export interface HistoryClientsOptions {
  readonly cluster: HistoryCluster;
  readonly recorder: HistoryRecorder;
  readonly clients: number;
  readonly protocol: WorkloadProtocol;
  readonly seed: number;
  /** Between two requests of a client; 0: none. */
  readonly thinkMs: number;
}

/** What the clients were told so far. */
export interface ToldCounts {
  /** Transactions answered committed, each counted once however often it was asked for. */
  committed: number;
  aborted: number;
  /** Chat lines in those that were answered committed. */
  lines: number;
  /** Requests whose outcome was unknown at first. */
  unknown: number;
  reads: number;
}

const AGAIN_MS = 50;
/** Nobody answers: do not ask in a tight loop. */
const REFUSED_MS = 30;

/** All clients of a run; they begin at once. Always `end` them. */
export class HistoryClients {
  readonly told: ToldCounts = { committed: 0, aborted: 0, lines: 0, unknown: 0, reads: 0 };
  readonly #options: HistoryClientsOptions;
  readonly #running: Promise<void>;
  #phase: 'working' | 'paused' | 'ending' = 'working';
  #wake: () => void = () => undefined;
  #gate: Promise<void> = Promise.resolve();
  /** Clients that have something unsettled. */
  #busy = 0;

  constructor(options: HistoryClientsOptions) {
    this.#options = options;
    const clients = Array.from({ length: options.clients }, (_, index) => this.#run(index + 1));
    this.#running = Promise.all(clients).then(() => undefined);
  }

  /** Clients that wait for an answer, or for a definite one. */
  get busy(): number {
    return this.#busy;
  }

  /** Lets nobody begin anything new; what is unsettled goes on. */
  pause(): void {
    if (this.#phase !== 'working') return;
    this.#phase = 'paused';
    this.#gate = new Promise((resolve) => (this.#wake = resolve));
  }

  resume(): void {
    if (this.#phase !== 'paused') return;
    this.#phase = 'working';
    this.#wake();
  }

  /** Ends the clients; resolves when each has stopped. What is unsettled by then stays so. */
  async end(): Promise<void> {
    this.#phase = 'ending';
    this.#wake();
    await this.#running;
  }

  async #run(client: number): Promise<void> {
    const { seed, thinkMs, protocol } = this.#options;
    const random = new SeededRandom(seed * 1_000 + client);
    const nextName = processNames(`c${client}`);
    const worker = { name: nextName(), nextName };
    while (!this.#isEnding()) {
      await this.#gate;
      if (this.#isEnding()) return;
      this.#busy += 1;
      try {
        const id = freshId();
        const drawn = draw(random, protocol, id);
        if (drawn.kind === 'read') await this.#read(worker, drawn);
        else await this.#settle(worker, id, drawn);
      } finally {
        this.#busy -= 1;
      }
      if (thinkMs > 0) await delay(random.whole(0, 2 * thinkMs));
    }
  }

  #isEnding(): boolean {
    return this.#phase === 'ending';
  }

  async #settle(worker: Worker, id: string, drawn: DrawnTransaction): Promise<void> {
    let sent = false;
    for (;;) {
      const result = await this.#transact(worker, id, drawn);
      if (result === 'definite') return;
      if (result === 'unknown') sent = true;
      // What was never sent anywhere need not be settled.
      if (!sent && result === 'refused') return delay(REFUSED_MS);
      if (this.#isEnding()) return;
      await delay(AGAIN_MS);
    }
  }

  async #transact(
    worker: Worker,
    id: string,
    { body, lines }: DrawnTransaction,
  ): Promise<'definite' | 'unknown' | 'refused'> {
    const { cluster, recorder } = this.#options;
    const input: Json = body;
    const asked = recorder.invoke({ process: worker.name, f: 'transaction', id, in: input });
    const answer = await answerOf(() => cluster.ask(COORDINATOR, 'POST', '/transactions', { id, ...body }));
    if (typeof answer === 'string' || answer.status === 202) {
      // A refusal before anything was sent is definite; a lost connection is not.
      if (typeof answer === 'string' && answer !== 'unknown') {
        asked.fail({ refused: answer });
        return 'refused';
      }
      asked.info();
      this.told.unknown += 1;
      worker.name = worker.nextName();
      return 'unknown';
    }
    const { outcome, results, reason, code } = answer.body;
    if (outcome === 'committed') {
      asked.ok({ outcome, results: results ?? null });
      this.told.committed += 1;
      this.told.lines += lines;
      return 'definite';
    }
    if (outcome === 'aborted') {
      asked.fail({ outcome, reason: reason ?? null });
      this.told.aborted += 1;
      return 'definite';
    }
    asked.fail({ refused: code ?? answer.status });
    return 'refused';
  }

  async #read(worker: Worker, read: DrawnRead): Promise<void> {
    const { cluster, recorder } = this.#options;
    const asked = recorder.invoke({ process: worker.name, f: read.f, in: read.input });
    const answer = await answerOf(() => cluster.ask(read.node, 'GET', read.path));
    if (typeof answer === 'string') {
      // A read changes nothing, so it is over when it fails.
      asked.fail({ refused: answer });
      return delay(REFUSED_MS);
    }
    if (answer.status !== 200) return asked.fail({ refused: answer.body['code'] ?? answer.status });
    this.told.reads += 1;
    asked.ok(answer.body);
  }
}

interface Worker {
  name: string;
  readonly nextName: () => string;
}

/** The answer; or the code of a definite failure; or `unknown`. */
async function answerOf(ask: () => Promise<NodeAnswer>): Promise<NodeAnswer | string> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    return error.definite ? error.code : 'unknown';
  }
}
