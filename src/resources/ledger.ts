/**
 * A ledger: accounts with integer balances. What a transaction may do is
 * planned in ledger-plan.ts, what undecided transactions keep is counted in
 * ledger-reservations.ts; here are the accounts and their postings.
 *
 *   available = balance - held          held >= 0, available >= 0
 *   balance   = opening + sum of the account's postings
 *
 * Postings are kept for ever and in the order of attempt numbers, which is
 * the same on every replica, not in the order of their arrival here.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import { compareAttempts } from './attempt-order.ts';
import { ACCOUNTS_KEY, accountKey, debitsOf, exactSum, ledgerLocks, planLedger } from './ledger-plan.ts';
import type { LedgerEffect, LedgerView } from './ledger-plan.ts';
import { LedgerReservations } from './ledger-reservations.ts';
import type { Change, LockRequest, Operation, Prepared, Resource, Restorer } from './resource.ts';
import { madeWhenRead } from './resource.ts';
import { contradiction, storedInteger, storedObject, storedString } from './stored-json.ts';
import type { JsonObject } from './stored-json.ts';

/** One committed change of one balance. */
export type Posting = {
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly type: 'transfer' | 'debit' | 'credit' | 'update';
  readonly delta: number;
  readonly other?: number;
};

/** An account as it is answered. `version` is 1 when opened and grows by 1 with every posting. */
export interface AccountView {
  readonly account: number;
  readonly balance: number;
  readonly held: number;
  readonly version: number;
  readonly owner?: string;
}

/** A part of an account's postings. `carried` and all postings from there on add up to `balance`. */
export interface Statement {
  readonly account: number;
  readonly opening: number;
  /** The opening and all postings before these; digits as a string beyond 2^53 - 1. */
  readonly carried: number | string;
  readonly balance: number;
  readonly postings: readonly Posting[];
  /** True: ask again with `after` = the number of the last posting here. */
  readonly more: boolean;
}

interface Account {
  readonly account: number;
  readonly opening: number;
  readonly owner: string | undefined;
  balance: number;
  readonly postings: Posting[];
}

const POSTING_TYPES: readonly string[] = ['transfer', 'debit', 'credit', 'update'] satisfies readonly Posting['type'][];

/** Effects come from planLedger() or, unchanged, from the log. */
const typed = (effect: Json): LedgerEffect | null => effect as unknown as LedgerEffect | null;

function storedPosting(line: JsonObject, where: string): Posting {
  const type = storedString(line['type'], `${where}, type`);
  if (!POSTING_TYPES.includes(type)) throw contradiction(`${where} is a posting of the unknown type ${type}.`);
  const other = line['other'];
  return {
    number: storedString(line['number'], `${where}, number`),
    id: storedString(line['id'], `${where}, id`),
    type: type as Posting['type'],
    delta: storedInteger(line['delta'], `${where}, delta`),
    ...(other === undefined ? {} : { other: storedInteger(other, `${where}, other`) }),
  };
}

/** The ledger of one group on one participant. */
export class Ledger implements Resource {
  readonly kind = 'ledger';
  readonly #accounts = new Map<number, Account>();
  readonly #reservations = new LedgerReservations();
  #nextAccount = 1;
  #sum = 0n;

  locks(operations: readonly Operation[]): readonly LockRequest[] {
    return ledgerLocks(operations);
  }

  announce(number: AttemptNumber, operations: readonly Operation[]): void {
    this.#reservations.claim(number, debitsOf(operations));
  }

  prepare(number: AttemptNumber, operations: readonly Operation[]): Prepared {
    const prepared = planLedger(this.#view(), number, operations);
    if (prepared.vote === 'yes') this.restorePrepared(number, prepared.effect);
    return prepared;
  }

  restorePrepared(number: AttemptNumber, effect: Json): void {
    this.#reservations.reserve(number, typed(effect)?.postings ?? []);
  }

  writes(effect: Json): readonly string[] {
    const plan = typed(effect);
    if (plan === null) return [];
    const keys: string[] = [ACCOUNTS_KEY];
    const accounts = new Set<number>();
    for (const changed of [plan.postings, plan.created, plan.set]) {
      for (const { account } of changed) accounts.add(account);
    }
    for (const account of accounts) keys.push(accountKey(account));
    return keys;
  }

  commit(number: AttemptNumber, id: TransactionId, effect: Json): readonly Change[] {
    this.#reservations.end(number);
    const plan = typed(effect);
    if (plan === null) return [];
    for (const { account, opening, owner } of plan.created) this.#open(account, opening, owner);
    for (const { account, delta, type, other } of plan.postings) {
      this.#post(account, { number, id, type, delta, ...(other === undefined ? {} : { other }) });
    }
    for (const { account, balance } of plan.set) {
      this.#post(account, { number, id, type: 'update', delta: balance - this.#known(account).balance });
    }
    this.#nextAccount = Math.max(this.#nextAccount, plan.nextAccount ?? 0);
    return [{ number, id, data: effect }];
  }

  abort(number: AttemptNumber): void {
    this.#reservations.end(number);
  }

  /** One account, or undefined when there is none of this number. */
  account(number: number): AccountView | undefined {
    const account = this.#accounts.get(number);
    return account === undefined ? undefined : this.#viewOf(account);
  }

  /** All accounts by number. */
  accounts(): readonly AccountView[] {
    return this.#sorted().map((account) => this.#viewOf(account));
  }

  /** Sum of all balances (digits as a string when above 2^53 - 1) and number of accounts. */
  total(): { readonly total: number | string; readonly accounts: number } {
    return { total: exactSum(this.#sum), accounts: this.#accounts.size };
  }

  /**
   * Postings of an account by attempt number. A transaction's postings are never
   * split, so a page may hold a few more than `limit`.
   * @param options.after only postings of later numbers than this
   */
  statement(
    number: number,
    options: { readonly after?: AttemptNumber; readonly limit: number },
  ): Statement | undefined {
    const account = this.#accounts.get(number);
    if (account === undefined) return undefined;
    const { after, limit } = options;
    const { opening, balance, postings } = account;
    const found = after === undefined ? 0 : postings.findIndex((posting) => compareAttempts(posting.number, after) > 0);
    const start = found === -1 ? postings.length : found;
    let end = Math.min(start + limit, postings.length);
    while (end > start && postings[end]?.number === postings[end - 1]?.number) end += 1;
    // Exact: in the order of numbers a sum may pass limits that the balance kept in the order of commits.
    let carried = BigInt(opening);
    for (let index = 0; index < start; index += 1) carried += BigInt(postings[index]?.delta ?? 0);
    const page = { postings: postings.slice(start, end), more: end < postings.length };
    return { account: number, opening, carried: exactSum(carried), balance, ...page };
  }

  snapshot(): Iterable<Json> {
    const nextAccount = this.#nextAccount;
    // Postings never change, but one may still come to stand between others.
    const accounts = this.#sorted().map((account) => ({ ...account, postings: account.postings.slice() }));
    return madeWhenRead(() => linesOf(nextAccount, accounts));
  }

  restorer(): Restorer {
    this.#accounts.clear();
    this.#nextAccount = 1;
    this.#sum = 0n;
    const sums = new Map<number, bigint>();
    let lines = 0;
    const take = (stored: Json): void => {
      lines += 1;
      const where = `Ledger line ${lines}`;
      const line = storedObject(stored, where);
      if (line['line'] === 'ledger') this.#nextAccount = storedInteger(line['nextAccount'], `${where}, nextAccount`);
      else this.#restoreLine(line, where, sums);
    };
    return { take, end: () => this.#compare(sums) };
  }

  /** Balances and postings of the lines that were restored fit each other. */
  #compare(sums: ReadonlyMap<number, bigint>): void {
    for (const { account, balance } of this.#accounts.values()) {
      const sum = sums.get(account);
      if (sum !== BigInt(balance))
        throw contradiction(`Account ${account} says ${balance}, its postings add up to ${sum}.`);
    }
  }

  /** `sums` adds up the postings exactly: in the order of numbers a balance may pass limits that it kept in the order of commits. */
  #restoreLine(line: JsonObject, where: string, sums: Map<number, bigint>): void {
    const account = storedInteger(line['account'], `${where}, account`);
    if (line['line'] === 'account') {
      const opening = storedInteger(line['opening'], `${where}, opening`);
      const owner = line['owner'] === undefined ? undefined : storedString(line['owner'], `${where}, owner`);
      if (sums.has(account)) throw contradiction(`${where} opens account ${account} a second time.`);
      const entry = this.#open(account, opening, owner);
      entry.balance = storedInteger(line['balance'], `${where}, balance`);
      this.#sum += BigInt(entry.balance) - BigInt(opening);
      sums.set(account, BigInt(opening));
      return;
    }
    const posting = storedPosting(line, where);
    const entry = this.#accounts.get(account);
    if (entry === undefined) throw contradiction(`${where} is a posting of account ${account}, which is not there.`);
    entry.postings.push(posting);
    sums.set(account, (sums.get(account) ?? 0n) + BigInt(posting.delta));
  }

  #open(account: number, opening: number, owner: string | undefined): Account {
    assert(!this.#accounts.has(account), `account ${account} is opened once`);
    const entry: Account = { account, opening, owner, balance: opening, postings: [] };
    this.#accounts.set(account, entry);
    this.#sum += BigInt(opening);
    return entry;
  }

  #post(account: number, posting: Posting): void {
    const entry = this.#known(account);
    entry.balance += posting.delta;
    assert(entry.balance >= 0, `the balance of account ${account} is not negative`);
    assert(Number.isSafeInteger(entry.balance), `the balance of account ${account} is exact`);
    this.#sum += BigInt(posting.delta);
    let place = entry.postings.length;
    while (place > 0 && compareAttempts(entry.postings[place - 1]?.number ?? '', posting.number) > 0) place -= 1;
    if (place === entry.postings.length) entry.postings.push(posting);
    else entry.postings.splice(place, 0, posting);
  }

  #known(account: number): Account {
    const entry = this.#accounts.get(account);
    assert(entry !== undefined, `an effect names accounts that exist: ${account}`);
    return entry;
  }

  #sorted(): readonly Account[] {
    return [...this.#accounts.values()].sort((a, b) => a.account - b.account);
  }

  #viewOf({ account, balance, owner, postings }: Account): AccountView {
    const version = 1 + postings.length;
    return {
      account,
      balance,
      held: this.#reservations.held(account),
      version,
      ...(owner === undefined ? {} : { owner }),
    };
  }

  #view(): LedgerView {
    return {
      balance: (account) => this.#accounts.get(account)?.balance,
      held: (account) => this.#reservations.held(account),
      incoming: (account) => this.#reservations.incoming(account),
      claimedBefore: (number, account, enough) => this.#reservations.claimedBefore(number, account, enough),
      nextAccount: this.#nextAccount,
      sum: this.#sum,
      size: this.#accounts.size,
    };
  }
}

/** Not a closure: V8 ties the state that one holds to old objects, and it would outlive its use. */
function* linesOf(nextAccount: number, accounts: readonly Account[]): Generator<Json> {
  yield { line: 'ledger', nextAccount };
  for (const { account, opening, balance, owner, postings } of accounts) {
    yield { line: 'account', account, opening, balance, ...(owner === undefined ? {} : { owner }) };
    for (const posting of postings) yield { line: 'posting', account, ...posting };
  }
}
