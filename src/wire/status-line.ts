/**
 * The status line of a response (RFC 9112 §4): `HTTP/1.x SP 3DIGIT [SP reason] CR LF`.
 * A machine over octets; see field-scanner.ts. The space before an empty
 * reason may be missing, since servers in use leave it out.
 */
import { CR, is, LF, octetName, SP, VALUE } from './octets.ts';
import { FrameError } from './frame.ts';

/** `d` is a digit, everything else is itself. */
const START = 'HTTP/1.d ddd';

type State = 'start' | 'behind-status' | 'reason' | 'lf' | 'done';

/** See the header. */
export class StatusLine {
  status = 0;
  minor: 0 | 1 = 1;
  reason = '';
  readonly #bytesMax: number;
  #state: State = 'start';
  #digits = 0;

  /** @param bytesMax the longest line taken */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Goes on at `at`; returns the position behind the last octet looked at. @throws FrameError `bad-frame`, `head-too-large` */
  scan(view: Buffer, at: number): number {
    while (at < view.length && this.#state !== 'done') {
      this.#octet(at, view[at] ?? 0);
      at += 1;
    }
    return at;
  }

  #octet(at: number, octet: number): void {
    if (at >= this.#bytesMax) throw new FrameError('head-too-large', 'The status line is too long.');
    switch (this.#state) {
      case 'start':
        this.#inStart(START.charAt(at), octet);
        if (at === START.length - 1) this.#state = 'behind-status';
        return;
      case 'behind-status':
        if (octet !== SP && octet !== CR) throw badLine(octet);
        this.#state = octet === CR ? 'lf' : 'reason';
        return;
      case 'reason':
        if (octet === CR) this.#state = 'lf';
        else if (is(octet, VALUE)) this.reason += String.fromCharCode(octet);
        else throw badLine(octet);
        return;
      case 'lf':
        if (octet !== LF || this.status < 100 || this.status > 599) throw badLine(octet);
        this.#state = 'done';
        return;
      case 'done':
        return;
    }
  }

  #inStart(wanted: string, octet: number): void {
    const digit = octet - 0x30;
    if (wanted !== 'd') {
      if (octet !== wanted.charCodeAt(0)) throw badLine(octet);
      return;
    }
    if (digit < 0 || digit > 9) throw badLine(octet);
    // The first digit is the minor version: what follows counts as a status.
    this.#digits += 1;
    if (this.#digits === 1) this.minor = digit === 0 ? 0 : 1;
    else this.status = this.status * 10 + digit;
  }
}

function badLine(octet: number): FrameError {
  return new FrameError('bad-frame', `The bytes are no status line at ${octetName(octet)}.`);
}
