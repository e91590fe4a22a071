/**
 * The bank's console: CREATE, UPDATE, QUERY, TRANSFER, STATEMENT, TOTAL against a server.
 * Every change carries an id made before it is sent; when the outcome is
 * unknown it is asked again with the same id, so nothing happens twice.
 */
import { ParleyError } from '../base/errors.ts';
import { completingAccounts } from './account-completion.ts';
import { settleOutcome } from './api-client.ts';
import { BANK_COMMANDS, commandRunner } from './command-table.ts';
import { faultHandlers } from './bank-faults.ts';
import { readTransfer, transferText } from './coordinator-console.ts';
import { newId, readId } from './new-id.ts';
import { readInteger } from './parser.ts';
import { statementText } from './statement-text.ts';
import { statisticsLines } from './statistics-text.ts';
import { isObject, listAt, outcomeExitCode, outcomeLines, textAt } from './transaction-text.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ApiClient, ApiRequest, SettleOptions } from './api-client.ts';
import type { LineRunner, Reply } from './command-table.ts';
import type { JsonObject } from './transaction-text.ts';

/** What TOTAL does, in words. */
const READ_TOTAL = 'read the sum of all accounts';
/** Postings on one page, about a screen. */
const STATEMENT_LINES = 20;
/** The text the fourth source system prints for an account it does not have. */
const NOT_FOUND = 'ERR, ACCT NOT FOUND';

/** The console's commands over a client of a server. */
export function bankConsole(client: ApiClient, options: SettleOptions, makeId: () => string = newId): LineRunner {
  const change = async (
    method: ApiRequest['method'],
    path: string,
    json: JsonObject,
    id: string,
  ): Promise<JsonObject> => {
    const headers = { 'idempotency-key': id };
    const answer = await settleOutcome(() => client.request({ method, path, json, headers }), options);
    return answer.status === 202 ? { id, outcome: 'unknown', ...answer.body } : { id, ...answer.body };
  };
  const runner = commandRunner(BANK_COMMANDS, {
    create: async ({ words: [opening = ''] }) => {
      const json = { opening: whole('opening', opening, 0) };
      const answer = await change('POST', '/bank/accounts', json, makeId());
      return accountReply(answer, `open an account with ${json.opening}`);
    },
    update: ({ words: [account = '', balance = ''] }) => {
      const number = whole('account', account, 1);
      const json = { balance: whole('balance', balance, 0) };
      return orNotFound(async () => {
        const answer = await change('PUT', `/bank/accounts/${number}`, json, makeId());
        return accountReply({ account: number, ...json, ...answer }, `set account ${number} to ${json.balance}`);
      });
    },
    query: ({ words: [account = ''] }) => {
      const number = whole('account', account, 1);
      return orNotFound(async () => {
        const answer = await client.get(`/bank/accounts/${number}`);
        return { lines: [accountLine(answer)], json: answer };
      });
    },
    transfer: ({ words: [from = '', to = '', amount = '', given] }) => {
      const move = readTransfer(from, to, amount);
      const id = given === undefined ? makeId() : readId(given);
      return orNotFound(async () => {
        const answer = await change('POST', '/bank/transfers', { ...move, id }, id);
        if (reasonCode(answer) === 'unknown-account') return notFound(answer);
        return { lines: outcomeLines(answer, transferText(move)), json: answer, exitCode: outcomeExitCode(answer) };
      });
    },
    statement: ({ words: [account = '', after] }) => {
      const number = whole('account', account, 1);
      const from = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
      return orNotFound(async () => {
        const page = await client.get(`/bank/accounts/${number}/statement?limit=${STATEMENT_LINES}${from}`);
        const { lines, sound } = statementText(page);
        return { lines, json: page, exitCode: sound ? 0 : 1 };
      });
    },
    statistics: async () => {
      const answer = await client.get('/bank/statistics');
      return { lines: statisticsLines(answer), json: answer };
    },
    total: () => total(client),
    ...faultHandlers(client, options),
  });
  return completingAccounts(runner);
}

async function total(client: ApiClient): Promise<Reply> {
  const answer = await client.get('/bank/total');
  if (answer['outcome'] === 'unknown') {
    const lines = [`unknown ${textAt(answer, 'id')}: ${READ_TOTAL}; read it again`];
    return { lines, json: answer, exitCode: outcomeExitCode(answer) };
  }
  if (answer['outcome'] === 'aborted') {
    return { lines: outcomeLines(answer, READ_TOTAL), json: answer, exitCode: outcomeExitCode(answer) };
  }
  const accounts = answer['accounts'];
  const over = typeof accounts === 'number' ? ` in ${accounts} accounts` : '';
  return { lines: [`total: ${textAt(answer, 'total')}${over}`], json: answer };
}

/** The answer to CREATE and UPDATE: the account's new data, or why there is none. */
function accountReply(answer: JsonObject, what: string): Reply {
  if (reasonCode(answer) === 'unknown-account') return notFound(answer);
  if (answer['outcome'] !== undefined && answer['outcome'] !== 'committed') {
    return { lines: outcomeLines(answer, what), json: answer, exitCode: outcomeExitCode(answer) };
  }
  // A server that answers as POST /transactions does keeps the account in the first result.
  const result = listAt(answer, 'results').find(isObject) ?? {};
  const account = { ...answer, ...result };
  return { lines: [accountLine(account)], json: answer };
}

/** `account 1: 1000`, and what is held by transfers under way. */
function accountLine(answer: JsonObject): string {
  const { balance, held } = answer;
  const reserved =
    typeof held === 'number' && typeof balance === 'number' && held > 0
      ? ` (${held} held, ${balance - held} available)`
      : '';
  return `account ${textAt(answer, 'account')}: ${textAt(answer, 'balance')}${reserved}`;
}

async function orNotFound(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'unknown-account') return notFound({ detail: error.message });
    throw error;
  }
}

function notFound(answer: JsonObject): Reply {
  const json: Json = { ...answer, code: 'unknown-account' };
  return { lines: [NOT_FOUND], json, exitCode: 1 };
}

function reasonCode(answer: JsonObject): Json | undefined {
  const reason = answer['reason'];
  return isObject(reason) ? reason['code'] : reason;
}

function whole(name: string, word: string, least: number): number {
  const value = readInteger(word, least);
  if (value !== undefined) return value;
  throw new ParleyError(
    'usage',
    `${name} is ${JSON.stringify(word.slice(0, 40))}; it is a whole number from ${least}.`,
    {
      remedy: 'Nothing was sent; HELP lists the commands.',
    },
  );
}
