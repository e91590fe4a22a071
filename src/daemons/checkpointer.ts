/**
 * When a node takes its checkpoints: after so many records, one at a time, and
 * not again at once when the disk had no room. A failed sync ends the process.
 */
import { ParleyError } from '../base/errors.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { Checkpoint, DataFileEntry } from '../wal/checkpoint.ts';
import type { DataLines, NodeDirectory } from '../wal/node-directory.ts';
import { endNow } from './daemon.ts';
import type { NodeLog } from './node-log.ts';
import { realClock } from './real-clock.ts';

/** After this many records a checkpoint is taken: replay at a start stays short. */
export const CHECKPOINT_RECORDS = 50_000;

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

/** See the header. */
export function checkpointer(directory: CheckpointedDirectory, log: Pick<NodeLog, 'info' | 'warn'>): Checkpointer {
  let underWay: Promise<void> | undefined;
  let notBeforeMs = 0;
  let lastSeq = directory.checkpoint()?.seq ?? 0;
  const take = async ({ data, keep = [], taken }: CheckpointParts): Promise<void> => {
    try {
      const checkpoint = await directory.takeCheckpoint({ state: {}, data, keep });
      const { seq } = checkpoint;
      lastSeq = seq;
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
    if (directory.log.lastSeq - lastSeq < CHECKPOINT_RECORDS) return;
    underWay = take(collect()).finally(() => {
      underWay = undefined;
    });
  };
  return { whenDue, underWay: () => underWay ?? Promise.resolve() };
}
