/**
 * An HTTP/1.1 client on raw sockets for one server. It reads what any valid
 * server sends (lengths, chunks, until close, 1xx), keeps connections, and
 * says of every failure whether anything may have happened:
 *
 * | error | meaning |
 * | --- | --- |
 * | `unreachable` | no connection; nothing was sent |
 * | `connection-lost` | sent, and no whole answer: it may have happened |
 * | `timeout` | sent, and no answer in time: it may have happened |
 *
 * A kept connection may be closed by the server just as a request leaves. A
 * request that changes nothing, and of whose answer no octet came, is then sent
 * again on a fresh one (RFC 9110 §9.2.2). A change is not, idempotent or not:
 * the first sending may have happened, and a refusal of the second, or nobody
 * there to take it, would pass for the word on both. Its caller sends it again.
 */
import type { Socket } from 'node:net';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { requestFrame } from '../wire/frame-writer.ts';
import type { Headers, ResponseHead } from '../wire/frame.ts';
import { ClientConnection } from './client-connection.ts';
import { readLines } from './client-stream.ts';
import type { LinesRequest } from './client-stream.ts';
import { HttpDate } from './http-date.ts';
import { timerMs } from './timer-limit.ts';
import { dial } from './tls.ts';
import type { ClientTls } from './tls.ts';

/** Kept for reuse; more are closed. */
const IDLE_CONNECTIONS_MAX = 32;
const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Methods that change nothing. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Where the server is, and what every request carries. */
export interface HttpClientOptions {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Speaks TLS, and only with a server whose certificate this trust allows. */
  readonly tls?: ClientTls | undefined;
}

/** One request. */
export interface ClientRequest {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as `application/json`; excludes `body`. */
  readonly json?: Json | undefined;
  readonly body?: Buffer | string | undefined;
  /** Of `body`. */
  readonly contentType?: string | undefined;
  /** From the call to the whole answer; default 10 s. For a stream: to its head. */
  readonly timeoutMs?: number | undefined;
  /** Gives the request up; it may have happened. */
  readonly signal?: AbortSignal | undefined;
}

/** One whole answer, of any status. */
export interface ClientAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** The body as JSON. @throws ParleyError `malformed-json` */
  json(): Json;
}

/** A request whose answer does not end; `signal` ends it. */
export interface ClientStreamRequest extends Omit<ClientRequest, 'signal'>, LinesRequest {}

/** See the header. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #authority: string;
  readonly #date = new HttpDate();
  readonly #idle: ClientConnection[] = [];
  readonly #all = new Set<ClientConnection>();

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { host, port } = options;
    this.#authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  /** Sends one request. @throws ParleyError as in the header */
  async request(request: ClientRequest): Promise<ClientAnswer> {
    const deadlineMs = performance.now() + (request.timeoutMs ?? TIMEOUT_MS);
    const frame = this.#frameOf(request);
    const kept = this.#takeIdle();
    if (kept !== undefined) {
      const outcome = await exchangeWhole(kept, frame, request, deadlineMs);
      if (outcome.type === 'answer') return outcome.answer;
      const mayRepeat = REPEATABLE.has(request.method);
      if (outcome.heard || !mayRepeat || outcome.error.code !== 'connection-lost') throw outcome.error;
    }
    const fresh = await this.#dial(request.signal, deadlineMs);
    const outcome = await exchangeWhole(fresh, frame, request, deadlineMs);
    if (outcome.type === 'answer') return outcome.answer;
    throw outcome.error;
  }

  /**
   * Reads lines as they come, on a connection of its own. Resolves when the
   * server ends the answer, or `signal` aborts.
   * @throws ParleyError as in the header; the error the server answered with;
   *   `timeout` when the head or the next bytes did not come in time
   */
  async stream(request: ClientStreamRequest): Promise<void> {
    const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
    let connection: ClientConnection;
    try {
      connection = await this.#dial(request.signal, performance.now() + timeoutMs);
    } catch (error) {
      if (request.signal?.aborted === true) return;
      throw error;
    }
    await readLines(connection, this.#frameOf(request), request, timeoutMs);
  }

  /** Closes what is idle and cuts what is under way. The client can be used again. */
  close(): void {
    for (const connection of this.#all) connection.destroy();
  }

  #takeIdle(): ClientConnection | undefined {
    for (let kept = this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) if (kept.isOpen) return kept;
    return undefined;
  }

  #frameOf(request: ClientRequest): Buffer {
    const { method, path, contentType } = request;
    const headers = { ...this.#options.headers, ...request.headers };
    const body = request.json === undefined ? (request.body ?? '') : JSON.stringify(request.json);
    const common = { method, target: path, host: this.#authority, date: this.#date.now(), headers, body };
    return requestFrame(contentType === undefined ? common : { ...common, contentType });
  }

  /** A fresh connection. @throws ParleyError `unreachable` */
  async #dial(signal: AbortSignal | undefined, deadlineMs: number): Promise<ClientConnection> {
    const { host, port, tls } = this.#options;
    const socket = await connected({ host, port, tls, signal, deadlineMs });
    const connection: ClientConnection = new ClientConnection(
      socket,
      { bodyBytesMax: ANSWER_BYTES_MAX },
      { onIdle: () => this.#keep(connection), onOver: () => this.#forget(connection) },
    );
    this.#all.add(connection);
    return connection;
  }

  #keep(connection: ClientConnection): void {
    if (this.#idle.length >= IDLE_CONNECTIONS_MAX) connection.destroy();
    else this.#idle.push(connection);
  }

  #forget(connection: ClientConnection): void {
    this.#all.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
  }
}

/** Connects, within a time. @throws ParleyError `unreachable`: whatever went wrong, nothing was sent */
function connected(to: {
  readonly host: string;
  readonly port: number;
  readonly tls: ClientTls | undefined;
  readonly signal: AbortSignal | undefined;
  readonly deadlineMs: number;
}): Promise<Socket> {
  const { host, port, tls, signal, deadlineMs } = to;
  return new Promise((resolve, reject) => {
    const { socket, ready } = dial({ host, port, tls, allowHalfOpen: true });
    const leave = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError).removeListener(ready, onConnect);
    };
    const fail = (why: string, cause?: unknown): void => {
      leave();
      socket.on('error', () => undefined).destroy();
      reject(new ParleyError('unreachable', `No connection to ${host}:${port} (${why}).`, { cause }));
    };
    const onError = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message, error);
    const onAbort = (): void => fail('given up');
    const onConnect = (): void => {
      leave();
      resolve(socket);
    };
    const timer = setTimeout(() => fail('no answer in time'), timerMs(deadlineMs - performance.now()));
    socket.on('error', onError).on(ready, onConnect);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
  });
}

type Outcome =
  | { readonly type: 'answer'; readonly answer: ClientAnswer }
  | { readonly type: 'failure'; readonly error: ParleyError; readonly heard: boolean };

/** One exchange with a whole answer; never rejects. */
function exchangeWhole(
  connection: ClientConnection,
  frame: Buffer,
  request: ClientRequest,
  deadlineMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const giveUp = (error: ParleyError): void => {
      connection.abandon();
      settle({ type: 'failure', error, heard: true });
    };
    const what = `${request.method} ${request.path}`;
    const onAbort = (): void => giveUp(new ParleyError('connection-lost', `${what} was given up by its caller.`));
    const onLate = (): void => giveUp(new ParleyError('timeout', `${what} had no answer in time.`));
    const timer = setTimeout(onLate, timerMs(deadlineMs - performance.now()));
    request.signal?.addEventListener('abort', onAbort);
    connection.begin(
      frame,
      { method: request.method, body: 'whole' },
      {
        onAnswer: (head, body) => settle({ type: 'answer', answer: answerOf(head, body) }),
        onFailure: (error, heard) => settle({ type: 'failure', error, heard }),
      },
    );
    if (request.signal?.aborted === true) onAbort();
  });
}

function answerOf({ status, headers }: ResponseHead, body: Buffer): ClientAnswer {
  const json = (): Json => {
    try {
      return JSON.parse(body.toString('utf8')) as Json;
    } catch (cause) {
      throw new ParleyError('malformed-json', `The answer (${status}) is not JSON.`, { cause });
    }
  };
  return { status, headers, body, json };
}
