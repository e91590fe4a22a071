/**
 * The body behind a head, in one of four framings (RFC 9112 §6.3), moved from
 * the receive buffer to a store of decoded octets.
 *
 * ```
 *   none         done at once
 *   length       done after so many octets
 *   until-close  done by FIN (responses only)
 *   chunked      line ─> data ─> data-cr ─> data-lf ─> line ... line of size 0 ─> trailers ─> done
 * ```
 */
import { assert } from '../base/assert.ts';
import { ChunkLine } from './chunk-line.ts';
import { FieldScanner } from './field-scanner.ts';
import { FrameError } from './frame.ts';
import type { FrameLimits } from './frame.ts';
import { TRAILER_FIELDS } from './framing-fields.ts';
import { CR, LF } from './octets.ts';
import { ReceiveBuffer } from './receive-buffer.ts';

/** Which body follows a head. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

type ChunkState =
  | { readonly name: 'line'; readonly line: ChunkLine }
  | { readonly name: 'data'; left: number }
  | { readonly name: 'data-cr' }
  | { readonly name: 'data-lf' }
  | { readonly name: 'trailers'; readonly fields: FieldScanner; at: number }
  | { readonly name: 'done' };

/** Reads one body. */
export class BodyReader {
  readonly #framing: BodyFraming;
  readonly #limits: FrameLimits;
  readonly #inPieces: boolean;
  readonly #decoded = new ReceiveBuffer();
  #decodedBytes = 0;
  #extensionBytes = 0;
  /** Made when the first chunk is looked for: most bodies have none. */
  #chunk: ChunkState | undefined = undefined;

  /** @param inPieces what has arrived is wanted at once, and the sum is not limited (a stream) */
  constructor(framing: BodyFraming, limits: FrameLimits, inPieces: boolean) {
    this.#framing = framing;
    this.#limits = limits;
    this.#inPieces = inPieces;
  }

  /**
   * Moves what it can. `isEnded` says that no octet will follow what is in `buffer`.
   * @throws FrameError `bad-frame`, `too-large`, `head-too-large`
   */
  advance(buffer: ReceiveBuffer, isEnded: boolean): 'need-more' | 'done' {
    switch (this.#framing.kind) {
      case 'none':
        return 'done';
      case 'length':
        return this.#advanceLength(buffer, this.#framing.bytes);
      case 'until-close':
        this.#keep(buffer.takeAll());
        return isEnded ? 'done' : 'need-more';
      case 'chunked':
        return this.#advanceChunked(buffer);
    }
  }

  /** The octets decoded since the last call; the whole body once done, if never called before. */
  takeDecoded(): Buffer {
    return this.#decoded.takeAll();
  }

  #advanceLength(buffer: ReceiveBuffer, bytes: number): 'need-more' | 'done' {
    const missing = bytes - this.#decodedBytes;
    // A whole body is copied once, when it is there.
    if (buffer.length < missing && !this.#inPieces) return 'need-more';
    this.#keep(buffer.take(Math.min(missing, buffer.length)));
    return this.#decodedBytes === bytes ? 'done' : 'need-more';
  }

  #keep(data: Buffer): void {
    this.#decodedBytes += data.length;
    if (!this.#inPieces && this.#decodedBytes > this.#limits.bodyBytesMax) {
      throw new FrameError('too-large', `The body is longer than ${this.#limits.bodyBytesMax} octets.`);
    }
    this.#decoded.push(data);
  }

  #newLine(): ChunkLine {
    const room = this.#limits.bodyBytesMax - this.#decodedBytes;
    return new ChunkLine(this.#inPieces ? Number.MAX_SAFE_INTEGER : room);
  }

  #advanceChunked(buffer: ReceiveBuffer): 'need-more' | 'done' {
    for (;;) {
      const state = (this.#chunk ??= { name: 'line', line: this.#newLine() });
      if (state.name === 'done') return 'done';
      if (buffer.length === 0) return 'need-more';
      if (state.name === 'trailers') {
        if (!this.#scanTrailers(buffer, state)) return 'need-more';
      } else if (state.name === 'data') {
        const data = buffer.take(Math.min(state.left, buffer.length));
        state.left -= data.length;
        this.#keep(data);
        if (state.left === 0) this.#chunk = { name: 'data-cr' };
      } else {
        this.#scanLineOctets(buffer, state);
      }
    }
  }

  /** Everything of a chunk that is neither data nor trailer, as far as the buffer goes. */
  #scanLineOctets(buffer: ReceiveBuffer, from: ChunkState): void {
    const view = buffer.unread();
    let at = 0;
    let state = from;
    while (at < view.length && (state.name === 'line' || state.name.startsWith('data-'))) {
      this.#lineOctet(state, view[at] ?? 0);
      at += 1;
      state = this.#chunk ?? state;
    }
    buffer.consume(at);
  }

  #lineOctet(state: ChunkState, octet: number): void {
    if (state.name === 'data-cr') {
      if (octet !== CR) throw new FrameError('bad-frame', 'A chunk is not as long as its size says.');
      this.#chunk = { name: 'data-lf' };
    } else if (state.name === 'data-lf') {
      if (octet !== LF) throw new FrameError('bad-frame', 'CR without LF behind a chunk.');
      this.#chunk = { name: 'line', line: this.#newLine() };
    } else {
      assert(state.name === 'line', 'only lines and line ends are read octet by octet');
      const { line } = state;
      line.octet(octet);
      if (this.#extensionBytes + line.extensionBytes > this.#limits.chunkExtensionBytesMax) {
        throw new FrameError('head-too-large', 'The chunk extensions are too long.');
      }
      if (line.isDone) this.#endLine(line);
    }
  }

  #endLine(line: ChunkLine): void {
    this.#extensionBytes += line.extensionBytes;
    if (line.size > 0) {
      this.#chunk = { name: 'data', left: line.size };
      return;
    }
    const { trailerBytesMax: bytesMax, fieldsMax } = this.#limits;
    this.#chunk = { name: 'trailers', fields: new FieldScanner({ bytesMax, fieldsMax }, TRAILER_FIELDS), at: 0 };
  }

  /** Trailers obey the rules of fields and are dropped: none of ours means anything. */
  #scanTrailers(buffer: ReceiveBuffer, state: { readonly fields: FieldScanner; at: number }): boolean {
    state.at = state.fields.scan(buffer.unread(), state.at);
    if (!state.fields.isDone) return false;
    buffer.consume(state.at);
    this.#chunk = { name: 'done' };
    return true;
  }
}
