/**
 * What people ask of the bank, as operations of one transaction. The members
 * of a request are checked by the grammar of operations before anything is
 * sent, so a misspelt one is named instead of ignored.
 *
 * | request | operations |
 * | --- | --- |
 * | open an account | create |
 * | set a balance | update |
 * | transfer within a group | transfer |
 * | transfer between groups | debit, credit |
 * | total | total, one per group |
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { validateOperation } from '../resources/operations.ts';
import type { Operation } from '../resources/resource.ts';
import type { AccountPlacement } from './account-placement.ts';

/** The members of a request without its id. */
export type BankRequest = Readonly<Record<string, Json>>;

/**
 * `{opening, owner?}`.
 * @param id of the transaction: it says in which group a partitioned bank opens the account
 * @throws ParleyError `bad-amount`, `bad-operation` naming the member
 */
export function openAccount(request: BankRequest, placement: AccountPlacement, id: string): readonly Operation[] {
  const fields = onlyMembers(request, ['opening', 'owner']);
  const group = placement.groupOfNew(id);
  return [checked({ group, type: 'create', ...fields, ...placement.numbersOf(group) })];
}

/** `{balance}`. @throws as openAccount */
export function setBalance(account: number, request: BankRequest, placement: AccountPlacement): readonly Operation[] {
  const fields = onlyMembers(request, ['balance']);
  return [checked({ group: placement.groupOf(account), type: 'update', account, ...fields })];
}

/** `{from, to, amount}`. @throws as openAccount */
export function transfer(request: BankRequest, placement: AccountPlacement): readonly Operation[] {
  const fields = onlyMembers(request, ['from', 'to', 'amount']);
  const [first = ''] = placement.groups;
  const { from = null, to = null, amount = null } = checked({ group: first, type: 'transfer', ...fields });
  const [source, target] = [placement.groupOf(Number(from)), placement.groupOf(Number(to))];
  if (source === target) return [checked({ group: source, type: 'transfer', ...fields })];
  return [
    checked({ group: source, type: 'debit', account: from, amount }),
    checked({ group: target, type: 'credit', account: to, amount }),
  ];
}

/** The sum of all balances, read by one transaction so that it is right while money moves. */
export function readTotal(placement: AccountPlacement): readonly Operation[] {
  return placement.groups.map((group) => checked({ group, type: 'total' }));
}

/** The account number in a path. @throws ParleyError `unknown-account`: no account has such a number */
export function accountNumber(text: string): number {
  const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new ParleyError('unknown-account', `${JSON.stringify(text.slice(0, 40))} is no account number.`);
}

function checked(operation: Json): Operation {
  return validateOperation(operation, 'ledger');
}

/** The request may not name its own group or type. */
function onlyMembers(request: BankRequest, allowed: readonly string[]): BankRequest {
  const stranger = Object.keys(request).find((name) => !allowed.includes(name));
  if (stranger === undefined) return request;
  const known = [...allowed, 'id'].join(', ');
  throw new ParleyError('bad-operation', `The field "${stranger.slice(0, 60)}" is unknown; allowed are ${known}.`);
}
