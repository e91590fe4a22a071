/**
 * Every record a node keeps, and whether it is forced (synced before any
 * output of its step leaves) or lazy (goes with the next sync).
 *
 * A log is read front to back, so a later record may lean on an earlier one:
 * `begin` is lazy, yet whenever a `commit` or `precommitted` of the same number
 * is in the log, its `begin` is too. `docs/log.md` shows an example of each.
 */
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type {
  GroupHashes,
  IndexedOperation,
  IndexedResult,
  LogSeen,
  NodeName,
  ProtocolName,
  Reason,
  Round,
  Site,
} from './messages.ts';

/** The effect of a transaction on one group of this participant; its shape is the resource's. */
export interface GroupEffect {
  readonly group: string;
  readonly effect: Json;
}

/** First record of every start, written by the log itself: who, and which start. */
export interface StartRecord {
  readonly type: 'start';
  readonly name: NodeName;
  readonly role: string;
  readonly incarnation: string;
  /** The mark of the process, made at random: a log that lost its newest start counts the same epoch again. */
  readonly start?: string;
}

/** Coordinator: an attempt begins. Forced when one-phase: there, no record must not mean abort. */
export interface BeginRecord {
  readonly type: 'begin';
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly hash: string;
  readonly protocol: ProtocolName;
  readonly participants: readonly Site[];
  readonly groups: Readonly<Record<string, readonly NodeName[]>>;
  /** How many operations the client sent. */
  readonly operations: number;
  readonly onePhase?: true;
}

/** Coordinator: the decision. 2PC: forced, and it is the commit point. 3PC and one-phase: lazy. */
export interface CommitRecord {
  readonly type: 'commit';
  readonly number: AttemptNumber;
  /** Told to the client, so kept: with it the answer is whole. */
  readonly results: readonly IndexedResult[];
  readonly cost?: Cost;
}

/** What a transaction cost until its client was told; counted, not estimated. */
export interface Cost {
  /** Records forced by the coordinator and, as their messages show, by the participants. */
  readonly forcedWrites: number;
  /** Messages sent and received by the coordinator. */
  readonly messages: number;
  readonly ms: number;
}

/** Coordinator: an attempt is decided abort. Lazy: no record means the same. */
export interface AbortRecord {
  readonly type: 'abort';
  readonly number: AttemptNumber;
  readonly reason: Reason;
}

/** Coordinator: the client is told `aborted`. Forced: a definite no is as durable as a yes. */
export interface AnswerRecord {
  readonly type: 'answer';
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly hash: string;
  readonly protocol: ProtocolName;
  readonly reason: Reason;
  readonly participants: readonly NodeName[];
  /** How many operations the client sent. */
  readonly operations: number;
  readonly cost: Cost;
}

/** Coordinator: every participant has the decision. Lazy. `left` names those a view change answered for. */
export interface EndRecord {
  readonly type: 'end';
  readonly number: AttemptNumber;
  readonly left?: readonly NodeName[];
}

/** Everything below is decided and acknowledged. Forced at the coordinator, lazy at a participant. */
export interface LowWaterRecord {
  readonly type: 'low-water';
  readonly number: AttemptNumber;
  /** How much of each peer's log is known to be synced: one that comes back with less is refused. */
  readonly peers?: Readonly<Record<NodeName, LogSeen>>;
}

/** Coordinator: who is up to date in a group. Forced. */
export interface ViewRecord {
  readonly type: 'view';
  readonly group: string;
  readonly version: number;
  readonly members: readonly NodeName[];
  readonly why: string;
}

/** Coordinator: a participant registered. Forced. */
export interface PeerRecord {
  readonly type: 'peer';
  readonly name: NodeName;
  readonly incarnation: string;
  readonly epoch: number;
  readonly start: string;
  readonly address: string;
}

/** Participant: the start of the coordinator it obeys. Forced: an older one is refused from then on. */
export interface CoordinatorRecord {
  readonly type: 'coordinator';
  readonly name: NodeName;
  readonly incarnation: string;
  readonly epoch: number;
  readonly start: string;
  readonly addresses: Readonly<Record<NodeName, string>>;
  /** As it welcomed us; a fresh log must know it before it speaks about any number. */
  readonly lowWater: AttemptNumber;
}

/** Participant: the yes. Forced. Holds all that a restart needs: locks, effects, whom to ask. */
export interface PreparedRecord {
  readonly type: 'prepared';
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly protocol: ProtocolName;
  readonly coordinator: Site;
  readonly participants: readonly Site[];
  readonly operations: readonly IndexedOperation[];
  readonly effects: readonly GroupEffect[];
  readonly results: readonly IndexedResult[];
  readonly hashes: GroupHashes;
}

/** 3PC, any site: a round's proposal accepted; sets lastElected and lastAttempt to the round. Forced. */
export interface AttemptedRecord {
  readonly type: 'precommitted' | 'preaborted';
  readonly number: AttemptNumber;
  readonly round: Round;
  /** The coordinator's own: what the client is told if it commits. */
  readonly results?: readonly IndexedResult[];
}

/** 3PC, any site: lower rounds are refused from now on; sets lastElected. Forced. */
export interface PromisedRecord {
  readonly type: 'promised';
  readonly number: AttemptNumber;
  readonly round: Round;
}

/** Participant: committed. Forced before the acknowledge. One-phase carries the effect, else `prepared` has it. */
export interface CommittedRecord {
  readonly type: 'committed';
  readonly number: AttemptNumber;
  readonly id?: TransactionId;
  readonly effects?: readonly GroupEffect[];
  readonly results?: readonly IndexedResult[];
}

/** Participant: aborted. Forced when it is a tombstone (asked before voting yes), else lazy. */
export interface AbortedRecord {
  readonly type: 'aborted';
  readonly number: AttemptNumber;
  readonly reason: Reason;
}

/**
 * Participant: the group's state as copied from a live member, in parts from 1 on: the lines of the resource's snapshot,
 * then what was committed since, as `{change: {number, id, data}}`. It counts from its last part on, which is the one
 * whose `parts` is its own `part`; until then it is gathered beside the group.
 */
export interface CopiedRecord {
  readonly type: 'copied';
  readonly group: string;
  readonly part: number;
  /** In the last part. */
  readonly parts?: number;
  readonly lines: readonly Json[];
}

/** True of the last part of a copy. */
export function endsCopy({ part, parts }: Pick<CopiedRecord, 'part' | 'parts'>): boolean {
  return part === parts;
}

/** Participant: a copy of the group replaced this number's operations on it. Forced with the copy. */
export interface SupersededRecord {
  readonly type: 'superseded';
  readonly number: AttemptNumber;
  readonly group: string;
}

/** Any record of a coordinator or participant. */
export type ProtocolRecord =
  | StartRecord
  | BeginRecord
  | CommitRecord
  | AbortRecord
  | AnswerRecord
  | EndRecord
  | LowWaterRecord
  | ViewRecord
  | PeerRecord
  | CoordinatorRecord
  | PreparedRecord
  | AttemptedRecord
  | PromisedRecord
  | CommittedRecord
  | AbortedRecord
  | SupersededRecord
  | CopiedRecord;

/** A record on its way to the log. */
export interface Append {
  readonly record: ProtocolRecord;
  readonly force: boolean;
  /** Forced, but nobody hurries: what waits for it may wait a little for a sync that is wanted anyway. */
  readonly soon?: boolean;
}

/** Synced before any output of its step leaves. */
export function forced(record: ProtocolRecord): Append {
  return { record, force: true };
}

/**
 * Forced without hurry: every output of its step waits for the sync as with forced(), but the sync may wait a few
 * milliseconds for another to go with. For what is decided and durable elsewhere, where only an acknowledgement waits.
 */
export function forcedSoon(record: ProtocolRecord): Append {
  return { record, force: true, soon: true };
}

/** Written, and synced with whatever is synced next. */
export function lazy(record: ProtocolRecord): Append {
  return { record, force: false };
}
