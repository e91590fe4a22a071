/**
 * What the machines of this folder share. A machine is a pure function
 *
 *   step(attempt, state, event) → { state, records, send, work, timers }
 *
 * total over its events, with nothing but data going in and out. `attempt`
 * never changes; `state` is a union on `phase`. One attempt of one transaction
 * on one node is one state; the tables of attempts are kept by
 * coordinator-node.ts and participant-node.ts.
 */
import { assert } from '../base/assert.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type {
  GroupHashes,
  IndexedOperation,
  IndexedResult,
  Message,
  NodeName,
  ProtocolName,
  Reason,
  Site,
} from './messages.ts';
import type { QuorumRule } from './quorum.ts';
import type { Append, GroupEffect } from './records.ts';

/** A message and the node it is for. */
export interface Outgoing {
  readonly to: NodeName;
  readonly message: Message;
}

/** The timers of one attempt; arming one that is armed replaces it. */
export type TimerName = 'vote' | 'lock' | 'ask' | 'elect' | 'write-down';

/** What to do with a timer. The host adds a random part of up to `jitterMs` to `afterMs`. */
export type TimerChange =
  | { readonly timer: TimerName; readonly set: 'on'; readonly afterMs: number; readonly jitterMs: number }
  | { readonly timer: TimerName; readonly set: 'off' };

/** What the resources of a participant are asked to do for an attempt. */
export type Work =
  | { readonly type: 'prepare'; readonly operations: readonly IndexedOperation[] }
  | { readonly type: 'give-up' }
  | { readonly type: 'commit'; readonly effects: readonly GroupEffect[] }
  | { readonly type: 'abort' };

/** Everything a step gives back. The order between records and messages is the host's, not the machine's. */
export interface Step<State> {
  readonly state: State;
  readonly records: readonly Append[];
  readonly send: readonly Outgoing[];
  readonly work: readonly Work[];
  readonly timers: readonly TimerChange[];
  /** Something that must not happen between correct nodes; the node log and the alarm counter get it. */
  readonly alarm?: string;
}

/** A step that changes nothing but the state. */
export function goTo<State>(state: State, parts: Partial<Omit<Step<State>, 'state'>> = {}): Step<State> {
  // Member by member: every event passes here, and one shape for all steps is read faster than what a spread makes.
  const { records = [], send = [], work = [], timers = [], alarm } = parts;
  return alarm === undefined ? { state, records, send, work, timers } : { state, records, send, work, timers, alarm };
}

/** A step that changes nothing at all. */
export function stay<State>(state: State, parts: Partial<Omit<Step<State>, 'state'>> = {}): Step<State> {
  return goTo(state, parts);
}

/** Arms a timer. */
export function timerOn(timer: TimerName, afterMs: number, jitterMs = 0): TimerChange {
  return { timer, set: 'on', afterMs, jitterMs };
}

/** Disarms a timer. */
export function timerOff(timer: TimerName): TimerChange {
  return { timer, set: 'off' };
}

/** One message to many. */
export function sendTo(names: Iterable<NodeName>, message: Message): readonly Outgoing[] {
  return [...names].map((to) => ({ to, message }));
}

/** Durations the machines need; keys of `timings` in the configuration. */
export interface ProtocolTimings {
  readonly voteTimeoutMs: number;
  readonly lockWaitMs: number;
  readonly askMs: number;
  readonly electMs: number;
}

/** An attempt as its coordinator knows it. */
export interface CoordinatorAttempt {
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly hash: string;
  readonly protocol: ProtocolName;
  readonly self: Site;
  /** Listed: those with an operation that may write. Only they decide, are asked, and acknowledge. */
  readonly participants: readonly Site[];
  /** Unlisted: all their operations read. */
  readonly readers: readonly Site[];
  readonly operations: Readonly<Record<NodeName, readonly IndexedOperation[]>>;
  /** Who of each group takes part, to compare what replicas computed. */
  readonly groups: Readonly<Record<string, readonly NodeName[]>>;
  /** How many operations the client sent. */
  readonly operationCount: number;
  readonly voteWithinMs: number;
  readonly onePhase: boolean;
  readonly timings: ProtocolTimings;
  /** 3PC: another rule than that of quorum.ts. Only the explorer gives one; no message and no record carries it. */
  readonly quorumRule?: QuorumRule;
}

/** An attempt as a participant knows it, from `prepare` or from its `prepared` record. */
export interface ParticipantAttempt {
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly protocol: ProtocolName;
  readonly self: NodeName;
  readonly coordinator: Site;
  readonly participants: readonly Site[];
  readonly operations: readonly IndexedOperation[];
  readonly voteWithinMs: number;
  readonly onePhase: boolean;
  readonly timings: ProtocolTimings;
  /** 3PC: another rule than that of quorum.ts. Only the explorer gives one; no message and no record carries it. */
  readonly quorumRule?: QuorumRule;
}

/** What the resources found, kept from the yes to the decision. */
export interface Prepared {
  readonly effects: readonly GroupEffect[];
  readonly results: readonly IndexedResult[];
  readonly hashes: GroupHashes;
}

/** Names of sites. */
export function namesOf(sites: readonly Site[]): readonly NodeName[] {
  return sites.map((site) => site.name);
}

/** A literal table of what may follow what: for every phase and event the phases it may lead to; [] stays. */
export type TransitionTable<Phase extends string, EventType extends string> = Readonly<
  Record<Phase, Readonly<Record<EventType, readonly Phase[]>>>
>;

/** Holds a step against its table: a move that the table lacks is a bug here, never the peer's. */
export function inTable<Phase extends string, EventType extends string, State extends { readonly phase: Phase }>(
  table: TransitionTable<Phase, EventType>,
  before: Phase,
  event: EventType,
  step: Step<State>,
): Step<State> {
  const after = step.state.phase;
  if (after === before) return step;
  assert(table[before][event].includes(after), `${before} does not go to ${after} by ${event}`);
  return step;
}

/** `undefined` members left out, so that exact optional types and JSON agree. */
export function reasonPart(reason: Reason | undefined): { reason?: Reason } {
  return reason === undefined ? {} : { reason };
}
