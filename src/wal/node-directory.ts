/**
 * Opens the directory of a node, in the one order that is safe:
 *
 * ```
 *   make it -> lock -> verify, read only -> repair the tail -> sync -> new epoch, forced
 * ```
 * Nothing is written before the whole log was found sound; nothing is acted on
 * before what was read is synced (a killed predecessor leaves records that can
 * be read and are not on the disk); no message leaves before the new epoch is
 * durable, because the epoch is what fences the earlier start of this node.
 * The caller goes on with: state and locks from what was replayed, then listen,
 * then resolve what is in doubt.
 *
 * A directory belongs to one name and role, told by its first record: a node
 * that comes back under another name would answer for votes it never gave.
 */
import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { assert } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import { openCheckpointStore } from './checkpoint.ts';
import { SYNC_FAILED_FILE } from './directory-layout.ts';
import { lockDirectory } from './directory-lock.ts';
import { realDisk } from './disk.ts';
import { errnoOf, isDiskFull } from './durable-file.ts';
import { FILE_LOG_LIMITS, FileLog } from './file-log.ts';
import { readDirectory } from './directory-reader.ts';
import { repairLog } from './log-repair.ts';
import type { Json } from '../base/canonical-json.ts';
import type { Checkpoint, CheckpointStore, DataFileEntry } from './checkpoint.ts';
import type { DirectoryLock } from './directory-lock.ts';
import type { FoundStart, ReadData, ScanData, StartRecord } from './directory-reader.ts';
import type { Disk } from './disk.ts';
import type { FileLogLimits } from './file-log.ts';
import type { RepairedTail } from './log-repair.ts';
import type { LogRecord, StoredRecord } from './log-store.ts';

/** Whose directory it is, and who is told what. */
export interface NodeDirectoryOptions<R extends LogRecord> {
  readonly directory: string;
  readonly name: string;
  readonly role: string;
  /** The mark of this process among all starts, for the start record. */
  readonly start?: string;
  /** The program's version, for the start record. */
  readonly version: string;
  /** Called first if there is a checkpoint; records after it are replayed when this has resolved. */
  readonly onCheckpoint: (checkpoint: Checkpoint, readData: ReadData, scanData: ScanData) => void | Promise<void>;
  /** Called for every record after the checkpoint, in order, except start records. */
  readonly replay: (stored: StoredRecord<R>) => void;
  readonly onDurable: (durableSeq: number) => void;
  /** The log is at its end: the process must end with the error's exit code. Not called before the directory is open. */
  readonly onFatal: (error: ParleyError) => void;
  readonly beforeSync?: (records: readonly (R | StartRecord)[]) => void;
  readonly afterSync?: (records: readonly (R | StartRecord)[]) => void;
  /** Told as a checkpoint comes to each of its moments. */
  readonly atCheckpoint?: (moment: CheckpointMoment) => void;
  readonly limits?: Partial<FileLogLimits>;
  /** Ports; the real ones unless given. */
  readonly disk?: Disk;
  readonly lock?: (directory: string) => Promise<DirectoryLock>;
  readonly now?: () => Date;
  readonly random?: (bytes: number) => Uint8Array;
}

/**
 * Of a checkpoint: nothing of it is on disk; its data files are, and no document lists them; the document is, and what
 * it makes unneeded is still there.
 */
export type CheckpointMoment = 'before-force' | 'written' | 'forced';

/** One kind of lines to be written with a checkpoint. */
export interface DataLines {
  readonly kind: string;
  readonly lines: Iterable<Json>;
  /** Told of each line at which offset of the file it is put; that counts when the checkpoint is durable. */
  readonly placed?: (line: Json, offset: number) => void;
}

/** What a checkpoint is to hold. */
export interface CheckpointDraft {
  /** State as of the last record appended at the time of the call. */
  readonly state: Json;
  /** New data files; must not change until the checkpoint is done. */
  readonly data: readonly DataLines[];
  /** Data files of the last checkpoint that this one goes on listing. */
  readonly keep: readonly DataFileEntry[];
}

/** A directory that is open, and this process's alone. */
export interface NodeDirectory<R extends LogRecord> {
  readonly log: FileLog<R | StartRecord>;
  readonly incarnation: string;
  readonly epoch: number;
  /** The seq of the start record of this epoch, which is durable. */
  readonly startSeq: number;
  /** The starts before this one that the log still holds, oldest first, the newest few. */
  readonly earlierStarts: readonly FoundStart[];
  /** What was cut at this start, for one line of warning. */
  readonly repairedTail: RepairedTail | undefined;
  /** The last durable checkpoint. */
  checkpoint(): Checkpoint | undefined;
  /**
   * Makes a checkpoint as of the last record appended now. One at a time.
   * @throws ParleyError `log-full` (nothing happened), `sync-failed` (the process must end)
   */
  takeCheckpoint(draft: CheckpointDraft): Promise<Checkpoint>;
  close(): Promise<void>;
}

/**
 * @throws ParleyError `directory-unusable` (path and errno), `directory-busy`, `directory-foreign`,
 *   `wal-corrupt` (file, offset, seq), `checkpoint-corrupt`, `sync-failed`
 */
export async function openNodeDirectory<R extends LogRecord>(
  options: NodeDirectoryOptions<R>,
): Promise<NodeDirectory<R>> {
  const disk = options.disk ?? realDisk;
  const directory = resolve(options.directory);
  await makeDirectory(disk, directory);
  const take = options.lock ?? ((path: string) => lockDirectory(path, process.platform));
  const lock = await usable(directory, () => take(directory));
  try {
    return await openLocked(options, disk, directory, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked<R extends LogRecord>(
  options: NodeDirectoryOptions<R>,
  disk: Disk,
  directory: string,
  release: () => Promise<void>,
): Promise<NodeDirectory<R>> {
  const { name, role } = options;
  const store = await openCheckpointStore(disk, directory);
  const found = await readDirectory<R>({ ...options, disk, directory, store });
  const now = options.now ?? (() => new Date());
  const repairedTail = await synced(disk, directory, 'directory-unusable', async () => {
    const tail = await repairLog({ disk, directory, verdict: found.verdict, segments: found.segments, now: now() });
    await store.removeUnneeded();
    return tail;
  });
  const incarnation = found.incarnation ?? newIncarnation(options.random ?? randomBytes);
  const epoch = found.epoch + 1;
  let opened = false;
  const log = new FileLog<R | StartRecord>({
    ...FILE_LOG_LIMITS,
    ...options.limits,
    disk,
    directory,
    epoch,
    last: found.last,
    segment: found.segments.at(-1),
    onDurable: options.onDurable,
    // Until the directory is open, a failure is told by the rejection alone.
    onFatal: (error) => (opened ? options.onFatal(error) : undefined),
    beforeSync: options.beforeSync,
    afterSync: options.afterSync,
  });
  await log.prepareReserve();
  const startedAt = now().toISOString();
  const startSeq = log.append(
    { type: 'start', name, role, incarnation, version: options.version, startedAt, ...markOf(options) },
    { force: true },
  );
  try {
    await log.flush();
  } catch (error) {
    await log.close();
    throw error;
  }
  opened = true;
  const pass = options.atCheckpoint ?? (() => undefined);
  const takeCheckpoint = checkpointTaker({ disk, directory, store, log, name, role, incarnation, epoch, pass });
  const close = async (): Promise<void> => {
    await log.close();
    await release();
  };
  const checkpoint = (): Checkpoint | undefined => store.current;
  const earlierStarts = found.starts;
  return { log, incarnation, epoch, startSeq, earlierStarts, repairedTail, checkpoint, takeCheckpoint, close };
}

/** Left out rather than empty: the record says what there is. */
function markOf({ start }: { readonly start?: string }): { readonly start?: string } {
  return start === undefined ? {} : { start };
}

interface TakerOptions<R extends LogRecord> extends Pick<Checkpoint, 'name' | 'role' | 'incarnation' | 'epoch'> {
  readonly disk: Disk;
  readonly directory: string;
  readonly store: CheckpointStore;
  readonly log: FileLog<R>;
  readonly pass: (moment: CheckpointMoment) => void;
}

function checkpointTaker<R extends LogRecord>(options: TakerOptions<R>): NodeDirectory<R>['takeCheckpoint'] {
  const { disk, directory, store, log, name, role, incarnation, epoch, pass } = options;
  let busy = false;
  const write = async (draft: CheckpointDraft): Promise<Checkpoint> => {
    // Taken before the first wait: it is the state of this moment that was handed in.
    const { seq, checksum } = log.lastPlace;
    const current = store.current;
    if (current?.seq === seq) return current;
    pass('before-force');
    // A checkpoint may not hold what a power cut could still take out of the log.
    await log.flush();
    const dataFiles = [...draft.keep];
    for (const { kind, lines, placed } of draft.data) {
      dataFiles.push(await store.writeDataFile(kind, seq, lines, placed));
    }
    pass('written');
    const { state } = draft;
    const checkpoint = { version: 1, seq, checksum, name, role, incarnation, epoch, dataFiles, state } as const;
    await store.commit(checkpoint, () => pass('forced'));
    return checkpoint;
  };
  return async (draft) => {
    assert(!busy, 'one checkpoint is taken at a time');
    busy = true;
    try {
      return await synced(disk, directory, 'log-full', () => write(draft));
    } catch (error) {
      // Data files of a checkpoint that did not come about take space that the log may need.
      if (error instanceof ParleyError && error.code === 'log-full')
        await store.removeUnneeded().catch(() => undefined);
      throw error;
    } finally {
      busy = false;
    }
  };
}

async function makeDirectory(disk: Disk, directory: string): Promise<void> {
  await usable(directory, async () => {
    const topmost = await disk.makeDirectory(directory);
    if (topmost === undefined) return;
    // Every name that was made must reach the disk, from the topmost down.
    for (let made = directory; made.length >= topmost.length; made = dirname(made)) {
      await disk.syncDirectory(dirname(made));
    }
  });
}

/** Turns an error of the file system into one that names the directory and the errno. */
async function usable<T>(directory: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (cause) {
    if (cause instanceof ParleyError || errnoOf(cause) === 'unknown') throw cause;
    throw new ParleyError('directory-unusable', `${directory}: ${errnoOf(cause)}: ${messageOf(cause)}.`, { cause });
  }
}

const FORBIDDEN: ReadonlySet<string> = new Set(['EACCES', 'EROFS', 'EPERM']);

/** Turns an error of writing into `whenFull` or `sync-failed`, and leaves the mark of the latter. */
async function synced<T>(
  disk: Disk,
  directory: string,
  whenFull: 'log-full' | 'directory-unusable',
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof ParleyError || errnoOf(cause) === 'unknown') throw cause;
    const detail = `${directory}: ${errnoOf(cause)}: ${messageOf(cause)}.`;
    if (isDiskFull(cause)) throw new ParleyError(whenFull, detail, { cause });
    if (FORBIDDEN.has(errnoOf(cause))) throw new ParleyError('directory-unusable', detail, { cause });
    try {
      disk.touchNow(join(directory, SYNC_FAILED_FILE));
    } catch {
      // Best effort, as in file-log.ts.
    }
    throw new ParleyError('sync-failed', detail, { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const INCARNATION_LENGTH = 8;

/** 8 characters 0-9 a-z, each equally likely: bytes from 252 on would favour the first four, and are passed over. */
function newIncarnation(random: (bytes: number) => Uint8Array): string {
  let text = '';
  while (text.length < INCARNATION_LENGTH) {
    for (const byte of random(2 * INCARNATION_LENGTH)) if (byte < 252) text += DIGITS[byte % DIGITS.length] ?? '';
  }
  return text.slice(0, INCARNATION_LENGTH);
}
