/**
 * The log on disk, with group commit:
 *
 * ```
 *   append append append   append append          append
 *          └─ batch 1: write, sync ─┘└─ batch 2: write, sync ─┘ …
 *                                   └ onDurable(seq of the last in batch 1)
 * ```
 *
 * One sync serves all that was written before it started; while it is under
 * way the next batch gathers. The first sync of a quiet log waits for the end
 * of the event-loop turn, so that records appended in one turn share it.
 *
 * A write or sync that fails ends the log: `onFatal` is called once, nothing is
 * tried again, and `onDurable` is never called after it. Since nobody was told
 * of what the failed sync was to cover, nobody has to be told otherwise. (Why a
 * second sync proves nothing: Rebello et al., "Can Applications Recover from
 * fsync Failures?", USENIX ATC 2020.)
 */
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import { RESERVE_FILE, SYNC_FAILED_FILE } from './directory-layout.ts';
import { errnoOf } from './durable-file.ts';
import { BATCH_BYTES_MAX } from './log-scanner.ts';
import { encodeRecord } from './record-codec.ts';
import { Reserve } from './reserve.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { Disk } from './disk.ts';
import type { ChainPlace } from './log-scanner.ts';
import type { LogRecord, LogStore } from './log-store.ts';
import type { OpenSegment } from './segment-writer.ts';

/** What may be tuned; FILE_LOG_LIMITS holds what is used otherwise. */
export interface FileLogLimits {
  /** A lazy record waits at most this long for a forced one to go with. */
  readonly lazyFlushMs: number;
  /** And a forced one that nobody hurries at most this long. */
  readonly soonFlushMs: number;
  /** A segment ends before it grows over this. */
  readonly segmentBytesMax: number;
  /** What is kept back for a full disk. */
  readonly reserveBytes: number;
  /** How often the reserve is tried to be taken again. */
  readonly reserveRetryMs: number;
}

/** Where the log goes on, and who is told what. */
export interface FileLogOptions<R extends LogRecord> extends FileLogLimits {
  readonly disk: Disk;
  readonly directory: string;
  readonly epoch: number;
  /** The last record in the log. */
  readonly last: ChainPlace;
  /** The segment to go on with; undefined in a fresh directory. */
  readonly segment: OpenSegment | undefined;
  /** Called once per sync with the last seq it covers. */
  readonly onDurable: (durableSeq: number) => void;
  /** Called at most once, with `sync-failed`: the process must end. */
  readonly onFatal: (error: ParleyError) => void;
  /** Called when the records are written and not synced. The records are gathered only for these two. */
  readonly beforeSync?: ((records: readonly R[]) => void) | undefined;
  /** Called when the records are synced, before onDurable. */
  readonly afterSync?: ((records: readonly R[]) => void) | undefined;
}

/** The reserve holds a batch (BATCH_BYTES_MAX) and as much again for what was promised. */
export const FILE_LOG_LIMITS: FileLogLimits = {
  lazyFlushMs: 50,
  soonFlushMs: 3,
  segmentBytesMax: 16 * 1_048_576,
  reserveBytes: 4 * 1_048_576,
  reserveRetryMs: 1000,
};

interface Pending<R> {
  readonly line: string;
  readonly bytes: number;
  readonly seq: number;
  readonly checksum: string;
  readonly record: R | undefined;
}

/** `open` takes records; `closing` only writes what it has; `closed` and `failed` are final. */
type Phase = 'open' | 'closing' | 'closed' | 'failed';

/** The log of one directory from one start to its end. */
export class FileLog<R extends LogRecord> implements LogStore<R> {
  private readonly options: FileLogOptions<R>;
  private readonly reserve: Reserve;
  private readonly writer: SegmentWriter;
  private readonly keepsRecords: boolean;
  private phase: Phase = 'open';
  private appended: ChainPlace;
  private durable: number;
  /** Syncs go on until this is durable: durable <= wanted <= appended. */
  private wanted: number;
  private pending: Pending<R>[] = [];
  private flushing: Promise<void> | undefined;
  private lazyTimer: NodeJS.Timeout | undefined;
  private soonTimer: NodeJS.Timeout | undefined;
  private reserveTimer: NodeJS.Timeout | undefined;
  private failure: ParleyError | undefined;

  constructor(options: FileLogOptions<R>) {
    const { disk, directory } = options;
    this.options = options;
    this.appended = options.last;
    this.durable = options.last.seq;
    this.wanted = options.last.seq;
    this.keepsRecords = options.beforeSync !== undefined || options.afterSync !== undefined;
    this.reserve = new Reserve({ disk, path: join(directory, RESERVE_FILE), bytes: options.reserveBytes });
    this.writer = new SegmentWriter({ ...options, reserve: this.reserve });
  }

  get lastSeq(): number {
    return this.appended.seq;
  }

  get durableSeq(): number {
    return this.durable;
  }

  /** The last record appended and its checksum, for a checkpoint. */
  get lastPlace(): ChainPlace {
    return this.appended;
  }

  /** What a power cut in this moment would leave of the last segment; undefined before there is any. */
  get synced(): OpenSegment | undefined {
    return this.writer.synced;
  }

  get accepting(): boolean {
    return this.phase === 'open' && this.reserve.full;
  }

  /** Takes the reserve for the first time. Without it the log works, but is not `accepting`. */
  async prepareReserve(): Promise<void> {
    await this.reserve.fill();
    if (!this.reserve.full) this.retryReserve();
  }

  append(record: R, { force, soon = false }: { readonly force: boolean; readonly soon?: boolean }): number {
    assert(this.phase === 'open' || this.phase === 'failed', 'no record is appended to a closed log');
    const { seq: lastSeq, checksum: prev } = this.appended;
    const seq = lastSeq + 1;
    const { line, bytes, checksum } = encodeRecord(record, { seq, epoch: this.options.epoch, prev });
    this.appended = { seq, checksum };
    // After a failure nothing is kept: the process is about to end, and its memory must not fill meanwhile.
    if (this.phase === 'failed') return seq;
    this.pending.push({ line, bytes, seq, checksum, record: this.keepsRecords ? record : undefined });
    if (force && soon) this.armSoonTimer();
    else if (force) this.want(seq);
    else this.armLazyTimer();
    return seq;
  }

  /**
   * Resolves when all that was appended is durable.
   * @throws ParleyError `sync-failed`
   */
  async flush(): Promise<void> {
    const target = this.appended.seq;
    while (this.durable < target && this.phase !== 'failed') {
      this.want(target);
      await this.flushing;
    }
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {
    if (this.phase === 'open') this.phase = 'closing';
    clearTimeout(this.reserveTimer);
    // A failure was told by onFatal; here only the file is left to be closed.
    await this.flush().catch(() => undefined);
    await this.reserve.settled();
    clearTimeout(this.lazyTimer);
    clearTimeout(this.soonTimer);
    if (this.phase === 'closing') this.phase = 'closed';
    await this.writer.close();
  }

  private want(seq: number): void {
    this.wanted = Math.max(this.wanted, seq);
    this.flushing ??= this.startFlush();
  }

  private async startFlush(): Promise<void> {
    await new Promise((endOfTurn) => setImmediate(endOfTurn));
    while (this.durable < this.wanted && this.phase !== 'failed') await this.flushBatch(this.takeBatch());
    this.flushing = undefined;
    if (this.pending.length > 0) this.armLazyTimer();
  }

  private armLazyTimer(): void {
    this.lazyTimer ??= setTimeout(() => {
      this.lazyTimer = undefined;
      this.want(this.appended.seq);
    }, this.options.lazyFlushMs);
  }

  private armSoonTimer(): void {
    this.soonTimer ??= setTimeout(() => {
      this.soonTimer = undefined;
      this.want(this.appended.seq);
    }, this.options.soonFlushMs);
  }

  /** What one sync is to cover: all that is pending, lazy records too, up to the size of a batch. */
  private takeBatch(): Pending<R>[] {
    clearTimeout(this.lazyTimer);
    clearTimeout(this.soonTimer);
    this.lazyTimer = undefined;
    this.soonTimer = undefined;
    let bytes = 0;
    const end = this.pending.findIndex((each) => (bytes += each.bytes) > BATCH_BYTES_MAX);
    if (end === -1) {
      const batch = this.pending;
      this.pending = [];
      return batch;
    }
    const batch = this.pending.slice(0, end);
    this.pending = this.pending.slice(end);
    return batch;
  }

  private async flushBatch(batch: readonly Pending<R>[]): Promise<void> {
    const [first, last] = [batch[0], batch.at(-1)];
    assert(first !== undefined && last !== undefined, 'a batch has records');
    const records = batch.flatMap(({ record }) => (record === undefined ? [] : [record]));
    const bytes = Buffer.from(batch.map(({ line }) => line).join(''));
    try {
      await this.writer.put({ bytes, firstSeq: first.seq }, () => this.options.beforeSync?.(records));
    } catch (cause) {
      this.fail(cause);
      return;
    }
    if (!this.reserve.full) this.retryReserve();
    this.durable = last.seq;
    this.options.afterSync?.(records);
    this.options.onDurable(last.seq);
  }

  private fail(cause: unknown): void {
    this.phase = 'failed';
    this.pending = [];
    clearTimeout(this.lazyTimer);
    clearTimeout(this.soonTimer);
    clearTimeout(this.reserveTimer);
    const { disk, directory, onFatal } = this.options;
    try {
      disk.touchNow(join(directory, SYNC_FAILED_FILE));
    } catch {
      // Best effort: a disk that fails may fail here too, and the process must end all the same.
    }
    const what = cause instanceof Error ? cause.message : String(cause);
    this.failure = new ParleyError('sync-failed', `${join(directory, this.writer.file)}: ${errnoOf(cause)}: ${what}.`, {
      cause,
    });
    onFatal(this.failure);
  }

  private retryReserve(): void {
    if (this.reserveTimer !== undefined || this.phase !== 'open') return;
    this.reserveTimer = setTimeout(() => {
      this.reserveTimer = undefined;
      void this.prepareReserve();
    }, this.options.reserveRetryMs);
    this.reserveTimer.unref();
  }
}
