/**
 * The ledger, once more: accounts with whole balances that never go below
 * nothing. Money that comes in by a transaction cannot be spent in it, and what
 * undecided transactions are to pay is held.
 */
import type { Json } from '../../base/canonical-json.ts';
import { listIn, memberIn, numberIn, textIn } from './group-model.ts';
import type { GroupModel, KeyUse, ModelOperation, Planned, Reading } from './group-model.ts';

interface ModelAccount {
  readonly opening: number;
  readonly owner: string | undefined;
  balance: number;
  readonly postings: Json[];
}

/** One transaction in the making. */
interface Draft {
  readonly postings: Json[];
  readonly created: Map<number, number>;
  readonly createdLines: Json[];
  readonly set: Map<number, number>;
  readonly moved: Map<number, number>;
  next: number | undefined;
}

/** The accounts of one group at one participant. */
export class LedgerModel implements GroupModel {
  readonly #accounts = new Map<number, ModelAccount>();
  #next = 1;
  #sum = 0n;

  plan(operations: readonly ModelOperation[]): Planned | string | undefined {
    const draft: Draft = {
      postings: [],
      created: new Map(),
      createdLines: [],
      set: new Map(),
      moved: new Map(),
      next: undefined,
    };
    const results: Json[] = [];
    for (const operation of operations) {
      const result = this.#take(draft, operation);
      if (result === undefined || typeof result === 'string') return result;
      results.push(result);
    }
    const { postings, createdLines: created, next } = draft;
    const set = [...draft.set].map(([account, balance]) => ({ account, balance }));
    const none = postings.length + created.length + set.length === 0;
    const counter = next === undefined ? {} : { nextAccount: next };
    return { results, effect: none ? null : { postings, created, set, ...counter } };
  }

  #take(draft: Draft, operation: ModelOperation): Json | undefined {
    const { type } = operation;
    const account = numberIn(operation, 'account');
    const amount = numberIn(operation, 'amount');
    switch (type) {
      case 'transfer': {
        const [from, to] = [numberIn(operation, 'from'), numberIn(operation, 'to')];
        const fault = this.#move(draft, { account: from, delta: -amount, type, other: to });
        return fault ?? this.#move(draft, { account: to, delta: amount, type, other: from }) ?? { from, to, amount };
      }
      case 'debit':
      case 'credit': {
        const delta = type === 'debit' ? -amount : amount;
        return this.#move(draft, { account, delta, type }) ?? { account, amount };
      }
      case 'create':
        return this.#create(draft, operation);
      case 'update': {
        const balance = numberIn(operation, 'balance');
        if (!this.#accounts.has(account)) return `there is no account ${account}`;
        draft.set.set(account, balance);
        return { account, balance };
      }
      case 'query': {
        const balance = this.#within(draft, account);
        return balance === undefined ? `there is no account ${account}` : { account, balance };
      }
      case 'total':
        return { total: this.#total(draft), accounts: this.#accounts.size + draft.created.size };
      default:
        return undefined;
    }
  }

  #move(draft: Draft, posting: { readonly account: number; readonly delta: number; readonly [field: string]: Json }) {
    const { account, delta } = posting;
    if (!this.#accounts.has(account)) return `there is no account ${account}`;
    draft.moved.set(account, (draft.moved.get(account) ?? 0) + delta);
    draft.postings.push(posting);
    return undefined;
  }

  #create(draft: Draft, operation: ModelOperation): Json {
    const opening = numberIn(operation, 'opening');
    const isTaken = (account: number): boolean => this.#accounts.has(account) || draft.created.has(account);
    let account = numberIn(operation, 'account');
    if (account === 0) {
      const least = draft.next ?? this.#next;
      // A ledger that shares the numbers with others gives out every step-th from the first.
      const [first, step] = [numberIn(operation, 'first') || 1, numberIn(operation, 'step') || 1];
      account = Math.max(least, first);
      while ((account - first) % step !== 0 || isTaken(account)) account += 1;
      draft.next = account + 1;
    } else if (isTaken(account)) {
      return `account ${account} exists already`;
    }
    const owner = memberIn(operation, 'owner');
    draft.created.set(account, opening);
    draft.createdLines.push({ account, opening, ...(owner === undefined ? {} : { owner }) });
    return { account, balance: opening };
  }

  #within({ created, set, moved }: Draft, account: number): number | undefined {
    const base = created.get(account) ?? set.get(account) ?? this.#accounts.get(account)?.balance;
    return base === undefined ? undefined : base + (moved.get(account) ?? 0);
  }

  #total({ created, set, moved }: Draft): Json {
    let sum = this.#sum;
    for (const delta of [...created.values(), ...moved.values()]) sum += BigInt(delta);
    for (const [account, balance] of set) sum += BigInt(balance) - BigInt(this.#accounts.get(account)?.balance ?? 0);
    return exact(sum);
  }

  uses(operations: readonly ModelOperation[]): readonly KeyUse[] {
    return operations.flatMap((operation): readonly KeyUse[] => {
      const account = (name: string, mode: KeyUse['mode']): KeyUse => ({
        key: `account/${numberIn(operation, name)}`,
        mode,
      });
      switch (operation['type']) {
        case 'transfer':
          return [TABLE, account('from', 'change'), account('to', 'change')];
        case 'debit':
        case 'credit':
          return [TABLE, account('account', 'change')];
        case 'update':
          return [TABLE, account('account', 'exclusive')];
        case 'create':
          return [TABLE, COUNTER, ...('account' in operation ? [account('account', 'exclusive')] : [])];
        case 'query':
          return [account('account', 'read')];
        default:
          return [{ ...TABLE, mode: 'read' }];
      }
    });
  }

  usesOfEffect(effect: Json): readonly KeyUse[] {
    const keys = (name: string, mode: KeyUse['mode']): KeyUse[] =>
      listIn(effect, name).map((one) => ({ key: `account/${numberIn(one, 'account')}`, mode }));
    const counter = memberIn(effect, 'nextAccount') === undefined ? [] : [COUNTER];
    return [
      TABLE,
      ...counter,
      ...keys('postings', 'change'),
      ...keys('created', 'exclusive'),
      ...keys('set', 'exclusive'),
    ];
  }

  short(effect: Json, undecided: readonly Json[]): string | undefined {
    const held = debits(undecided);
    for (const [account, amount] of debits([effect])) {
      const balance = this.#accounts.get(account)?.balance ?? 0;
      const kept = held.get(account) ?? 0;
      if (balance - kept >= amount) continue;
      return `account ${account} has ${balance}, of which ${kept} are held for undecided transactions, and ${amount} are to be paid`;
    }
    return undefined;
  }

  misnumbered(effect: Json): string | undefined {
    const next = memberIn(effect, 'nextAccount');
    if (typeof next !== 'number') return undefined;
    if (next <= this.#next)
      return `it gives out account ${next - 1}, and numbers up to ${this.#next - 1} were given out`;
    const given = listIn(effect, 'created').some((one) => numberIn(one, 'account') === next - 1);
    return given ? undefined : `it takes account ${next - 1} from the counter, and does not open it`;
  }

  apply(effect: Json, number: string, id: string) {
    const faults: string[] = [];
    const touched = new Set<number>();
    for (const one of listIn(effect, 'created')) {
      const account = numberIn(one, 'account');
      if (this.#accounts.has(account)) faults.push(`account ${account} is opened a second time`);
      const owner = textIn(one, 'owner') || undefined;
      this.#accounts.set(account, { opening: numberIn(one, 'opening'), owner, balance: 0, postings: [] });
      this.#add(account, numberIn(one, 'opening'), faults);
      touched.add(account);
    }
    const moves = listIn(effect, 'postings').map((one) => ({ one, delta: numberIn(one, 'delta') }));
    const sets = listIn(effect, 'set').map((one) => {
      const before = this.#accounts.get(numberIn(one, 'account'))?.balance ?? 0;
      return { one, delta: numberIn(one, 'balance') - before };
    });
    for (const { one, delta } of moves.sort((a, b) => b.delta - a.delta))
      touched.add(this.#post(one, delta, number, id, faults));
    for (const { one, delta } of sets) touched.add(this.#post(one, delta, number, id, faults));
    const transfers = listIn(effect, 'postings').filter((one) => textIn(one, 'type') === 'transfer');
    const made = transfers.reduce<number>((sum, one) => sum + numberIn(one, 'delta'), 0);
    if (made !== 0) faults.push(`its transfers do not add up to nothing, but to ${made}`);
    this.#next = Math.max(this.#next, numberIn(effect, 'nextAccount'));
    return { faults, readings: this.#readings(touched) };
  }

  /** Money in comes before money out: the order within one transaction means nothing. */
  #post(one: Json, delta: number, number: string, id: string, faults: string[]): number {
    const account = numberIn(one, 'account');
    const other = memberIn(one, 'other');
    const type = textIn(one, 'type') || 'update';
    const posting = { line: 'posting', account, number, id, type, delta, ...(other === undefined ? {} : { other }) };
    this.#accounts.get(account)?.postings.push(posting);
    this.#add(account, delta, faults);
    return account;
  }

  #add(account: number, delta: number, faults: string[]): void {
    const found = this.#accounts.get(account);
    if (found === undefined) {
      faults.push(`there is no account ${account}`);
      return;
    }
    found.balance += delta;
    this.#sum += BigInt(delta);
    if (found.balance < 0) faults.push(`account ${account} goes down to ${found.balance}`);
  }

  load(lines: readonly Json[]): readonly Reading[] {
    this.#accounts.clear();
    this.#next = 1;
    this.#sum = 0n;
    for (const line of lines) {
      const account = numberIn(line, 'account');
      if (textIn(line, 'line') === 'ledger') this.#next = numberIn(line, 'nextAccount');
      if (textIn(line, 'line') === 'account') {
        const [opening, balance] = [numberIn(line, 'opening'), numberIn(line, 'balance')];
        this.#accounts.set(account, { opening, owner: textIn(line, 'owner') || undefined, balance, postings: [] });
        this.#sum += BigInt(balance);
      }
      if (textIn(line, 'line') === 'posting') this.#accounts.get(account)?.postings.push(line);
    }
    return this.#readings(this.#accounts.keys());
  }

  lines(): readonly Json[] {
    const accounts = [...this.#accounts].flatMap(([account, { opening, balance, owner, postings }]) => [
      { line: 'account', account, opening, balance, ...(owner === undefined ? {} : { owner }) },
      ...postings,
    ]);
    return [{ line: 'ledger', nextAccount: this.#next }, ...accounts];
  }

  #readings(accounts: Iterable<number>): readonly Reading[] {
    const balances = [...accounts].map((account): Reading => [
      `account/${account}`,
      this.#accounts.get(account)?.balance ?? null,
    ]);
    return [...balances, ['total', exact(this.#sum)]];
  }
}

const TABLE: KeyUse = { key: 'accounts', mode: 'change' };
const COUNTER: KeyUse = { key: 'counter', mode: 'exclusive' };

/** A number where it is exact, else its digits. */
function exact(sum: bigint): number | string {
  return sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : sum.toString();
}

/** What effects pay out, by account. */
function debits(effects: readonly Json[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const posting of effects.flatMap((effect) => listIn(effect, 'postings'))) {
    const [account, delta] = [numberIn(posting, 'account'), numberIn(posting, 'delta')];
    if (delta < 0) sums.set(account, (sums.get(account) ?? 0) - delta);
  }
  return sums;
}
