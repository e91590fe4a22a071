/**
 * What clients were told, held against what the resources hold in the end and
 * against each other (I2, I5, I6, I8). Written from the clients' side alone: a
 * model of their accounts and lines, no code of the ledger or the history.
 *
 *   balance    opening + the postings of what was told committed, never below 0
 *   query      what was told before it was asked for is in it, what was asked for
 *              after it was told is not, and of the rest any part may be
 *   total      400 and a value that account 5 may have had
 *   account 5  a value that was set and not certainly replaced
 *   room       every line told once, in a sequence without a gap; a reader sees a
 *              beginning of that list
 */
import type { Json } from '../base/canonical-json.ts';
import type { ResourceManager } from '../resources/resource-manager.ts';
import type { Asked, Told } from './clients.ts';
import { BANK_ACCOUNTS, OPENING_BALANCE, ROOM, SET_ACCOUNT } from './workload.ts';

/** Where a group's state is looked up once all is over. */
export type StateOf = (group: string) => ResourceManager | undefined;

type Fail = (text: string) => void;
/** A transaction that was told committed. */
interface Done extends Asked {
  readonly id: string;
  readonly told: Told;
}

/** Everything above. */
export function judgeClients(asked: ReadonlyMap<string, Asked>, stateOf: StateOf, fail: Fail): void {
  const done: Done[] = [];
  const accounts = new Set<number>();
  for (const [id, one] of asked) {
    const { told } = one;
    if (told === undefined) fail(`${id} has no answer after the heal`);
    if (told?.outcome !== 'committed') continue;
    if (told.results.length !== one.operations.length) fail(`${id} has ${told.results.length} results`);
    done.push({ id, ...one, told });
  }
  judgeBalances(done, stateOf, fail);
  judgeLines(done, stateOf('chat'), fail);
  for (const one of done) {
    one.operations.forEach((operation, place) => {
      const result = one.told.results[place] as Readonly<Record<string, Json>> | null | undefined;
      const { type, group, account } = operation;
      if (result === null || result === undefined) fail(`${one.id} is committed, and operation ${place} has no result`);
      else if (type === 'query' && group === 'bank' && account === SET_ACCOUNT)
        judgeSet(done, one, Number(result['balance']), fail);
      else if (type === 'query') judgeQuery(done, one, accountKey(group, account), Number(result['balance']), fail);
      else if (type === 'total') judgeTotal(done, one, Number(result['total']), fail);
      else if (type === 'create' && account === undefined) judgeOpened(accounts, one, result['account'], fail);
    });
  }
}

function accountKey(group: Json | undefined, account: Json | undefined): string {
  return `${typeof group === 'string' ? group : ''}/${Number(account)}`;
}

function judgeBalances(done: readonly Done[], stateOf: StateOf, fail: Fail): void {
  const balances = new Map<string, number>();
  for (const { postings } of done) {
    for (const { group, account, delta } of postings) {
      const key = accountKey(group, account);
      balances.set(key, (balances.get(key) ?? 0) + delta);
    }
  }
  for (const [key, balance] of balances) {
    const [group = '', account] = key.split('/');
    const held = stateOf(group)?.groups.ledger(group)?.account(Number(account))?.balance;
    if (held !== balance) fail(`account ${key} holds ${held}; the clients were told ${balance}`);
    if (balance < 0) fail(`account ${key} is below nothing: ${balance}`);
  }
  const held = stateOf('bank')?.groups.ledger('bank')?.account(SET_ACCOUNT)?.balance;
  if (held !== undefined && !couldHold(done, { invokedMs: Infinity, toldMs: Infinity }, held)) {
    fail(`account ${SET_ACCOUNT} holds ${held}, which was replaced or never set`);
  }
}

/** Balance = what certainly was in it, and any part of what ran beside it. */
function judgeQuery(done: readonly Done[], query: Done, key: string, balance: number, fail: Fail): void {
  let certain = 0;
  let sums = new Set([0]);
  for (const { postings, told, invokedMs, id } of done) {
    if (invokedMs > query.told.atMs || id === query.id) continue;
    const delta = postings.reduce((sum, one) => sum + (accountKey(one.group, one.account) === key ? one.delta : 0), 0);
    if (delta === 0) continue;
    if (told.atMs < query.invokedMs) certain += delta;
    else sums = new Set([...sums].flatMap((sum) => [sum, sum + delta]));
  }
  if (!sums.has(balance - certain)) fail(`${query.id} read ${balance} on account ${key}, where ${certain} was certain`);
}

function judgeSet(done: readonly Done[], query: Done, balance: number, fail: Fail): void {
  if (couldHold(done, { invokedMs: query.invokedMs, toldMs: query.told.atMs }, balance)) return;
  fail(`${query.id} read ${balance} on account ${SET_ACCOUNT}, which was replaced before, set after, or never`);
}

function judgeTotal(done: readonly Done[], query: Done, total: number, fail: Fail): void {
  const fixed = BANK_ACCOUNTS.length * OPENING_BALANCE;
  const when = { invokedMs: query.invokedMs, toldMs: query.told.atMs };
  // Before the accounts were open the ledger was empty.
  if (total === 0 && done.every(({ id, told }) => id !== 'open-bank' || told.atMs >= query.invokedMs)) return;
  if (!couldHold(done, when, total - fixed)) fail(`${query.id} read the total ${total}, which never was`);
}

/** Somebody set it to this value not after the reader was told, and nobody certainly replaced it before he asked. */
function couldHold(
  done: readonly Done[],
  reader: { readonly invokedMs: number; readonly toldMs: number },
  value: number,
): boolean {
  const setters = done.filter(({ sets }) => sets !== undefined);
  const own = setters.find(({ sets, invokedMs }) => sets === value && invokedMs <= reader.toldMs);
  if (own === undefined) return false;
  return !setters.some(({ invokedMs, told }) => invokedMs > own.told.atMs && told.atMs < reader.invokedMs);
}

function judgeOpened(accounts: Set<number>, { id }: Done, account: Json | undefined, fail: Fail): void {
  if (typeof account !== 'number' || accounts.has(account) || account <= SET_ACCOUNT) {
    fail(`${id} was given the account ${JSON.stringify(account)}, which another has`);
    return;
  }
  accounts.add(account);
}

function judgeLines(done: readonly Done[], resources: ResourceManager | undefined, fail: Fail): void {
  const told = new Set(done.flatMap(({ lines = [] }) => lines));
  const held = resources?.groups.history('chat')?.read(ROOM, { after: 0, limit: 1_000 })?.lines ?? [];
  const keys = held.map(({ key }) => key);
  if (new Set(keys).size !== keys.length) fail('a line is there twice');
  for (const key of told) if (!keys.includes(key)) fail(`${key} was told committed and is not there`);
  for (const key of keys) if (!told.has(key)) fail(`${key} is there and was not told committed`);
  held.forEach(({ seq }, index) => {
    if (seq !== index + 1) fail(`line ${index + 1} of the room has the sequence ${seq}`);
  });
  for (const { id, operations, told: answer } of done) {
    operations.forEach(({ type }, place) => {
      const result = answer.results[place] as {
        readonly lines?: readonly { readonly key: string; readonly seq: number }[];
      };
      if (type !== 'append' && type !== 'read') return;
      for (const { key, seq } of result.lines ?? []) {
        if (keys[seq - 1] !== key) fail(`${id} was told that ${key} is line ${seq}; it is ${keys.indexOf(key) + 1}`);
      }
    });
    judgeLook({ id, operations, told: answer }, fail);
  }
}

/** One who reads the room sees it from the first line on, without a hole. */
function judgeLook({ id, operations, told }: Pick<Done, 'id' | 'operations' | 'told'>, fail: Fail): void {
  operations.forEach(({ type }, place) => {
    if (type !== 'read') return;
    const { lines = [], last } = told.results[place] as { lines?: { seq: number }[]; last?: number };
    if (lines.some(({ seq }, index) => seq !== index + 1) || last !== lines.length)
      fail(`${id} saw a room with a hole`);
  });
}
