/**
 * The coordinator of `3pc-textbook`; only for the lab (textbook-3pc.ts says why).
 *
 *   working ─all yes→ precommitted ─all have acknowledged, or are silent→ committed ─→ ended
 *      └─no, timeout, asked for its state→ aborted
 *
 * The timer decides: whoever has not acknowledged the precommit in time is
 * taken for crashed, and the coordinator commits. A restarted one with a
 * precommit on disk asks instead: others may have decided without it.
 */
import { assertNever } from '../base/assert.ts';
import { goTo, inTable, namesOf, sendTo, stay, timerOff, timerOn } from './attempt.ts';
import type { CoordinatorAttempt, Step, TransitionTable } from './attempt.ts';
import { enterCommitted, stepCommitted } from './coordinator-committed.ts';
import type { CommittedEvent, CoordinatorCommitted, CoordinatorEnded } from './coordinator-committed.ts';
import { decideAbort, openAttempt, stepCollecting } from './coordinator-voting.ts';
import type { CollectingEvent, CollectingVotes, CoordinatorAborted } from './coordinator-voting.ts';
import type { IndexedResult, NodeName, Reason, Round } from './messages.ts';
import { compareRounds, firstRound } from './quorum.ts';
import { forced, lazy } from './records.ts';
import type { TextbookRequest } from './textbook-3pc.ts';

/** Waits for the acknowledgements of its precommit. */
export interface TextbookPrecommitted {
  readonly phase: 'precommitted';
  readonly results: readonly IndexedResult[];
  readonly left: readonly NodeName[];
  readonly accepted: readonly NodeName[];
  /** Its own round, or that of a participant that took over. */
  readonly lastElected: Round;
  readonly lastAttempt: Round;
  readonly recovered?: true;
}

/** An attempt at its coordinator, by phase. */
export type TextbookCoordinator =
  CollectingVotes | TextbookPrecommitted | CoordinatorCommitted | CoordinatorAborted | CoordinatorEnded;

/** What can happen to it. */
export type TextbookCoordinatorEvent =
  | { readonly type: 'begin' }
  | CollectingEvent
  | CommittedEvent
  | { readonly type: 'commit' }
  | { readonly type: 'abort'; readonly reason?: Reason }
  | { readonly type: 'hasten' | 'timeout' }
  | TextbookRequest
  | { readonly type: 'precommitted'; readonly from: NodeName; readonly round: Round };

const COMMITTED = ['committed', 'ended'] as const;

/** What may follow what; [] stays. */
// prettier-ignore
export const TEXTBOOK_COORDINATOR = {
  working:      { begin: [], vote: ['precommitted', 'ended', 'aborted'], 'vote-timeout': ['aborted'], 'member-left': ['aborted'], resend: [],
                  inquire: [], acknowledge: [], commit: [], abort: ['aborted'], hasten: [], timeout: [],
                  precommit: [], precommitted: [], 'state-request': ['aborted'] },
  precommitted: { begin: [], vote: [], 'vote-timeout': [], 'member-left': COMMITTED, resend: [],
                  inquire: [], acknowledge: [], commit: COMMITTED, abort: ['aborted'], hasten: [], timeout: COMMITTED,
                  precommit: [], precommitted: COMMITTED, 'state-request': [] },
  committed:    { begin: [], vote: [], 'vote-timeout': [], 'member-left': ['ended'], resend: [],
                  inquire: [], acknowledge: ['ended'], commit: [], abort: [], hasten: [], timeout: [],
                  precommit: [], precommitted: [], 'state-request': [] },
  aborted:      { begin: [], vote: [], 'vote-timeout': [], 'member-left': [], resend: [],
                  inquire: [], acknowledge: [], commit: [], abort: [], hasten: [], timeout: [],
                  precommit: [], precommitted: [], 'state-request': [] },
  ended:        { begin: [], vote: [], 'vote-timeout': [], 'member-left': [], resend: [],
                  inquire: [], acknowledge: [], commit: [], abort: [], hasten: [], timeout: [],
                  precommit: [], precommitted: [], 'state-request': [] },
} as const satisfies TransitionTable<TextbookCoordinator['phase'], TextbookCoordinatorEvent['type']>;

type Result = Step<TextbookCoordinator>;

const ASKED: Reason = { code: 'terminated', detail: 'A participant took over before the decision.' };
const TAKEN_OVER: Reason = { code: 'terminated', detail: 'The participants decided abort without the coordinator.' };

/** One event into one attempt at its coordinator. */
export function stepTextbookCoordinator(
  attempt: CoordinatorAttempt,
  state: TextbookCoordinator,
  event: TextbookCoordinatorEvent,
): Result {
  return inTable(TEXTBOOK_COORDINATOR, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(attempt: CoordinatorAttempt, state: TextbookCoordinator, event: TextbookCoordinatorEvent): Result {
  switch (state.phase) {
    case 'working':
      return inWorking(attempt, state, event);
    case 'precommitted':
      return inPrecommitted(attempt, state, event);
    case 'committed':
      return inCommitted(attempt, state, event);
    case 'aborted':
    case 'ended':
      return stay(state);
    default:
      return assertNever(state, 'phase');
  }
}

function inWorking(attempt: CoordinatorAttempt, state: CollectingVotes, event: TextbookCoordinatorEvent): Result {
  switch (event.type) {
    case 'begin': {
      const { begin, prepares } = openAttempt(attempt);
      return stay(state, { records: [lazy(begin)], send: prepares, timers: [timerOn('vote', attempt.voteWithinMs)] });
    }
    case 'vote':
    case 'vote-timeout':
    case 'member-left':
    case 'resend':
    case 'inquire':
      return stepCollecting(attempt, state, event, (results, left) => precommit(attempt, results, left));
    case 'state-request': {
      // Nothing is precommitted, so it may abort alone.
      const step = decideAbort(attempt, ASKED);
      const { number } = attempt;
      const answer = {
        to: event.from,
        message: { type: 'outcome', number, outcome: 'aborted', reason: ASKED },
      } as const;
      return { ...step, send: [answer, ...step.send] };
    }
    case 'abort':
      return decideAbort(attempt, event.reason ?? ASKED);
    case 'commit':
    case 'precommit':
      return stay(state, { alarm: `${event.type} for ${attempt.number}, for which votes are still collected` });
    default:
      return stay(state);
  }
}

/** The middle phase: the record first, then everyone. One that only read has nobody to precommit. */
function precommit(attempt: CoordinatorAttempt, results: readonly IndexedResult[], left: readonly NodeName[]): Result {
  const { number, timings } = attempt;
  const round = firstRound(attempt.self.name);
  const record = forced({ type: 'precommitted', number, round, results });
  const state = { phase: 'precommitted', results, left, accepted: [], lastElected: round, lastAttempt: round } as const;
  const send = sendTo(namesOf(attempt.participants), { type: 'precommit', number, round });
  if (waitingFor(attempt, state).length > 0) {
    const timers = [timerOff('vote'), timerOn('elect', timings.electMs, Math.floor(timings.electMs / 2))];
    return goTo<TextbookCoordinator>(state, { records: [record], send, timers });
  }
  const step = commit(attempt, state);
  return { ...step, records: [record, ...step.records], timers: [timerOff('vote'), ...step.timers] };
}

function inPrecommitted(
  attempt: CoordinatorAttempt,
  state: TextbookPrecommitted,
  event: TextbookCoordinatorEvent,
): Result {
  const { number, timings } = attempt;
  switch (event.type) {
    case 'precommitted': {
      if (compareRounds(event.round, firstRound(attempt.self.name)) !== 0) return stay(state);
      return commitWhenAll(attempt, { ...state, accepted: [...new Set([...state.accepted, event.from])] });
    }
    case 'member-left':
      return commitWhenAll(attempt, { ...state, left: [...new Set([...state.left, event.from])] });
    case 'timeout': {
      // The textbook: who is silent has crashed. A restarted coordinator cannot say so: it was silent itself.
      if (state.recovered === undefined) return commit(attempt, state);
      const asked = sendTo(namesOf(attempt.participants), { type: 'inquire', number });
      return stay(state, { send: asked, timers: [timerOn('elect', timings.electMs, timings.electMs)] });
    }
    case 'commit':
      return commit(attempt, state);
    case 'abort':
      return endAborted(attempt, event.reason ?? TAKEN_OVER);
    case 'state-request':
    case 'precommit':
      return obey(attempt, state, event);
    case 'resend': {
      const round = firstRound(attempt.self.name);
      const waits = state.recovered === undefined && waitingFor(attempt, state).includes(event.to);
      return stay(state, { send: waits ? [{ to: event.to, message: { type: 'precommit', number, round } }] : [] });
    }
    case 'inquire':
      return stay(state, { send: [{ to: event.from, message: { type: 'outcome', number, outcome: 'unknown' } }] });
    case 'hasten':
      return stay(state, { timers: [timerOn('elect', 0, Math.floor(timings.electMs / 4))] });
    case 'begin':
    case 'vote':
    case 'vote-timeout':
    case 'acknowledge':
      return stay(state);
    default:
      return assertNever(event, 'event');
  }
}

/** A participant leads: it is told where this site stands, or that it has the precommit. */
function obey(attempt: CoordinatorAttempt, state: TextbookPrecommitted, event: TextbookRequest): Result {
  const { number } = attempt;
  const { from, round, type } = event;
  if (compareRounds(round, state.lastElected) < 0) return stay(state);
  if (type === 'state-request') {
    const isNew = compareRounds(round, state.lastElected) > 0;
    const { lastAttempt } = state;
    const message = { type: 'state', number, round, state: 'precommitted', lastAttempt } as const;
    return goTo<TextbookCoordinator>(
      { ...state, lastElected: round },
      { records: isNew ? [forced({ type: 'promised', number, round })] : [], send: [{ to: from, message }] },
    );
  }
  const isNew = compareRounds(round, state.lastAttempt) > 0;
  return goTo<TextbookCoordinator>(
    { ...state, lastElected: round, lastAttempt: round },
    {
      records: isNew ? [forced({ type: 'precommitted', number, round })] : [],
      send: [{ to: from, message: { type: 'precommitted', number, round } }],
    },
  );
}

function inCommitted(
  attempt: CoordinatorAttempt,
  state: CoordinatorCommitted,
  event: TextbookCoordinatorEvent,
): Result {
  switch (event.type) {
    case 'acknowledge':
    case 'member-left':
    case 'resend':
    case 'inquire':
      return stepCommitted(attempt, state, event);
    case 'state-request':
    case 'precommit':
      return stepCommitted(attempt, state, { type: 'inquire', from: event.from });
    case 'vote':
      return stepCommitted(attempt, state, { type: 'resend', to: event.from });
    case 'abort':
      return stay(state, { alarm: `abort for ${attempt.number}, which is committed here` });
    default:
      return stay(state);
  }
}

/** Participants whose acknowledgement of the precommit is still to come. */
function waitingFor(attempt: CoordinatorAttempt, state: TextbookPrecommitted): readonly NodeName[] {
  return namesOf(attempt.participants).filter((name) => !state.left.includes(name) && !state.accepted.includes(name));
}

function commitWhenAll(attempt: CoordinatorAttempt, state: TextbookPrecommitted): Result {
  const waits = state.recovered !== undefined || waitingFor(attempt, state).length > 0;
  return waits ? goTo<TextbookCoordinator>(state) : commit(attempt, state);
}

/** The decision of one site, so it is forced before anyone hears of it. */
function commit(attempt: CoordinatorAttempt, { results, left }: TextbookPrecommitted): Result {
  const decided = forced({ type: 'commit', number: attempt.number, results });
  return { ...enterCommitted(attempt, decided, results, left), timers: [timerOff('elect')] };
}

function endAborted(attempt: CoordinatorAttempt, reason: Reason): Result {
  const { number } = attempt;
  const records = [lazy({ type: 'abort', number, reason }), lazy({ type: 'end', number })];
  return goTo<TextbookCoordinator>(
    { phase: 'aborted', reason, mayRetry: false },
    { records, timers: [timerOff('elect')] },
  );
}
