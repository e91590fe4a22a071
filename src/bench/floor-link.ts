/**
 * A link of the floor: frames like those of the peer stream, with the bytes of
 * real messages and nothing in them but how many there are of two kinds.
 *
 *   POST /messages HTTP/1.1 … Counts: <first> <second> … Content-Length: <bytes> CRLF CRLF <lines>
 */
import type { Socket } from 'node:net';

/** Bytes of the two kinds of messages that go one way. */
export interface FloorKinds {
  readonly firstBytes: number;
  readonly secondBytes: number;
}

const HEAD_START = 'POST /messages HTTP/1.1\r\nHost: 127.0.0.1:7201\r\nUser-Agent: parley/0.1\r\nCounts: ';
const HEAD_MIDDLE = '\r\nDate: Sat, 21 Nov 2026 01:55:26 GMT\r\nContent-Type: application/x-ndjson\r\nContent-Length: ';
const DIGITS = 8;
const FIRST_AT = HEAD_START.length;
const SECOND_AT = FIRST_AT + DIGITS + 1;
const LENGTH_AT = SECOND_AT + DIGITS + HEAD_MIDDLE.length;
const HEAD_BYTES = LENGTH_AT + DIGITS + 4;
const FILLER = Buffer.alloc(1024 * 1024, 'x');

/** See the header. Messages of one turn of the event loop share a frame. */
export class FloorLink {
  readonly #socket: Socket;
  readonly #out: FloorKinds;
  readonly #onCounts: (first: number, second: number) => void;
  #first = 0;
  #second = 0;
  #flushing: NodeJS.Immediate | undefined;
  /** What came and is no whole frame yet. */
  #head: Buffer = Buffer.alloc(0);
  #bodyLeft = 0;
  #counts: readonly [number, number] = [0, 0];

  constructor(socket: Socket, out: FloorKinds, onCounts: (first: number, second: number) => void) {
    this.#socket = socket;
    this.#out = out;
    this.#onCounts = onCounts;
    socket.setNoDelay(true).on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => undefined);
  }

  /** Queues messages of the two kinds. */
  send(first: number, second: number): void {
    this.#first += first;
    this.#second += second;
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = undefined;
    const bytes = this.#first * this.#out.firstBytes + this.#second * this.#out.secondBytes;
    const [first, second, length] = [this.#first, this.#second, bytes].map((count) => String(count).padStart(DIGITS));
    const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes);
    frame.write(`${HEAD_START}${first} ${second}${HEAD_MIDDLE}${length}\r\n\r\n`, 0, 'latin1');
    for (let at = HEAD_BYTES; at < frame.length; at += FILLER.length) FILLER.copy(frame, at);
    this.#first = 0;
    this.#second = 0;
    this.#socket.write(frame);
  }

  #receive(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length || this.#bodyLeft === 0) {
      if (this.#bodyLeft > 0) {
        const taken = Math.min(this.#bodyLeft, chunk.length - at);
        at += taken;
        this.#bodyLeft -= taken;
        if (this.#bodyLeft === 0) this.#onCounts(...this.#counts);
        continue;
      }
      const missing = HEAD_BYTES - this.#head.length;
      const piece = chunk.subarray(at, at + missing);
      this.#head = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece]);
      at += piece.length;
      if (this.#head.length < HEAD_BYTES) return;
      const number = (from: number): number => Number(this.#head.toString('latin1', from, from + DIGITS));
      this.#counts = [number(FIRST_AT), number(SECOND_AT)];
      this.#bodyLeft = number(LENGTH_AT);
      this.#head = Buffer.alloc(0);
    }
  }
}
