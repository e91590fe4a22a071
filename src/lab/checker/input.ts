/**
 * What the checker is given. It is the same for real directories (gather.ts
 * reads them) and for the logs of a simulated world, which are in memory.
 */
import type { Json } from '../../base/canonical-json.ts';
import type { Message, NodeName } from '../../protocol/messages.ts';
import type { FinalState, HistoryEvent, RunDescription } from '../run-directory.ts';

/** A record as it stands in a log. `prev` and `checksum`, file and line are there when it came from a disk. */
export interface CheckedRecord {
  readonly seq: number;
  readonly epoch: number;
  /** Any JSON with a type: a record that has the wrong shape is a finding. */
  readonly record: { readonly type: string };
  readonly prev?: string;
  readonly checksum?: string;
  readonly file?: string;
  readonly line?: number;
}

/** What the log up to `seq` amounts to, for a log whose first segments are gone. */
export interface CheckedCheckpoint {
  readonly seq: number;
  readonly epoch: number;
  readonly incarnation: string;
  readonly checksum?: string;
  /** Records that recover to the same state: data files of kind `protocol`. */
  readonly protocol: readonly { readonly type: string }[];
  /** Answers that were given: data files of kinds `outcomes` and `labels` (coordinator). */
  readonly outcomes: readonly Json[];
  /** State of the resources by group, as snapshot lines: data files of kind `resources` (participant). */
  readonly resources: readonly { readonly group: string; readonly kind: string; readonly lines: readonly Json[] }[];
}

/** Something wrong with the bytes of a log. A torn tail is no fault: it is what a kill leaves. */
export interface LogFault {
  readonly what: string;
  readonly file?: string;
  readonly line?: number;
  readonly seq?: number;
}

/** One node with its log. */
export interface NodeLog {
  readonly name: NodeName;
  readonly role: 'coordinator' | 'participant' | 'server';
  /** In log order. */
  readonly records: readonly CheckedRecord[];
  readonly checkpoint?: CheckedCheckpoint;
  readonly faults?: readonly LogFault[];
  /**
   * When the cluster was running while it was read: records up to this seq were
   * there before any other log was read for good. What a later record implies
   * elsewhere may not have been read, so only these are held against others.
   */
  readonly settledSeq?: number;
}

/** What a node did, in order, where somebody looked on: for I11. */
export type TraceEntry =
  | { readonly node: NodeName; readonly at: 'durable'; readonly seq: number }
  | { readonly node: NodeName; readonly at: 'message'; readonly to: NodeName; readonly message: Message }
  | {
      readonly node: NodeName;
      readonly at: 'answer';
      readonly id: string;
      readonly outcome: 'committed' | 'aborted';
    };

/** A finished run. Without history, final state and description the logs alone are checked. */
export interface CheckInput {
  readonly nodes: readonly NodeLog[];
  readonly history?: readonly HistoryEvent[];
  readonly final?: FinalState | undefined;
  readonly run?: RunDescription | undefined;
  readonly trace?: readonly TraceEntry[];
  /** Files of the run that could not be understood; each makes the run inconclusive. */
  readonly faults?: readonly { readonly file: string; readonly line?: number; readonly what: string }[];
}
