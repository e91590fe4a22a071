/**
 * One record, one line:
 *
 * ```
 *   crc32hex SP length SP json LF
 *   3f1c09aa 82 {"seq":2,"epoch":1,"prev":"9ab04e17","record":{"type":"begin","id":"TX001"}}
 * ```
 *
 * `length` is the number of bytes of `json`. `json` holds the log's own three
 * members, then the record, so that no name is taken from the record. `prev` is
 * the checksum of the record before, `00000000` for the first. The checksum is
 * CRC-32 (ISO-HDLC, as zlib) over `prev SP length SP json`, so every record
 * vouches for all before it: a gap, a swap or a foreign record shows.
 *
 * JSON.stringify escapes LF and the quotation mark, so no text in a record can
 * end a line early or look like the start of a record.
 *
 * Reading has three outcomes: record, end, bad. Whether bad bytes are a torn
 * tail or damage is not decided here, but by log-scanner.ts.
 */
import { crc32 } from 'node:zlib';
import { ParleyError } from '../base/errors.ts';
import type { LogRecord } from './log-store.ts';

/** The json of one record is at most this long: more than any legal request, little enough to hold in memory. */
export const RECORD_BYTES_MAX = 1_048_576;

/** A whole line is at most this long: 8 digits, space, 7 digits, space, json, LF. */
export const LINE_BYTES_MAX = RECORD_BYTES_MAX + 18;

/** `prev` of the first record. */
export const CHAIN_START = '00000000';

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const ZERO = 0x30;
const LETTER_A = 0x61;
const CHECKSUM_DIGITS = 8;
const CHECKSUM = /^[0-9a-f]{8}$/;
const LENGTH_DIGITS_MAX = 7;

/** What the log adds to a record: place, writer, and the checksum before it. */
export interface RecordPlace {
  readonly seq: number;
  readonly epoch: number;
  /** Checksum of the record before, 8 hex digits. */
  readonly prev: string;
}

/** A record as a line, ready to be written. */
export interface EncodedRecord {
  readonly line: string;
  /** Length of the line in bytes, its LF included. */
  readonly bytes: number;
  readonly checksum: string;
}

/** A record as it was read: the place, the record itself, its checksum. */
export interface DecodedRecord extends RecordPlace {
  readonly checksum: string;
  readonly record: LogRecord;
}

/** What a line turned out to be. */
export type Decoded =
  | ({ readonly outcome: 'record' } & DecodedRecord)
  | { readonly outcome: 'end' }
  | { readonly outcome: 'bad'; readonly reason: string };

/** CRC-32 as 8 hex digits in lower case. */
export function checksumText(crc: number): string {
  return crc.toString(16).padStart(CHECKSUM_DIGITS, '0');
}

/**
 * Encodes one record.
 * @throws ParleyError `too-large` when the json is longer than RECORD_BYTES_MAX
 */
export function encodeRecord(record: LogRecord, place: RecordPlace): EncodedRecord {
  const json = `{"seq":${place.seq},"epoch":${place.epoch},"prev":"${place.prev}","record":${JSON.stringify(record)}}`;
  const length = Buffer.byteLength(json);
  if (length > RECORD_BYTES_MAX) {
    throw new ParleyError('too-large', `A ${record.type} record of ${length} bytes is over ${RECORD_BYTES_MAX}.`);
  }
  const body = `${length} ${json}`;
  const checksum = checksumText(crc32(`${place.prev} ${body}`));
  const line = `${checksum} ${body}\n`;
  return { line, bytes: line.length - json.length + length, checksum };
}

/**
 * Reads one line, its LF included. A line is `record` only when its checksum
 * fits its own `prev`; whether that is the checksum of the record before it is
 * for the caller to see. No bytes at all are `end`.
 */
export function decodeRecord(line: Buffer): Decoded {
  if (line.length === 0) return { outcome: 'end' };
  if (line.at(-1) !== LINE_FEED) return bad('the line has no end');
  if (line[CHECKSUM_DIGITS] !== SPACE) return bad('no checksum at the start of the line');
  const jsonStart = line.indexOf(SPACE, CHECKSUM_DIGITS + 1) + 1;
  const length = lengthAt(line, CHECKSUM_DIGITS + 1, jsonStart - 1);
  if (length === undefined) return bad('no length after the checksum');
  if (length > RECORD_BYTES_MAX) return bad(`a length of ${length}, over ${RECORD_BYTES_MAX}`);
  if (line.length !== jsonStart + length + 1) return bad(`the length says ${length}, the line holds another`);
  return decodeJson(line, jsonStart);
}

/** 1 to 7 digits without a leading zero. By hand: a replay comes here a million times. */
function lengthAt(line: Buffer, start: number, end: number): number | undefined {
  if (end <= start || end - start > LENGTH_DIGITS_MAX || line[start] === ZERO) return undefined;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const byte = line[at];
    if (!isDigit(byte)) return undefined;
    length = length * 10 + byte - ZERO;
  }
  return length;
}

function decodeJson(line: Buffer, jsonStart: number): Decoded {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString('utf8', jsonStart, line.length - 1));
  } catch {
    return bad('the json cannot be parsed');
  }
  if (!isStored(parsed)) return bad('the json is not a record');
  const { seq, epoch, prev, record } = parsed;
  const crc = crc32(line.subarray(CHECKSUM_DIGITS + 1, line.length - 1), crcOfPrev(prev));
  const checksum = line.toString('latin1', 0, CHECKSUM_DIGITS);
  if (!isTextOf(crc, checksum)) {
    return bad(`the checksum says ${JSON.stringify(checksum)}, the bytes give ${checksumText(crc)}`);
  }
  return { outcome: 'record', seq, epoch, prev, checksum, record };
}

/** By digits, so that one in upper case is not what was written, though it is the same number; and without a text. */
function isTextOf(crc: number, checksum: string): boolean {
  for (let at = 0; at < CHECKSUM_DIGITS; at += 1) {
    const digit = (crc >>> (28 - 4 * at)) & 0xf;
    if (checksum.charCodeAt(at) !== digit + (digit < 10 ? ZERO : LETTER_A - 10)) return false;
  }
  return true;
}

/**
 * CRC-32 of `prev` and the space behind it. In JavaScript: nine steps by table cost less than one call of zlib, which
 * then goes over all the rest of the line at once.
 */
function crcOfPrev(prev: string): number {
  let crc = 0xff_ff_ff_ff;
  for (let at = 0; at < CHECKSUM_DIGITS; at += 1) crc = crcStep(crc, prev.charCodeAt(at));
  return ~crcStep(crc, SPACE) >>> 0;
}

function crcStep(crc: number, byte: number): number {
  return (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
}

/** The table of CRC-32 (ISO-HDLC): the polynomial 04c11db7, bits reversed. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
  return crc;
});

function isStored(value: unknown): value is RecordPlace & { readonly record: LogRecord } {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, epoch, prev, record } = value as Partial<Record<'seq' | 'epoch' | 'prev' | 'record', unknown>>;
  const placed = Number.isSafeInteger(seq) && Number(seq) > 0 && Number.isSafeInteger(epoch) && Number(epoch) > 0;
  if (!placed || typeof prev !== 'string' || !CHECKSUM.test(prev)) return false;
  return typeof record === 'object' && record !== null && 'type' in record && typeof record.type === 'string';
}

const RECORD_MARK = Buffer.from(' {"seq":');

/**
 * The first valid record anywhere in `bytes` whose seq is at least `seqMin`,
 * also when it does not stand at the start of a line (the LF before it may be
 * what was damaged).
 */
export function findRecord(bytes: Buffer, seqMin: number): DecodedRecord | undefined {
  for (let mark = bytes.indexOf(RECORD_MARK); mark !== -1; mark = bytes.indexOf(RECORD_MARK, mark + 1)) {
    let lengthStart = mark;
    while (lengthStart > 0 && isDigit(bytes[lengthStart - 1])) lengthStart -= 1;
    const start = lengthStart - 1 - CHECKSUM_DIGITS;
    if (start < 0) continue;
    const end = mark + 1 + Number(bytes.toString('latin1', lengthStart, mark)) + 1;
    const decoded = decodeRecord(bytes.subarray(start, end));
    if (decoded.outcome === 'record' && decoded.seq >= seqMin) return decoded;
  }
  return undefined;
}

function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= ZERO && byte <= 0x39;
}

function bad(reason: string): Decoded {
  return { outcome: 'bad', reason };
}
