/**
 * Two-phase commit at a participant: presumed abort (Mohan, Lindsay &
 * Obermarck, TODS 1986) with cooperative termination (Bernstein, Hadzilacos &
 * Goodman 1987, 7.4).
 *
 *   initial ─prepare→ working ─resource yes→ prepared ─commit→ committed
 *      │                 │                       │
 *      └─────inquire─────┴──no / abort───────────┴────abort──→ aborted
 *
 * The one rule: before its yes a participant may abort alone; after it, nobody
 * but the decision moves it. A timer only makes it ask, the coordinator and
 * the other listed participants: one that is decided tells the decision, one
 * that has not voted promises abort, and if all are prepared it waits.
 */
import { assertNever } from '../base/assert.ts';
import { goTo, inTable, sendTo, stay, timerOff, timerOn } from './attempt.ts';
import type { ParticipantAttempt, Prepared, Step, TransitionTable } from './attempt.ts';
import { acknowledge, DECIDED_ABORT, othersOf, outcome, yesVote } from './participant-replies.ts';
import { stepDecided, stepVoting } from './participant-voting.ts';
import type { DecidedState, VotingEvent, VotingState } from './participant-voting.ts';
import { forced, forcedSoon, lazy } from './records.ts';

/** In doubt: voted yes, no decision known. */
export interface Prepared2pc {
  readonly phase: 'prepared';
  readonly prepared: Prepared;
}

/** An attempt at a participant, by phase. */
export type Participant2pc = VotingState | Prepared2pc | DecidedState;

/** What can happen to it. */
export type Participant2pcEvent = VotingEvent;

/** What may follow what; [] stays. `committed` and `aborted` lead nowhere (AC4: a decision is final). */
// prettier-ignore
export const PARTICIPANT_2PC = {
  initial:   { prepare: ['working'], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [] },
  working:   { prepare: [], 'resource-yes': ['prepared', 'committed', 'read'], 'resource-no': ['aborted'],
               commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [] },
  prepared:  { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: ['committed'], abort: ['aborted'], inquire: [], timeout: [], hasten: [] },
  committed: { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: [], inquire: [], timeout: [], hasten: [] },
  aborted:   { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: [], inquire: [], timeout: [], hasten: [] },
  read:      { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: [], inquire: [], timeout: [], hasten: [] },
} as const satisfies TransitionTable<Participant2pc['phase'], Participant2pcEvent['type']>;

/** One event into one attempt at one participant. */
export function stepParticipant2pc(
  attempt: ParticipantAttempt,
  state: Participant2pc,
  event: Participant2pcEvent,
): Step<Participant2pc> {
  return inTable(PARTICIPANT_2PC, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(
  attempt: ParticipantAttempt,
  state: Participant2pc,
  event: Participant2pcEvent,
): Step<Participant2pc> {
  switch (state.phase) {
    case 'initial':
    case 'working':
      return stepVoting(attempt, state, event, (prepared) => sayYes(attempt, prepared));
    case 'prepared':
      return inDoubt(attempt, state, event);
    case 'committed':
    case 'aborted':
    case 'read':
      return stepDecided(attempt, state, event);
    default:
      return assertNever(state, 'phase');
  }
}

/** The yes: forced with all that a restart needs, then sent. */
function sayYes(attempt: ParticipantAttempt, prepared: Prepared): Step<Participant2pc> {
  const { number, id, protocol, coordinator, participants, operations, timings } = attempt;
  return goTo<Participant2pc>(
    { phase: 'prepared', prepared },
    {
      records: [forced({ type: 'prepared', number, id, protocol, coordinator, participants, operations, ...prepared })],
      send: [yesVote(attempt, prepared)],
      // While the coordinator may still be collecting votes there is nothing to ask.
      timers: [timerOn('ask', attempt.voteWithinMs + timings.askMs, timings.askMs)],
    },
  );
}

function inDoubt(attempt: ParticipantAttempt, state: Prepared2pc, event: Participant2pcEvent): Step<Participant2pc> {
  const { number, timings } = attempt;
  switch (event.type) {
    case 'prepare':
      return stay(state, { send: [yesVote(attempt, state.prepared)] });
    case 'commit':
      return goTo<Participant2pc>(
        { phase: 'committed' },
        {
          // The decision is on the coordinator's disk; only the acknowledgement waits for this.
          records: [forcedSoon({ type: 'committed', number })],
          work: [{ type: 'commit', effects: state.prepared.effects }],
          send: [acknowledge(attempt)],
          timers: [timerOff('ask')],
        },
      );
    case 'abort': {
      const reason = event.reason ?? DECIDED_ABORT;
      return goTo<Participant2pc>(
        { phase: 'aborted', reason, durable: false, decided: true },
        {
          // Lazy: if it is lost, the same answer is had again by asking.
          records: [lazy({ type: 'aborted', number, reason })],
          work: [{ type: 'abort' }],
          timers: [timerOff('ask')],
        },
      );
    }
    case 'inquire':
      // A coordinator that asks has lost the count of a `parallel` attempt: the vote is what it wants to know.
      if (event.from === attempt.coordinator.name) return stay(state, { send: [yesVote(attempt, state.prepared)] });
      return stay(state, { send: [outcome(attempt, event.from, 'unknown')] });
    case 'timeout':
      return stay(state, {
        send: sendTo(othersOf(attempt), { type: 'inquire', number }),
        timers: [timerOn('ask', timings.askMs, timings.askMs)],
      });
    case 'hasten':
      return stay(state, { timers: [timerOn('ask', 0, Math.floor(timings.askMs / 2))] });
    case 'resource-yes':
    case 'resource-no':
      return stay(state);
    default:
      return assertNever(event, 'event');
  }
}
