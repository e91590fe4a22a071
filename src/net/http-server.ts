/**
 * An HTTP/1.1 server on raw TCP sockets (RFC 9112). It accepts, counts and
 * ends connections; what happens on one is http-connection.ts, what answers is
 * the handler (mostly a Router).
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { ParleyError } from '../base/errors.ts';
import type { FrameLimits, RequestHead } from '../wire/frame.ts';
import { HttpConnection } from './http-connection.ts';
import { HttpDate } from './http-date.ts';
import { CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HTTP_TIMEOUTS } from './http-service.ts';
import type { HttpService, HttpTimeouts } from './http-service.ts';
import type { Request } from './request.ts';
import type { Handler } from './router.ts';
import { secureServer } from './tls.ts';
import type { NodeTls } from './tls.ts';

/** How a server behaves; what is left out has the default named here. */
export interface HttpServerOptions {
  /** Answers every request; a ParleyError becomes problem+json. */
  readonly handler: Handler;
  /** Told of anything else a handler throws; the client gets a 500. */
  readonly onBug: (error: unknown, request?: Request) => void;
  /**
   * Offered every `GET /peer` with `Upgrade: parley`. It owns the socket from
   * then on, paused and without listeners; false destroys it.
   */
  readonly onUpgrade?: (head: RequestHead, socket: Socket, rest: Buffer) => boolean;
  /** Told of every answer before it is written, for logs and metrics. */
  readonly onAnswered?: (request: Request, status: number, elapsedMs: number) => void;
  /** Told of every TLS handshake that came to nothing: a code, and the address of the other side (empty when it is gone). */
  readonly onHandshakeFailed?: (why: string, address: string) => void;
  /** Default FRAME_LIMITS. */
  readonly limits?: Partial<FrameLimits>;
  /** Default HTTP_TIMEOUTS. */
  readonly timeouts?: Partial<HttpTimeouts>;
  /** Listens for TLS instead of plain TCP. A handshake has the time of a head. */
  readonly tls?: NodeTls | undefined;
  /** Default CONNECTIONS_MAX; further ones are closed at once, upgraded ones not counted. */
  readonly connectionsMax?: number;
  /** Default CONNECTIONS_PER_ADDRESS_MAX; further ones are closed at once. */
  readonly connectionsPerAddressMax?: number;
}

/** One connection at a time comes from it. */
function originOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** See the header. */
export class HttpServer {
  readonly #server: Server;
  readonly #options: HttpService;
  readonly #connectionsMax: number;
  readonly #perAddressMax: number;
  readonly #connections = new Set<HttpConnection>();
  /** Connections that are not yet secure, by the address and port they come from. */
  readonly #handshakes = new Map<string, Socket>();
  /** How many connections come from each address, upgraded ones too. */
  readonly #byAddress = new Map<string, number>();
  #isDraining = false;
  #whenEmpty: (() => void)[] = [];

  constructor(options: HttpServerOptions) {
    this.#options = {
      handler: options.handler,
      onUpgrade: options.onUpgrade,
      onBug: options.onBug,
      onAnswered: options.onAnswered,
      limits: options.limits ?? {},
      timeouts: { ...HTTP_TIMEOUTS, ...options.timeouts },
      date: new HttpDate(),
    };
    this.#perAddressMax = options.connectionsPerAddressMax ?? CONNECTIONS_PER_ADDRESS_MAX;
    this.#connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
    this.#server =
      options.tls === undefined
        ? createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#acceptPlain(socket))
        : secureServer(options.tls, this.#options.timeouts.headMs, {
            onConnection: (raw) => this.#beginHandshake(raw),
            onSecure: (socket) => {
              this.#handshakes.delete(originOf(socket));
              this.#accept(socket);
            },
            onFailure: (why, address) => {
              // Those that a drain ends have not failed.
              if (!this.#isDraining) options.onHandshakeFailed?.(why, address);
            },
          });
    // Once listening, an error here is none that a caller could be told of otherwise.
    this.#server.on('error', (error) => {
      if (this.#server.listening) options.onBug(error);
    });
  }

  /** Connections that are open and not upgraded. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Listens; port 0 takes a free one. A port that was in use a moment ago can
   * be taken at once (SO_REUSEADDR, Node's default).
   * @throws ParleyError `port-busy`, `port-unusable`
   */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    const { host, port } = address;
    return new Promise((resolve, reject) => {
      const fail = (cause: NodeJS.ErrnoException): void => {
        const code = cause.code === 'EADDRINUSE' ? 'port-busy' : 'port-unusable';
        const detail = `Cannot listen on ${host}:${port} (${cause.code ?? cause.message}).`;
        reject(new ParleyError(code, detail, { cause }));
      };
      this.#server.once('error', fail);
      try {
        this.#server.listen({ host, port }, () => {
          this.#server.removeListener('error', fail);
          resolve({ port: (this.#server.address() as AddressInfo).port });
        });
      } catch (error) {
        // A port that is no port is refused before anything is tried.
        this.#server.removeListener('error', fail);
        fail(error as NodeJS.ErrnoException);
      }
    });
  }

  /**
   * Stops gently: accepts nobody, closes idle connections and streams, answers
   * what is under way with `Connection: close`. Resolves when the last
   * connection is gone; a deadline is the caller's, by close().
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#stopListening();
    for (const raw of this.#handshakes.values()) raw.destroy();
    for (const connection of this.#connections) connection.retire();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Stops at once; answers under way are lost. Resolves when the last connection is gone. */
  async close(): Promise<void> {
    const drained = this.drain();
    for (const connection of this.#connections) connection.destroy();
    await drained;
  }

  /** A stalled handshake costs what a connection does, so it counts as one. */
  #beginHandshake(raw: Socket): boolean {
    if (this.#isFull || !this.#countIn(raw)) return false;
    const origin = originOf(raw);
    this.#handshakes.set(origin, raw);
    raw.once('close', () => {
      if (this.#handshakes.get(origin) === raw) this.#handshakes.delete(origin);
    });
    return true;
  }

  #acceptPlain(socket: Socket): void {
    if (this.#countIn(socket)) this.#accept(socket);
    else socket.on('error', () => undefined).destroy();
  }

  /** Counts a connection for its address until its socket closes; false when it is one too many. */
  #countIn(socket: Socket): boolean {
    // Of a connection that is reset already there is no address.
    const address = socket.remoteAddress ?? '';
    const before = this.#byAddress.get(address) ?? 0;
    if (before >= this.#perAddressMax) return false;
    this.#byAddress.set(address, before + 1);
    socket.once('close', () => {
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    });
    return true;
  }

  get #isFull(): boolean {
    return this.#isDraining || this.#connections.size + this.#handshakes.size >= this.#connectionsMax;
  }

  #accept(socket: Socket): void {
    if (this.#isFull) {
      socket.on('error', () => undefined).destroy();
      return;
    }
    const connection = new HttpConnection(socket, this.#options, () => {
      this.#connections.delete(connection);
      if (this.#isDraining && this.#connections.size === 0) for (const done of this.#whenEmpty.splice(0)) done();
    });
    this.#connections.add(connection);
  }

  #stopListening(): void {
    if (this.#server.listening) this.#server.close();
  }
}
