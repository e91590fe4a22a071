/**
 * Reads a node's directory at its start: the checkpoint, then the log after
 * it. Changes no byte. Whatever does not fit together is refused here, before
 * anything is repaired.
 */
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { CHECKPOINT_FILE } from './directory-layout.ts';
import { CHAIN_ORIGIN, scanLog } from './log-scanner.ts';
import type { Json } from '../base/canonical-json.ts';
import type { Checkpoint, CheckpointStore, DataFileEntry } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import type { ChainPlace, ScanResult, Segment, Verdict } from './log-scanner.ts';
import type { LogRecord, StoredRecord } from './log-store.ts';
import type { DecodedRecord } from './record-codec.ts';

/** The first record of every epoch; that of epoch 1 is the first of the log. */
export interface StartRecord extends LogRecord {
  readonly type: 'start';
  readonly name: string;
  readonly role: string;
  /** The identity of this log: 8 characters 0-9 a-z. */
  readonly incarnation: string;
  /** The version of the program. */
  readonly version: string;
  /** RFC 3339, UTC; for people only. */
  readonly startedAt: string;
  /** The mark of the process; absent in old logs. */
  readonly start?: string;
}

/** Hands over the lines of one data file of the checkpoint. */
export type ReadData = (entry: DataFileEntry, onLine: (line: Json) => void) => Promise<void>;

/** The same with the bytes of each line, valid during the call, and its offset in the file. */
export type ScanData = (entry: DataFileEntry, onLine: (line: Buffer, offset: number) => void) => Promise<void>;

/** What to read, for whom, and who gets it: checkpoint first, then the records after it. */
export interface ReadOptions<R extends LogRecord> {
  readonly disk: Disk;
  readonly directory: string;
  readonly store: CheckpointStore;
  readonly name: string;
  readonly role: string;
  readonly onCheckpoint: (checkpoint: Checkpoint, readData: ReadData, scanData: ScanData) => void | Promise<void>;
  readonly replay: (stored: StoredRecord<R>) => void;
}

/** One start of this log. */
export interface FoundStart {
  readonly epoch: number;
  /** '' where the record has no mark. */
  readonly start: string;
  readonly seq: number;
}

/** Peers are told of this many earlier starts (src/protocol/log-starts.ts); more in a row without one registration are not looked into. */
const STARTS_KEPT = 16;

/** What the directory holds. */
export interface FoundLog {
  readonly verdict: Exclude<Verdict, { kind: 'corrupt' }>;
  /** Undefined in a directory without a record. */
  readonly incarnation: string | undefined;
  /** The epoch of the last start, 0 when there was none. */
  readonly epoch: number;
  /** The starts in the segments that are there, oldest first, and not more than the newest few. */
  readonly starts: readonly FoundStart[];
  readonly last: ChainPlace;
  readonly segments: readonly Segment[];
}

/** Whose directory it should be, as the caller says. */
type Whose = Pick<ReadOptions<LogRecord>, 'directory' | 'name' | 'role'>;

/** Whose directory it is, as the records and the checkpoint say. */
type Owner = Pick<StartRecord, 'name' | 'role' | 'incarnation'>;

/** @throws ParleyError `directory-foreign`, `wal-corrupt`, `checkpoint-corrupt`, `directory-unusable` */
export async function readDirectory<R extends LogRecord>(options: ReadOptions<R>): Promise<FoundLog> {
  const { disk, directory, store } = options;
  const checkpoint = store.current;
  let owner: Owner | undefined = checkpoint;
  const starts: FoundStart[] = [];
  if (checkpoint !== undefined) {
    refuseForeign(options, checkpoint);
    await options.onCheckpoint(
      checkpoint,
      (entry, onLine) => store.readDataFile(entry, onLine),
      (entry, onLine) => store.scanDataFile(entry, onLine),
    );
  }
  const onRecord = ({ seq, epoch, checksum, record }: DecodedRecord): void => {
    if (isStart(record)) {
      if (owner !== undefined && owner.incarnation !== record.incarnation) {
        throw damage(directory, `record ${seq} is of incarnation ${record.incarnation}, not ${owner.incarnation}`);
      }
      refuseForeign(options, record);
      owner = record;
      starts.push({ epoch, start: record.start ?? '', seq });
      if (starts.length > STARTS_KEPT) starts.shift();
    } else if (owner === undefined) {
      throw damage(directory, `record ${seq} stands before the first start record`);
    }
    if (seq === checkpoint?.seq && checksum !== checkpoint.checksum)
      throw misfit(directory, `record ${seq} is another`);
    // The log does not know the record types of its callers; what stands in it was written by one of them.
    if (seq > (checkpoint?.seq ?? 0) && !isStart(record)) options.replay({ seq, epoch, record: record as R });
  };
  const found = await scanLog({ disk, directory, checkpoint, onRecord });
  const verdict = refuseDamage(directory, found);
  refuseShorter(directory, checkpoint, found);
  const epoch = Math.max(found.lastEpoch, checkpoint?.epoch ?? 0);
  const last = found.segments.length === 0 ? CHAIN_ORIGIN : found.last;
  return { verdict, incarnation: owner?.incarnation, epoch, starts, last, segments: found.segments };
}

/** True for the log's own record type. */
export function isStart(record: LogRecord): record is StartRecord {
  return record.type === 'start';
}

function refuseForeign({ directory, name, role }: Whose, owner: Owner): void {
  if (owner.name === name && owner.role === role) return;
  throw new ParleyError(
    'directory-foreign',
    `${directory} is the log of ${owner.role} ${owner.name}, not of ${role} ${name}.`,
  );
}

function refuseDamage(directory: string, { verdict }: ScanResult): FoundLog['verdict'] {
  if (verdict.kind !== 'corrupt') return verdict;
  const { file, offset, seq, reason } = verdict;
  throw new ParleyError('wal-corrupt', `${join(directory, file)}, offset ${offset}, record ${seq}: ${reason}.`, {
    extra: { file, offset, seq },
  });
}

function refuseShorter(directory: string, checkpoint: Checkpoint | undefined, found: ScanResult): void {
  if (checkpoint === undefined) return;
  if (found.segments.length === 0) throw misfit(directory, 'there is no segment of the log');
  if (found.last.seq < checkpoint.seq) {
    throw misfit(directory, `it contains record ${checkpoint.seq}, the log ends with ${found.last.seq}`);
  }
}

function misfit(directory: string, why: string): ParleyError {
  return new ParleyError('checkpoint-corrupt', `${join(directory, CHECKPOINT_FILE)} does not fit the log: ${why}.`);
}

function damage(directory: string, why: string): ParleyError {
  return new ParleyError('wal-corrupt', `${directory}: ${why}.`);
}
