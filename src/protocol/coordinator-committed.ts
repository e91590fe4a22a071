/**
 * The coordinator after commit, in every protocol: it tells the decision until
 * every listed participant has acknowledged it, or has left the view (its copy
 * is then replaced when it returns). Only then may it forget.
 */
import { goTo, namesOf, sendTo, stay } from './attempt.ts';
import type { CoordinatorAttempt, Step } from './attempt.ts';
import type { IndexedResult, NodeName } from './messages.ts';
import { lazy } from './records.ts';
import type { Append } from './records.ts';

/** Decided commit, and being told. */
export interface CoordinatorCommitted {
  readonly phase: 'committed';
  readonly results: readonly IndexedResult[];
  /** Listed participants that have not acknowledged. */
  readonly waiting: readonly NodeName[];
  /** Those for which a view change answered; they are told if they ask later. */
  readonly left: readonly NodeName[];
}

/** Over: nothing is owed to anyone. */
export interface CoordinatorEnded {
  readonly phase: 'ended';
  readonly results: readonly IndexedResult[];
  readonly left: readonly NodeName[];
}

/** What can happen after commit. */
export type CommittedEvent =
  | { readonly type: 'acknowledge'; readonly from: NodeName }
  | { readonly type: 'member-left'; readonly from: NodeName }
  | { readonly type: 'resend'; readonly to: NodeName }
  | { readonly type: 'inquire'; readonly from: NodeName };

/** The step into commit, whatever made the decision durable: `commit` to everyone, or over if nobody is to be told. */
export function enterCommitted(
  attempt: CoordinatorAttempt,
  decided: Append,
  results: readonly IndexedResult[],
  left: readonly NodeName[],
): Step<CoordinatorCommitted | CoordinatorEnded> {
  const waiting = namesOf(attempt.participants).filter((name) => !left.includes(name));
  const step = endWhenAllTold(attempt, { phase: 'committed', results, waiting, left });
  const send = sendTo(waiting, { type: 'commit', number: attempt.number });
  return { ...step, records: [decided, ...step.records], send };
}

/** One event after commit. */
export function stepCommitted(
  attempt: CoordinatorAttempt,
  state: CoordinatorCommitted,
  event: CommittedEvent,
): Step<CoordinatorCommitted | CoordinatorEnded> {
  const { number } = attempt;
  switch (event.type) {
    case 'acknowledge':
      return endWhenAllTold(attempt, { ...state, waiting: without(state.waiting, event.from) });
    case 'member-left': {
      if (!state.waiting.includes(event.from)) return stay(state);
      return endWhenAllTold(attempt, {
        ...state,
        waiting: without(state.waiting, event.from),
        left: [...state.left, event.from],
      });
    }
    case 'resend': {
      const owed = state.waiting.includes(event.to);
      return stay(state, { send: owed ? [{ to: event.to, message: { type: 'commit', number } }] : [] });
    }
    case 'inquire':
      return stay(state, { send: [{ to: event.from, message: { type: 'outcome', number, outcome: 'committed' } }] });
  }
}

/** The end record is lazy: without it the decision is told once more after a restart, and acknowledged once more. */
function endWhenAllTold(
  attempt: CoordinatorAttempt,
  state: CoordinatorCommitted,
): Step<CoordinatorCommitted | CoordinatorEnded> {
  if (state.waiting.length > 0) return stay(state);
  const { results, left } = state;
  const record = { type: 'end', number: attempt.number } as const;
  return goTo<CoordinatorEnded>(
    { phase: 'ended', results, left },
    { records: [lazy(left.length === 0 ? record : { ...record, left })] },
  );
}

function without(names: readonly NodeName[], gone: NodeName): readonly NodeName[] {
  return names.filter((name) => name !== gone);
}
