/**
 * One-phase commit at the coordinator: the only participant decides, and tells.
 * Here no record must not mean abort, so `begin` is forced before the prepare
 * leaves, and after a crash the coordinator asks. A participant that never
 * heard of the number promises abort when asked, so asking always ends it.
 *
 *   working ─outcome committed→ ended
 *      └────outcome aborted───→ aborted
 */
import { assertNever } from '../base/assert.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import { goTo, inTable, sendTo, stay, timerOff, timerOn } from './attempt.ts';
import type { CoordinatorAttempt, Step, TransitionTable } from './attempt.ts';
import type { CoordinatorEnded } from './coordinator-committed.ts';
import { openAttempt, prepareFor } from './coordinator-voting.ts';
import type { CoordinatorAborted } from './coordinator-voting.ts';
import type { IndexedResult, NodeName, Reason } from './messages.ts';
import { forced, lazy } from './records.ts';

/** The participant was handed the decision. `asking` once silence or a restart made us inquire. */
export interface HandedOver {
  readonly phase: 'working';
  readonly asking: boolean;
}

/** A one-phase attempt at its coordinator, by phase. */
export type CoordinatorOnePhase = HandedOver | CoordinatorAborted | CoordinatorEnded;

/** What can happen to it. */
export type CoordinatorOnePhaseEvent =
  | { readonly type: 'begin' }
  | { readonly type: 'told-committed'; readonly results: readonly IndexedResult[] }
  | { readonly type: 'told-aborted'; readonly reason: Reason }
  | { readonly type: 'vote-timeout' }
  | { readonly type: 'resend'; readonly to: NodeName };

/** What may follow what; [] stays. */
// prettier-ignore
export const COORDINATOR_ONE_PHASE = {
  working: { begin: [], 'told-committed': ['ended'], 'told-aborted': ['aborted'], 'vote-timeout': [], resend: [] },
  aborted: { begin: [], 'told-committed': [], 'told-aborted': [], 'vote-timeout': [], resend: [] },
  ended:   { begin: [], 'told-committed': [], 'told-aborted': [], 'vote-timeout': [], resend: [] },
} as const satisfies TransitionTable<CoordinatorOnePhase['phase'], CoordinatorOnePhaseEvent['type']>;

/** One event into a one-phase attempt at its coordinator. */
export function stepCoordinatorOnePhase(
  attempt: CoordinatorAttempt,
  state: CoordinatorOnePhase,
  event: CoordinatorOnePhaseEvent,
): Step<CoordinatorOnePhase> {
  const step = state.phase === 'working' ? inWorking(attempt, state, event) : stay<CoordinatorOnePhase>(state);
  return inTable(COORDINATOR_ONE_PHASE, state.phase, event.type, step);
}

function inWorking(
  attempt: CoordinatorAttempt,
  state: HandedOver,
  event: CoordinatorOnePhaseEvent,
): Step<CoordinatorOnePhase> {
  const { number } = attempt;
  const inquire = { type: 'inquire', number } as const;
  switch (event.type) {
    case 'begin': {
      const { begin, prepares } = openAttempt(attempt);
      return stay(state, {
        records: [forced({ ...NO_MEMBERS, ...begin, onePhase: true })],
        send: prepares,
        timers: [timerOn('vote', attempt.voteWithinMs)],
      });
    }
    case 'told-committed':
      // Lazy: the participant remembers until the low-water mark passes a synced end.
      return goTo<CoordinatorOnePhase>(
        { phase: 'ended', results: event.results, left: [] },
        {
          records: [lazy({ type: 'commit', number, results: event.results }), lazy({ type: 'end', number })],
          timers: [timerOff('vote')],
        },
      );
    case 'told-aborted':
      return goTo<CoordinatorOnePhase>(
        { phase: 'aborted', reason: event.reason, mayRetry: false },
        { records: [lazy({ type: 'abort', number, reason: event.reason })], timers: [timerOff('vote')] },
      );
    case 'vote-timeout':
      return stay<CoordinatorOnePhase>(
        { phase: 'working', asking: true },
        {
          send: sendTo(
            attempt.participants.map(({ name }) => name),
            inquire,
          ),
          timers: [timerOn('vote', attempt.timings.askMs, attempt.timings.askMs)],
        },
      );
    case 'resend':
      // Once we asked, a prepare must not follow: the answer may already be abort.
      return stay(state, { send: state.asking ? [{ to: event.to, message: inquire }] : prepareFor(attempt, event.to) });
    default:
      return assertNever(event, 'event');
  }
}
