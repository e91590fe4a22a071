/**
 * The names of the files in a node's directory, in one place:
 *
 * ```
 *   wal-0000000000000001.jsonl      a segment of the log, named by its first seq
 *   wal-….jsonl.torn-<utc>          a torn tail, copied aside before it was cut
 *   checkpoint.json                 the last checkpoint
 *   data-<kind>-<seq>.jsonl         what the checkpoint lists, written once
 *   reserve.bin                     space kept back for a full disk
 *   sync-failed                     the last process ended by a failed sync
 *   *.tmp                           being written; worthless after a crash
 * ```
 */

const SEQ_DIGITS = 16;
const SEGMENT = /^wal-([0-9]{16})\.jsonl$/;
const DATA_FILE = /^data-[a-z0-9-]+-[0-9]{16}\.jsonl$/;
const OWN_TEMPORARY = /^(?:wal-|data-|checkpoint\.json).*\.tmp$/;

/** The last durable checkpoint (checkpoint.ts). */
export const CHECKPOINT_FILE = 'checkpoint.json';
/** Space kept back for a full disk (reserve.ts). */
export const RESERVE_FILE = 'reserve.bin';
/** Left by a process that ended by a failed sync (log-repair.ts). */
export const SYNC_FAILED_FILE = 'sync-failed';
/** Ends the name of a file that is not whole yet. */
export const TEMPORARY_SUFFIX = '.tmp';

function padded(seq: number): string {
  return String(seq).padStart(SEQ_DIGITS, '0');
}

/** The segment whose first record is `firstSeq`. */
export function segmentFile(firstSeq: number): string {
  return `wal-${padded(firstSeq)}.jsonl`;
}

/** The first seq in a segment's name; undefined for any other file. */
export function segmentFirstSeq(file: string): number | undefined {
  const digits = SEGMENT.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The data file of one kind in the checkpoint at `seq`. */
export function dataFile(kind: string, seq: number): string {
  return `data-${kind}-${padded(seq)}.jsonl`;
}

/** True for the name of a data file. */
export function isDataFile(file: string): boolean {
  return DATA_FILE.test(file);
}

/** True for what a crash can leave half written. */
export function isTemporary(file: string): boolean {
  return OWN_TEMPORARY.test(file);
}
