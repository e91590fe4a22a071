/**
 * Every single bit of a log flipped, one at a time, each opened by the shipped
 * code. A flip before the last record must be refused (`wal-corrupt`), naming
 * the record, with no byte changed: valid records follow, so no crash made it.
 * A flip in the last record cannot be told from a torn tail: it must be cut,
 * the rest kept. A flip that is read as a record is a silent accept.
 */
import { ParleyError } from '../../base/errors.ts';
import { segmentFile } from '../../wal/directory-layout.ts';
import { openNodeDirectory } from '../../wal/node-directory.ts';
import { WriteListDisk } from './write-list-disk.ts';
import type { LogRecord } from '../../wal/log-store.ts';

/** A log in one segment, and where its records end. */
export interface WrittenLog {
  readonly bytes: Buffer;
  /** `ends[n]` is the offset behind record n; `ends[0]` is 0. */
  readonly ends: readonly number[];
}

/** Which bits of which log. */
export interface BitFlipOptions {
  readonly log: WrittenLog;
  /** Flips bits `first`, `first + step`, …; all of them with 0 and 1. */
  readonly first: number;
  readonly step: number;
  readonly onProgress?: (flips: number, of: number) => void;
}

/** What came of it. */
export interface BitFlipReport {
  readonly records: number;
  readonly flips: number;
  /** Refused as damage, with no byte changed. */
  readonly refused: number;
  /** Taken for a torn tail and cut. */
  readonly cut: number;
  /** Flips that were read as if nothing were wrong, or gave other records. */
  readonly silent: number;
  /** Flips in the last record that were refused. */
  readonly refusedTails: number;
  /** The first few of the last two kinds and of any other surprise. */
  readonly violations: readonly string[];
}

const DIRECTORY = '/node';
const PATH = `${DIRECTORY}/${segmentFile(1)}`;
const VIOLATIONS_MAX = 10;
const PROGRESS_EVERY = 1024;

/** A log as the shipped code writes it: a start, then records of every length from short to long. */
export async function writeLog(records: number): Promise<WrittenLog> {
  const disk = new WriteListDisk();
  const { node } = await open(disk);
  for (let seq = 2; seq <= records; seq += 1) {
    node.log.append({ type: 'note', text: `n${seq} ${'é"\\\n'.repeat(seq % 7)}` } as LogRecord, { force: true });
    if (seq % 3 === 0) await node.log.flush();
  }
  await node.close();
  const bytes = disk.files().get(PATH) ?? Buffer.alloc(0);
  const ends = [0];
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) ends.push(at + 1);
  return { bytes, ends };
}

/** Flips and opens. */
export async function flipBits(options: BitFlipOptions): Promise<BitFlipReport> {
  const { log, first, step, onProgress } = options;
  const records = log.ends.length - 1;
  const whole = (await replayed(log.bytes)).records;
  const counts = { flips: 0, refused: 0, cut: 0, silent: 0, refusedTails: 0 };
  const violations: string[] = [];
  const bits = log.bytes.length * 8;
  for (let bit = first; bit < bits; bit += step) {
    counts.flips += 1;
    const byte = bit >> 3;
    const flipped = Buffer.from(log.bytes);
    flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (bit & 7));
    const record = log.ends.findIndex((end) => end > byte);
    const { kind, what } = await judge(flipped, { record, records, offset: log.ends[record - 1] ?? 0, whole });
    if (kind !== 'other') counts[kind] += 1;
    if (what !== '' && violations.length < VIOLATIONS_MAX) violations.push(`bit ${bit} (record ${record}): ${what}`);
    if (counts.flips % PROGRESS_EVERY === 0) onProgress?.(counts.flips, Math.ceil((bits - first) / step));
  }
  return { records, ...counts, violations };
}

interface Flip {
  /** 1 for the first record. */
  readonly record: number;
  readonly records: number;
  readonly offset: number;
  /** The records of the log as it was, as JSON, without start records. */
  readonly whole: readonly string[];
}

interface Judged {
  readonly kind: 'refused' | 'cut' | 'silent' | 'refusedTails' | 'other';
  /** Empty when it is as it must be. */
  readonly what: string;
}

async function judge(bytes: Buffer, flip: Flip): Promise<Judged> {
  const isLast = flip.record === flip.records;
  let found: Replayed;
  try {
    found = await replayed(bytes);
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    if (isLast) return { kind: 'refusedTails', what: `a torn tail was refused: ${error.message}` };
    const { offset, seq } = error.extra;
    const named = error.code === 'wal-corrupt' && seq === flip.record && offset === flip.offset;
    return { kind: 'refused', what: named ? '' : `refused for another reason: ${error.message}` };
  }
  const kept = flip.whole.slice(0, flip.record - 2);
  const isCut = isLast && found.tail && same(found.records, kept);
  if (isCut) return { kind: 'cut', what: '' };
  if (isLast && found.tail) return { kind: 'other', what: 'the tail was cut, and other records are missing' };
  return { kind: 'silent', what: `accepted, ${found.records.length} of ${flip.whole.length} records read` };
}

interface Replayed {
  readonly records: readonly string[];
  readonly tail: boolean;
}

async function replayed(bytes: Buffer): Promise<Replayed> {
  const disk = new WriteListDisk(new Map([[PATH, bytes]]));
  const { node, records } = await open(disk).catch((error: unknown) => {
    if (disk.changes.length > 0) throw new Error('a log was refused after bytes of it were changed', { cause: error });
    throw error;
  });
  await node.close();
  return { records, tail: node.repairedTail !== undefined };
}

async function open(disk: WriteListDisk) {
  const records: string[] = [];
  const node = await openNodeDirectory<LogRecord>({
    directory: DIRECTORY,
    name: 'P1',
    role: 'participant',
    version: '0.0.0',
    disk,
    lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    limits: { reserveBytes: 0 },
    now: () => new Date(0),
    onCheckpoint: () => undefined,
    replay: ({ record }) => records.push(JSON.stringify(record)),
    onDurable: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  return { node, records };
}

function same(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
