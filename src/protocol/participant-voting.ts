/**
 * A participant before its yes, in every protocol: here it may still abort
 * alone. Once it said no, or told anyone `aborted`, it stays aborted; what
 * others will rely on is forced first (a tombstone).
 *
 *   initial ─prepare→ working ─resource yes→ (the protocol's own prepared)
 *      │                 │
 *      └─────asked───────┴──no / abort / asked──→ aborted
 */
import { assertNever } from '../base/assert.ts';
import { goTo, stay, timerOff, timerOn } from './attempt.ts';
import type { ParticipantAttempt, Prepared, Step } from './attempt.ts';
import type { IndexedResult, NodeName, Reason } from './messages.ts';
import {
  ASKED_BEFORE_VOTING,
  decidedAlone,
  DECIDED_ABORT,
  isListed,
  lockWaitMsOf,
  noVote,
  outcome,
} from './participant-replies.ts';
import { forced, lazy } from './records.ts';

/** Before the vote: free to abort. */
export type VotingState =
  /** Never heard of, or only asked about. */
  | { readonly phase: 'initial' }
  /** The resources are at work, or a person is thinking. */
  | { readonly phase: 'working' };

/** After the decision, or a vote that promised nothing. */
export type DecidedState =
  | { readonly phase: 'committed'; readonly results?: readonly IndexedResult[] }
  /**
   * `durable`: the record is forced; a no is lazy until someone asks and will decide by the answer. `decided`: told
   * from outside; if its record is lost, asking gives the same answer again.
   */
  | { readonly phase: 'aborted'; readonly reason: Reason; readonly durable: boolean; readonly decided?: true }
  /** Voted read-only: nothing to remember. */
  | { readonly phase: 'read' };

/** The events of a vote. */
export type VotingEvent =
  | { readonly type: 'prepare' }
  | { readonly type: 'resource-yes'; readonly prepared: Prepared }
  | { readonly type: 'resource-no'; readonly reason: Reason }
  | { readonly type: 'commit' }
  | { readonly type: 'abort'; readonly reason?: Reason }
  /** Anyone asks for the outcome: a peer in doubt, or a termination leader. */
  | { readonly type: 'inquire'; readonly from: NodeName }
  | { readonly type: 'timeout' }
  /** A reason to ask soon: a restart, a lost or a returned coordinator. */
  | { readonly type: 'hasten' };

type Result = Step<VotingState | DecidedState>;

/** One event into an attempt that has not voted; a yes is left to the protocol (`sayYes`). */
export function stepVoting<Prepared3pc>(
  attempt: ParticipantAttempt,
  state: VotingState,
  event: VotingEvent,
  sayYes: (prepared: Prepared) => Step<Prepared3pc>,
): Result | Step<Prepared3pc> {
  switch (event.type) {
    case 'prepare':
      return state.phase === 'working' ? stay(state) : startWork(attempt);
    case 'resource-yes':
      return state.phase === 'working' ? resourceYes(attempt, event.prepared, sayYes) : stay(state);
    case 'resource-no':
      return state.phase === 'working' ? voteNo(attempt, event.reason) : stay(state);
    case 'abort':
      return abortUnvoted(attempt, state, event.reason ?? DECIDED_ABORT);
    case 'inquire':
      return tombstone(attempt, state, event.from);
    case 'timeout':
      // The lock timer: the resources give up waiting, and their no comes back as an event.
      return stay(state, { work: state.phase === 'working' ? [{ type: 'give-up' }] : [] });
    case 'commit':
      return stay(state, { alarm: `commit for ${attempt.number}, which has not voted yes here` });
    case 'hasten':
      return stay(state);
    default:
      return assertNever(event, 'event');
  }
}

function startWork(attempt: ParticipantAttempt): Result {
  return goTo<VotingState>(
    { phase: 'working' },
    {
      work: [{ type: 'prepare', operations: attempt.operations }],
      timers: [timerOn('lock', lockWaitMsOf(attempt))],
    },
  );
}

/** Read-only forgets, one-phase commits at once, anything else promises. */
function resourceYes<Prepared3pc>(
  attempt: ParticipantAttempt,
  prepared: Prepared,
  sayYes: (prepared: Prepared) => Step<Prepared3pc>,
): Result | Step<Prepared3pc> {
  const { number, id, coordinator } = attempt;
  const { effects, results, hashes } = prepared;
  if (!isListed(attempt)) {
    return goTo<DecidedState>(
      { phase: 'read' },
      {
        send: [{ to: coordinator.name, message: { type: 'vote', number, vote: 'read-only', results, hashes } }],
        work: [{ type: 'abort' }],
        timers: [timerOff('lock')],
      },
    );
  }
  if (attempt.onePhase) {
    return goTo<DecidedState>(
      { phase: 'committed', results },
      {
        records: [forced({ type: 'committed', number, id, effects, results })],
        work: [{ type: 'commit', effects }],
        send: [decidedAlone(attempt, results)],
        timers: [timerOff('lock')],
      },
    );
  }
  const step = sayYes(prepared);
  return { ...step, timers: [timerOff('lock'), ...step.timers] };
}

/** Nothing was promised, so the record of a no is lazy, except where it is the decision itself (one-phase). */
function voteNo(attempt: ParticipantAttempt, reason: Reason): Result {
  const record = { type: 'aborted', number: attempt.number, reason } as const;
  const parts = attempt.onePhase
    ? { records: [forced(record)], send: [outcome(attempt, attempt.coordinator.name, 'aborted', reason)] }
    : { records: isListed(attempt) ? [lazy(record)] : [], send: [noVote(attempt, reason)] };
  const durable = attempt.onePhase;
  return goTo<DecidedState>({ phase: 'aborted', reason, durable }, { timers: [timerOff('lock')], ...parts });
}

function abortUnvoted(attempt: ParticipantAttempt, state: VotingState, reason: Reason): Result {
  if (state.phase === 'initial') return goTo<DecidedState>({ phase: 'aborted', reason, durable: false, decided: true });
  return goTo<DecidedState>(
    { phase: 'aborted', reason, durable: false, decided: true },
    {
      records: isListed(attempt) ? [lazy({ type: 'aborted', number: attempt.number, reason })] : [],
      work: [{ type: 'abort' }],
      timers: [timerOff('lock')],
    },
  );
}

/** Aborts alone, durably: whoever asked may decide by the answer, so a later prepare must find the record. */
function tombstone(attempt: ParticipantAttempt, state: VotingState, asker: NodeName): Result {
  const reason = ASKED_BEFORE_VOTING;
  return goTo<DecidedState>(
    { phase: 'aborted', reason, durable: true },
    {
      records: [forced({ type: 'aborted', number: attempt.number, reason })],
      send: [outcome(attempt, asker, 'aborted', reason)],
      work: state.phase === 'working' ? [{ type: 'abort' }] : [],
      timers: state.phase === 'working' ? [timerOff('lock')] : [],
    },
  );
}

/** One event into an attempt that is over here; it only answers. */
export function stepDecided(attempt: ParticipantAttempt, state: DecidedState, event: VotingEvent): Step<DecidedState> {
  switch (state.phase) {
    case 'committed':
      return answerCommitted(attempt, state, event);
    case 'aborted':
      return answerAborted(attempt, state, event);
    case 'read':
      return stay(state);
    default:
      return assertNever(state, 'phase');
  }
}

function answerCommitted(
  attempt: ParticipantAttempt,
  state: Extract<DecidedState, { phase: 'committed' }>,
  event: VotingEvent,
): Step<DecidedState> {
  const told = attempt.onePhase ? decidedAlone(attempt, state.results) : undefined;
  switch (event.type) {
    case 'prepare':
    case 'commit':
      return stay(state, {
        send: [told ?? { to: attempt.coordinator.name, message: { type: 'acknowledge', number: attempt.number } }],
      });
    case 'inquire':
      return stay(state, { send: [told ?? outcome(attempt, event.from, 'committed')] });
    case 'abort':
      return stay(state, { alarm: `abort for ${attempt.number}, which is committed here` });
    case 'resource-yes':
    case 'resource-no':
    case 'timeout':
    case 'hasten':
      return stay(state);
    default:
      return assertNever(event, 'event');
  }
}

function answerAborted(
  attempt: ParticipantAttempt,
  state: Extract<DecidedState, { phase: 'aborted' }>,
  event: VotingEvent,
): Step<DecidedState> {
  const { reason } = state;
  switch (event.type) {
    case 'prepare':
      return stay(state, {
        send: [
          attempt.onePhase ? outcome(attempt, attempt.coordinator.name, 'aborted', reason) : noVote(attempt, reason),
        ],
      });
    case 'inquire':
      // The asker may decide by this answer. Were the record still lazy, a power cut could undo the no, and a
      // repeated prepare could then get a yes.
      return goTo<DecidedState>(
        { ...state, durable: true },
        {
          records: state.durable ? [] : [forced({ type: 'aborted', number: attempt.number, reason })],
          send: [outcome(attempt, event.from, 'aborted', reason)],
        },
      );
    case 'commit':
      return stay(state, { alarm: `commit for ${attempt.number}, which is aborted here` });
    case 'abort':
    case 'resource-yes':
    case 'resource-no':
    case 'timeout':
    case 'hasten':
      return stay(state);
    default:
      return assertNever(event, 'event');
  }
}
