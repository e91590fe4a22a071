/**
 * What a coordinator says about a number that is not open: it ended, it was
 * presumed aborted, or it is owed to a member that left before acknowledging.
 */
import { compareNumbers, numberParts } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { MembershipContext } from './coordinator-membership.ts';
import type { CoordinatorTables } from './coordinator-tables.ts';
import type { Message, NodeName } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import { lazy } from './records.ts';

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
  const committed = tables.hasEndedCommitted(number) || (tables.owed.get(number)?.includes(from) ?? false);
  switch (message.type) {
    case 'vote':
      if (message.vote === 'yes') out.tell(from, { type: committed ? 'commit' : 'abort', number });
      return;
    case 'inquire':
    case 'state-request':
    case 'precommit':
    case 'preabort':
      // No record means abort, for a log that would hold the record (presumed abort).
      out.tell(from, { type: 'outcome', number, outcome: committed ? 'committed' : 'aborted' });
      return;
    case 'acknowledge':
      return settleOwed(tables, number, from, out);
    default:
      return;
  }
}

/** It has the decision now. Not before: one whose operations a copy replaced still asks for the outcome. */
function settleOwed(tables: CoordinatorTables, number: AttemptNumber, name: NodeName, out: StepBuilder): void {
  const names = tables.owed.get(number);
  if (names === undefined || !names.includes(name)) return;
  const left = names.filter((other) => other !== name);
  tables.rememberCommitted(number);
  if (left.length === 0) tables.owed.delete(number);
  else tables.owed.set(number, left);
  out.records.push(lazy(left.length === 0 ? { type: 'end', number } : { type: 'end', number, left }));
}

/** A participant came back with another log: what the old one was owed, nobody will ask for. */
export function forgetOwed(tables: CoordinatorTables, name: NodeName, out: StepBuilder): void {
  for (const number of [...tables.owed.keys()]) settleOwed(tables, number, name, out);
}

/** Messages that say: a record was forced for this. */
export function isPromise(message: Message): boolean {
  if (message.type === 'vote') return message.vote === 'yes';
  if (message.type === 'outcome') return message.outcome !== 'unknown';
  return message.type === 'acknowledge' || message.type === 'precommitted' || message.type === 'preaborted';
}
