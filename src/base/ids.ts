/**
 * Ids and numbers. A transaction has an *id*, made by the client before it
 * sends. Each attempt has a *number*, made by the coordinator: incarnation of
 * its log, epoch of its start, sequence within the epoch. Everything between
 * nodes goes by number.
 */

/** A client's id: UUID, or a label. */
export type TransactionId = string;

/** `<incarnation>.<epoch>.<sequence>`, for example `c7f3a9b2.3.17`. */
export type AttemptNumber = string;

/** The parts of an AttemptNumber. */
export interface NumberParts {
  readonly incarnation: string;
  readonly epoch: number;
  readonly sequence: number;
}

const LABEL = /^[A-Za-z0-9._-]{1,64}$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Of a number: `[0-9a-z]{1,16}.[0-9]{1,15}.[0-9]{1,15}`. */
const INCARNATION_CHARS_MAX = 16;
const DIGITS_MAX = 15;

/** True for an id a client may use: a UUID is also a legal label by its characters. */
export function isTransactionId(text: unknown): text is TransactionId {
  return typeof text === 'string' && LABEL.test(text);
}

/** True for a UUIDv7 in lower case: the ids that age and may be evicted. */
export function isUuidV7(id: string): boolean {
  return UUID_V7.test(id);
}

/** Milliseconds since 1970 that a UUIDv7 carries (RFC 9562 §5.7). */
export function uuidV7TimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/**
 * A UUIDv7 (RFC 9562 §5.7) from a time and 10 random bytes, both given by the
 * caller, since this folder has neither clock nor chance.
 */
export function uuidV7(unixMs: number, random: Uint8Array): string {
  const hex = (bytes: Iterable<number>): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
  const time = unixMs.toString(16).padStart(12, '0');
  const tail = Uint8Array.from(random.subarray(0, 10));
  tail[0] = ((tail[0] ?? 0) & 0x0f) | 0x70;
  tail[2] = ((tail[2] ?? 0) & 0x3f) | 0x80;
  const rest = hex(tail);
  return `${time.slice(0, 8)}-${time.slice(8)}-${rest.slice(0, 4)}-${rest.slice(4, 8)}-${rest.slice(8)}`;
}

/** Joins the parts of a number. */
export function attemptNumber(parts: NumberParts): AttemptNumber {
  return `${parts.incarnation}.${parts.epoch}.${parts.sequence}`;
}

/** The parts of a number, or undefined when the text is none. */
export function numberParts(number: string): NumberParts | undefined {
  // By hand rather than by a pattern: every message is looked at here, some more than once.
  const first = number.indexOf('.');
  const second = number.indexOf('.', first + 1);
  if (first < 1 || first > INCARNATION_CHARS_MAX || second < 0) return undefined;
  for (let at = 0; at < first; at += 1) if (!isDigitOrSmall(number.charCodeAt(at))) return undefined;
  const epoch = wholeAt(number, first + 1, second);
  const sequence = wholeAt(number, second + 1, number.length);
  if (epoch < 0 || sequence < 0) return undefined;
  return { incarnation: number.slice(0, first), epoch, sequence };
}

/** 1 to 15 digits as a number, or -1. */
function wholeAt(text: string, from: number, end: number): number {
  if (end <= from || end - from > DIGITS_MAX) return -1;
  let value = 0;
  for (let at = from; at < end; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isDigitOrSmall(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a);
}

/** Orders numbers of one incarnation by epoch, then sequence: negative when `a` is older. */
export function compareNumbers(a: NumberParts, b: NumberParts): number {
  return a.epoch === b.epoch ? a.sequence - b.sequence : a.epoch - b.epoch;
}
