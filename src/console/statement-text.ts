/**
 * A page of an account's statement in lines. The last page shows the sum: what
 * was carried to it, its postings, and the balance that they come to.
 *
 * ```
 * account 1: opened with 1000
 *   TX001  transfer  to 2    -100  c0ffee.1.3
 *   TX002  update            +400  c0ffee.1.4
 * 1000 + 300 in 2 postings = 1300
 * ```
 */
import type { Json } from '../base/canonical-json.ts';
import { columnLines } from './columns.ts';
import { counted, isObject, listAt, textAt } from './transaction-text.ts';
import type { JsonObject } from './transaction-text.ts';

/** What a page says, and whether it adds up; `sound` is false only for a statement that contradicts itself. */
export interface StatementText {
  readonly lines: readonly string[];
  readonly sound: boolean;
}

/** @param page what `GET /bank/accounts/{n}/statement` answered */
export function statementText(page: JsonObject): StatementText {
  const postings = listAt(page, 'postings').filter(isObject);
  const [account, opening, carried] = ['account', 'opening', 'carried'].map((key) => textAt(page, key));
  const rows = postings.map((posting) => {
    const delta = exact(posting['delta']);
    const other = posting['other'] === undefined ? '' : `${delta < 0n ? 'to' : 'from'} ${textAt(posting, 'other')}`;
    const amount = delta > 0n ? `+${delta}` : String(delta);
    return [`  ${textAt(posting, 'id')}`, textAt(posting, 'type'), other, amount, textAt(posting, 'number')];
  });
  const sum = postings.reduce((total, posting) => total + exact(posting['delta']), 0n);
  const end = exact(page['carried']) + sum;
  const lines = [
    `account ${account}: ${carried === opening ? `opened with ${opening}` : `${carried} carried forward`}`,
    ...columnLines(rows, ['left', 'left', 'left', 'right', 'left']),
    `${carried} ${sum < 0n ? '-' : '+'} ${sum < 0n ? -sum : sum} in ${counted(postings.length, 'posting')} = ${end}`,
  ];
  const last = postings.at(-1);
  if (page['more'] === true && last !== undefined) {
    return { lines: [...lines, `more: STATEMENT ${account} ${textAt(last, 'number')}`], sound: true };
  }
  const sound = end === exact(page['balance']);
  return {
    lines: sound ? lines : [...lines, `and the balance is ${textAt(page, 'balance')}, which is not that`],
    sound,
  };
}

/** A whole number that may have come as digits. */
function exact(value: Json | undefined): bigint {
  return typeof value === 'number' || typeof value === 'string' ? BigInt(value) : 0n;
}
