/**
 * One TCP connection, with the manners that every user of a socket needs: an
 * error handler, a limit on what waits to be written, and an end that does not
 * lose the last bytes.
 *
 * ```
 *   open ─ closeGently() ─> closing ─ FIN both ways, or 1 s ─> closed
 *    ├─ release() ─> released (the socket is somebody else's)
 *    └─ destroy(), reset, over the limit ─> closed
 * ```
 *
 * Closing gently: write all, send FIN, go on reading (and forget what is read)
 * until the other side sends FIN, then end. A socket destroyed with unread
 * bytes sends RST, and an RST may overtake the last answer (RFC 9112 §9.6).
 */
import type { Socket } from 'node:net';
import { timerMs } from './timer-limit.ts';

/** How long after our FIN the other side may go on sending. */
const DRAIN_MS = 1000;
/** How long the last bytes may take to leave. */
const FLUSH_MS_MAX = 30_000;

/** What the owner is told. */
export interface ConnectionEvents {
  readonly onData: (chunk: Buffer) => void;
  /** FIN of the other side; writing may go on. */
  readonly onEnd: () => void;
  /** What waited to be written has left. */
  readonly onDrain: () => void;
  /** Once, when the connection is over for whatever reason; not after release(). */
  readonly onClose: (error: NodeJS.ErrnoException | undefined) => void;
}

type Phase = 'open' | 'closing' | 'closed' | 'released';

/** Takes over a connected socket that was made with `allowHalfOpen: true`. */
export class Connection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #outboundBytesMax: number;
  #phase: Phase = 'open';
  #error: NodeJS.ErrnoException | undefined = undefined;
  #closingTimer: NodeJS.Timeout | undefined = undefined;
  #isPaused = false;

  /** @param outboundBytesMax more than this waiting to be written destroys the connection */
  constructor(socket: Socket, outboundBytesMax: number, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#outboundBytesMax = outboundBytesMax;
    socket.setNoDelay(true);
    socket.on('data', this.#onData).on('end', this.#onEnd).on('drain', this.#onDrain);
    socket.on('error', this.#onError).on('close', this.#onClose);
  }

  get isOpen(): boolean {
    return this.#phase === 'open' && !this.#socket.destroyed;
  }

  /** Octets that wait to be written. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Address of the other side; empty once it is gone. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  /** True when the bytes are on their way; false when they wait (onDrain follows) or the connection is not open. */
  write(bytes: Buffer): boolean {
    if (!this.isOpen) return false;
    // Answers of one turn leave in one system call.
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    return this.writeNow(bytes);
  }

  /** As write(), without waiting for more; behind what write() gathers it waits with that. */
  writeNow(bytes: Buffer): boolean {
    if (!this.isOpen) return false;
    const isThrough = this.#socket.write(bytes);
    if (this.#socket.writableLength > this.#outboundBytesMax) {
      this.destroy();
      return false;
    }
    return isThrough;
  }

  /**
   * As write(), and hands all that waits to the system at once. True when the system took it; false when some of it
   * waits (onDrain follows when nothing does any more) or the connection is not open.
   */
  writeThrough(bytes: Buffer): boolean {
    if (!this.isOpen) return false;
    this.#socket.write(bytes, this.#onThrough);
    this.#socket.uncork();
    if (this.#socket.writableLength > this.#outboundBytesMax) this.destroy();
    return this.#socket.writableLength === 0 && !this.#socket.destroyed;
  }

  /** Stops reading, so that the sender's window fills and it waits. */
  pause(): void {
    if (this.isOpen && !this.#isPaused) this.#socket.pause();
    this.#isPaused = true;
  }

  resume(): void {
    if (this.isOpen && this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
  }

  /** See the header; onClose follows. */
  closeGently(): void {
    if (!this.isOpen) return;
    this.#phase = 'closing';
    this.#closingTimer = setTimeout(() => this.#socket.destroy(), FLUSH_MS_MAX);
    this.#socket.end(() => {
      clearTimeout(this.#closingTimer);
      // FIN has come already: both sides are done.
      if (this.#socket.readableEnded) this.#socket.destroy();
      else if (!this.#socket.destroyed) {
        this.#closingTimer = setTimeout(() => this.#socket.destroy(), timerMs(DRAIN_MS));
      }
    });
    this.#socket.resume();
  }

  /** Ends at once; what waits to be written is lost. onClose follows. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Gives the socket away, paused and without listeners of ours. */
  release(): Socket {
    this.#phase = 'released';
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain);
    socket.off('error', this.#onError).off('close', this.#onClose);
    // Without a listener, what arrives before the next owner looks would be lost.
    return socket.pause();
  }

  readonly #uncork = (): void => this.#socket.uncork();

  readonly #onThrough = (): void => {
    if (this.isOpen && this.#socket.writableLength === 0) this.#events.onDrain();
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.isOpen) this.#events.onData(chunk);
  };

  readonly #onEnd = (): void => {
    if (this.isOpen) this.#events.onEnd();
    else if (this.#socket.writableFinished) this.#socket.destroy();
  };

  readonly #onDrain = (): void => {
    if (this.isOpen) this.#events.onDrain();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#error = error;
  };

  readonly #onClose = (): void => {
    clearTimeout(this.#closingTimer);
    this.#phase = 'closed';
    this.#events.onClose(this.#error);
  };
}
