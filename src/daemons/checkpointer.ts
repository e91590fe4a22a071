/**
 * When a node takes its checkpoints: after so many records, one at a time, and
 * not again at once when the disk had no room. A failed sync ends the process.
 *
 * One that wrote much is not soon followed by another: the records since are at
 * least half its lines. So however large the state grows, a record costs no
 * more than a few lines of a checkpoint, and a replay is in proportion to it.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { Checkpoint, DataFileEntry } from '../wal/checkpoint.ts';
import type { DataLines, NodeDirectory } from '../wal/node-directory.ts';
import { endNow } from './daemon.ts';
import type { NodeLog } from './node-log.ts';
import { realClock } from './real-clock.ts';

/** After this many records a checkpoint is taken, at least: replay at a start stays short. */
export const CHECKPOINT_RECORDS = 50_000;
/** And after so many for each line that the last one wrote. */
const RECORDS_PER_LINE = 0.5;

/** The directory of which checkpoints are taken. */
export type CheckpointedDirectory = Pick<NodeDirectory<ProtocolRecord>, 'checkpoint' | 'takeCheckpoint'> & {
  readonly log: { readonly lastSeq: number };
};

/** What a checkpoint is to hold, as of this moment; only `data` where all of it is written each time. */
export interface CheckpointParts {
  readonly data: readonly DataLines[];
  /** Data files of the last checkpoint that this one goes on listing. */
  readonly keep?: readonly DataFileEntry[];
  /** Called when the checkpoint is durable. */
  readonly taken?: (checkpoint: Checkpoint) => void;
}

/** The checkpoints of one node in one life. */
export interface Checkpointer {
  /** Takes one when enough records have come since the last; `collect` is called at that moment. */
  readonly whenDue: (collect: () => CheckpointParts) => void;
  /** Resolves when nothing is being written. */
  readonly underWay: () => Promise<void>;
}

/** A checkpoint that found no room takes what little comes free from the log's own reserve; so not again at once. */
const POSTPONED_MS = 60_000;

/** See the header. `records`: other than CHECKPOINT_RECORDS only in the lab, where starts from a checkpoint are to be many. */
export function checkpointer(
  directory: CheckpointedDirectory,
  log: Pick<NodeLog, 'info' | 'warn'>,
  records = CHECKPOINT_RECORDS,
): Checkpointer {
  let underWay: Promise<void> | undefined;
  let notBeforeMs = 0;
  let lastSeq = directory.checkpoint()?.seq ?? 0;
  /** Lines that the last checkpoint of this life wrote. */
  let linesWritten = 0;
  const take = async ({ data, keep = [], taken }: CheckpointParts): Promise<void> => {
    try {
      const counted = data.map((file) => ({ ...file, lines: new CountedLines(file.lines) }));
      const checkpoint = await directory.takeCheckpoint({ state: {}, data: counted, keep });
      const { seq } = checkpoint;
      lastSeq = seq;
      linesWritten = counted.reduce((sum, { lines }) => sum + lines.read, 0);
      taken?.(checkpoint);
      log.info('checkpoint', `A checkpoint up to record ${seq} is durable.`, { seq });
    } catch (error) {
      // Anything but an error of the disk is a bug, and ends the process as one.
      if (!(error instanceof ParleyError)) throw error;
      if (error.code !== 'log-full') endNow(error);
      notBeforeMs = realClock.nowMs() + POSTPONED_MS;
      log.warn('checkpoint-postponed', error.message);
    }
  };
  const whenDue: Checkpointer['whenDue'] = (collect) => {
    if (underWay !== undefined || realClock.nowMs() < notBeforeMs) return;
    if (directory.log.lastSeq - lastSeq < Math.max(records, linesWritten * RECORDS_PER_LINE)) return;
    underWay = take(collect()).finally(() => {
      underWay = undefined;
    });
  };
  return { whenDue, underWay: () => underWay ?? Promise.resolve() };
}

/** Lines that tell how many of them were read. */
class CountedLines implements Iterable<Json> {
  read = 0;
  readonly #lines: Iterable<Json>;

  constructor(lines: Iterable<Json>) {
    this.#lines = lines;
  }

  *[Symbol.iterator](): Generator<Json> {
    for (const line of this.#lines) {
      this.read += 1;
      yield line;
    }
  }
}
