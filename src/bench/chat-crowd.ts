/**
 * A crowd in one chat room, in a process of its own: readers that count lines
 * and do not look at them, and writers that each say the next line when the one
 * before is known to be said. For Parley a writer waits for its answer, so the
 * line is durable; for IRC, which answers nothing, until the first reader has it.
 * Writers do not read in the room: who delivers lines to them too does more than is counted.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Json } from '../base/canonical-json.ts';

/** Against whom. */
export interface CrowdOptions {
  readonly kind: 'parley' | 'irc';
  readonly port: number;
  readonly readers: number;
  readonly writers: number;
}

/** How long. */
export interface CrowdQuestion {
  readonly warmMs: number;
  readonly measureMs: number;
}

/** Lines that readers got in the measured time, all readers together. */
export interface CrowdAnswer {
  readonly delivered: number;
  readonly said: number;
  readonly elapsedMs: number;
  /** Writers' answers that were no yes. */
  readonly failed: number;
}

const ROOM = 'bench';
const TEXT = 'The quick brown fox jumps over the lazy dog, and says so in here.';
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** What ends an event. */
const EVENT_END = Buffer.from('\n\n');
const CONNECT_AT_ONCE = 50;

/** The task; see child-task.ts. */
export async function runChatCrowd(options: Json): Promise<(question: Json) => Promise<Json>> {
  const crowd = new ChatCrowd(options as unknown as CrowdOptions);
  await crowd.gather();
  return async (question) => ({ ...(await crowd.run(question as unknown as CrowdQuestion)) });
}

/** See the header. */
class ChatCrowd {
  readonly #options: CrowdOptions;
  readonly #writers: Socket[] = [];
  #delivered = 0;
  #said = 0;
  #failed = 0;
  /** IRC: which writer goes on when the first reader has the next line. */
  #turns: (() => void)[] = [];
  #lineCount = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  async gather(): Promise<void> {
    const { kind, readers, writers } = this.#options;
    for (let begun = 0; begun < readers; begun += CONNECT_AT_ONCE) {
      const batch = Array.from({ length: Math.min(CONNECT_AT_ONCE, readers - begun) }, (_, index) => begun + index);
      await Promise.all(batch.map((index) => this.#reader(index)));
    }
    for (let index = 0; index < writers; index += 1) {
      const socket = await this.#dial();
      this.#writers.push(socket);
      if (kind === 'irc') await this.#enter(socket, `writer${index}`, false);
      else socket.on('data', (chunk: Buffer) => this.#answered(socket, chunk.toString('latin1')));
    }
    for (const socket of this.#writers) this.#say(socket);
  }

  async run({ warmMs, measureMs }: CrowdQuestion): Promise<CrowdAnswer> {
    await pause(warmMs);
    const [before, said, startedMs] = [this.#delivered, this.#said, performance.now()];
    await pause(measureMs);
    const elapsedMs = performance.now() - startedMs;
    return { delivered: this.#delivered - before, said: this.#said - said, elapsedMs, failed: this.#failed };
  }

  async #reader(index: number): Promise<void> {
    const socket = await this.#dial();
    if (this.#options.kind === 'irc') await this.#enter(socket, `reader${index}`, true);
    else {
      const head = `GET /events?rooms=${ROOM} HTTP/1.1\r\nHost: 127.0.0.1:${this.#options.port}\r\n\r\n`;
      await new Promise<void>((resolve) => {
        // The first event says where it begins; from then on every event is a line.
        const begin = (chunk: Buffer): void => {
          if (!chunk.includes('event: position')) return;
          socket.off('data', begin);
          resolve();
        };
        socket.on('data', begin).write(head);
      });
    }
    if (this.#options.kind === 'parley') this.#countEvents(socket);
    else this.#countLines(socket, index === 0);
  }

  #countLines(socket: Socket, isFirst: boolean): void {
    socket.on('data', (chunk: Buffer) => {
      const newlines = countNewlines(chunk);
      this.#delivered += newlines;
      if (isFirst) for (const turn of this.#turns.splice(0, newlines)) turn();
    });
  }

  #countEvents(socket: Socket): void {
    // An event may end in one segment and have its last octet in the next.
    let endsInNewline = false;
    socket.on('data', (chunk: Buffer) => {
      if (endsInNewline && chunk[0] === NEWLINE) this.#delivered += 1;
      for (let at = chunk.indexOf(EVENT_END); at !== -1; at = chunk.indexOf(EVENT_END, at + 2)) this.#delivered += 1;
      endsInNewline = chunk.at(-1) === NEWLINE && chunk.at(-2) !== NEWLINE && chunk.at(-2) !== CARRIAGE_RETURN;
    });
  }

  async #enter(socket: Socket, nick: string, isReader: boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      let text = '';
      // 376 ends the greeting, 422 stands for it; 366 ends the list of names: from then on only what is said comes.
      const last = isReader ? / 366 / : / (376|422) /;
      const begin = (chunk: Buffer): void => {
        text += chunk.toString('latin1');
        if (!last.test(text)) return;
        socket.off('data', begin);
        resolve();
      };
      const join = isReader ? `JOIN #${ROOM}\r\n` : '';
      socket.on('data', begin).write(`NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n${join}`);
    });
    socket.resume();
  }

  #say(socket: Socket): void {
    if (this.#options.kind === 'irc') {
      this.#turns.push(() => {
        this.#said += 1;
        this.#say(socket);
      });
      socket.write(`PRIVMSG #${ROOM} :${TEXT}\r\n`);
      return;
    }
    const body = `{"author":"bench","text":"${TEXT}","key":"bench-${process.pid}-${++this.#lineCount}"}`;
    const head = `POST /rooms/${ROOM}/messages HTTP/1.1\r\nHost: 127.0.0.1:${this.#options.port}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  /** An answer is far smaller than a segment, so it comes in one piece. */
  #answered(socket: Socket, text: string): void {
    this.#said += 1;
    if (!text.startsWith('HTTP/1.1 200')) this.#failed += 1;
    this.#say(socket);
  }

  #dial(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: this.#options.port, noDelay: true });
      socket.once('error', reject).once('connect', () => resolve(socket));
    });
  }
}

function countNewlines(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
