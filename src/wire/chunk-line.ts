/**
 * The line before each chunk (RFC 9112 §7.1): a size in bare hexadecimal,
 * extensions, CR LF. Extensions mean nothing here, but they are read by their
 * grammar, since what a lenient reader skips may be a line end to another.
 *
 * ```
 *   size ─ ";" ─> name-start ─ token ─> name ─ "=" ─> value-start ─┬─ token ─> value
 *     │             ^──────── ";" ── from name, value, behind-quoted └─ DQUOTE ─> quoted ─ DQUOTE ─> behind-quoted
 *     └─ CR ─> lf ─ LF ─> done          (CR also from name, value, behind-quoted)
 * ```
 */
import {
  BACKSLASH,
  CR,
  EQUALS,
  hexValue,
  HTAB,
  is,
  LF,
  octetName,
  QUOTE,
  SEMICOLON,
  SP,
  TOKEN,
  VISIBLE,
} from './octets.ts';
import { FrameError } from './frame.ts';

type State =
  'size' | 'name-start' | 'name' | 'value-start' | 'value' | 'quoted' | 'escaped' | 'behind-quoted' | 'lf' | 'done';

/** 2^64 has 16 digits; more are zeros that only hide something. */
const SIZE_DIGITS_MAX = 16;

/** Reads one line, octet by octet. */
export class ChunkLine {
  /** The size so far; complete once isDone. */
  size = 0;
  /** Octets of extensions on this line, semicolons included. */
  extensionBytes = 0;
  readonly #sizeMax: number;
  #state: State = 'size';
  #digits = 0;

  /** @param sizeMax a larger chunk is refused when its size is known, before any of it is read */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** @throws FrameError `bad-frame`, `too-large` */
  octet(octet: number): void {
    if (this.#state === 'size') return this.#inSize(octet);
    if (this.#state === 'lf') {
      if (octet !== LF) throw new FrameError('bad-frame', 'CR without LF behind a chunk size.');
      this.#state = 'done';
      return;
    }
    const next = this.#afterExtension(octet);
    if (next === undefined) throw new FrameError('bad-frame', `A chunk extension has ${octetName(octet)}.`);
    this.#state = next;
    if (next !== 'lf') this.extensionBytes += 1;
  }

  #inSize(octet: number): void {
    const digit = hexValue(octet);
    if (digit >= 0) {
      this.#digits += 1;
      if (this.#digits > SIZE_DIGITS_MAX) throw new FrameError('bad-frame', 'A chunk size has more than 16 digits.');
      this.size = this.size * 16 + digit;
      return;
    }
    if (this.#digits > 0 && this.size > this.#sizeMax && (octet === SEMICOLON || octet === CR)) {
      throw new FrameError('too-large', 'The chunks are larger than what is taken.');
    }
    if (this.#digits > 0 && octet === SEMICOLON) {
      this.#state = 'name-start';
      this.extensionBytes += 1;
    } else if (this.#digits > 0 && octet === CR) {
      this.#state = 'lf';
    } else {
      throw new FrameError('bad-frame', `A chunk size has ${octetName(octet)} in or behind it.`);
    }
  }

  #afterExtension(octet: number): State | undefined {
    switch (this.#state) {
      case 'name-start':
        return is(octet, TOKEN) ? 'name' : undefined;
      case 'name':
        if (octet === EQUALS) return 'value-start';
        return is(octet, TOKEN) ? 'name' : ending(octet);
      case 'value-start':
        if (octet === QUOTE) return 'quoted';
        return is(octet, TOKEN) ? 'value' : undefined;
      case 'value':
        return is(octet, TOKEN) ? 'value' : ending(octet);
      case 'quoted':
        if (octet === QUOTE) return 'behind-quoted';
        if (octet === BACKSLASH) return 'escaped';
        return isText(octet) ? 'quoted' : undefined;
      case 'escaped':
        return isText(octet) ? 'quoted' : undefined;
      default:
        return ending(octet);
    }
  }
}

function ending(octet: number): State | undefined {
  if (octet === SEMICOLON) return 'name-start';
  return octet === CR ? 'lf' : undefined;
}

function isText(octet: number): boolean {
  return octet === SP || octet === HTAB || is(octet, VISIBLE);
}
