/**
 * Two-phase commit at the coordinator: presumed abort (Mohan, Lindsay &
 * Obermarck, TODS 1986).
 *
 *   working ─all yes→ committed ─all acknowledged→ ended
 *      └─no, timeout, member left→ aborted
 *
 * One record is forced: `commit`. It is the decision; no `commit` message and
 * no answer leaves before it is synced. No record means abort.
 */
import { assertNever } from '../base/assert.ts';
import { inTable, stay, timerOff, timerOn } from './attempt.ts';
import type { CoordinatorAttempt, Step, TransitionTable } from './attempt.ts';
import { enterCommitted, stepCommitted } from './coordinator-committed.ts';
import type { CommittedEvent, CoordinatorCommitted, CoordinatorEnded } from './coordinator-committed.ts';
import { openAttempt, stepCollecting } from './coordinator-voting.ts';
import type { CollectingEvent, CollectingVotes, CoordinatorAborted } from './coordinator-voting.ts';
import type { IndexedResult, NodeName } from './messages.ts';
import { forced, lazy } from './records.ts';

/** An attempt at its coordinator, by phase. */
export type Coordinator2pc = CollectingVotes | CoordinatorCommitted | CoordinatorAborted | CoordinatorEnded;

/** What can happen to it. */
export type Coordinator2pcEvent = { readonly type: 'begin' } | CollectingEvent | CommittedEvent;

/** What may follow what; [] stays. */
// prettier-ignore
export const COORDINATOR_2PC = {
  working:   { begin: [], vote: ['committed', 'aborted', 'ended'], 'vote-timeout': ['aborted'],
               'member-left': ['aborted'], resend: [], inquire: [], acknowledge: [] },
  committed: { begin: [], vote: [], 'vote-timeout': [],
               'member-left': ['ended'], resend: [], inquire: [], acknowledge: ['ended'] },
  aborted:   { begin: [], vote: [], 'vote-timeout': [],
               'member-left': [], resend: [], inquire: [], acknowledge: [] },
  ended:     { begin: [], vote: [], 'vote-timeout': [],
               'member-left': [], resend: [], inquire: [], acknowledge: [] },
} as const satisfies TransitionTable<Coordinator2pc['phase'], Coordinator2pcEvent['type']>;

/** One event into one attempt at its coordinator. */
export function stepCoordinator2pc(
  attempt: CoordinatorAttempt,
  state: Coordinator2pc,
  event: Coordinator2pcEvent,
): Step<Coordinator2pc> {
  return inTable(COORDINATOR_2PC, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(
  attempt: CoordinatorAttempt,
  state: Coordinator2pc,
  event: Coordinator2pcEvent,
): Step<Coordinator2pc> {
  switch (state.phase) {
    case 'working':
      return inWorking(attempt, state, event);
    case 'committed':
      if (event.type === 'begin' || event.type === 'vote-timeout') return stay(state);
      // A repeated yes comes from someone who has not heard: tell it again.
      return stepCommitted(attempt, state, event.type === 'vote' ? { type: 'resend', to: event.from } : event);
    case 'aborted':
    case 'ended':
      return stay(state);
    default:
      return assertNever(state, 'phase');
  }
}

function inWorking(
  attempt: CoordinatorAttempt,
  state: CollectingVotes,
  event: Coordinator2pcEvent,
): Step<Coordinator2pc> {
  switch (event.type) {
    case 'begin': {
      const { begin, prepares } = openAttempt(attempt);
      return stay(state, { records: [lazy(begin)], send: prepares, timers: [timerOn('vote', attempt.voteWithinMs)] });
    }
    case 'acknowledge':
      return stay(state);
    default:
      return stepCollecting(attempt, state, event, (results, left) => decideCommit(attempt, results, left));
  }
}

/** The commit point. A transaction that only read has nobody to tell. */
function decideCommit(
  attempt: CoordinatorAttempt,
  results: readonly IndexedResult[],
  left: readonly NodeName[],
): Step<Coordinator2pc> {
  const decided = forced({ type: 'commit', number: attempt.number, results });
  return { ...enterCommitted(attempt, decided, results, left), timers: [timerOff('vote')] };
}
