/**
 * Bytes that have arrived and are not used up yet. One store with two cursors:
 *
 * ```
 *   0 <= start <= end <= store.length        unread bytes: [start, end)
 *   start === end implies start === 0        an empty buffer is at its beginning
 * ```
 *
 * The store at least doubles when it grows, and is packed only when half of it
 * is free, so that n bytes in pieces of any size cost O(n) copying. The first
 * piece into an empty buffer is adopted, not copied: whoever pushes it must not
 * write to it any more. An adopted piece is never written to here either.
 */
import { assert } from '../base/assert.ts';

const EMPTY: Buffer = Buffer.alloc(0);
/** The least store that is made, in octets: a head of usual size. */
const STORE_BYTES_MIN = 1024;

/** See the header. No limit of its own: readers stop taking before it grows past theirs. */
export class ReceiveBuffer {
  #store: Buffer = EMPTY;
  /** True when the store was made here and may be written to. */
  #owned = false;
  #start = 0;
  #end = 0;

  /** Octets not used up. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Appends; takes the ownership of `chunk`. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.length === 0) {
      this.#store = chunk;
      this.#owned = false;
      this.#start = 0;
      this.#end = chunk.length;
    } else {
      this.#makeRoom(chunk.length);
      chunk.copy(this.#store, this.#end);
      this.#end += chunk.length;
    }
    this.#assertInvariants();
  }

  /** A view of what is unread; valid until the next call of any other method. */
  unread(): Buffer {
    return this.#store.subarray(this.#start, this.#end);
  }

  /** Uses up `bytes` octets. */
  consume(bytes: number): void {
    assert(bytes >= 0 && bytes <= this.length, 'no more is consumed than is there');
    this.#start += bytes;
    if (this.#start === this.#end) this.#forget();
    this.#assertInvariants();
  }

  /** Uses up `bytes` octets and gives a copy of them. */
  take(bytes: number): Buffer {
    assert(bytes >= 0 && bytes <= this.length, 'no more is taken than is there');
    const copy = Buffer.from(this.#store.subarray(this.#start, this.#start + bytes));
    this.consume(bytes);
    return copy;
  }

  /** Uses up everything and gives it, without a copy. */
  takeAll(): Buffer {
    const all = this.unread();
    this.#forget();
    return all;
  }

  #forget(): void {
    this.#store = EMPTY;
    this.#owned = false;
    this.#start = 0;
    this.#end = 0;
  }

  #makeRoom(bytes: number): void {
    const needed = this.length + bytes;
    if (this.#owned && this.#end + bytes <= this.#store.length) return;
    if (this.#owned && needed <= this.#store.length / 2) {
      this.#store.copyWithin(0, this.#start, this.#end);
    } else {
      const grown = Buffer.allocUnsafeSlow(Math.max(STORE_BYTES_MIN, 2 * needed));
      this.#store.copy(grown, 0, this.#start, this.#end);
      this.#store = grown;
      this.#owned = true;
    }
    this.#end -= this.#start;
    this.#start = 0;
  }

  #assertInvariants(): void {
    assert(this.#start <= this.#end && this.#end <= this.#store.length, '0 <= start <= end <= store.length');
    assert(this.#start < this.#end || this.#start === 0, 'an empty buffer is at its beginning');
  }
}
