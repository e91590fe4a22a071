/** What all connections of one HTTP server share. */
import type { Socket } from 'node:net';
import type { FrameLimits, RequestHead } from '../wire/frame.ts';
import type { HttpDate } from './http-date.ts';
import type { Request } from './request.ts';
import type { Handler } from './router.ts';

/** How long a client may take, in milliseconds. */
export interface HttpTimeouts {
  /** From the first octet of a request to the end of its head; then 408. */
  readonly headMs: number;
  /** From the end of the head to the end of the body; then 408. */
  readonly bodyMs: number;
  /** Between requests; then the connection is closed without a word. */
  readonly idleMs: number;
  /** For an answer to be taken; then the connection is cut. */
  readonly flushMs: number;
}

/** Above what a person or a busy client needs, below what an attacker would like. */
export const HTTP_TIMEOUTS: HttpTimeouts = { headMs: 10_000, bodyMs: 30_000, idleMs: 60_000, flushMs: 30_000 };

/** Each connection costs a file descriptor and some kilobytes. */
export const CONNECTIONS_MAX = 10_000;

/** Half of them, so that one address cannot keep all others out. Whoever tests or measures comes from one address. */
export const CONNECTIONS_PER_ADDRESS_MAX = 5_000;

/** Octets that wait unparsed behind the request being answered; beyond it the sender waits. */
export const WAITING_BYTES_MAX = 64 * 1024;

/** Answers on one connection that the system has not taken; nothing more is executed on it until it has taken them. */
export const UNSENT_ANSWERS_MAX = 16;

/** The service behind the connections; HttpServerOptions says more. */
export interface HttpService {
  readonly handler: Handler;
  /** True: the socket is the hook's from now on. */
  readonly onUpgrade: ((head: RequestHead, socket: Socket, rest: Buffer) => boolean) | undefined;
  /** Something else than a ParleyError came out of a handler. */
  readonly onBug: (error: unknown, request: Request) => void;
  readonly onAnswered: ((request: Request, status: number, elapsedMs: number) => void) | undefined;
  readonly limits: Partial<FrameLimits>;
  readonly timeouts: HttpTimeouts;
  readonly date: HttpDate;
}
