/**
 * The same octets to two servers of HTTP/1.1 in this process: ours, and Node's with its strict parser. What each ran,
 * what it answered, and what it refused.
 */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { HttpConnection } from '../../src/net/http-connection.ts';
import { HttpDate } from '../../src/net/http-date.ts';
import { HTTP_TIMEOUTS } from '../../src/net/http-service.ts';
import { RequestReader } from '../../src/wire/frame-reader.ts';
import { MemorySocket } from './memory-socket.ts';

/** A request that a server ran: its method, its target and its whole body, as one text. */
export type Ran = string;

/** What a server made of one input. */
export interface Outcome {
  readonly ran: readonly Ran[];
  /** Every status, interim ones too. */
  readonly statuses: readonly number[];
  /** Why it did not take all of it: ours says it in the answer, Node by the code of its parser. */
  readonly refused: string | undefined;
  /** Behind what it ran it does not read what it is sent, without a word: nothing follows from the rest. */
  readonly isDeaf: boolean;
  /** A mistake of the server's own, in either: something thrown, or no end of the connection. */
  readonly fault: string | undefined;
}

/** What is sent, and where it is cut. */
export interface Sent {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
}

/** A connection that is not over by then hangs: nothing here waits for anything. */
const HANG_MS = 10_000;

function ranOf(method: string, path: string, query: URLSearchParams, body: Buffer): Ran {
  return JSON.stringify([method, path, query.toString(), body.toString('latin1')]);
}

/** As ours reads a target: Node leaves that to its callers. */
function ranByNode({ method = '', url = '' }: IncomingMessage, body: Buffer): Ran {
  const local = url.replace(/^http:\/\/[^/?]*/i, '').replace(/^(?=\?|$)/, '/');
  const [path = '', ...rest] = local.split('?');
  return ranOf(method, path, new URLSearchParams(rest.join('?')), body);
}

/** Statuses of the answers, in order; no body here holds a status line. */
function statusesOf(answered: string): number[] {
  return [...answered.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

function over(socket: MemorySocket): Promise<'closed' | 'hangs'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve('hangs');
    }, HANG_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve('closed');
    });
  });
}

const date = new HttpDate();

/** Ours, from the connection up, with a handler that takes everything. */
export async function readByOurs({ bytes, cuts }: Sent): Promise<Outcome> {
  const ran: Ran[] = [];
  let fault: string | undefined = undefined;
  const socket = new MemorySocket();
  const ended = over(socket);
  new HttpConnection(
    socket.asSocket,
    {
      handler: ({ method, body, path, query }) => {
        ran.push(ranOf(method, path, query, body));
        return { status: 200, body: '{}' };
      },
      onUpgrade: undefined,
      onBug: (error) => void (fault = String(error)),
      onAnswered: undefined,
      limits: {},
      timeouts: HTTP_TIMEOUTS,
      date,
    },
    () => undefined,
  );
  socket.feed(bytes, cuts);
  if ((await ended) === 'hangs') fault = 'it hangs';
  const statuses = statusesOf(socket.answered);
  const isRefused = (statuses.at(-1) ?? 0) >= 400;
  return { ran, statuses, refused: isRefused ? detailOf(socket.answered, bytes) : undefined, isDeaf: false, fault };
}

/** What the problem at the end of an answer says; the answer to HEAD says nothing, so the reader is asked. */
function detailOf(answered: string, sent: Buffer): string {
  const text = answered.slice(answered.lastIndexOf('\r\n\r\n') + 4);
  if (text !== '') return String((JSON.parse(text) as { detail?: unknown }).detail);
  const reader = new RequestReader();
  reader.push(Buffer.from(sent));
  reader.end();
  for (let read = reader.next(); read.type !== 'end'; read = reader.next()) {
    if (read.type === 'error') return read.error.detail;
  }
  return 'a refusal without a reason';
}

/** Node's. */
export class NodeReader {
  /** Of the connection being read: one at a time. */
  #requests: { readonly message: IncomingMessage; readonly pieces: Buffer[] }[] = [];
  #refused: string | undefined = undefined;
  #isDeaf = false;
  readonly #server = createServer({ insecureHTTPParser: false, maxHeaderSize: 32 * 1024, requireHostHeader: true });

  constructor() {
    const server = this.#server;
    // It would else drop the answers to requests that FIN follows at once.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('request', (message, answer) => {
      const pieces: Buffer[] = [];
      this.#requests.push({ message, pieces });
      message.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => undefined);
      answer.on('error', () => undefined);
      answer.end('{}');
    });
    server.on('connect', (_message, socket) => {
      this.#isDeaf = true;
      socket.destroy();
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#refused ??= error.code ?? error.message;
      socket.destroy();
    });
  }

  /** One at a time. */
  async read({ bytes, cuts }: Sent): Promise<Outcome> {
    this.#requests = [];
    this.#refused = undefined;
    this.#isDeaf = false;
    const socket = new MemorySocket();
    const ended = over(socket);
    this.#server.emit('connection', socket);
    socket.feed(bytes, cuts);
    const fault = (await ended) === 'hangs' ? 'it hangs' : undefined;
    // From a request with Upgrade on, whether anybody takes it or not, its parser forgets the rest of each piece.
    const deaf = this.#requests.findIndex(({ message }) => asksUpgrade(message));
    const heard = deaf < 0 ? this.#requests : this.#requests.slice(0, deaf);
    const ran = heard
      .filter(({ message }) => message.complete)
      .map(({ message, pieces }) => ranByNode(message, Buffer.concat(pieces)));
    const statuses = statusesOf(socket.answered);
    const own = statuses.find((status) => status >= 400);
    const refused = this.#refused ?? (own === undefined ? undefined : `answer ${own}`);
    return { ran, statuses, refused, isDeaf: this.#isDeaf || deaf >= 0, fault };
  }
}

function asksUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && /\bupgrade\b/i.test(headers.connection ?? '');
}
