/**
 * The request line (RFC 9112 §3): method SP target SP version CR LF, with
 * exactly two single spaces. A machine over octets; see field-scanner.ts.
 *
 * | target | taken |
 * | --- | --- |
 * | `/path?query` | always |
 * | `http://host[:port]/path?query` | with a Host that is equal |
 * | `*` | with OPTIONS |
 * | `host:port` | with CONNECT |
 */
import { CR, is, LF, octetName, SP, TARGET, TOKEN } from './octets.ts';
import { FrameError } from './frame.ts';
import type { FrameLimits } from './frame.ts';
import { HostScanner } from './host-grammar.ts';

type State = 'method' | 'target-start' | 'scheme' | 'authority' | 'target' | 'asterisk' | 'version' | 'lf' | 'done';

const SLASH = 0x2f;
const ASTERISK = 0x2a;
const QUESTION = 0x3f;
const SCHEME = 'http://';
/** The `d` stand for one digit each. */
const VERSION = 'HTTP/d.d';

/** See the header. */
export class RequestLine {
  readonly #limits: FrameLimits;
  #state: State = 'method';
  #method = '';
  #target = '';
  #targetStart = 0;
  #path = '';
  #query = '';
  #authority: HostScanner | undefined = undefined;
  /** Octets matched of SCHEME or VERSION. */
  #matched = 0;
  #major = 0;
  #minor = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** The parts; whole once isDone. */
  get parts(): { method: string; target: string; path: string; query: string; minor: 0 | 1 } {
    const minor = this.#minor === 0 ? 0 : 1;
    return { method: this.#method, target: this.#target, path: this.#path, query: this.#query, minor };
  }

  /** The authority of an absolute target, in normal form. */
  get authority(): string | undefined {
    return this.#method === 'CONNECT' ? undefined : this.#authority?.normal;
  }

  /**
   * Goes on at `at`; returns the position behind the last octet looked at.
   * @throws FrameError `bad-frame`, `target-too-long`, `version-unsupported`
   */
  scan(view: Buffer, at: number): number {
    while (at < view.length && this.#state !== 'done') {
      this.#step(view, at, view[at] ?? 0);
      at += 1;
    }
    return at;
  }

  #step(view: Buffer, at: number, octet: number): void {
    switch (this.#state) {
      case 'method':
        return this.#inMethod(view, at, octet);
      case 'target-start':
        this.#targetStart = at;
        return this.#startTarget(octet);
      case 'scheme':
      case 'authority':
      case 'asterisk':
      case 'target':
        if (at - this.#targetStart >= this.#limits.targetBytesMax && octet !== SP) {
          throw new FrameError('target-too-long', `The target is longer than ${this.#limits.targetBytesMax} octets.`);
        }
        return this.#inTarget(view, at, octet);
      case 'version':
        return this.#inVersion(octet);
      case 'lf':
        if (octet !== LF) throw new FrameError('bad-frame', 'CR without LF in the request line.');
        this.#state = 'done';
        return;
      case 'done':
        return;
    }
  }

  #inMethod(view: Buffer, at: number, octet: number): void {
    if (octet === SP && at > 0) {
      this.#method = view.toString('latin1', 0, at);
      this.#state = 'target-start';
      return;
    }
    if (!is(octet, TOKEN)) throw new FrameError('bad-frame', `The method has ${octetName(octet)} in or behind it.`);
    if (at >= this.#limits.methodBytesMax) {
      throw new FrameError('bad-frame', `A word of more than ${this.#limits.methodBytesMax} octets is no method.`);
    }
  }

  #startTarget(octet: number): void {
    if (this.#method === 'CONNECT') {
      this.#state = 'authority';
      this.#authority = new HostScanner();
      this.#authority.octet(octet);
    } else if (octet === SLASH) {
      this.#state = 'target';
    } else if (octet === ASTERISK && this.#method === 'OPTIONS') {
      this.#state = 'asterisk';
    } else {
      this.#state = 'scheme';
      this.#inScheme(octet);
    }
  }

  #inTarget(view: Buffer, at: number, octet: number): void {
    if (octet === SP && this.#state !== 'scheme') return this.#endTarget(view, at);
    switch (this.#state) {
      case 'scheme':
        return this.#inScheme(octet);
      case 'asterisk':
        throw new FrameError('bad-frame', 'Nothing follows * in a target.');
      case 'authority':
        if (this.#method !== 'CONNECT' && (octet === SLASH || octet === QUESTION)) {
          this.#authority?.end();
          this.#state = 'target';
        } else {
          this.#authority?.octet(octet);
        }
        return;
      default:
        if (!is(octet, TARGET)) throw new FrameError('bad-frame', `The target has ${octetName(octet)}.`);
    }
  }

  #inScheme(octet: number): void {
    const wanted = SCHEME.charCodeAt(this.#matched);
    const isLetter = this.#matched < SCHEME.indexOf(':');
    // A scheme is read in any case (RFC 3986 §3.1).
    if ((isLetter ? octet | 0x20 : octet) !== wanted) {
      throw new FrameError('bad-frame', 'The target is neither a path nor an http URL of this server.');
    }
    this.#matched += 1;
    if (this.#matched < SCHEME.length) return;
    this.#state = 'authority';
    this.#authority = new HostScanner();
  }

  #endTarget(view: Buffer, at: number): void {
    if (this.#state === 'authority') this.#authority?.end();
    this.#target = view.toString('latin1', this.#targetStart, at);
    this.#matched = 0;
    this.#state = 'version';
    if (this.#method === 'CONNECT') {
      if (this.#authority?.hasPort !== true) throw new FrameError('bad-frame', 'CONNECT takes a host with a port.');
      return;
    }
    const local = this.#authority === undefined ? this.#target : localPart(this.#target);
    const question = local.indexOf('?');
    this.#path = question < 0 ? local : local.slice(0, question);
    this.#query = question < 0 ? '' : local.slice(question + 1);
  }

  #inVersion(octet: number): void {
    if (this.#matched === VERSION.length) {
      if (octet !== CR) throw new FrameError('bad-frame', `The version has ${octetName(octet)} behind it.`);
      if (this.#major !== 1 || this.#minor > 1) {
        throw new FrameError('version-unsupported', `HTTP/${this.#major}.${this.#minor} is not spoken here.`);
      }
      this.#state = 'lf';
      return;
    }
    const wanted = VERSION.charAt(this.#matched);
    const digit = octet - 0x30;
    if (wanted === 'd' ? digit < 0 || digit > 9 : octet !== wanted.charCodeAt(0)) {
      throw new FrameError('bad-frame', 'The request line does not end in a version of HTTP.');
    }
    if (this.#matched === VERSION.indexOf('d')) this.#major = digit;
    if (this.#matched === VERSION.length - 1) this.#minor = digit;
    this.#matched += 1;
  }
}

/** Path and query of an absolute target; an empty path is `/` (RFC 9110 §4.2.3). */
function localPart(target: string): string {
  const afterAuthority = target.slice(SCHEME.length).search(/[/?]/);
  if (afterAuthority < 0) return '/';
  const local = target.slice(SCHEME.length + afterAuthority);
  return local.startsWith('/') ? local : `/${local}`;
}
