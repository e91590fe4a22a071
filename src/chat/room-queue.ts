/**
 * The lines of one room on their way into an append: at most one append is in
 * flight, and what arrives meanwhile rides in the next one. That gives a room
 * one order, and many lines one commit. A pure structure: room-writer.ts
 * gives it time and the wire.
 *
 * ```
 *   offer → waiting ── take ──> in flight ── finish ──> answered
 *              └─ withdraw: it was never sent, so nothing happened
 * ```
 */
import { assert } from '../base/assert.ts';
import { APPEND_LINES_MAX } from '../resources/operations.ts';
import type { SentLine } from './line-rules.ts';

/** Lines of one room that may wait; beyond it a client is told that the server is busy. */
export const WAITING_LINES_MAX = 2000;
/** Bytes of one append's lines as JSON; the coordinator takes 256 KiB in one request. */
export const APPEND_BYTES_MAX = 192 * 1024;

/**
 * What became of an offer: it waits, it joined a line of the same key that is
 * already here, there is no room for it, or its key stands for another line.
 */
export type Offer = 'waiting' | 'joined' | 'full' | 'key-taken';

/** A line with those who wait for its answer. */
export interface QueuedLine<Waiter> {
  readonly line: SentLine;
  readonly waiters: Set<Waiter>;
}

/** See the header. */
export class RoomQueue<Waiter> {
  readonly #waitingMax: number;
  readonly #waiting = new Map<string, QueuedLine<Waiter>>();
  #inFlight: ReadonlyMap<string, QueuedLine<Waiter>> | undefined = undefined;

  constructor(waitingMax: number = WAITING_LINES_MAX) {
    this.#waitingMax = waitingMax;
  }

  /** True when nothing waits and nothing is in flight. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#inFlight === undefined;
  }

  /** Lines that wait for the next append. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Adds a line, or a waiter to the line its key stands for. */
  offer(line: SentLine, waiter: Waiter): Offer {
    const known = this.#inFlight?.get(line.key) ?? this.#waiting.get(line.key);
    if (known !== undefined) {
      if (known.line.author !== line.author || known.line.text !== line.text) return 'key-taken';
      known.waiters.add(waiter);
      return 'joined';
    }
    if (this.#waiting.size >= this.#waitingMax) return 'full';
    this.#waiting.set(line.key, { line, waiters: new Set([waiter]) });
    return 'waiting';
  }

  /** The lines of the next append, in the order in which they came; undefined while one is in flight or none waits. */
  take(): readonly SentLine[] | undefined {
    if (this.#inFlight !== undefined || this.#waiting.size === 0) return undefined;
    const batch = new Map<string, QueuedLine<Waiter>>();
    let bytes = 0;
    for (const [key, queued] of this.#waiting) {
      bytes += Buffer.byteLength(JSON.stringify(queued.line));
      if (batch.size > 0 && (bytes > APPEND_BYTES_MAX || batch.size >= APPEND_LINES_MAX)) break;
      batch.set(key, queued);
    }
    for (const key of batch.keys()) this.#waiting.delete(key);
    this.#inFlight = batch;
    return [...batch.values()].map(({ line }) => line);
  }

  /** The append is over: its lines, for their answers. */
  finish(): readonly QueuedLine<Waiter>[] {
    assert(this.#inFlight !== undefined, 'only an append in flight is finished');
    const lines = [...this.#inFlight.values()];
    this.#inFlight = undefined;
    return lines;
  }

  /** The lines that wait; they wait no more and will not be sent. */
  dismiss(): readonly QueuedLine<Waiter>[] {
    const lines = [...this.#waiting.values()];
    this.#waiting.clear();
    return lines;
  }

  /** The line of a key in flight: a feed may show it committed before the append is answered. */
  inFlight(key: string): QueuedLine<Waiter> | undefined {
    return this.#inFlight?.get(key);
  }

  /**
   * A waiter waits no longer. `unsent`: its line was in no append, so it did not
   * and will not happen by this waiter; `in-flight`: it may happen.
   */
  withdraw(key: string, waiter: Waiter): 'unsent' | 'in-flight' {
    const inFlight = this.#inFlight?.get(key);
    if (inFlight !== undefined) {
      inFlight.waiters.delete(waiter);
      return 'in-flight';
    }
    const waiting = this.#waiting.get(key);
    waiting?.waiters.delete(waiter);
    if (waiting?.waiters.size === 0) this.#waiting.delete(key);
    return 'unsent';
  }
}
