/**
 * The fields that say where a frame ends and whom it is for. They are judged
 * while they arrive, because two readers that disagree about them is how one
 * request is smuggled inside another (RFC 9112 §6.3, §11.2).
 *
 * | field | rule |
 * | --- | --- |
 * | Content-Length | once, digits only, not with Transfer-Encoding |
 * | Transfer-Encoding | once, `chunked` in any case, not in HTTP/1.0, not with Content-Length |
 * | Host (requests) | once, a host; equal to the authority of an absolute target |
 */
import { octetName } from './octets.ts';
import { FrameError } from './frame.ts';
import { HostScanner } from './host-grammar.ts';

/** Judges one field value; white space around it is not shown to it. */
export interface ValueWatcher {
  /** Every octet of the value, in order. */
  octet(octet: number): void;
  /** The value is complete. */
  end(): void;
}

/** What the start line already said. */
export interface StartLineFacts {
  readonly side: 'request' | 'response';
  readonly minor: 0 | 1;
  /** The authority of an absolute target, in normal form. */
  readonly authority: string | undefined;
}

/** Collects and judges the framing of one head. */
export class FramingFields {
  readonly #facts: StartLineFacts;
  #length: LengthWatcher | undefined = undefined;
  #coding: CodingWatcher | undefined = undefined;
  #host: HostWatcher | undefined = undefined;

  constructor(facts: StartLineFacts) {
    this.#facts = facts;
  }

  /** The declared length, saturated at 2^53 - 1; undefined when there is none. */
  get contentLength(): number | undefined {
    return this.#length?.value;
  }

  get chunked(): boolean {
    return this.#coding !== undefined;
  }

  get hasHost(): boolean {
    return this.#host !== undefined;
  }

  /**
   * A field begins; gives who must see its value, if anybody.
   * @throws FrameError `bad-frame` when this field cannot stand here whatever its value
   */
  begin(name: string): ValueWatcher | undefined {
    switch (name) {
      case 'content-length':
        if (this.#length !== undefined) throw new FrameError('bad-frame', 'Content-Length is there twice.');
        if (this.#coding !== undefined) throw bothLengths();
        return (this.#length = new LengthWatcher());
      case 'transfer-encoding':
        if (this.#coding !== undefined) throw new FrameError('bad-frame', 'Transfer-Encoding is there twice.');
        if (this.#length !== undefined) throw bothLengths();
        if (this.#facts.minor === 0) throw new FrameError('bad-frame', 'HTTP/1.0 has no Transfer-Encoding.');
        return (this.#coding = new CodingWatcher());
      case 'host':
        if (this.#facts.side === 'response') return undefined;
        if (this.#host !== undefined) throw new FrameError('bad-frame', 'Host is there twice.');
        return (this.#host = new HostWatcher(this.#facts.authority));
      default:
        return undefined;
    }
  }
}

function bothLengths(): FrameError {
  return new FrameError('bad-frame', 'Content-Length and Transfer-Encoding contradict each other.');
}

/** Digits. Leading zeros are decimal; a length too large to hold stays too large. */
class LengthWatcher implements ValueWatcher {
  value = 0;
  #digits = 0;

  octet(octet: number): void {
    if (octet < 0x30 || octet > 0x39) {
      throw new FrameError('bad-frame', `Content-Length has ${octetName(octet)}, which is no digit.`);
    }
    this.#digits += 1;
    this.value = Math.min(this.value * 10 + (octet - 0x30), Number.MAX_SAFE_INTEGER);
  }

  end(): void {
    if (this.#digits === 0) throw new FrameError('bad-frame', 'Content-Length is empty.');
  }
}

const CHUNKED = 'chunked';

class CodingWatcher implements ValueWatcher {
  #matched = 0;

  octet(octet: number): void {
    // Setting bit 5 makes ASCII letters lower case; only "chunked" itself has letters there.
    if ((octet | 0x20) !== CHUNKED.charCodeAt(this.#matched)) throw onlyChunked();
    this.#matched += 1;
  }

  end(): void {
    if (this.#matched !== CHUNKED.length) throw onlyChunked();
  }
}

function onlyChunked(): FrameError {
  return new FrameError('bad-frame', 'The only Transfer-Encoding taken is chunked.');
}

class HostWatcher implements ValueWatcher {
  readonly #scanner = new HostScanner();
  readonly #authority: string | undefined;

  constructor(authority: string | undefined) {
    this.#authority = authority;
  }

  octet(octet: number): void {
    this.#scanner.octet(octet);
  }

  end(): void {
    this.#scanner.end();
    if (this.#authority !== undefined && this.#authority !== this.#scanner.normal) {
      throw new FrameError('bad-frame', 'Host and the authority of the target differ.');
    }
  }
}
