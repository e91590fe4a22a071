/**
 * Dials one peer until a link stands, and again when it is lost: connect,
 * handshake, and between failures a wait with full jitter, so that nodes that
 * lost the same peer at the same moment do not come back at the same moment
 * (Brooker, "Exponential Backoff and Jitter", AWS 2015).
 *
 * ```
 *   idle ── dial() ──> dialing ── 101 ──> idle (the socket is handed over)
 *     ^                  │ failed
 *     │ stop()           v
 *     └──────────────  waiting ── random() * min(redialMsMax, 50 ms * 2^n) ──> dialing
 * ```
 */
import type { Socket } from 'node:net';
import { parseAddress } from './peer-handshake.ts';
import type { PeerIdentity, WelcomeReader } from './peer-handshake.ts';
import { dial } from './tls.ts';
import type { ClientTls } from './tls.ts';

/** The first wait is up to this; it doubles with every failure up to `redialMsMax`. */
const REDIAL_MS_MIN = 50;
/** 50 ms * 2^16 is beyond any sensible maximum; the exponent stops there. */
const DOUBLINGS_MAX = 16;

/** Where, how, and whom to tell. */
export interface PeerDialerOptions {
  /** `host:port`, an IPv6 host in brackets. */
  readonly address: string;
  /** Absent: plain TCP. */
  readonly tls?: ClientTls | undefined;
  /** From the first packet to the peer's answer. */
  readonly connectMs: number;
  readonly redialMsMax: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** The bytes of the handshake, made anew for each dial. */
  readonly hello: () => Buffer;
  /** Judges the bytes that come back, for one dial. */
  readonly welcomeReader: () => WelcomeReader;
  /** Told of every socket, so that the owner can wait for its end. */
  readonly onSocket: (socket: Socket) => void;
  /** The peer answered 101 under the expected name; the socket has no listeners of the dialer left. */
  readonly onLink: (socket: Socket, peer: PeerIdentity, rest: Buffer) => void;
  /** One dial failed; the next is already arranged. */
  readonly onFailure: (why: string) => void;
}

/** The longest wait after so many failures in a row; the wait is chance's part of it. */
export function redialWaitMsMax(failures: number, redialMsMax: number): number {
  return Math.min(redialMsMax, REDIAL_MS_MIN * 2 ** Math.min(failures, DOUBLINGS_MAX));
}

type Phase =
  | { readonly name: 'idle' }
  | { readonly name: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly name: 'dialing'; readonly abandon: () => void };

/** See the header; one per peer that this side dials. */
export class PeerDialer {
  readonly #options: PeerDialerOptions;
  #phase: Phase = { name: 'idle' };
  #failures = 0;

  constructor(options: PeerDialerOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /** Dials now; nothing if a dial is under way. */
  dial(): void {
    if (this.#phase.name === 'dialing') return;
    this.stop();
    const target = parseAddress(this.#options.address);
    // It cannot get better by waiting: a mended address comes with a new dialer.
    if (target === undefined) this.#options.onFailure('it is no host:port');
    else this.#phase = { name: 'dialing', abandon: this.#attempt(target) };
  }

  /** Dials after a wait that grows with the failures in a row. */
  redial(): void {
    this.stop();
    const { random, redialMsMax } = this.#options;
    const waitMs = random() * redialWaitMsMax(this.#failures, redialMsMax);
    this.#failures += 1;
    this.#phase = { name: 'waiting', timer: setTimeout(() => this.dial(), waitMs) };
  }

  /** A link has lived: the next loss begins with a short wait again. A link that falls at once does not count. */
  forgetFailures(): void {
    this.#failures = 0;
  }

  /** Neither dials nor waits any more, until told to. */
  stop(): void {
    const phase = this.#phase;
    this.#phase = { name: 'idle' };
    if (phase.name === 'waiting') clearTimeout(phase.timer);
    if (phase.name === 'dialing') phase.abandon();
  }

  /** One dial; returns how to give it up without a word. */
  #attempt(target: { readonly host: string; readonly port: number }): () => void {
    const { connectMs, hello, onSocket, tls, welcomeReader } = this.#options;
    const reader = welcomeReader();
    const { socket, ready } = dial({ ...target, tls, allowHalfOpen: false });
    onSocket(socket);
    const leave = (): void => {
      clearTimeout(timer);
      socket.removeListener(ready, onConnect).removeListener('data', onData);
      socket.removeListener('end', onEnd).removeListener('error', onError);
    };
    const abandon = (): void => {
      leave();
      // A refused connection may still report itself after we have left.
      socket.on('error', () => undefined).destroy();
    };
    const fail = (why: string): void => {
      abandon();
      this.#phase = { name: 'idle' };
      this.redial();
      this.#options.onFailure(why);
    };
    const onConnect = (): void => void socket.setNoDelay(true).write(hello());
    const onEnd = (): void => fail('closed during the handshake');
    const onError = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message);
    const onData = (chunk: Buffer): void => {
      const answer = reader.push(chunk);
      if (answer.type === 'need-more') return;
      if (answer.type === 'refused') return fail(answer.why);
      leave();
      this.#phase = { name: 'idle' };
      this.#options.onLink(socket, answer.peer, answer.rest);
    };
    const timer = setTimeout(() => fail(`no answer within ${connectMs} ms`), connectMs);
    socket.on(ready, onConnect).on('data', onData).on('end', onEnd).on('error', onError);
    return abandon;
  }
}
