/**
 * What a coordinator says about a number that is not open: it ended, it was
 * presumed aborted, or it is owed to a member that left before acknowledging.
 */
import { compareNumbers, numberParts } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { MembershipContext } from './coordinator-membership.ts';
import type { Message, NodeName } from './messages.ts';
import type { StepBuilder } from './node-step.ts';

/** Answers a message about a closed number; a number this log never issued is an alarm, never an abort. */
export function answerClosed(
  { settings, tables }: MembershipContext,
  from: NodeName,
  message: Message & { readonly number: AttemptNumber },
  out: StepBuilder,
): void {
  const { number } = message;
  const { incarnation, epoch } = settings;
  const parts = numberParts(number);
  const last = { incarnation, epoch, sequence: tables.sequence };
  if (parts === undefined || parts.incarnation !== incarnation || compareNumbers(parts, last) > 0) {
    const text = `${from} sent ${message.type} for ${number}, which this log never issued.`;
    out.notice('alarm', 'foreign-number', text, { number });
    return;
  }
  const owed = tables.owed.get(number)?.includes(from) ?? false;
  switch (message.type) {
    case 'vote':
      if (message.vote === 'yes') out.tell(from, { type: owed ? 'commit' : 'abort', number });
      return;
    case 'inquire':
    case 'state-request':
    case 'precommit':
    case 'preabort':
      // No record means abort, for a log that would hold the record (presumed abort).
      out.tell(from, { type: 'outcome', number, outcome: owed ? 'committed' : 'aborted' });
      return;
    default:
      return;
  }
}

/** Messages that say: a record was forced for this. */
export function isPromise(message: Message): boolean {
  if (message.type === 'vote') return message.vote === 'yes';
  if (message.type === 'outcome') return message.outcome !== 'unknown';
  return message.type === 'acknowledge' || message.type === 'precommitted' || message.type === 'preaborted';
}
