/**
 * Account numbers for the Tab key: those that were typed or answered in this
 * session, so that nothing is asked of the bank while somebody types.
 */
import { isObject, listAt } from './transaction-text.ts';
import type { LineRunner, Reply } from './command-table.ts';
import type { Json } from '../base/canonical-json.ts';

/** How many of the words after a command are accounts. */
const ACCOUNTS_OF: Readonly<Record<string, number>> = { update: 1, query: 1, statement: 1, transfer: 2 };
const ACCOUNT_MEMBERS = ['account', 'from', 'to'];

/** The same runner, which also completes the accounts it has seen. */
export function completingAccounts(runner: LineRunner): LineRunner {
  const seen = new Set<number>();
  return {
    run: async (line) => {
      const reply = await runner.run(line);
      for (const account of accountsIn(reply)) seen.add(account);
      return reply;
    },
    complete: (line) => {
      const [command = '', ...words] = line.trimStart().split(/\s+/);
      const most = ACCOUNTS_OF[command.toLowerCase()] ?? 0;
      if (words.length === 0 || words.length > most) return runner.complete(line);
      const begun = words.at(-1) ?? '';
      const numbers = [...seen].sort((a, b) => a - b).map((account) => `${account} `);
      return [numbers.filter((number) => number.startsWith(begun)), begun];
    },
  };
}

/** Accounts that an answer names; one that says no such account is there names none. */
function accountsIn({ json }: Reply): readonly number[] {
  if (!isObject(json) || json['code'] !== undefined) return [];
  const places: readonly Json[] = [json, ...listAt(json, 'results'), ...listAt(json, 'postings')];
  const values = places.filter(isObject).flatMap((place) => ACCOUNT_MEMBERS.map((name) => place[name]));
  return values.filter((value): value is number => typeof value === 'number');
}
