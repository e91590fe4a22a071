/**
 * What a coordinator knows, in one place: open attempts, running transactions,
 * outcomes, views, peers. Owned by one CoordinatorNode, changed only while it
 * steps; all of it comes back from the log (recovery-coordinator.ts).
 */
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type { CoordinatorAttempt, ProtocolTimings } from './attempt.ts';
import type { CoordinatorMachine } from './coordinator-attempts.ts';
import type { LogStart, NodeName, ProtocolName, Reason, Site } from './messages.ts';
import { OutcomeStore } from './outcomes.ts';
import type { AdmittedOperation } from './plan.ts';
import { firstViews } from './views.ts';
import type { Join, View } from './views.ts';

/** Durations of the node, keys of `timings` in the configuration. */
export interface NodeTimings extends ProtocolTimings {
  readonly leaseWaitMs: number;
  readonly resendMs: number;
  readonly barrierMs: number;
}

/** Who this coordinator is, and the cluster as configured. */
export interface CoordinatorSettings {
  readonly self: Site;
  readonly incarnation: string;
  readonly epoch: number;
  /** Made at random by this process; see LogSeen in messages.ts. */
  readonly start: string;
  /** Sequence of the first record of this start. */
  readonly startSeq: number;
  /** Starts of this log before this one, oldest first. */
  readonly earlierStarts?: readonly LogStart[];
  /** Every group: its configured members. */
  readonly groups: Readonly<Record<string, { readonly members: readonly NodeName[] }>>;
  /** Configured addresses, until a participant registers another. */
  readonly addresses: Readonly<Record<NodeName, string>>;
  readonly timings: NodeTimings;
}

/** A transaction as the API admits it; operations are valid and their groups exist. */
export interface AdmittedTransaction {
  readonly id: TransactionId;
  /** Of protocol and operations in canonical form: the same id with another hash is refused. */
  readonly hash: string;
  readonly protocol: ProtocolName;
  readonly operations: readonly AdmittedOperation[];
  readonly timeoutMs: number;
}

/** A transaction without an answer yet. */
export interface RunningTransaction {
  readonly id: TransactionId;
  readonly hash: string;
  /** Absent after a restart: then it is finished, but not tried again. */
  readonly admitted?: AdmittedTransaction;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  /** Requests that wait for the answer. */
  waiters: string[];
  readonly attempts: AttemptNumber[];
  forcedWrites: number;
  messages: number;
  lastReason?: Reason;
}

/** An open attempt. */
export interface AttemptRow {
  readonly attempt: CoordinatorAttempt;
  readonly transaction: RunningTransaction;
  machine: CoordinatorMachine;
  sentAtMs: number;
}

/** A participant as the coordinator knows it. */
export interface Peer {
  readonly name: NodeName;
  address: string;
  incarnation: string | undefined;
  /** How much of its log it said is synced, and in which of its starts. */
  durableSeq: number;
  epoch: number;
  start: string;
  /** It has registered on the current link. */
  registered: boolean;
  votesByHand: boolean;
  /** Vote timeouts in a row. */
  silent: number;
  /** Dropped for silence: its next registration waits until it has left the view. */
  barred: boolean;
}

/** Ended numbers remembered at least, and twice as many at most, for late messages; on one link in order there are none. */
const ENDED_KEPT = 10_000;

/** More tries than one start of a coordinator can make. */
const JOINS_PER_START = 1_000_000;

/** See the header. */
export class CoordinatorTables {
  readonly open = new Map<AttemptNumber, AttemptRow>();
  /** Of the open ones: committed by what is under them, answered, and in no record of their own yet. */
  readonly unwritten = new Set<AttemptRow>();
  readonly running = new Map<TransactionId, RunningTransaction>();
  readonly outcomes = new OutcomeStore();
  /** Groups whose view is in the log; of the others it is as configured until the start of this life writes it. */
  readonly recordedViews = new Set<string>();
  readonly views: Map<string, View>;
  readonly joins = new Map<string, Join>();
  readonly peers = new Map<NodeName, Peer>();
  /** Committed numbers that a member left before acknowledging: it is told if it asks, until it acknowledges. */
  readonly owed = new Map<AttemptNumber, readonly NodeName[]>();
  /** Numbers that ended committed, and those before them: a message that comes late must not be told abort. */
  private endedCommitted = new Set<AttemptNumber>();
  private endedBefore: ReadonlySet<AttemptNumber> = new Set();
  /** The newest try to join, of any group; unlike any of an earlier start, whose copies may still come. */
  joinAttempts: number;
  /** Numbers issued in this epoch. */
  sequence = 0;

  /** True for a number that ended committed not long ago. */
  hasEndedCommitted(number: AttemptNumber): boolean {
    return this.endedCommitted.has(number) || this.endedBefore.has(number);
  }

  /** Keeps a number that ended committed, for messages that come late. */
  rememberCommitted(number: AttemptNumber): void {
    this.endedCommitted.add(number);
    // Two sets in turn: to look for the oldest of one set is to pass over the place of each that was taken out of it.
    if (this.endedCommitted.size < ENDED_KEPT) return;
    this.endedBefore = this.endedCommitted;
    this.endedCommitted = new Set();
  }

  constructor(settings: CoordinatorSettings) {
    this.views = firstViews(settings.groups);
    this.joinAttempts = settings.epoch * JOINS_PER_START;
    const members = new Set(Object.values(settings.groups).flatMap((group) => group.members));
    for (const name of members) this.expect(name, settings.addresses[name] ?? '');
  }

  /** A participant that may register: it is configured, or was and holds what others do not. */
  expect(name: NodeName, address: string): Peer {
    const peer: Peer = {
      name,
      address,
      incarnation: undefined,
      durableSeq: 0,
      epoch: 0,
      start: '',
      registered: false,
      votesByHand: false,
      silent: 0,
      barred: false,
    };
    this.peers.set(name, peer);
    return peer;
  }
}
