/**
 * The fields that say where a frame ends and whom it is for. They are judged
 * while they arrive, because two readers that disagree about them is how one
 * request is smuggled inside another (RFC 9112 §6.3, §11.2).
 *
 * | field | rule |
 * | --- | --- |
 * | Content-Length | once, digits only, not with Transfer-Encoding; in requests no zeros before it, below 2^53 |
 * | Transfer-Encoding | once, `chunked` in any case, not in HTTP/1.0, not with Content-Length |
 * | Host (requests) | once, a host; equal to the authority of an absolute target |
 * | Content_Length, Transfer_Encoding (requests) | never: servers behind, or scripts, may take them for the above |
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

/** Judges fields by their names, and names who must see a value. */
export interface FieldJudge {
  /** @throws FrameError `bad-frame` when this field cannot stand here whatever its value */
  begin(name: string): ValueWatcher | undefined;
}

/** What the start line already said. */
export interface StartLineFacts {
  readonly side: 'request' | 'response';
  readonly minor: 0 | 1;
  /** The authority of an absolute target, in normal form. */
  readonly authority: string | undefined;
}

/** Collects and judges the framing of one head. */
export class FramingFields implements FieldJudge {
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
        return (this.#length = new LengthWatcher(this.#facts.side));
      case 'transfer-encoding':
        if (this.#coding !== undefined) throw new FrameError('bad-frame', 'Transfer-Encoding is there twice.');
        if (this.#length !== undefined) throw bothLengths();
        if (this.#facts.minor === 0) throw new FrameError('bad-frame', 'HTTP/1.0 has no Transfer-Encoding.');
        return (this.#coding = new CodingWatcher());
      case 'host':
        if (this.#facts.side === 'response') return undefined;
        if (this.#host !== undefined) throw new FrameError('bad-frame', 'Host is there twice.');
        return (this.#host = new HostWatcher(this.#facts.authority));
      case 'content_length':
      case 'transfer_encoding':
        if (this.#facts.side === 'response') return undefined;
        throw new FrameError('bad-frame', `${name} would be taken for another field elsewhere.`);
      default:
        return undefined;
    }
  }
}

/**
 * Fields that no trailer may be, because they say how a message is framed, for whom it is, whose it is or what its
 * content is (RFC 9110 §6.5.1). A reader that merged them would be told so behind the back of one that does not.
 */
const NEVER_TRAILERS: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'content_length', 'transfer_encoding', 'trailer', 'te'],
  ...['host', 'connection', 'upgrade', 'expect', 'max-forwards', 'range', 'cache-control'],
  ...['authorization', 'proxy-authorization', 'cookie', 'set-cookie'],
  ...['content-type', 'content-encoding', 'content-range'],
]);

/** Judges trailers by their names; their values mean nothing here. */
export const TRAILER_FIELDS: FieldJudge = {
  begin(name) {
    if (NEVER_TRAILERS.has(name)) throw new FrameError('bad-frame', `${name} cannot be a trailer.`);
    return undefined;
  },
};

function bothLengths(): FrameError {
  return new FrameError('bad-frame', 'Content-Length and Transfer-Encoding contradict each other.');
}

/**
 * Digits. Of requests without zeros before them, which some readers take for octal, and below 2^53; answers are read
 * as servers in use write them: zeros are decimal, and what is too large to hold stays too large.
 */
class LengthWatcher implements ValueWatcher {
  value = 0;
  readonly #side: 'request' | 'response';
  #digits = 0;

  constructor(side: 'request' | 'response') {
    this.#side = side;
  }

  octet(octet: number): void {
    if (octet < 0x30 || octet > 0x39) {
      throw new FrameError('bad-frame', `Content-Length has ${octetName(octet)}, which is no digit.`);
    }
    if (this.#side === 'request') this.#assertExact(octet);
    this.#digits += 1;
    this.value = Math.min(this.value * 10 + (octet - 0x30), Number.MAX_SAFE_INTEGER);
  }

  end(): void {
    if (this.#digits === 0) throw new FrameError('bad-frame', 'Content-Length is empty.');
  }

  #assertExact(octet: number): void {
    if (this.#digits > 0 && this.value === 0) throw new FrameError('bad-frame', 'Content-Length begins with a zero.');
    if (this.value * 10 + (octet - 0x30) > Number.MAX_SAFE_INTEGER) {
      throw new FrameError('bad-frame', 'Content-Length is too large to be a length.');
    }
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
