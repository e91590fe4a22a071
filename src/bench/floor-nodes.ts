/**
 * The floor: the processes, sockets, bytes and syncs of two-phase commit
 * without any protocol. Nobody reads what a message says, nothing is kept, and
 * nothing could be recovered; it is what the machine and Node charge for the
 * traffic alone.
 *
 * ```
 *   client → C: a request         C → P: prepare           P: prepared, sync; P → C: vote
 *   C: begin and commit, sync     C → client: the answer   C → P: commit
 *   P: committed, sync            P → C: acknowledge       C: end, with the next sync
 * ```
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { Json } from '../base/canonical-json.ts';
import { FloorLink } from './floor-link.ts';
import { FloorLog } from './floor-log.ts';

/** Bytes of every message and record of one transaction, as cost-world.ts counts them. */
export interface FloorBytes {
  readonly prepare: number;
  readonly vote: number;
  readonly commit: number;
  readonly acknowledge: number;
  readonly begin: number;
  readonly decided: number;
  readonly end: number;
  readonly prepared: number;
  readonly committed: number;
  readonly answer: number;
}

/** What a floor node is started with. */
export interface FloorOptions {
  readonly directory: string;
  readonly bytes: FloorBytes;
  /** The decision needs no sync of the coordinator, as in the protocol `parallel`: its `begin` goes with the prepares. */
  readonly parallel: boolean;
  /** Of a participant: where the coordinator listens. */
  readonly port?: number;
  /** Of the coordinator: how many participants will come. */
  readonly participants?: number;
}

const CLOSING_BRACE = 0x7d;
const NEWLINE = '\r\n';

/** A participant of the floor; see child-task.ts. */
export function runFloorParticipant(options: Json): Promise<(question: Json) => Promise<Json>> {
  const { directory, bytes, port = 0 } = options as unknown as FloorOptions;
  const log = new FloorLog(join(directory, `floor-${process.pid}`));
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.write('P');
      const link = new FloorLink(
        socket,
        { firstBytes: bytes.vote, secondBytes: bytes.acknowledge },
        (prepares, commits) => {
          log.forced(prepares * bytes.prepared + commits * bytes.committed, () => link.send(prepares, commits));
        },
      );
      resolve(() => Promise.resolve(null));
    });
  });
}

/** The coordinator of the floor; see child-task.ts. Its first answer says where it listens. */
export function runFloorCoordinator(options: Json): Promise<(question: Json) => Promise<Json>> {
  const floor = new FloorCoordinator(options as unknown as FloorOptions);
  const server = createServer({ noDelay: true }, (socket) => floor.accept(socket));
  return new Promise((resolve) => {
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      resolve(() => Promise.resolve({ port }));
    });
  });
}

/** See runFloorCoordinator. */
class FloorCoordinator {
  readonly #bytes: FloorBytes;
  readonly #parallel: boolean;
  readonly #log: FloorLog;
  readonly #answer: Buffer;
  readonly #links: FloorLink[] = [];
  readonly #votes: number[] = [];
  /** Clients in the order of their requests; their votes come in the same order. */
  #asking: Socket[] = [];
  #begun = 0;
  #synced = 0;
  #decided = 0;

  constructor({ directory, bytes, parallel }: FloorOptions) {
    this.#bytes = bytes;
    this.#parallel = parallel;
    this.#log = new FloorLog(join(directory, `floor-${process.pid}`));
    this.#answer = answerOf(bytes.answer);
  }

  accept(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.once('data', (first: Buffer) => {
      if (first.length === 1) this.#addParticipant(socket);
      else {
        socket.on('data', (chunk: Buffer) => this.#request(socket, chunk));
        this.#request(socket, first);
      }
    });
  }

  #addParticipant(socket: Socket): void {
    const { prepare, commit, end } = this.#bytes;
    const place = this.#links.length;
    this.#votes.push(0);
    this.#links.push(
      new FloorLink(socket, { firstBytes: prepare, secondBytes: commit }, (votes, acknowledges) => {
        if (place === 0 && acknowledges > 0) this.#log.lazy(acknowledges * end);
        this.#votes[place] = (this.#votes[place] ?? 0) + votes;
        if (votes > 0) this.#decide();
      }),
    );
  }

  /** A client sends its next request when it has the answer, so what ends in a brace is a whole one. */
  #request(socket: Socket, chunk: Buffer): void {
    if (chunk.at(-1) !== CLOSING_BRACE) return;
    this.#asking.push(socket);
    this.#begun += 1;
    const begun = this.#begun;
    if (this.#parallel) {
      this.#log.forced(this.#bytes.begin, () => {
        this.#synced = begun;
        this.#decide();
      });
    } else this.#log.lazy(this.#bytes.begin);
    for (const link of this.#links) link.send(1, 0);
  }

  /** What all participants have voted for is decided. */
  #decide(): void {
    const ready = Math.min(...this.#votes, this.#parallel ? this.#synced : Infinity);
    const count = ready - this.#decided;
    if (count <= 0) return;
    this.#decided = ready;
    const clients = this.#asking.splice(0, count);
    const tell = (): void => {
      for (const client of clients) client.write(this.#answer);
      for (const link of this.#links) link.send(0, count);
    };
    const bytes = count * this.#bytes.decided;
    if (!this.#parallel) return this.#log.forced(bytes, tell);
    this.#log.lazy(bytes);
    tell();
  }
}

/** An answer of so many bytes of body that a client takes for a commit. */
function answerOf(bodyBytes: number): Buffer {
  const said = '{"outcome":"committed","filler":"';
  const body = `${said}${'x'.repeat(Math.max(0, bodyBytes - said.length - 2))}"}`;
  const head = [
    'HTTP/1.1 200 OK',
    'User-Agent: parley/0.1',
    'Date: Sat, 21 Nov 2026 01:55:26 GMT',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join(NEWLINE)}${NEWLINE}${NEWLINE}${body}`, 'latin1');
}
