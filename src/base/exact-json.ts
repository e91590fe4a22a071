/**
 * JSON in, without silent loss. JSON.parse turns 9007199254740993 into
 * ...992 and 0.99999999999999999999 into 1; on a bank that is another amount.
 * Every number in Parley's interfaces is an integer, so a number token with a
 * fraction or an exponent, or beyond 2^53 - 1, is refused by its raw text.
 */
import { ParleyError } from './errors.ts';
import type { Json } from './canonical-json.ts';

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** A string (skipped whole) or a number token; everything else is passed over. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * A number that may not be an exact integer: one with a fraction or exponent, or 16 digits in a row. Outside strings
 * every number begins the text or follows one of `:`, `,`, `[` and white space; what looks like one inside a string
 * only costs the closer look.
 */
const PERHAPS_INEXACT = /(?:^|[:,[\s])-?\d+[.eE]|\d{16}/;

/**
 * Parses one JSON text.
 * @throws ParleyError `malformed-json` (not UTF-8, not JSON, empty), `inexact-number`
 */
export function parseExactJson(bytes: Uint8Array): Json {
  let text: string;
  let value: Json;
  try {
    text = STRICT_UTF8.decode(bytes);
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new ParleyError('malformed-json', `The body is not JSON: ${(cause as Error).message}.`, { cause });
  }
  if (!PERHAPS_INEXACT.test(text)) return value;
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    if (token.startsWith('"')) continue;
    if (!/^-?\d+$/.test(token) || !Number.isSafeInteger(Number(token))) {
      throw new ParleyError('inexact-number', `The number ${token.slice(0, 40)} is not an exact integer.`);
    }
  }
  return value;
}
