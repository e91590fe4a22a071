/**
 * The answer of `POST /transactions` once a transaction is over. The same
 * function makes it when it happens and when it is read back from the log, so a
 * repeated request gets the same body.
 */
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type { IndexedResult, NodeName, ProtocolName, Reason } from './messages.ts';
import type { StoredOutcome } from './outcomes.ts';
import type { Cost } from './records.ts';

/** What both kinds of answer say. */
export interface AnswerBasis {
  readonly id: TransactionId;
  readonly hash: string;
  readonly number: AttemptNumber;
  readonly protocol: ProtocolName;
  readonly participants: readonly NodeName[];
  readonly cost: Cost;
}

const NO_COST: Cost = { forcedWrites: 0, messages: 0, ms: 0 };

/** `committed`: one result per operation, in the client's order. */
export function committedAnswer(
  basis: Omit<AnswerBasis, 'cost'> & { readonly cost?: Cost | undefined },
  results: readonly IndexedResult[],
): StoredOutcome {
  const { id, hash, number, protocol, participants } = basis;
  return {
    id,
    hash,
    number,
    outcome: 'committed',
    body: {
      id,
      number,
      outcome: 'committed',
      protocol,
      results: results.map(({ result }) => result),
      participants,
      cost: costJson(basis.cost ?? NO_COST),
    },
  };
}

/** `aborted`: a reason, and null for every operation. */
export function abortedAnswer(basis: AnswerBasis, reason: Reason, operations: number): StoredOutcome {
  const { id, hash, number, protocol, participants } = basis;
  return {
    id,
    hash,
    number,
    outcome: 'aborted',
    body: {
      id,
      number,
      outcome: 'aborted',
      reason: { code: reason.code, detail: reason.detail },
      protocol,
      results: Array.from({ length: operations }, () => null),
      participants,
      cost: costJson(basis.cost),
    },
  };
}

function costJson(cost: Cost): Record<string, Json> {
  return { forcedWrites: cost.forcedWrites, messages: cost.messages, ms: cost.ms };
}

/** Everyone who takes part, listed or not, in name order. */
export function everyoneIn(groups: Readonly<Record<string, readonly NodeName[]>>): readonly NodeName[] {
  const names: NodeName[] = [];
  for (const members of Object.values(groups)) {
    for (const name of members) if (!names.includes(name)) names.push(name);
  }
  return names.sort();
}
