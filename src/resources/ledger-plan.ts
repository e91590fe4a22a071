/**
 * What a transaction would do to a ledger: its locks, its results and its
 * effect. Pure: it reads a view of the ledger and changes nothing.
 *
 * Locks. Money moves with `change` locks, since additions commute; `create`
 * and `update` are exclusive on the account or the counter. Every change also
 * takes `change` on the key `accounts`, and `total` takes `read` there, so a
 * total never sees one half of a transfer.
 *
 * Funds. Money that arrives in the same transaction cannot be spent in it:
 * every debit is covered by the balance before. A debit beyond the balance is
 * a no; a debit within the balance, but beyond what earlier undecided
 * transactions leave of it, waits for them.
 *
 * Results and effect name no running balance of a transfer: replicas apply
 * commuting transactions in different orders and must answer the same.
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { LockRequest, Operation, Prepared, Refusal } from './resource.ts';

/** The key that stands for the whole ledger. */
export const ACCOUNTS_KEY = 'accounts';
/** The key of the counter of account numbers. */
export const COUNTER_KEY = 'counter';

/** One movement of money on one account, as it stands in an effect. */
export type PlannedPosting = {
  readonly account: number;
  /** Negative on the side that pays. */
  readonly delta: number;
  readonly type: 'transfer' | 'debit' | 'credit';
  /** The account on the other side of a transfer. */
  readonly other?: number;
};

/** All that a commit changes in a ledger. */
export type LedgerEffect = {
  readonly postings: readonly PlannedPosting[];
  readonly created: readonly { readonly account: number; readonly opening: number; readonly owner?: string }[];
  readonly set: readonly { readonly account: number; readonly balance: number }[];
  /** The counter after the commit, if a number was taken from it. */
  readonly nextAccount?: number;
};

/** What the plan reads of the ledger. */
export interface LedgerView {
  balance(account: number): number | undefined;
  held(account: number): number;
  incoming(account: number): number;
  claimedBefore(number: AttemptNumber, account: number, enough: number): number;
  readonly nextAccount: number;
  readonly sum: bigint;
  readonly size: number;
}

type LedgerOperation =
  | { readonly type: 'transfer'; readonly from: number; readonly to: number; readonly amount: number }
  | { readonly type: 'debit' | 'credit'; readonly account: number; readonly amount: number }
  | {
      readonly type: 'create';
      readonly opening: number;
      readonly owner?: string;
      readonly account?: number;
      /** Numbers are taken from first, first + step, …; 1, 2, 3… when absent. */
      readonly first?: number;
      readonly step?: number;
    }
  | { readonly type: 'update'; readonly account: number; readonly balance: number }
  | { readonly type: 'query'; readonly account: number }
  | { readonly type: 'total' };

/** The fields were checked by validateOperation(), whose table has exactly these shapes. */
const typed = (operation: Operation): LedgerOperation => operation as unknown as LedgerOperation;

/** The key of one account. */
export function accountKey(account: number): string {
  return `account/${account}`;
}

/** A sum as it is answered: a number, or its digits as a string where a number would not be exact. */
export function exactSum(sum: bigint): number | string {
  return sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : sum.toString();
}

/** The locks of ledger operations. */
export function ledgerLocks(operations: readonly Operation[]): readonly LockRequest[] {
  const [only] = operations;
  if (only !== undefined && operations.length === 1) return locksOfOne(typed(only));
  return operations.flatMap((operation) => locksOfOne(typed(operation)));
}

const TABLE: LockRequest = { key: ACCOUNTS_KEY, mode: 'change' };

function locksOfOne(operation: LedgerOperation): readonly LockRequest[] {
  switch (operation.type) {
    case 'transfer': {
      const [from, to] = [accountKey(operation.from), accountKey(operation.to)];
      return [TABLE, { key: from, mode: 'change' }, { key: to, mode: 'change' }];
    }
    case 'debit':
    case 'credit':
      return [TABLE, { key: accountKey(operation.account), mode: 'change' }];
    case 'update':
      return [TABLE, { key: accountKey(operation.account), mode: 'exclusive' }];
    case 'create': {
      const own = operation.account === undefined ? [] : [operation.account];
      const keys = [COUNTER_KEY, ...own.map(accountKey)];
      return [TABLE, ...keys.map((key) => ({ key, mode: 'exclusive' as const }))];
    }
    case 'query':
      return [{ key: accountKey(operation.account), mode: 'read' }];
    case 'total':
      return [{ key: ACCOUNTS_KEY, mode: 'read' }];
  }
}

/** What the operations debit, summed per account. */
export function debitsOf(operations: readonly Operation[]): ReadonlyMap<number, number> {
  const debits = new Map<number, number>();
  for (const one of operations) {
    const operation = typed(one);
    if (operation.type === 'transfer') add(debits, operation.from, operation.amount);
    if (operation.type === 'debit') add(debits, operation.account, operation.amount);
  }
  return debits;
}

function add(sums: Map<number, number>, account: number, amount: number): void {
  sums.set(account, (sums.get(account) ?? 0) + amount);
}

const no = (code: ErrorCode, detail: string): Refusal => ({ code, detail });
const unknown = (account: number): Refusal => no('unknown-account', `There is no account ${account}.`);

/** Whether the transaction can be promised on this ledger, and what it will do. */
export function planLedger(view: LedgerView, number: AttemptNumber, operations: readonly Operation[]): Prepared {
  const plan = new Plan(view);
  for (const operation of operations) {
    const refusal = plan.take(typed(operation));
    if (refusal !== undefined) return { vote: 'no', refusal };
  }
  return plan.checkSums(number) ?? { vote: 'yes', results: plan.results, effect: plan.effect() };
}

/** The least number of first, first + step, … that is not below `least`. */
function numberFrom(least: number, first: number, step: number): number {
  return first + Math.max(0, Math.ceil((least - first) / step)) * step;
}

/** The transaction so far, over the ledger's view. */
class Plan {
  readonly results: Json[] = [];
  readonly #view: LedgerView;
  readonly #postings: PlannedPosting[] = [];
  readonly #debits = new Map<number, number>();
  readonly #credits = new Map<number, number>();
  readonly #created = new Map<number, { account: number; opening: number; owner?: string }>();
  readonly #set = new Map<number, number>();
  #nextAccount: number | undefined;
  #sum: bigint;

  constructor(view: LedgerView) {
    this.#view = view;
    this.#sum = view.sum;
  }

  /** Adds one operation; a refusal refuses the whole transaction. */
  take(operation: LedgerOperation): Refusal | undefined {
    switch (operation.type) {
      case 'transfer': {
        const { type, from, to, amount } = operation;
        const refusal =
          this.#move({ account: from, delta: -amount, type, other: to }) ??
          this.#move({ account: to, delta: amount, type, other: from });
        return refusal ?? this.#answer({ from, to, amount });
      }
      case 'debit':
      case 'credit': {
        const { type, account, amount } = operation;
        const refusal = this.#move({ account, delta: type === 'debit' ? -amount : amount, type });
        return refusal ?? this.#answer({ account, amount });
      }
      case 'create':
        return this.#create(operation);
      case 'update':
        return this.#update(operation.account, operation.balance);
      case 'query': {
        const balance = this.#balance(operation.account);
        if (balance === undefined) return unknown(operation.account);
        return this.#answer({ account: operation.account, balance });
      }
      case 'total':
        return this.#answer({ total: exactSum(this.#sum), accounts: this.#view.size + this.#created.size });
    }
  }

  /** Undefined when every debit is covered and every credit fits, else the no or the wait. */
  checkSums(number: AttemptNumber): Prepared | undefined {
    for (const [account, amount] of this.#debits) {
      const [balance, held] = [this.#view.balance(account) ?? 0, this.#view.held(account)];
      if (balance < amount) return { vote: 'no', refusal: this.#short(account, amount, held) };
    }
    for (const [account, amount] of this.#credits) {
      const [balance, incoming] = [this.#view.balance(account) ?? 0, this.#view.incoming(account)];
      // Each term is exact; written so that no sum of them has to be.
      if (amount > Number.MAX_SAFE_INTEGER - balance - incoming) {
        const detail = `Account ${account} has ${balance}, ${incoming} more on the way, and cannot take ${amount}.`;
        return { vote: 'no', refusal: no('balance-overflow', detail) };
      }
    }
    for (const [account, amount] of this.#debits) {
      const [balance, held] = [this.#view.balance(account) ?? 0, this.#view.held(account)];
      const claimed = this.#view.claimedBefore(number, account, balance);
      if (balance - held - claimed < amount) {
        return { vote: 'wait', key: accountKey(account), refusal: this.#short(account, amount, held + claimed) };
      }
    }
    return undefined;
  }

  effect(): Json {
    if (this.#postings.length + this.#created.size + this.#set.size === 0) return null;
    const postings = this.#postings;
    // Most transactions only move money.
    if (this.#created.size + this.#set.size === 0) return { postings, created: [], set: [] } satisfies LedgerEffect;
    return {
      postings,
      created: [...this.#created.values()],
      set: [...this.#set].map(([account, balance]) => ({ account, balance })),
      ...(this.#nextAccount === undefined ? {} : { nextAccount: this.#nextAccount }),
    } satisfies LedgerEffect;
  }

  #answer(result: Json): undefined {
    this.results.push(result);
  }

  #short(account: number, amount: number, held: number): Refusal {
    const balance = this.#view.balance(account) ?? 0;
    return no(
      'insufficient-funds',
      `Account ${account} has ${balance}, of which ${held} are held, and ${amount} are needed.`,
    );
  }

  /** The balance as this transaction sees it, after its own operations so far. */
  #balance(account: number): number | undefined {
    const base = this.#created.get(account)?.opening ?? this.#set.get(account) ?? this.#view.balance(account);
    if (base === undefined) return undefined;
    return base - (this.#debits.get(account) ?? 0) + (this.#credits.get(account) ?? 0);
  }

  #move(posting: PlannedPosting): Refusal | undefined {
    const { account, delta } = posting;
    const refusal = this.#usedAlready(account, 'moved');
    if (refusal !== undefined) return refusal;
    if (this.#view.balance(account) === undefined) return unknown(account);
    add(delta < 0 ? this.#debits : this.#credits, account, Math.abs(delta));
    this.#sum += BigInt(delta);
    this.#postings.push(posting);
    return undefined;
  }

  #create(operation: Extract<LedgerOperation, { type: 'create' }>): Refusal | undefined {
    const { opening, owner, first = 1, step = 1 } = operation;
    const taken = (n: number): boolean => this.#created.has(n) || this.#view.balance(n) !== undefined;
    let account = operation.account;
    if (account === undefined) {
      account = numberFrom(this.#nextAccount ?? this.#view.nextAccount, first, step);
      // A number that was opened explicitly is passed over; so no such opening can use up the counter.
      while (taken(account)) account += step;
      this.#nextAccount = account + 1;
    } else if (taken(account)) {
      return no('account-exists', `Account ${account} exists already.`);
    }
    this.#created.set(account, { account, opening, ...(owner === undefined ? {} : { owner }) });
    this.#sum += BigInt(opening);
    return this.#answer({ account, balance: opening });
  }

  #update(account: number, balance: number): Refusal | undefined {
    const refusal = this.#usedAlready(account, 'updated');
    if (refusal !== undefined) return refusal;
    const before = this.#view.balance(account);
    if (before === undefined) return unknown(account);
    this.#set.set(account, balance);
    this.#sum += BigInt(balance) - BigInt(before);
    return this.#answer({ account, balance });
  }

  /** An account that is created or updated is not changed otherwise by the same transaction: the order would be a guess. */
  #usedAlready(account: number, how: 'moved' | 'updated'): Refusal | undefined {
    if (this.#created.has(account)) {
      return no('bad-operation', `Account ${account} is created by this transaction; give it its opening instead.`);
    }
    const moved = this.#debits.has(account) || this.#credits.has(account);
    if (!this.#set.has(account) && (how === 'moved' || !moved)) return undefined;
    return no('bad-operation', `Account ${account} is updated by this transaction and cannot be changed twice in it.`);
  }
}
