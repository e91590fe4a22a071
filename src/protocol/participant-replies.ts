/**
 * What a participant says, in both protocols: its vote, its acknowledgement,
 * its answer to an inquiry. One builder each, so that a repeated message is
 * equal to the first.
 */
import { NO_MEMBERS } from '../base/no-members.ts';
import type { ParticipantAttempt, Prepared } from './attempt.ts';
import { namesOf } from './attempt.ts';
import type { IndexedResult, NodeName, Outcome, Reason } from './messages.ts';

/** The reason of an abort that a participant is only told of. */
export const DECIDED_ABORT: Reason = { code: 'terminated', detail: 'The decision was abort.' };

/** The reason of a tombstone. */
export const ASKED_BEFORE_VOTING: Reason = {
  code: 'refused-number',
  detail: 'A participant was asked for the outcome before it had voted, and promised abort.',
};

/** Lock wait: short enough that the no still reaches the coordinator in time. */
export function lockWaitMsOf(attempt: ParticipantAttempt): number {
  return Math.min(attempt.timings.lockWaitMs, Math.floor(attempt.voteWithinMs / 2));
}

/** True when this participant may write, so that it decides, is asked and acknowledges. */
export function isListed(attempt: ParticipantAttempt): boolean {
  return attempt.participants.some(({ name }) => name === attempt.self);
}

/** Everyone who may know the decision: the coordinator first, then the other listed participants. */
export function othersOf(attempt: ParticipantAttempt): readonly NodeName[] {
  return [attempt.coordinator.name, ...namesOf(attempt.participants).filter((name) => name !== attempt.self)];
}

/** The yes, as often as it is asked for. */
export function yesVote(attempt: ParticipantAttempt, { results, hashes }: Prepared) {
  return {
    to: attempt.coordinator.name,
    message: { type: 'vote', number: attempt.number, vote: 'yes', results, hashes },
  } as const;
}

/** The no. */
export function noVote(attempt: ParticipantAttempt, reason: Reason) {
  return {
    to: attempt.coordinator.name,
    message: { type: 'vote', number: attempt.number, vote: 'no', reason },
  } as const;
}

/** Told to the coordinator only: nobody else collects acknowledgements. */
export function acknowledge(attempt: ParticipantAttempt) {
  return { to: attempt.coordinator.name, message: { type: 'acknowledge', number: attempt.number } } as const;
}

/** An answer to an inquiry. */
export function outcome(attempt: ParticipantAttempt, to: NodeName, known: Outcome, reason?: Reason) {
  const message = { type: 'outcome', number: attempt.number, outcome: known } as const;
  return { to, message: reason === undefined ? message : { ...NO_MEMBERS, ...message, reason } };
}

/** One-phase: the decision, by the only participant. */
export function decidedAlone(attempt: ParticipantAttempt, results: readonly IndexedResult[] = []) {
  return {
    to: attempt.coordinator.name,
    message: { type: 'outcome', number: attempt.number, outcome: 'committed', results },
  } as const;
}
