/**
 * One established link to one peer: a socket after its handshake. Messages out
 * are gathered per turn of the event loop into frames; frames in are handed up
 * message by message, in order; heartbeats stay here.
 *
 * ```
 *   open ── lost (peer closed, silent, malformed, too slow) ──> closed   onLost(why)
 *     └── end(): what is queued is still written ──> ending ──> closed   no onLost
 * ```
 *
 * Silence is counted in time during which this process ran: after a pause of
 * our own (SIGSTOP, a suspended machine) at most two heartbeats' worth counts,
 * and nobody is called dead before a turn of the event loop has read what
 * waits in the sockets.
 */
import type { Socket } from 'node:net';
import { ParleyError } from '../base/errors.ts';
import { RequestReader } from '../wire/frame-reader.ts';
import { decodeMessages, encodeMessages } from '../wire/message-codec.ts';
import { HttpDate } from './http-date.ts';
import { HeartbeatBook, isHeartbeat } from './peer-heartbeat.ts';
import type { Moment } from './peer-heartbeat.ts';
import type { PeerMemory } from './peer-status.ts';

/** A frame with several messages stays below this body, so that a heartbeat or a decision is not stuck behind a huge frame. */
const FRAME_BODY_BYTES_MAX = 256 * 1024;
/** And below this many messages. */
const FRAME_MESSAGES_MAX = 1000;
/** One message alone may be larger than a shared frame (a snapshot of views, a `prepare` of many operations), up to this. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes waiting for a peer that does not take them; beyond it the link is dropped and the protocol sends again later. */
export const OUTBOUND_BYTES_MAX = 64 * 1024 * 1024;
/** How long a message that may wait does so for another one to share a frame with. */
const COMPANY_MS_MAX = 2;
/** How long an ended link may take to hand over its last bytes. */
const ENDING_MS_MAX = 500;

/** What one link needs of its owner. */
export interface PeerLinkOptions {
  readonly socket: Socket;
  /** For the Host header of the frames. */
  readonly host: string;
  readonly timings: { readonly heartbeatMs: number; readonly deadMs: number };
  readonly clock: () => Moment;
  readonly durableSeq: () => number;
  /** Written here, read by the owner. */
  readonly memory: PeerMemory;
  /** False: heartbeats of ours echo none of the peer's. */
  readonly echoes: () => boolean;
  /** A throw of ParleyError loses the link; any other throw is a bug and is not caught. */
  readonly onMessage: (message: unknown) => void;
  /** True: nobody waits for this message, so it may leave a little later; order is kept. If not given, none may. */
  readonly mayWait: ((type: string) => boolean) | undefined;
  readonly onLost: (why: string) => void;
  /** A message of ours that no peer would take: a bug or a missing limit above; it is skipped. */
  readonly onTooLarge: (type: string, bytes: number) => void;
}

/** See the header. */
export class PeerLink {
  readonly heartbeats = new HeartbeatBook();
  readonly #options: PeerLinkOptions;
  readonly #date: HttpDate;
  readonly #reader = new RequestReader({ bodyBytesMax: MESSAGE_BYTES_MAX });
  #phase: 'open' | 'ending' | 'closed' = 'open';
  #outbox: { type: string }[] = [];
  #flushing: NodeJS.Immediate | undefined = undefined;
  #waiting: NodeJS.Timeout | undefined = undefined;
  #beating: NodeJS.Timeout | undefined = undefined;
  #countedAtMs: number;
  #silentMs = 0;

  /** Takes the socket over; messages may be queued at once, reading begins with start(). */
  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#date = new HttpDate(() => options.clock().wallMs);
    this.#countedAtMs = options.clock().ms;
    const { socket } = options;
    socket.setTimeout(0).setNoDelay(true);
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lose(error.code ?? error.message));
    // An ending link is left alone: what it still has to write, it writes.
    socket.on('end', () => this.isOpen && this.#lose('closed by the peer'));
    socket.on('close', () => this.#lose('closed'));
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Begins heartbeats and reading, first with what came behind the handshake. */
  start(rest: Buffer): void {
    if (!this.isOpen) return;
    this.#beat('own');
    this.#beating = setInterval(() => this.#tick(), this.#options.timings.heartbeatMs);
    if (rest.length > 0) this.#hear(rest);
    this.#options.socket.on('data', (chunk: Buffer) => this.#hear(chunk)).resume();
  }

  /**
   * Queues a message; it leaves at the end of this turn of the event loop, or, if it may wait, with the next one that
   * may not and after 2 ms at most. False when the link is not open.
   */
  send(message: { readonly type: string }): boolean {
    if (!this.isOpen) return false;
    const { mayWait, memory } = this.#options;
    memory.sentMessages += 1;
    if (mayWait?.(message.type) === true) this.#queuePatiently(message);
    else this.#queue(message);
    return true;
  }

  /** Writes what is queued now instead of at the end of this turn. */
  flush(): void {
    this.#flush();
  }

  /** Closes by our own will: what is queued is written, what still comes is not read. */
  end(): void {
    if (!this.isOpen) return;
    this.#flush();
    // The flush itself may have lost the link.
    if (!this.isOpen) return;
    this.#phase = 'ending';
    this.#stopTimers();
    const { socket } = this.#options;
    const deadline = setTimeout(() => socket.destroy(), ENDING_MS_MAX);
    socket.once('close', () => clearTimeout(deadline));
    socket.end();
    // Nobody reads any more, but the peer's FIN must be seen.
    socket.resume();
  }

  #lose(why: string): void {
    const wasOpen = this.isOpen;
    this.#phase = 'closed';
    this.#stopTimers();
    this.#outbox = [];
    this.#options.socket.destroy();
    if (wasOpen) this.#options.onLost(why);
  }

  #stopTimers(): void {
    clearInterval(this.#beating);
    clearImmediate(this.#flushing);
    clearTimeout(this.#waiting);
  }

  #queue(message: { readonly type: string }): void {
    this.#outbox.push(message);
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #queuePatiently(message: { readonly type: string }): void {
    this.#outbox.push(message);
    if (this.#flushing === undefined) this.#waiting ??= setTimeout(() => this.#flush(), COMPANY_MS_MAX);
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    clearTimeout(this.#waiting);
    this.#flushing = undefined;
    this.#waiting = undefined;
    if (!this.isOpen) return;
    const messages = this.#outbox;
    this.#outbox = [];
    const { socket } = this.#options;
    socket.cork();
    for (let from = 0; from < messages.length; from += FRAME_MESSAGES_MAX) {
      this.#write(messages.slice(from, from + FRAME_MESSAGES_MAX));
    }
    socket.uncork();
    if (socket.writableLength > OUTBOUND_BYTES_MAX) this.#lose(`${socket.writableLength} bytes wait unread`);
  }

  /** Halves until each frame is small enough: most batches are, so most are encoded once. */
  #write(messages: readonly { type: string }[]): void {
    const frame = encodeMessages(messages, { host: this.#options.host, date: this.#date.now() });
    if (frame.length > FRAME_BODY_BYTES_MAX && messages.length > 1) {
      const middle = Math.ceil(messages.length / 2);
      this.#write(messages.slice(0, middle));
      this.#write(messages.slice(middle));
      return;
    }
    if (frame.length > MESSAGE_BYTES_MAX) return this.#options.onTooLarge(messages[0]?.type ?? '', frame.length);
    this.#options.memory.sentFrames += 1;
    this.#options.memory.sentBytes += frame.length;
    this.#options.socket.write(frame);
  }

  #beat(kind: 'own' | 'answer'): void {
    const { clock, durableSeq, echoes, memory } = this.#options;
    const at = clock();
    const heartbeat = this.heartbeats.next({ at, durableSeq: durableSeq(), kind, echoes: echoes() });
    if (heartbeat.echo > 0) memory.lastAnswerAt = at;
    this.#queue(heartbeat);
  }

  #tick(): void {
    const { heartbeatMs, deadMs } = this.#options.timings;
    const nowMs = this.#options.clock().ms;
    this.#silentMs += Math.min(nowMs - this.#countedAtMs, 2 * heartbeatMs);
    this.#countedAtMs = nowMs;
    this.#beat('own');
    // Timers come before sockets in a turn: what waits there is read before the immediate runs.
    if (this.#silentMs >= deadMs) setImmediate(() => this.#judgeSilence(deadMs));
  }

  #judgeSilence(deadMs: number): void {
    if (this.isOpen && this.#silentMs >= deadMs) this.#lose(`silent for ${Math.round(this.#silentMs)} ms`);
  }

  #hear(chunk: Buffer): void {
    if (!this.isOpen) return;
    this.#silentMs = 0;
    this.#countedAtMs = this.#options.clock().ms;
    this.#reader.push(chunk);
    try {
      while (this.isOpen && this.#takeFrame() === 'taken');
    } catch (error) {
      // What a peer sent is judged here; anything else is a bug of ours and ends the process.
      if (!(error instanceof ParleyError)) throw error;
      this.#lose(`${error.code}: ${error.message}`);
    }
  }

  #takeFrame(): 'taken' | 'need-more' {
    const next = this.#reader.next();
    switch (next.type) {
      case 'need-more':
      case 'end':
        return 'need-more';
      case 'head':
        return 'taken';
      case 'error':
        throw next.error;
      case 'request':
        for (const message of decodeMessages(next.head, next.body)) this.#take(message);
        return 'taken';
    }
  }

  #take(message: unknown): void {
    // The receiver of the message before may have ended this link.
    if (!this.isOpen) return;
    const { memory, onMessage } = this.#options;
    if (isHeartbeat(message)) {
      const wanted = this.heartbeats.receive(message);
      memory.durableSeq = this.heartbeats.peerDurableSeq;
      if (wanted === 'answer') this.#beat('answer');
      return;
    }
    memory.receivedMessages += 1;
    onMessage(message);
  }
}
