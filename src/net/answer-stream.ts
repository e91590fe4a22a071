/** The ByteStream of one answer: chunks (HTTP/1.1) or bare bytes (HTTP/1.0) on a connection that is shared with nobody meanwhile. */
import { chunk, LAST_CHUNK } from '../wire/frame-writer.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Connection } from './connection.ts';
import { SharedBytes } from './shared-bytes.ts';

/** What may wait for one reader; one that is further behind is dropped, so that it costs the others nothing. */
export const STREAM_WAITING_BYTES_MAX = 1024 * 1024;

/** See the header. */
export class AnswerStream implements ByteStream {
  readonly #connection: Connection;
  readonly #isChunked: boolean;
  readonly #onEnd: () => void;
  #listeners: (() => void)[] = [];
  #isOpen = true;

  /** @param onEnd the body is complete; not called by fall() */
  constructor(connection: Connection, isChunked: boolean, onEnd: () => void) {
    this.#connection = connection;
    this.#isChunked = isChunked;
    this.#onEnd = onEnd;
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#connection.isOpen;
  }

  get waitingBytes(): number {
    return this.#connection.waitingBytes;
  }

  write(data: Buffer | string | SharedBytes): boolean {
    if (!this.isOpen) return false;
    if (data instanceof SharedBytes) return this.#send(this.#isChunked ? data.chunk : data.bytes);
    const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
    return this.#send(this.#isChunked ? chunk(bytes) : bytes);
  }

  close(): void {
    if (!this.#isOpen) return;
    if (this.#isChunked) this.#connection.write(LAST_CHUNK);
    this.fall();
    this.#onEnd();
  }

  onClose(listener: () => void): void {
    if (this.#isOpen) this.#listeners.push(listener);
    else listener();
  }

  /** The connection is gone: tells the listeners. */
  fall(): void {
    this.#isOpen = false;
    for (const listener of this.#listeners.splice(0)) listener();
  }

  /** @param bytes as they are on the wire */
  #send(bytes: Buffer): boolean {
    if (this.#connection.waitingBytes + bytes.length > STREAM_WAITING_BYTES_MAX) {
      this.#connection.destroy();
      this.fall();
      return false;
    }
    this.#connection.write(bytes);
    return true;
  }
}
