/**
 * A participant of two-phase commit that waits too long for the decision and
 * then rolls back by itself: `--unsafe roll-back-in-ready`, only for the lab.
 *
 *   prepared ─timer→ aborted        everything else is participant-2pc.ts
 *
 * It is often taught, and wrong: after a yes the coordinator may have decided
 * commit, and told the client and the others. Then this side has rolled back
 * what that side has committed. participant-2pc.ts asks instead, and waits.
 */
import { goTo, inTable, timerOff } from './attempt.ts';
import type { ParticipantAttempt, Step, TransitionTable } from './attempt.ts';
import type { Reason } from './messages.ts';
import { stepParticipant2pc } from './participant-2pc.ts';
import type { Participant2pc, Participant2pcEvent } from './participant-2pc.ts';
import { forced } from './records.ts';

/** What may follow what; [] stays. It differs from PARTICIPANT_2PC in one cell: `prepared` on `timeout`. */
// prettier-ignore
export const PARTICIPANT_ROLL_BACK = {
  initial:   { prepare: ['working'], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [] },
  working:   { prepare: [], 'resource-yes': ['prepared', 'committed', 'read'], 'resource-no': ['aborted'],
               commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [] },
  prepared:  { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: ['committed'], abort: ['aborted'], inquire: [], timeout: ['aborted'], hasten: [] },
  committed: { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: [], inquire: [], timeout: [], hasten: [] },
  aborted:   { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: [], inquire: [], timeout: [], hasten: [] },
  read:      { prepare: [], 'resource-yes': [], 'resource-no': [],
               commit: [], abort: [], inquire: [], timeout: [], hasten: [] },
} as const satisfies TransitionTable<Participant2pc['phase'], Participant2pcEvent['type']>;

const WAITED: Reason = { code: 'terminated', detail: 'Waited too long for the decision and rolled back (unsafe).' };

/** One event into one attempt at one participant. */
export function stepParticipantRollBack(
  attempt: ParticipantAttempt,
  state: Participant2pc,
  event: Participant2pcEvent,
): Step<Participant2pc> {
  const rollsBack = state.phase === 'prepared' && event.type === 'timeout';
  const step = rollsBack ? rollBack(attempt) : stepParticipant2pc(attempt, state, event);
  return inTable(PARTICIPANT_ROLL_BACK, state.phase, event.type, step);
}

function rollBack({ number }: ParticipantAttempt): Step<Participant2pc> {
  return goTo<Participant2pc>(
    { phase: 'aborted', reason: WAITED, durable: true },
    {
      records: [forced({ type: 'aborted', number, reason: WAITED })],
      work: [{ type: 'abort' }],
      timers: [timerOff('ask')],
    },
  );
}
