/**
 * What the bank answers: the transaction's own answer with the result beside
 * it. An abort by what was asked for, an account that is not there or funds
 * that are short, is an error a person can act on; an abort by circumstances
 * is an outcome like any other.
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import { ERRORS, ParleyError } from '../base/errors.ts';

/** The body of an answer. */
export type AnswerBody = Readonly<Record<string, Json>>;

/** Reasons of an abort that the asker can mend; the rest is nobody's fault. */
const REFUSALS: readonly ErrorCode[] = ['unknown-account', 'insufficient-funds', 'balance-overflow', 'account-exists'];

/**
 * The answer to a change.
 * @param transaction what `POST /transactions` answered, committed or aborted
 * @returns its members, and those of the first result
 * @throws ParleyError the reason of the abort when it is one of REFUSALS; it carries `id`, `outcome` and `reason`
 */
export function changeAnswer(transaction: AnswerBody): AnswerBody {
  const { id = null, outcome = null, reason, results } = transaction;
  if (outcome !== 'committed') {
    const { code, detail } = objectOf(reason);
    const refusal = REFUSALS.find((each) => each === code);
    if (refusal === undefined) return transaction;
    throw new ParleyError(refusal, typeof detail === 'string' ? detail : ERRORS[refusal].meaning, {
      extra: { id, outcome, reason },
    });
  }
  const first = Array.isArray(results) ? objectOf(results[0] as Json) : {};
  return { ...first, ...transaction };
}

/** The answer to a total: the sums of all groups added up exactly; digits as a string above 2^53 - 1. */
export function totalAnswer(transaction: AnswerBody): AnswerBody {
  const { outcome, results } = transaction;
  if (outcome !== 'committed' || !Array.isArray(results)) return changeAnswer(transaction);
  let sum = 0n;
  let accounts = 0;
  for (const result of results) {
    const { total = 0, accounts: some = 0 } = objectOf(result as Json);
    if (typeof total === 'number' || typeof total === 'string') sum += BigInt(total);
    accounts += Number(some);
  }
  const total = sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : String(sum);
  return { ...transaction, total, accounts };
}

function objectOf(value: Json | undefined): AnswerBody {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as AnswerBody) : {};
}
