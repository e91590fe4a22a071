/**
 * The outcomes that are no longer in memory: in data files of the checkpoints,
 * each written once, with a small index of it here.
 *
 *   memory ── checkpoint: its new outcomes, one file ──► data-outcomes-<seq>.jsonl ── past count or age: dropped whole
 *
 * An outcome leaves the memory only when the checkpoint that lists its file is
 * durable, so that at every moment it is in memory, or in a file that a start
 * will find, or its id lies at or below the floor. A file is dropped by a
 * checkpoint that does not list it and has the raised floor: no crash separates
 * the two. Files stay open while they are known, for a checkpoint removes what
 * it does not list before this is told.
 *
 * A look into a file waits for nothing, since a step is under way; it happens
 * only when an id comes again that was answered before the last checkpoint.
 */
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { isUuidV7, uuidV7TimeMs } from '../base/ids.ts';
import type { TransactionId } from '../base/ids.ts';
import type { OutcomeArchive, OutcomeStore, StoredOutcome } from '../protocol/outcomes.ts';
import type { Checkpoint, DataFileEntry } from '../wal/checkpoint.ts';
import { errnoOf } from '../wal/durable-file.ts';
import { LineIndex } from '../wal/line-index.ts';
import type { DataLines } from '../wal/node-directory.ts';
import type { OpenFile, OpenNow } from '../wal/read-now.ts';
import { LINE_BYTES_MAX } from '../wal/record-codec.ts';

/** Kind of data files: answers of UUIDv7 ids, each file written once. */
export const OUTCOMES = 'outcomes';
/** Answers of labels, all of them each time. */
export const LABELS = 'labels';
/** The floor, one line. */
export const FLOOR = 'floor';
/** When each file of outcomes was written, one line each. */
export const OUTCOME_TIMES = 'outcome-times';

/** Outcomes are kept this long, if there are not too many. */
export const OUTCOME_AGE_MS_MAX = 24 * 3_600_000;

/** Most lines are shorter than this; of a longer one more is read. */
const READ_BYTES = 2048;
const LINE_FEED = 0x0a;
const ID_START = Buffer.from('{"id":"');
const QUOTE = 0x22;

/** Where the files are, and how they are read. */
export interface OutcomeFilesOptions {
  readonly directory: string;
  readonly openNow: OpenNow;
  /** Wall clock, ms since 1970: files outlive the process. A clock that is set ahead drops them early, which is safe. */
  readonly nowMs: () => number;
  readonly keptMax: number;
}

/** What goes into a checkpoint, and what to do when it is durable. */
export interface OutcomesDraft {
  readonly data: readonly DataLines[];
  readonly keep: readonly DataFileEntry[];
  readonly taken: (checkpoint: Checkpoint) => void;
}

interface OutcomeFile {
  readonly entry: DataFileEntry;
  readonly index: LineIndex;
  /** Times of its ids, ms since 1970. */
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly writtenAtMs: number;
  readonly file: OpenFile;
}

interface Place {
  readonly key: TransactionId;
  readonly offset: number;
}

/** See the header. One for each coordinator. */
export class OutcomeFiles implements OutcomeArchive {
  private readonly options: OutcomeFilesOptions;
  /** Oldest first; not before restored() where a start has read some. */
  private files: OutcomeFile[] = [];
  /** While a start reads: what was found in each file, and when it was written. */
  private readonly found = new Map<DataFileEntry, Place[]>();
  private readonly times = new Map<string, number>();
  private closed = false;

  constructor(options: OutcomeFilesOptions) {
    this.options = options;
  }

  get size(): number {
    this.restored();
    return this.files.reduce((sum, { index }) => sum + index.size, 0);
  }

  /**
   * The outcome, if one of the files has it.
   * @throws ParleyError `checkpoint-corrupt`: what cannot be read must not pass for "never seen"
   */
  find(id: TransactionId): StoredOutcome | undefined {
    assert(!this.closed, 'nobody asks for an outcome when the files are closed');
    this.restored();
    const timeMs = uuidV7TimeMs(id);
    // New ids are newer than every file, so most questions end with these comparisons.
    for (const file of this.files) {
      if (timeMs < file.oldestMs || timeMs > file.newestMs) continue;
      for (const offset of file.index.find(id)) {
        const outcome = readOutcome(file, offset);
        if (outcome.id === id) return outcome;
      }
    }
    return undefined;
  }

  /** At a start: takes the lines of a file of outcomes, each with its offset; what is no UUIDv7 goes to `labels`. */
  reader(entry: DataFileEntry, labels: (outcome: StoredOutcome) => void): (line: Buffer, offset: number) => void {
    const places: Place[] = [];
    this.found.set(entry, places);
    return (line, offset) => {
      const key = idOf(line);
      if (isUuidV7(key)) places.push({ key, offset });
      else labels(parsed(line));
    };
  }

  /** At a start: one line of OUTCOME_TIMES. */
  restoreTime(line: Json): void {
    const { name, writtenAtMs } = line as { readonly name: string; readonly writtenAtMs: number };
    this.times.set(name, writtenAtMs);
  }

  /** At a start, before the first question: what was read is put together. */
  restored(): void {
    if (this.found.size === 0) return;
    for (const [entry, places] of this.found) {
      this.add(entry, places, this.times.get(entry.name) ?? this.options.nowMs());
    }
    this.found.clear();
    this.times.clear();
  }

  /** The outcomes' part of a checkpoint that is taken at this moment. */
  draft(store: OutcomeStore): OutcomesDraft {
    const fresh = store.recent();
    const places: Place[] = [];
    const placed = (line: Json, offset: number): void => {
      places.push({ key: (line as unknown as StoredOutcome).id, offset });
    };
    const nowMs = this.options.nowMs();
    const dropped = this.surplus(fresh.length, nowMs);
    const kept = this.files.filter((file) => !dropped.includes(file));
    const floorMs = Math.max(store.floor, ...dropped.map(({ newestMs }) => newestMs));
    const times = kept.map(({ entry, writtenAtMs }) => ({ name: entry.name, writtenAtMs }));
    const lines = fresh as unknown as readonly Json[];
    return {
      data: [
        ...(fresh.length === 0 ? [] : [{ kind: OUTCOMES, lines, placed }]),
        { kind: LABELS, lines: store.labelled() as unknown as readonly Json[] },
        { kind: FLOOR, lines: [floorMs] },
        { kind: OUTCOME_TIMES, lines: times },
      ],
      keep: kept.map(({ entry }) => entry),
      taken: ({ dataFiles }) => {
        const isListed = (file: OutcomeFile): boolean => dataFiles.some(({ name }) => name === file.entry.name);
        // Nothing had been appended since the last one: that one stands, and nothing of this one was written.
        if (!kept.every(isListed) || dropped.some(isListed)) return;
        const entry = dataFiles.find(
          ({ name, kind }) => kind === OUTCOMES && !this.files.some((file) => file.entry.name === name),
        );
        if (entry !== undefined) {
          assert(places.length === fresh.length, 'a file of outcomes is taken with the place of each');
          this.add(entry, places, nowMs);
          store.archived(fresh);
        }
        this.files = this.files.filter((file) => !dropped.includes(file));
        store.raiseFloor(floorMs);
        for (const { file } of dropped) file.close();
      },
    };
  }

  /** Lets go of the files. Nothing may be asked any more: what is not found would pass for never seen. */
  close(): void {
    this.closed = true;
    for (const { file } of this.files) file.close();
  }

  /**
   * The oldest files without which enough is left, and those past their age. One with an id from a clock ahead of ours
   * stays until its time has come: it would raise the floor over ids that others are still to make.
   */
  private surplus(fresh: number, nowMs: number): readonly OutcomeFile[] {
    const { keptMax } = this.options;
    let left = this.size + fresh;
    return this.files.filter(({ index, newestMs, writtenAtMs }) => {
      if (newestMs > nowMs) return false;
      if (left - index.size < keptMax && nowMs - writtenAtMs <= OUTCOME_AGE_MS_MAX) return false;
      left -= index.size;
      return true;
    });
  }

  private add(entry: DataFileEntry, places: readonly Place[], writtenAtMs: number): void {
    let [oldestMs, newestMs] = [Infinity, 0];
    for (const { key } of places) {
      const timeMs = uuidV7TimeMs(key);
      oldestMs = Math.min(oldestMs, timeMs);
      newestMs = Math.max(newestMs, timeMs);
    }
    const file = this.options.openNow(join(this.options.directory, entry.name));
    this.files.push({ entry, index: new LineIndex(places), oldestMs, newestMs, writtenAtMs, file });
  }
}

/** The id at the beginning of a line, where every outcome is written with it; parsed where it is not. */
function idOf(line: Buffer): TransactionId {
  const end = line.indexOf(QUOTE, ID_START.length);
  if (end !== -1 && line.subarray(0, ID_START.length).equals(ID_START)) {
    return line.toString('latin1', ID_START.length, end);
  }
  return parsed(line).id;
}

function parsed(line: Buffer): StoredOutcome {
  try {
    return JSON.parse(line.toString('utf8')) as StoredOutcome;
  } catch (cause) {
    throw new ParleyError('checkpoint-corrupt', 'A line of the stored outcomes is not JSON.', { cause });
  }
}

function readOutcome({ file, entry }: OutcomeFile, offset: number): StoredOutcome {
  for (let bytes = READ_BYTES; bytes <= 2 * LINE_BYTES_MAX; bytes *= 2) {
    const into = Buffer.allocUnsafe(bytes);
    const count = readAll(file, into, offset, entry.name);
    const end = into.subarray(0, count).indexOf(LINE_FEED);
    if (end !== -1) return parsed(into.subarray(0, end));
    if (count < bytes) break;
  }
  throw new ParleyError('checkpoint-corrupt', `${entry.name}: there is no whole line at offset ${offset}.`);
}

/** Fills `into` unless the file ends before. */
function readAll(file: OpenFile, into: Buffer, offset: number, name: string): number {
  const read = (count: number): number => {
    try {
      return file.read(into.subarray(count), offset + count);
    } catch (cause) {
      throw new ParleyError('checkpoint-corrupt', `${name} cannot be read any more (${errnoOf(cause)}).`, { cause });
    }
  };
  let count = 0;
  while (count < into.length) {
    const more = read(count);
    assert(more >= 0, 'a read has no negative length');
    if (more === 0) break;
    count += more;
  }
  return count;
}
