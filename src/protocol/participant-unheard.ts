/**
 * A message about a number that has no row here: never heard of, or forgotten.
 * The difference is the low-water mark, and it matters: one that was never
 * heard of may be promised away, one that was forgotten may have committed.
 */
import type { AttemptNumber } from '../base/ids.ts';
import { isBelow } from './low-water.ts';
import type { Message, NodeName } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import { firstParticipantMachine, isQuestion, unheardAttempt } from './participant-attempts.ts';
import type { ParticipantNode } from './participant-node.ts';

/** Answers what can be answered without a row. Returns true when there is a row now, because someone will rely on it. */
export function openUnheard(
  { rows, settings, coordinator, lowWater }: Pick<ParticipantNode, 'rows' | 'settings' | 'coordinator' | 'lowWater'>,
  from: NodeName,
  message: Message & { readonly number: AttemptNumber },
  out: StepBuilder,
): boolean {
  const { number } = message;
  // Never welcomed: this log may be a fresh one under an old name, and what the old one voted is not known.
  if (coordinator === undefined) return false;
  if (isBelow(number, lowWater)) {
    // Forgotten, so acknowledged: a commit is acknowledged again. But the outcome is not known here any more.
    if (message.type === 'commit') out.tell(from, { type: 'acknowledge', number });
    if (message.type === 'inquire') out.tell(from, { type: 'outcome', number, outcome: 'unknown' });
    return false;
  }
  if (message.type === 'commit' || message.type === 'precommit') {
    const text = `${from} sent ${message.type} for ${number}, which was never prepared here.`;
    out.notice('alarm', 'unknown-number', text, { number });
    return false;
  }
  if (!isQuestion(message) && message.type !== 'abort') return false;
  const attempt = unheardAttempt(settings.self.name, number, { name: coordinator.name, address: '' }, settings.timings);
  rows.set(number, { attempt, machine: firstParticipantMachine(attempt), superseded: [] });
  return true;
}
