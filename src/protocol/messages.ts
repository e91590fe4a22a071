/**
 * Every message between nodes: its shape, and when it may leave.
 *
 * A message that promises something leaves only when the record under the
 * promise is synced. The machines never wait for that: they return records and
 * messages together, and the host holds each message back by LEAVES (design of
 * etcd-io/raft, where a vote waits in `msgsAfterAppend`). Every receiver is
 * idempotent, so any message may be sent again.
 *
 * Times in messages are durations from receipt, never wall clock.
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';

/** Name of a node, unique in the cluster: `coordinator`, `P1`, `server`. */
export type NodeName = string;

/** How a transaction commits; the client chooses. */
export type ProtocolName = '2pc' | '3pc' | 'parallel' | '3pc-textbook';

/** A termination round: the counter decides, the site breaks ties. Round 0 of nobody comes before all. */
export interface Round {
  readonly counter: number;
  readonly site: NodeName;
}

/** A node that takes part, with `host:port` so that peers find it while the coordinator is dead. */
export interface Site {
  readonly name: NodeName;
  readonly address: string;
}

/** A resource's operation with its place in the client's list. */
export interface IndexedOperation {
  readonly index: number;
  readonly operation: { readonly group: string; readonly [field: string]: Json };
}

/** The result of one operation. */
export interface IndexedResult {
  readonly index: number;
  readonly result: Json;
}

/** Why something was refused or aborted. */
export interface Reason {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What a node knows of a decision. */
export type Outcome = 'committed' | 'aborted' | 'unknown';

/** Digest of results and effect, by group: replicas that compute must agree. */
export type GroupHashes = Readonly<Record<string, string>>;

/** Members up to date, by group. */
export type Views = Readonly<Record<string, readonly NodeName[]>>;

/** Any message between nodes. */
export type Message =
  | RegisterMessage
  | WelcomeMessage
  | PrepareMessage
  | VoteMessage
  | RoundMessage
  | RoundAnswer
  | RefusedMessage
  | DecisionMessage
  | AcknowledgeMessage
  | InquireMessage
  | OutcomeMessage
  | StateRequestMessage
  | StateMessage
  | LowWaterMessage
  | JoinMessage
  | BarrierMessage
  | JoinedMessage;

/** How far a node's log was known to be synced, in which of its starts. */
export interface LogSeen {
  readonly incarnation: string;
  readonly epoch: number;
  /** Which process: a log that lost its newest start counts the same epoch again. */
  readonly start: string;
  readonly seq: number;
}

/** One start of a log: its first record, and the mark of the process that wrote it ('' where none was kept). */
export interface LogStart {
  readonly epoch: number;
  readonly start: string;
  readonly seq: number;
}

/** Participant → coordinator, first on a new link. */
export interface RegisterMessage {
  readonly type: 'register';
  readonly name: NodeName;
  readonly incarnation: string;
  readonly epoch: number;
  readonly address: string;
  /** How much of the sender's log is synced. */
  readonly durableSeq: number;
  /** Made at random by this process; see LogSeen. */
  readonly start: string;
  /** Sequence of the first record of this start: everything synced in earlier starts is below it. */
  readonly startSeq: number;
  /** Starts of this log before this one, oldest first; see log-starts.ts. */
  readonly earlierStarts?: readonly LogStart[];
  /** What the sender last heard of the coordinator's log, so that one that came back shorter is found. */
  readonly coordinatorSeen?: LogSeen;
  /** A person votes at its console: silence is no sign of a fault. */
  readonly votesByHand: boolean;
}

/** Coordinator → participant: accepted, and what the cluster looks like. */
export interface WelcomeMessage {
  readonly type: 'welcome';
  readonly name: NodeName;
  readonly incarnation: string;
  readonly epoch: number;
  readonly start: string;
  readonly views: Views;
  readonly addresses: Readonly<Record<NodeName, string>>;
  /** Numbers below are over: a participant with a fresh log must not speak about them. */
  readonly lowWater: AttemptNumber;
  readonly refusal?: Reason;
}

/** Coordinator → participant: vote on these operations. */
export interface PrepareMessage {
  readonly type: 'prepare';
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly protocol: ProtocolName;
  readonly operations: readonly IndexedOperation[];
  /** The listed participants: those that may write. A receiver not among them only reads. */
  readonly participants: readonly Site[];
  readonly coordinator: Site;
  readonly voteWithinMs: number;
  /** The only participant decides by itself and answers with `outcome`. */
  readonly onePhase?: true;
}

/** Participant → coordinator. */
export interface VoteMessage {
  readonly type: 'vote';
  readonly number: AttemptNumber;
  readonly vote: 'yes' | 'no' | 'read-only';
  readonly reason?: Reason;
  readonly results?: readonly IndexedResult[];
  readonly hashes?: GroupHashes;
}

/** Leader of a round → site (3PC). */
export interface RoundMessage {
  readonly type: 'precommit' | 'preabort';
  readonly number: AttemptNumber;
  readonly round: Round;
}

/** Site → leader: the same record is on its disk. */
export interface RoundAnswer {
  readonly type: 'precommitted' | 'preaborted';
  readonly number: AttemptNumber;
  readonly round: Round;
}

/** Site → leader: a higher round was promised. */
export interface RefusedMessage {
  readonly type: 'refused';
  readonly number: AttemptNumber;
  readonly round: Round;
  readonly lastElected: Round;
}

/** The decision. Never refused as stale. `round` when a leader's quorum decided it (3PC). */
export interface DecisionMessage {
  readonly type: 'commit' | 'abort';
  readonly number: AttemptNumber;
  readonly round?: Round;
}

/** Participant → coordinator: the commit and its effect are on disk. */
export interface AcknowledgeMessage {
  readonly type: 'acknowledge';
  readonly number: AttemptNumber;
}

/** Anyone in doubt → coordinator or peer. */
export interface InquireMessage {
  readonly type: 'inquire';
  readonly number: AttemptNumber;
}

/** What the sender knows of the decision, from its own log. */
export interface OutcomeMessage {
  readonly type: 'outcome';
  readonly number: AttemptNumber;
  readonly outcome: Outcome;
  readonly reason?: Reason;
  /** One-phase only: the results the participant computed. */
  readonly results?: readonly IndexedResult[];
}

/** A leader elects itself for a round (3PC). */
export interface StateRequestMessage {
  readonly type: 'state-request';
  readonly number: AttemptNumber;
  readonly round: Round;
}

/** Site → leader: where it stands, having promised the round. */
export interface StateMessage {
  readonly type: 'state';
  readonly number: AttemptNumber;
  readonly round: Round;
  readonly state: 'prepared' | 'precommitted' | 'preaborted';
  readonly lastAttempt: Round;
}

/** Coordinator → participant: every number below is decided and acknowledged, durably. */
export interface LowWaterMessage {
  readonly type: 'low-water';
  readonly number: AttemptNumber;
}

/** Coordinator → learner: copy the group from this member (HTTP feed), then say `joined`. */
export interface JoinMessage {
  readonly type: 'join';
  readonly group: string;
  readonly attempt: number;
  readonly source: Site;
}

/** Coordinator → learner: no number of the group is open; copy to the end and force it. */
export interface BarrierMessage {
  readonly type: 'barrier';
  readonly group: string;
  readonly attempt: number;
}

/** Learner → coordinator: `copying` has caught up and waits for the barrier; `durable` is forced up to it; or `failed`. */
export interface JoinedMessage {
  readonly type: 'joined';
  readonly group: string;
  readonly stage: 'copying' | 'durable' | 'failed';
  readonly attempt: number;
}

/** The name of a message, which is also its path on the wire. */
export type MessageType = Message['type'];

/**
 * When a message may leave. `at-once`: it promises nothing. `synced`: only when
 * every record forced before it is on disk, whether or not this step wrote one:
 * a repeated `prepare` must not send a yes whose record is still on its way.
 */
export const LEAVES = {
  'register': 'synced',
  'welcome': 'synced',
  'prepare': 'at-once',
  'vote': 'synced',
  'precommit': 'synced',
  'preabort': 'synced',
  'precommitted': 'synced',
  'preaborted': 'synced',
  'refused': 'synced',
  'commit': 'synced',
  'abort': 'at-once',
  'acknowledge': 'synced',
  'inquire': 'at-once',
  'outcome': 'synced',
  'state-request': 'synced',
  'state': 'synced',
  'low-water': 'synced',
  'join': 'synced',
  'barrier': 'synced',
  'joined': 'synced',
} as const satisfies Record<MessageType, 'at-once' | 'synced'>;

/** True when the message may leave before the records of its step are synced. */
export function leavesAtOnce(message: Message): boolean {
  // A one-phase prepare hands the decision over: its `begin` must be found after a crash.
  if (message.type === 'prepare' && message.onePhase) return false;
  // An abort decided by a quorum rests on records, the leader's own among them; only presumed abort rests on none.
  if (message.type === 'abort' && message.round !== undefined) return false;
  return LEAVES[message.type] === 'at-once';
}
