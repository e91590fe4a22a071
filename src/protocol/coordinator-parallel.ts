/**
 * Parallel commit at the coordinator: the decision is implied by the records
 * under it, as in CockroachDB's parallel commits (Taft et al., SIGMOD 2020, 3.2).
 *
 *   working ──all yes, begin synced──→ decided ──next──→ committed ─all acknowledged→ ended
 *      └──no, timeout, member left──→ aborted
 *   asking (after a restart) ──all prepared──→ committed;  ──one is not──→ aborted
 *
 * `begin` is forced beside the prepares instead of before them or after them:
 * once it and every participant's `prepared` record are durable the transaction
 * is committed, and the client is told then, one sync earlier than in 2PC. The
 * `commit` record is forced with the next `begin` of another transaction, or a
 * moment later if there is none, and before any participant is told, so a
 * participant that has committed implies that record.
 *
 * So the absence of a decision never means abort here. No `begin` in the log
 * that would hold it means abort: the client's answer waited for it. `begin`
 * and no decision: every participant is asked, and one that never voted yes
 * promises abort for ever. The trade: until all of them have answered, nobody
 * may decide, and those that are prepared keep their locks. What readers answer
 * is in no record, so a transaction with readers runs as 2PC (firstMachine).
 */
import { assertNever } from '../base/assert.ts';
import { goTo, inTable, namesOf, sendTo, stay, timerOff, timerOn } from './attempt.ts';
import type { CoordinatorAttempt, Step, TransitionTable } from './attempt.ts';
import { enterCommitted, stepCommitted } from './coordinator-committed.ts';
import type { CommittedEvent, CoordinatorCommitted, CoordinatorEnded } from './coordinator-committed.ts';
import { decideAbort, openAttempt, stepCollecting } from './coordinator-voting.ts';
import type { CollectingEvent, CollectingVotes, CoordinatorAborted } from './coordinator-voting.ts';
import type { IndexedResult, NodeName, Reason } from './messages.ts';
import { forced } from './records.ts';

/** An implied decision waits so long for a `begin` to be synced with; participants keep their locks meanwhile. */
const WRITE_DOWN_MS = 3;

/** Committed by the records under it; the client knows, the participants are told next. */
export interface ImpliedCommit {
  readonly phase: 'decided';
  readonly results: readonly IndexedResult[];
  readonly left: readonly NodeName[];
}

/** After a restart: `begin` and no decision. Perhaps the client was told `committed`, so only the participants know. */
export interface AskingForVotes {
  readonly phase: 'asking';
  readonly votes: CollectingVotes['votes'];
  /** Outside the view: its vote is needed all the same, since only it knows it; its acknowledgement is not. */
  readonly left: readonly NodeName[];
}

/** An attempt at its coordinator, by phase. */
export type CoordinatorParallel =
  CollectingVotes | ImpliedCommit | AskingForVotes | CoordinatorCommitted | CoordinatorAborted | CoordinatorEnded;

/** What can happen to it. */
export type CoordinatorParallelEvent =
  | { readonly type: 'begin' }
  | CollectingEvent
  | CommittedEvent
  /** The implied decision has left: now it is written down. */
  | { readonly type: 'write-down' }
  /** A participant answers that it has aborted, or never voted and has now promised to abort. */
  | { readonly type: 'abort'; readonly reason?: Reason };

/** What may follow what; [] stays. */
// prettier-ignore
export const COORDINATOR_PARALLEL = {
  working:   { begin: [], vote: ['decided', 'aborted'], 'vote-timeout': ['aborted'],
               'member-left': ['aborted'], resend: [], inquire: [], acknowledge: [], 'write-down': [], abort: [] },
  decided:   { begin: [], vote: [], 'vote-timeout': [],
               'member-left': [], resend: [], inquire: [], acknowledge: [], 'write-down': ['committed', 'ended'], abort: [] },
  asking:    { begin: [], vote: ['committed', 'ended', 'aborted'], 'vote-timeout': [],
               'member-left': [], resend: [], inquire: [], acknowledge: [], 'write-down': [], abort: ['aborted'] },
  committed: { begin: [], vote: [], 'vote-timeout': [],
               'member-left': ['ended'], resend: [], inquire: [], acknowledge: ['ended'], 'write-down': [], abort: [] },
  aborted:   { begin: [], vote: [], 'vote-timeout': [],
               'member-left': [], resend: [], inquire: [], acknowledge: [], 'write-down': [], abort: [] },
  ended:     { begin: [], vote: [], 'vote-timeout': [],
               'member-left': [], resend: [], inquire: [], acknowledge: [], 'write-down': [], abort: [] },
} as const satisfies TransitionTable<CoordinatorParallel['phase'], CoordinatorParallelEvent['type']>;

/** One event into one attempt at its coordinator. */
export function stepCoordinatorParallel(
  attempt: CoordinatorAttempt,
  state: CoordinatorParallel,
  event: CoordinatorParallelEvent,
): Step<CoordinatorParallel> {
  return inTable(COORDINATOR_PARALLEL, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(
  attempt: CoordinatorAttempt,
  state: CoordinatorParallel,
  event: CoordinatorParallelEvent,
): Step<CoordinatorParallel> {
  switch (state.phase) {
    case 'working':
      return inWorking(attempt, state, event);
    case 'decided':
      return inDecided(attempt, state, event);
    case 'asking':
      return inAsking(attempt, state, event);
    case 'committed':
      return inCommitted(attempt, state, event);
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
  event: CoordinatorParallelEvent,
): Step<CoordinatorParallel> {
  switch (event.type) {
    case 'begin': {
      const { begin, prepares } = openAttempt(attempt);
      return stay(state, { records: [forced(begin)], send: prepares, timers: [timerOn('vote', attempt.voteWithinMs)] });
    }
    case 'acknowledge':
    case 'write-down':
    case 'abort':
      return stay(state);
    default:
      return stepCollecting(attempt, state, event, allInFavour);
  }
}

/** The commit point, once `begin` is synced; the answer waits for that as every output does. */
function allInFavour(results: readonly IndexedResult[], left: readonly NodeName[]): Step<CoordinatorParallel> {
  return goTo<CoordinatorParallel>(
    { phase: 'decided', results, left },
    { timers: [timerOff('vote'), timerOn('write-down', WRITE_DOWN_MS)] },
  );
}

function writeDown(
  attempt: CoordinatorAttempt,
  results: readonly IndexedResult[],
  left: readonly NodeName[],
): Step<CoordinatorParallel> {
  return enterCommitted(attempt, forced({ type: 'commit', number: attempt.number, results }), results, left);
}

function inDecided(
  attempt: CoordinatorAttempt,
  state: ImpliedCommit,
  event: CoordinatorParallelEvent,
): Step<CoordinatorParallel> {
  switch (event.type) {
    case 'write-down':
      return { ...writeDown(attempt, state.results, state.left), timers: [timerOff('write-down')] };
    case 'member-left':
      return stay<CoordinatorParallel>({ ...state, left: [...new Set([...state.left, event.from])] });
    case 'inquire':
      return stay(state, { send: unknownTo(attempt, event.from) });
    case 'begin':
    case 'vote':
    case 'vote-timeout':
    case 'resend':
    case 'acknowledge':
      return stay(state);
    case 'abort':
      return stay(state, { alarm: `abort for ${attempt.number}, which is committed here` });
    default:
      return assertNever(event, 'event');
  }
}

function inAsking(
  attempt: CoordinatorAttempt,
  state: AskingForVotes,
  event: CoordinatorParallelEvent,
): Step<CoordinatorParallel> {
  switch (event.type) {
    case 'vote':
      if (!namesOf(attempt.participants).includes(event.from)) return stay(state);
      return settled(
        stepCollecting(attempt, { ...state, phase: 'working' }, event, (results, left) =>
          writeDown(attempt, results, left),
        ),
      );
    case 'abort':
      return settled(decideAbort(attempt, event.reason ?? ONE_DID_NOT_VOTE));
    case 'vote-timeout':
      return stay(state, {
        send: unasked(attempt, state).flatMap((name) => ask(attempt, name)),
        timers: [timerOn('vote', attempt.timings.askMs, attempt.timings.askMs)],
      });
    case 'resend':
      return stay(state, { send: unasked(attempt, state).includes(event.to) ? ask(attempt, event.to) : [] });
    case 'inquire':
      return stay(state, { send: unknownTo(attempt, event.from) });
    case 'member-left':
      return stay<CoordinatorParallel>({ ...state, left: [...new Set([...state.left, event.from])] });
    case 'begin':
    case 'acknowledge':
    case 'write-down':
      return stay(state);
    default:
      return assertNever(event, 'event');
  }
}

const ONE_DID_NOT_VOTE: Reason = {
  code: 'terminated',
  detail: 'The coordinator was started again, and a participant had not voted yes.',
};

/** While asking, votes are counted as ever; what is not decided yet goes on asking. */
function settled(step: Step<CoordinatorParallel>): Step<CoordinatorParallel> {
  const { state } = step;
  if (state.phase === 'working') return { ...step, state: { ...state, phase: 'asking' } };
  return { ...step, timers: [timerOff('vote')] };
}

function inCommitted(
  attempt: CoordinatorAttempt,
  state: CoordinatorCommitted,
  event: CoordinatorParallelEvent,
): Step<CoordinatorParallel> {
  switch (event.type) {
    case 'begin':
    case 'vote-timeout':
    case 'write-down':
      return stay(state);
    case 'abort':
      return stay(state, { alarm: `abort for ${attempt.number}, which is committed here` });
    case 'vote':
      // A repeated yes comes from someone who has not heard: tell it again.
      return stepCommitted(attempt, state, { type: 'resend', to: event.from });
    default:
      return stepCommitted(attempt, state, event);
  }
}

function unasked({ participants }: CoordinatorAttempt, { votes }: AskingForVotes): readonly NodeName[] {
  return namesOf(participants).filter((name) => !Object.hasOwn(votes, name));
}

/** One that is prepared answers with its vote; one that is not promises abort and says so. */
function ask({ number }: CoordinatorAttempt, name: NodeName) {
  return sendTo([name], { type: 'inquire', number });
}

function unknownTo({ number }: CoordinatorAttempt, name: NodeName) {
  return sendTo([name], { type: 'outcome', number, outcome: 'unknown' });
}
