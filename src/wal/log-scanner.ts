/**
 * Reads a whole log and says what it is worth. Changes no byte.
 *
 * ```
 *   clean    every byte is a record of the chain
 *   torn     the last segment ends in bytes that no sync ever covered: log-repair.ts may cut them
 *   corrupt  anything else: refuse to start
 * ```
 *
 * A process killed in the middle of an append leaves bad bytes at the very
 * end, no more than one batch. So bad bytes are torn only when they stand in
 * the last segment, are no longer than a batch, and no valid record follows
 * them; otherwise something that was synced is gone. A record that is valid by
 * itself but is not the next of the chain (gap, duplicate, swap, foreign) is
 * never the work of a crash. An error of reading is thrown, never taken for
 * the end of the log.
 *
 * The rule is that of etcd's wal (torn only in the last file) made stricter by
 * TigerBeetle's (cut only if nothing else is in question).
 */
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { segmentFile, segmentFirstSeq } from './directory-layout.ts';
import { errnoOf, readRange, withFile } from './durable-file.ts';
import { readLines } from './line-reader.ts';
import { CHAIN_START, LINE_BYTES_MAX, decodeRecord, findRecord } from './record-codec.ts';
import type { Disk } from './disk.ts';
import type { DecodedRecord } from './record-codec.ts';

/**
 * One sync covers at most this much (file-log.ts keeps to it), so a crash tears
 * at most this much. Half of the reserve, so that a batch always fits into it.
 */
export const BATCH_BYTES_MAX = 2 * LINE_BYTES_MAX;

/** A place in the chain: a record and its checksum. */
export interface ChainPlace {
  readonly seq: number;
  readonly checksum: string;
}

/** The place before the first record. */
export const CHAIN_ORIGIN: ChainPlace = { seq: 0, checksum: CHAIN_START };

const UNKNOWN_CHECKSUM = '';

/** What the log is worth. `seq` is that of the record that should stand at `offset` of `file`. */
export type Verdict =
  | { readonly kind: 'clean' }
  | {
      readonly kind: 'torn';
      readonly file: string;
      readonly offset: number;
      readonly seq: number;
      readonly reason: string;
      readonly suspectBytes: number;
    }
  | {
      readonly kind: 'corrupt';
      readonly file: string;
      readonly offset: number;
      readonly seq: number;
      readonly reason: string;
    };

/** What a scan found. */
export interface ScanResult {
  readonly verdict: Verdict;
  /** The last good record; CHAIN_ORIGIN (or the checkpoint) when there is none. */
  readonly last: ChainPlace;
  /** The epoch of the last good record, 0 when there is none. */
  readonly lastEpoch: number;
  /** Good records met. */
  readonly records: number;
  /** The segments in order; `bytes` are the good ones. */
  readonly segments: readonly Segment[];
}

/** A segment of the log. */
export interface Segment {
  readonly file: string;
  readonly firstSeq: number;
  readonly bytes: number;
}

/** Which log, from where, and who gets its records. */
export interface ScanOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** The checkpoint's place: older segments may be gone. Undefined: the log must begin with record 1. */
  readonly checkpoint: ChainPlace | undefined;
  /** Called for every good record in order, before the verdict is known. */
  readonly onRecord: (record: DecodedRecord) => void;
}

interface Chain {
  place: ChainPlace;
  epoch: number;
  records: number;
}

interface Fault {
  readonly offset: number;
  readonly reason: string;
  /** True when the bytes are no record at all; false when they are one that does not belong here. */
  readonly unreadable: boolean;
}

/**
 * Reads every segment in order.
 * @throws ParleyError `directory-unusable` when the disk cannot be read (naming path and errno)
 */
export async function scanLog(options: ScanOptions): Promise<ScanResult> {
  const all = await listSegments(options.disk, options.directory);
  const files = all.slice(firstNeeded(all, options.checkpoint?.seq ?? 0));
  const chain: Chain = { place: options.checkpoint ?? CHAIN_ORIGIN, epoch: 0, records: 0 };
  const segments: Segment[] = [];
  let verdict: Verdict = { kind: 'clean' };
  for (const [index, firstSeq] of files.entries()) {
    const file = segmentFile(firstSeq);
    const misplaced = misplacedSegment(firstSeq, index, chain, options.checkpoint);
    if (misplaced !== undefined) {
      verdict = { kind: 'corrupt', file, offset: 0, seq: chain.place.seq + 1, reason: misplaced };
      break;
    }
    if (index === 0) chain.place = placeBefore(firstSeq, chain.place);
    const { goodBytes, fault } = await scanSegment(options, file, chain);
    segments.push({ file, firstSeq, bytes: goodBytes });
    if (fault !== undefined) {
      const isLast = index === files.length - 1;
      verdict = await judge({ options, file, fault, isLast, seq: chain.place.seq + 1 });
      break;
    }
  }
  return { verdict, last: chain.place, lastEpoch: chain.epoch, records: chain.records, segments };
}

/** First seqs of the segments in a directory, in order. */
export async function listSegments(disk: Disk, directory: string): Promise<readonly number[]> {
  const names = await readable(directory, () => disk.list(directory));
  return names
    .map(segmentFirstSeq)
    .filter((seq) => seq !== undefined)
    .sort((a, b) => a - b);
}

/**
 * Index of the first segment that a start needs: those before lie wholly within
 * the checkpoint, and a crash may have left any of them. A segment ends before
 * the next begins; the last one is always needed, since the log goes on in it.
 */
export function firstNeeded(firstSeqs: readonly number[], checkpointSeq: number): number {
  const index = firstSeqs.findLastIndex((firstSeq) => firstSeq <= checkpointSeq + 1);
  return Math.max(index, 0);
}

/** Runs a read; an error of the disk becomes one that a person can act on. */
export async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof Error) || errnoOf(cause) === 'unknown') throw cause;
    throw new ParleyError('directory-unusable', `${path} cannot be read: ${errnoOf(cause)}.`, { cause });
  }
}

function misplacedSegment(
  firstSeq: number,
  index: number,
  chain: Chain,
  checkpoint: ChainPlace | undefined,
): string | undefined {
  const expected = chain.place.seq + 1;
  if (firstSeq === expected) return undefined;
  if (index === 0 && checkpoint !== undefined && firstSeq >= 1 && firstSeq < expected) return undefined;
  return `the segment begins with record ${firstSeq}, but record ${expected} is next`;
}

/** Before the first record of an old segment the chain is not known: its own prev is taken for it. */
function placeBefore(firstSeq: number, checkpoint: ChainPlace): ChainPlace {
  if (firstSeq === 1) return CHAIN_ORIGIN;
  return firstSeq > checkpoint.seq ? checkpoint : { seq: firstSeq - 1, checksum: UNKNOWN_CHECKSUM };
}

async function scanSegment(
  options: ScanOptions,
  file: string,
  chain: Chain,
): Promise<{ goodBytes: number; fault: Fault | undefined }> {
  const path = join(options.directory, file);
  let goodBytes = 0;
  let fault: Fault | undefined;
  await readable(path, () =>
    readLines(options.disk, path, (line, offset) => {
      const decoded = decodeRecord(line);
      if (decoded.outcome === 'end') return 'stop';
      const reason = decoded.outcome === 'bad' ? decoded.reason : brokenLink(decoded, chain);
      if (decoded.outcome === 'bad' || reason !== undefined) {
        fault = { offset, reason: reason ?? '', unreadable: decoded.outcome === 'bad' };
        return 'stop';
      }
      chain.place = { seq: decoded.seq, checksum: decoded.checksum };
      chain.epoch = decoded.epoch;
      chain.records += 1;
      goodBytes = offset + line.length;
      options.onRecord(decoded);
      return 'next';
    }),
  );
  return { goodBytes, fault };
}

/** Why a valid record cannot stand here; undefined when it can. */
function brokenLink(record: DecodedRecord, chain: Chain): string | undefined {
  const { seq, checksum } = chain.place;
  if (record.seq !== seq + 1) return `record ${record.seq} stands where ${seq + 1} is next`;
  const known = checksum !== UNKNOWN_CHECKSUM;
  if (known && record.prev !== checksum) return `record ${record.seq} follows another record ${seq} than the one here`;
  if (record.epoch < chain.epoch) return `the epoch falls from ${chain.epoch} to ${record.epoch}`;
  return undefined;
}

interface Suspicion {
  readonly options: ScanOptions;
  readonly file: string;
  readonly fault: Fault;
  readonly isLast: boolean;
  readonly seq: number;
}

async function judge({ options, file, fault, isLast, seq }: Suspicion): Promise<Verdict> {
  const { offset } = fault;
  const corrupt = (reason: string): Verdict => ({ kind: 'corrupt', file, offset, seq, reason });
  if (!fault.unreadable) return corrupt(fault.reason);
  if (!isLast) return corrupt(`${fault.reason}, and a later segment follows`);
  const path = join(options.directory, file);
  const suspect = await readable(path, () => readTail(options.disk, path, offset));
  if (suspect.length > BATCH_BYTES_MAX) {
    return corrupt(`${fault.reason}, and more bytes follow than one batch holds (${BATCH_BYTES_MAX})`);
  }
  const later = findRecord(suspect, seq);
  if (later !== undefined) return corrupt(`${fault.reason}, and valid record ${later.seq} follows`);
  return { kind: 'torn', file, offset, seq, reason: fault.reason, suspectBytes: suspect.length };
}

/** The bytes from `offset`, at most one more than a batch holds. */
async function readTail(disk: Disk, path: string, offset: number): Promise<Buffer> {
  return withFile(disk, path, 'read', async (fd) => {
    const end = Math.min(await disk.size(fd), offset + BATCH_BYTES_MAX + 1);
    const pieces: Buffer[] = [];
    for await (const piece of readRange(disk, fd, offset, end)) pieces.push(piece);
    return Buffer.concat(pieces);
  });
}
