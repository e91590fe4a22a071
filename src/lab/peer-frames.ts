/**
 * The messages on one direction of a peer stream, as a proxy sees them pass:
 *
 * ```
 *   head of the handshake CRLF CRLF │ frame │ frame │ …        (docs/wire.md)
 * ```
 *
 * Frames that nobody asks about go on as the very bytes that came. A frame of
 * which a message is to be held back, lost or repeated is taken apart, and the
 * messages that go on are frames of their own. Bytes that are no frames go on
 * as they are: it is the receiver's to refuse them.
 */
import { encodeMessages, decodeMessages } from '../wire/message-codec.ts';
import { RequestReader } from '../wire/frame-reader.ts';

/** A message on its way, as its sender encoded it. */
export interface PassingMessage {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** What becomes of a message: it goes on, so many times; or the connection breaks off before it. */
export type Verdict = { readonly times: number } | 'break';

const HEAD_END = Buffer.from('\r\n\r\n');
const SWITCHED = 'HTTP/1.1 101';
const LENGTH = /\r\nContent-Length: (\d{1,9})\r\n/i;
/** Beyond what any peer takes, bytes are no frame. */
const FRAME_BYTES_MAX = 17 * 1024 * 1024;

/** See the header. Feed it the bytes of one direction, in order. */
export class PeerFrames {
  readonly #judge: (message: PassingMessage) => Verdict;
  readonly #onBreak: () => void;
  #phase: 'handshake' | 'frames' | 'opaque' | 'broken' = 'handshake';
  #rest: Buffer = Buffer.alloc(0);

  constructor(judge: (message: PassingMessage) => Verdict, onBreak: () => void) {
    this.#judge = judge;
    this.#onBreak = onBreak;
  }

  /** What goes on of these bytes and those kept back before. */
  push(bytes: Buffer): readonly Buffer[] {
    if (this.#phase === 'opaque') return [bytes];
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const out: Buffer[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) out.push(...this.#judged(frame));
    return out;
  }

  /** The part of a frame that is not whole; no more comes. */
  takeRest(): readonly Buffer[] {
    const rest = this.#cut(this.#rest.length);
    return rest.length === 0 || this.#phase === 'broken' ? [] : [rest];
  }

  /** The next whole frame, or head of the handshake. */
  #next(): Buffer | undefined {
    if (this.#phase === 'broken') return undefined;
    if (this.#rest.length === 0) return undefined;
    if (this.#phase === 'opaque') return this.#cut(this.#rest.length);
    const at = this.#rest.indexOf(HEAD_END);
    if (at === -1) return this.#rest.length > FRAME_BYTES_MAX ? this.#giveUp() : undefined;
    const headBytes = at + HEAD_END.length;
    if (this.#phase === 'handshake') return this.#cut(headBytes);
    const length = LENGTH.exec(this.#rest.subarray(0, headBytes).toString('latin1'))?.[1];
    if (length === undefined || Number(length) > FRAME_BYTES_MAX) return this.#giveUp();
    const frameBytes = headBytes + Number(length);
    return this.#rest.length < frameBytes ? undefined : this.#cut(frameBytes);
  }

  #cut(bytes: number): Buffer {
    const frame = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return frame;
  }

  #giveUp(): Buffer {
    this.#phase = 'opaque';
    return this.#cut(this.#rest.length);
  }

  #judged(frame: Buffer): readonly Buffer[] {
    if (this.#phase === 'handshake') {
      // An answer that is no 101 ends in a body, which is nobody's frame.
      const start = frame.subarray(0, SWITCHED.length).toString('latin1');
      const isRefusal = start.startsWith('HTTP/') && start !== SWITCHED;
      this.#phase = isRefusal ? 'opaque' : 'frames';
      return [frame];
    }
    if (this.#phase === 'opaque') return [frame];
    const read = messagesIn(frame);
    if (read === undefined) return [frame];
    const out: Buffer[] = [];
    let isWhole = true;
    for (const message of read.messages) {
      const verdict = this.#judge(message);
      if (verdict === 'break') {
        this.#phase = 'broken';
        this.#onBreak();
        return out;
      }
      isWhole &&= verdict.times === 1;
      for (let time = 0; time < verdict.times; time += 1) out.push(encodeMessages([message], read.address));
    }
    return isWhole ? [frame] : out;
  }
}

/** The messages of a frame, and what its head says of where it goes; undefined when it is no frame of messages. */
function messagesIn(frame: Buffer) {
  const reader = new RequestReader({ bodyBytesMax: FRAME_BYTES_MAX });
  reader.push(frame);
  for (;;) {
    const next = reader.next();
    if (next.type === 'head') continue;
    if (next.type !== 'request') return undefined;
    const { host = '', date = '' } = next.head.headers;
    try {
      return { messages: decodeMessages(next.head, next.body) as readonly PassingMessage[], address: { host, date } };
    } catch {
      return undefined;
    }
  }
}
