/**
 * The twin of file-log.ts for tests and the simulator: the same contract, no
 * disk. Who drives it decides when a sync ends, and may end the life of the
 * log at any instant: kill() and powerLoss() answer the records that a restart
 * would find, to be given to the next MemoryLog.
 *
 * Two numbers divide the records: 1 … durable … appended. What lies between
 * may survive a crash in part: always a beginning, never with a hole.
 */
import { assert } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import type { LogRecord, LogStore, StoredRecord } from './log-store.ts';

/** Whether somebody waits for the sync. */
export type SyncUrgency = 'forced' | 'lazy';

/** Where the log goes on, who is told what, and who drives it. */
export interface MemoryLogOptions<R extends LogRecord> {
  readonly epoch: number;
  /** What an earlier log left; empty for a fresh one. */
  readonly records: readonly StoredRecord<R>[];
  readonly onDurable: (durableSeq: number) => void;
  readonly onFatal: (error: ParleyError) => void;
  /**
   * Called when a sync is to start; call `complete` when it ends. One sync is
   * asked for at a time, except that a forced one is asked for in place of a
   * lazy one that has not ended; a `complete` that came too late does nothing.
   * Undefined: only sync() moves the log.
   */
  readonly startSync: ((complete: () => void, urgency: SyncUrgency) => void) | undefined;
  /**
   * False: the next life gets the records themselves, which nobody may change.
   * Otherwise they go as text and come back as other objects, as after a real restart.
   */
  readonly copies?: boolean;
}

/** A log without a disk, from one start to its end. */
export class MemoryLog<R extends LogRecord> implements LogStore<R> {
  accepting = true;
  private readonly options: MemoryLogOptions<R>;
  private readonly stored: StoredRecord<R>[];
  private durable: number;
  private wanted: number;
  /** Forced records whose sync nobody has asked about, in order. */
  private forced: { readonly seq: number; readonly type: string }[] = [];
  private underWay: { readonly urgency: SyncUrgency; readonly covers: number } | undefined;
  private phase: 'open' | 'closed' | 'dead' = 'open';

  constructor(options: MemoryLogOptions<R>) {
    this.options = options;
    this.stored = [...options.records];
    this.durable = this.stored.length;
    this.wanted = this.durable;
    assert(
      this.stored.every(({ seq }, index) => seq === index + 1),
      'the records of a log are numbered from 1 without gaps',
    );
  }

  get lastSeq(): number {
    return this.stored.length;
  }

  get durableSeq(): number {
    return this.durable;
  }

  /** Every record, durable or not. */
  get records(): readonly StoredRecord<R>[] {
    return this.stored;
  }

  append(record: R, { force }: { readonly force: boolean }): number {
    assert(this.phase !== 'closed', 'no record is appended to a closed log');
    const seq = this.stored.length + 1;
    this.stored.push({ seq, epoch: this.options.epoch, record });
    if (force) {
      this.wanted = seq;
      this.forced.push({ seq, type: record.type });
    }
    this.ask(force ? 'forced' : 'lazy');
    return seq;
  }

  /** Types of the forced records that became durable since the last call. */
  takeForced(): readonly string[] {
    const taken = this.forced.filter(({ seq }) => seq <= this.durable);
    this.forced = this.forced.filter(({ seq }) => seq > this.durable);
    return taken.map(({ type }) => type);
  }

  /** Makes all that is appended durable now. */
  sync(): void {
    if (this.phase === 'dead') return;
    this.underWay = undefined;
    this.reach(this.stored.length);
  }

  /** The sync that is under way, or the next one, fails: the log is at its end. */
  failSync(): void {
    if (this.phase === 'dead') return;
    this.phase = 'dead';
    this.options.onFatal(new ParleyError('sync-failed', 'The sync was made to fail.'));
  }

  /** kill -9: `written` of the records that no sync covered had reached the kernel, and stay. */
  kill({ written }: { readonly written: number }): readonly StoredRecord<R>[] {
    this.phase = 'dead';
    const left = this.stored.slice(0, Math.min(this.durable + written, this.stored.length));
    if (this.options.copies === false) return left;
    return JSON.parse(JSON.stringify(left)) as StoredRecord<R>[];
  }

  /** The power goes: only what was synced is left. */
  powerLoss(): readonly StoredRecord<R>[] {
    return this.kill({ written: 0 });
  }

  close(): Promise<void> {
    this.sync();
    if (this.phase === 'open') this.phase = 'closed';
    return Promise.resolve();
  }

  private ask(urgency: SyncUrgency): void {
    const { startSync } = this.options;
    if (startSync === undefined || this.phase === 'dead') return;
    if (this.underWay?.urgency === 'forced' || this.underWay?.urgency === urgency) return;
    // A lazy sync has not started yet, it waits for its moment: it covers what is there when it ends.
    const sync = { urgency, covers: this.stored.length };
    this.underWay = sync;
    startSync(() => {
      if (this.underWay !== sync || this.phase !== 'open') return;
      this.underWay = undefined;
      this.reach(urgency === 'lazy' ? this.stored.length : sync.covers);
      if (this.wanted > this.durable) this.ask('forced');
      else if (this.stored.length > this.durable) this.ask('lazy');
    }, urgency);
  }

  private reach(seq: number): void {
    if (seq <= this.durable) return;
    this.durable = seq;
    this.options.onDurable(seq);
  }
}
