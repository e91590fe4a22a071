/**
 * The grammar of an authority without user information: a host, and perhaps a
 * port (RFC 9110 §7.2, RFC 3986 §3.2). Read octet by octet, so that a request
 * is refused at the octet that spoils it.
 *
 * ```
 *   name[:port]      unreserved, sub-delims but the comma, %XX; at most 255 octets
 *   [v6][:port]      a literal that the WHATWG URL parser takes
 *   port             decimal, at most 65535; may be empty (RFC 3986 §3.2.3)
 * ```
 */
import { COLON, HEX, is, NAME_OF_HOST, octetName } from './octets.ts';
import { FrameError } from './frame.ts';

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const PERCENT = 0x25;
const DOT = 0x2e;
/** RFC 1035 §2.3.4, and far above any literal. */
const HOST_BYTES_MAX = 255;
const PORT_MAX = 65_535;

type State = 'start' | 'name' | 'literal' | 'behind-literal' | 'port';

/** Reads one authority; feed it every octet, then call end(). */
export class HostScanner {
  #state: State = 'start';
  #hexDigitsDue = 0;
  #text = '';
  #port = '';

  /** @throws FrameError `bad-frame` at an octet that no host has in this place */
  octet(octet: number): void {
    switch (this.#state) {
      case 'start':
        this.#state = octet === OPEN_BRACKET ? 'literal' : 'name';
        if (this.#state === 'name') this.#inName(octet);
        return;
      case 'name':
        return this.#inName(octet);
      case 'literal':
        return this.#inLiteral(octet);
      case 'behind-literal':
        if (octet !== COLON) refuseOctet(octet);
        this.#state = 'port';
        return;
      case 'port':
        return this.#inPort(octet);
    }
  }

  /** @throws FrameError `bad-frame` when the host is empty or cut off */
  end(): void {
    const whole = this.#state === 'name' || this.#state === 'behind-literal' || this.#state === 'port';
    if (!whole || this.#hexDigitsDue > 0) throw new FrameError('bad-frame', 'The host is empty or cut off.');
  }

  /** Equal for equal authorities: lower case, and port 80 left out because it is the default of http. */
  get normal(): string {
    const port = this.#port === '' ? '' : String(Number(this.#port));
    return port === '' || port === '80' ? this.#text : `${this.#text}:${port}`;
  }

  /** True when digits of a port were given. */
  get hasPort(): boolean {
    return this.#port !== '';
  }

  #inName(octet: number): void {
    if (this.#hexDigitsDue > 0) {
      if (!is(octet, HEX)) refuseOctet(octet);
      this.#hexDigitsDue -= 1;
    } else if (octet === COLON && this.#text !== '') {
      this.#state = 'port';
      return;
    } else if (octet === PERCENT) {
      this.#hexDigitsDue = 2;
    } else if (!is(octet, NAME_OF_HOST)) {
      refuseOctet(octet);
    }
    this.#append(octet);
  }

  #inLiteral(octet: number): void {
    if (octet === CLOSE_BRACKET) {
      this.#text = `[${this.#text}]`;
      if (!URL.canParse(`http://${this.#text}/`)) throw new FrameError('bad-frame', 'The host is no IPv6 address.');
      this.#state = 'behind-literal';
    } else if (is(octet, HEX) || octet === COLON || octet === DOT) {
      this.#append(octet);
    } else {
      refuseOctet(octet);
    }
  }

  #inPort(octet: number): void {
    if (octet < 0x30 || octet > 0x39) refuseOctet(octet);
    // Leading zeros are dropped, so that the text stays short.
    this.#port = this.#port === '0' ? String.fromCharCode(octet) : this.#port + String.fromCharCode(octet);
    if (Number(this.#port) > PORT_MAX) throw new FrameError('bad-frame', 'The port of the host is above 65535.');
  }

  #append(octet: number): void {
    if (this.#text.length >= HOST_BYTES_MAX) throw new FrameError('bad-frame', 'The host is longer than 255 octets.');
    this.#text += String.fromCharCode(octet).toLowerCase();
  }
}

function refuseOctet(octet: number): never {
  throw new FrameError('bad-frame', `The host has ${octetName(octet)} where none can be.`);
}
