/**
 * Which octets may stand where: one table of 256 flags, so that a reader
 * decides on each octet by one look. Source: RFC 9110 §5.6.2 (token), §5.5
 * (field value); RFC 3986 §3.2.2 (host), narrowed as docs/wire.md says.
 */

/** Flags of OCTET_CLASS; an octet may have several. */
export const TOKEN = 1;
/** HTAB, SP, visible ASCII, and 0x80 to 0xff. */
export const VALUE = 2;
/** Visible ASCII but `#`: fragments are not sent. */
export const TARGET = 4;
/** Hexadecimal digits in either case. */
export const HEX = 8;
/** Of a registered name: unreserved and sub-delims without the comma, which would make a list of it. */
export const NAME_OF_HOST = 16;
/** VALUE without SP, HTAB and 0x80 to 0xff. */
export const VISIBLE = 32;

/** Horizontal tab. */
export const HTAB = 0x09;
/** Line feed. */
export const LF = 0x0a;
/** Carriage return. */
export const CR = 0x0d;
/** Space. */
export const SP = 0x20;
/** `"`. */
export const QUOTE = 0x22;
/** `:`. */
export const COLON = 0x3a;
/** `;`. */
export const SEMICOLON = 0x3b;
/** `=`. */
export const EQUALS = 0x3d;
/** `\`. */
export const BACKSLASH = 0x5c;

function flagsOf(octet: number): number {
  const character = String.fromCharCode(octet);
  const visible = octet > SP && octet < 0x7f;
  let flags = 0;
  if (visible && !'"(),/:;<=>?@[\\]{}'.includes(character)) flags |= TOKEN;
  if (octet === HTAB || octet === SP || visible || octet >= 0x80) flags |= VALUE;
  if (visible && character !== '#') flags |= TARGET;
  if (/[0-9A-Fa-f]/.test(character)) flags |= HEX;
  if (/[0-9A-Za-z]/.test(character) || (visible && "-._~!$&'()*+;=".includes(character))) flags |= NAME_OF_HOST;
  if (visible) flags |= VISIBLE;
  return flags;
}

/** The flags of each octet. */
export const OCTET_CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => flagsOf(octet));

/** True when the octet has the flag. */
export function is(octet: number, flag: number): boolean {
  return ((OCTET_CLASS[octet] ?? 0) & flag) !== 0;
}

/** The value of a hexadecimal digit, or -1. */
export function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** How an octet is named in an error. */
export function octetName(octet: number): string {
  if (octet === CR) return 'CR';
  if (octet === LF) return 'LF';
  return is(octet, VISIBLE) ? `"${String.fromCharCode(octet)}"` : `0x${octet.toString(16).padStart(2, '0')}`;
}
