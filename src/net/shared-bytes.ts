/**
 * Bytes of an endless answer that many readers get: they are encoded once, and
 * framed once. With a thousand readers of one room that is the difference
 * between one copy of a line and a thousand.
 */
import { chunk } from '../wire/frame-writer.ts';

/** See the header. Nobody may change the bytes once they are here. */
export class SharedBytes {
  readonly bytes: Buffer;
  #chunk: Buffer | undefined = undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The same bytes as one chunk (RFC 9112 §7.1), made when the first reader needs it. */
  get chunk(): Buffer {
    return (this.#chunk ??= chunk(this.bytes));
  }
}
