/**
 * The write-ahead log as the host sees it. The host hands over records and is
 * told, by callback, how far the log is durable; it never waits. The file log
 * (file-log.ts) and its memory twin (memory-log.ts) keep the same contract,
 * tested by one suite.
 */

/** A record is plain JSON with a type; `seq`, `epoch` and the chain are the log's own. */
export interface LogRecord {
  readonly type: string;
}

/** A record as it stands in the log. */
export interface StoredRecord<R extends LogRecord> {
  /** 1 for the first record of an incarnation, then without gaps. */
  readonly seq: number;
  /** Which start of the node wrote it. */
  readonly epoch: number;
  readonly record: R;
}

/** Where the log is now. */
export interface LogStore<R extends LogRecord> {
  /** Sequence of the last record appended, durable or not. */
  readonly lastSeq: number;
  /** Every record up to here is synced. */
  readonly durableSeq: number;
  /**
   * False while the disk is full or the reserve is not restored: the host then
   * takes no new work (507), but what was promised still fits in the reserve.
   */
  readonly accepting: boolean;
  /**
   * Appends one record; returns its seq. Never waits, and throws only for a
   * bug: a record over 1 MiB (`too-large`; the limits of the wire are lower), or
   * an append after close().
   * `force: true` asks for a sync as soon as the one under way ends (group
   * commit: one sync serves all that was written before it started);
   * With `soon` beside it the sync may wait a few milliseconds for one that
   * is asked for without; it is not put off by further ones.
   * `force: false` (lazy) goes with the next sync, or is synced after an idle
   * moment.
   */
  append(record: R, options: { readonly force: boolean; readonly soon?: boolean }): number;
  /** Syncs what is appended and closes. No append may follow. */
  close(): Promise<void>;
}
