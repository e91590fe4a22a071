/** A socket whose other side is this process: octets are put in, and what is answered is collected. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** See the header. Only what a server of HTTP touches of a socket. */
export class MemorySocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly #written: Buffer[] = [];

  constructor() {
    super({ allowHalfOpen: true, emitClose: true });
  }

  /** All that was answered so far, one character per octet. */
  get answered(): string {
    return Buffer.concat(this.#written).toString('latin1');
  }

  /** As a server takes it. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** Puts the octets in, cut at these places, and FIN behind them. */
  feed(bytes: Buffer, cuts: readonly number[]): void {
    const places = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
    let from = 0;
    for (const to of places) {
      // A copy: who reads a piece owns it.
      if (to > from) this.push(Buffer.from(bytes.subarray(from, to)));
      from = to;
    }
    this.push(null);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  override _read(): void {
    // Everything is pushed by feed().
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#written.push(Buffer.from(chunk));
    done();
  }

  override _final(done: () => void): void {
    done();
  }
}
