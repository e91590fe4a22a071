/**
 * The bank's front end. A change is one transaction of the coordinator, a
 * balance is read from a replica that is up to date, the total is read by a
 * transaction.
 *
 * | answer | when |
 * | --- | --- |
 * | 200 `outcome: "committed"` | it happened, on all replicas |
 * | 200 `outcome: "aborted"`, 404 `unknown-account`, 409 `insufficient-funds` … | it did not and will not |
 * | 202 `outcome: "unknown"` | send it again with the same id |
 * | 503 | nothing happened |
 */
import { accountNumber, openAccount, readTotal, setBalance, transfer } from '../bank/bank-operations.ts';
import type { AccountPlacement } from '../bank/account-placement.ts';
import { changeAnswer, totalAnswer } from '../bank/bank-answers.ts';
import type { AnswerBody } from '../bank/bank-answers.ts';
import { countedAs } from '../bank/bank-statistics.ts';
import type { BankStatistics } from '../bank/bank-statistics.ts';
import { json } from '../net/router.ts';
import type { Response, Route } from '../net/router.ts';
import type { Request } from '../net/request.ts';
import type { Operation } from '../resources/resource.ts';
import { idOfRequest } from './idempotency-key.ts';
import type { LockTimes } from './server-lock-times.ts';
import type { ParticipantReader } from './server-participants.ts';
import type { TransactionClient } from './server-transactions.ts';

/** What the bank's routes need. */
export interface BankApi {
  readonly placement: AccountPlacement;
  readonly transactions: TransactionClient;
  readonly participants: ParticipantReader;
  /** How long a request may take. */
  readonly deadlineMs: number;
  readonly makeId: () => string;
  /** Counts the changes, not the reads. */
  readonly statistics: BankStatistics;
  /** What the participants say of their locks; null when none does. */
  readonly lockTimes: () => Promise<LockTimes | null>;
}

/** `/bank/accounts`, `/bank/transfers`, `/bank/total`, `/bank/statistics`, and the statement of an account. */
export function bankRoutes(api: BankApi): readonly Route[] {
  const { placement } = api;
  return [
    {
      method: 'POST',
      path: '/bank/accounts',
      handler: (request) => change(api, request, (fields, id) => openAccount(fields, placement, id)),
    },
    {
      method: 'PUT',
      path: '/bank/accounts/:account',
      handler: (request) => {
        const account = accountOf(request);
        return change(api, request, (fields) => setBalance(account, fields, placement));
      },
    },
    {
      method: 'POST',
      path: '/bank/transfers',
      handler: (request) => change(api, request, (fields) => transfer(fields, placement)),
    },
    { method: 'GET', path: '/bank/accounts/:account', handler: (request) => account(api, request) },
    { method: 'GET', path: '/bank/accounts/:account/statement', handler: (request) => statement(api, request) },
    { method: 'GET', path: '/bank/total', handler: () => total(api) },
    {
      method: 'GET',
      path: '/bank/statistics',
      handler: async () => json(200, { ...api.statistics.read(), locks: await api.lockTimes() }),
    },
  ];
}

function accountOf(request: Request): number {
  return accountNumber(request.params['account'] ?? '');
}

async function change(
  api: BankApi,
  request: Request,
  operationsOf: (fields: AnswerBody, id: string) => readonly Operation[],
): Promise<Response> {
  const { id, fields } = idOfRequest(request, api.makeId);
  const operations = operationsOf(fields, id);
  const begunMs = performance.now();
  return settle(api, id, operations, (transaction) => {
    const { outcome, reason } = transaction;
    const code = typeof reason === 'object' && reason !== null && 'code' in reason ? reason['code'] : undefined;
    api.statistics.note(id, countedAs(outcome, code), performance.now() - begunMs);
    return changeAnswer(transaction);
  });
}

function total(api: BankApi): Promise<Response> {
  return settle(api, api.makeId(), readTotal(api.placement), totalAnswer);
}

async function settle(
  api: BankApi,
  id: string,
  operations: readonly Operation[],
  answerOf: (transaction: AnswerBody) => AnswerBody,
): Promise<Response> {
  const settled = await api.transactions.settle({ id, operations }, { deadlineMs: api.deadlineMs });
  if (settled.outcome === 'unknown') return json(202, answerOf({ id, outcome: 'unknown' }));
  return json(200, answerOf({ id, ...settled.body }));
}

/** `{account, balance, held, …}`; `?stale=allow` takes the answer of a replica that may be behind. */
async function account(api: BankApi, request: Request): Promise<Response> {
  const number = accountOf(request);
  const stale = request.query.get('stale') === 'allow' ? '?stale=allow' : '';
  const group = api.placement.groupOf(number);
  return json(200, await api.participants.read(group, `/ledger/accounts/${number}${stale}`));
}

/** `{account, opening, carried, postings, balance, more}`; `after` and `limit` page, `stale` as for account(). */
async function statement(api: BankApi, request: Request): Promise<Response> {
  const number = accountOf(request);
  const query = new URLSearchParams();
  for (const name of ['after', 'limit', 'stale']) {
    const value = request.query.get(name);
    if (value !== null) query.set(name, value);
  }
  const path = `/ledger/accounts/${number}/postings${query.size === 0 ? '' : `?${query.toString()}`}`;
  return json(200, await api.participants.read(api.placement.groupOf(number), path));
}
