/**
 * Random good runs, as logs and history, made by a cluster of a few lines of
 * its own: one ledger and one room on two or three participants, transactions
 * one after another or with their commits interleaved where they may be. It
 * shares no code with the product; what it writes is right by construction.
 */
import type { Json } from '../../../src/base/canonical-json.ts';
import type { CheckInput } from '../../../src/lab/checker/input.ts';
import type { HistoryEvent } from '../../../src/lab/run-directory.ts';
import type { LooseRecord } from './literal-run.ts';

/** What a random transaction is. */
export interface RandomPlan {
  readonly kind: 'transfer' | 'update' | 'append' | 'query' | 'no';
  readonly protocol: '2pc' | '3pc';
  readonly from: number;
  readonly amount: number;
  /** Participants that commit it only after the next one, where that may be. */
  readonly late: readonly boolean[];
}

/** Logs that a test may change, and what clients were told. */
export interface RandomRun {
  readonly logs: Map<string, LooseRecord[]>;
  readonly history: HistoryEvent[];
}

const ACCOUNTS = 3;
const OPENING = 1000;
const COORDINATOR = 'C';
const FIRST = { counter: 1, site: COORDINATOR };

interface Pending {
  readonly node: string;
  readonly records: readonly LooseRecord[];
  /** The account that it adds to: nobody may spend that yet. */
  readonly to: number;
}

/** Builds the run of these transactions on so many participants. */
export function randomRun(plans: readonly RandomPlan[], participants: number): RandomRun {
  const names = Array.from({ length: participants }, (_, index) => `P${index + 1}`);
  const maker = new Maker(names);
  maker.open();
  for (const plan of plans) maker.transaction(plan);
  maker.flush();
  return { logs: maker.logs, history: maker.history };
}

/** The run as the checker takes it. */
export function inputOf({ logs, history }: RandomRun): CheckInput {
  const nodes = [...logs].map(([name, records]) => ({
    name,
    role: name === COORDINATOR ? ('coordinator' as const) : ('participant' as const),
    records: records.map((record, index) => ({ seq: index + 1, epoch: 1, record })),
  }));
  return { nodes, history };
}

class Maker {
  readonly logs = new Map<string, LooseRecord[]>();
  readonly history: HistoryEvent[] = [];
  readonly #names: readonly string[];
  readonly #balances = new Map<number, number>();
  readonly #late: Pending[] = [];
  #lines = 0;
  #count = 0;
  #t = 0;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.logs.set(COORDINATOR, [{ type: 'start', name: COORDINATOR, role: 'coordinator', incarnation: 'c0000000' }]);
    for (const name of names) {
      this.logs.set(name, [{ type: 'start', name, role: 'participant', incarnation: `log-${name}` }]);
    }
  }

  open(): void {
    const accounts = Array.from({ length: ACCOUNTS }, (_, index) => index + 1);
    for (const account of accounts) this.#balances.set(account, OPENING);
    const created = accounts.map((account) => ({ account, opening: OPENING }));
    const operations = created.map((one) => ({ group: 'bank', resource: 'ledger', type: 'create', ...one }));
    const results = accounts.map((account) => ({ account, balance: OPENING }));
    this.#commit(
      '2pc',
      { operations, results, effect: { group: 'bank', effect: { postings: [], created, set: [] } } },
      [],
    );
  }

  transaction({ kind, protocol, from, amount, late }: RandomPlan): void {
    const to = (from % ACCOUNTS) + 1;
    const bank = (type: string, rest: Record<string, Json>): Json => ({
      group: 'bank',
      resource: 'ledger',
      type,
      ...rest,
    });
    // Only two transfers may change places, and money that is not there yet cannot be spent.
    if (kind !== 'transfer' || this.#late.some((one) => one.to === from)) this.flush();
    if (kind === 'no' || (kind === 'transfer' && (this.#balances.get(from) ?? 0) < amount)) {
      return this.#abort([bank('transfer', { from, to, amount: 1_000_000 })]);
    }
    if (kind === 'append') return this.#append(protocol);
    if (kind === 'query') {
      const posting = { account: to, delta: 1, type: 'credit' };
      const results = [
        { account: from, balance: this.#balances.get(from) ?? 0 },
        { account: to, amount: 1 },
      ];
      this.#balances.set(to, (this.#balances.get(to) ?? 0) + 1);
      const effect = { postings: [posting], created: [], set: [] };
      const operations = [bank('query', { account: from }), bank('credit', { account: to, amount: 1 })];
      return this.#commit(protocol, { operations, results, effect: { group: 'bank', effect } }, []);
    }
    if (kind === 'update') {
      this.#balances.set(from, amount);
      const effect = { postings: [], created: [], set: [{ account: from, balance: amount }] };
      const operations = [bank('update', { account: from, balance: amount })];
      return this.#commit(
        protocol,
        { operations, results: [{ account: from, balance: amount }], effect: { group: 'bank', effect } },
        [],
      );
    }
    this.#balances.set(from, (this.#balances.get(from) ?? 0) - amount);
    this.#balances.set(to, (this.#balances.get(to) ?? 0) + amount);
    const postings = [
      { account: from, delta: -amount, type: 'transfer', other: to },
      { account: to, delta: amount, type: 'transfer', other: from },
    ];
    const effect = { group: 'bank', effect: { postings, created: [], set: [] } };
    this.#commit(
      protocol,
      { operations: [bank('transfer', { from, to, amount })], results: [{ from, to, amount }], effect },
      late,
    );
    if (this.#late.length === 0) this.#read(from);
  }

  /** What was held back is written now. */
  flush(): void {
    for (const { node, records } of this.#late.splice(0)) this.logs.get(node)?.push(...records);
  }

  #append(protocol: '2pc' | '3pc'): void {
    const seq = (this.#lines += 1);
    const line = { key: `k${seq}`, author: 'ann', text: `line ${seq}` };
    const operations = [{ group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines: [line] }];
    const results = [{ room: 'lobby', lines: [{ key: line.key, seq }] }];
    const effect = { group: 'chat', effect: { appends: [{ room: 'lobby', lines: [{ seq, ...line }] }] } };
    this.#commit(protocol, { operations, results, effect }, []);
  }

  #abort(operations: readonly Json[]): void {
    const { number, id } = this.#next();
    const reason = { code: 'insufficient-funds', detail: '' };
    const coordinator = this.logs.get(COORDINATOR);
    coordinator?.push(this.#begin(number, id, '2pc', operations.length));
    for (const name of this.#names) this.logs.get(name)?.push({ type: 'aborted', number, reason });
    coordinator?.push({ type: 'abort', number, reason }, { type: 'answer', number, id, reason });
    this.#told(id, operations, 'fail', { outcome: 'aborted' });
  }

  #commit(
    protocol: '2pc' | '3pc',
    work: { operations: readonly Json[]; results: readonly Json[]; effect: { group: string; effect: Json } },
    late: readonly boolean[],
  ): void {
    const { operations, results, effect } = work;
    const before = this.#late.splice(0);
    const { number, id } = this.#next();
    const indexed = (key: string, list: readonly Json[]) => list.map((one, index) => ({ index, [key]: one }));
    const shared = { operations: indexed('operation', operations), results: indexed('result', results) };
    const who = { coordinator: this.#site(COORDINATOR), participants: this.#names.map((name) => this.#site(name)) };
    const coordinator = this.logs.get(COORDINATOR);
    coordinator?.push(this.#begin(number, id, protocol, operations.length));
    const round = { number, round: FIRST };
    if (protocol === '3pc') coordinator?.push({ type: 'precommitted', ...round, results: shared.results });
    coordinator?.push({ type: 'commit', number, results: shared.results }, { type: 'end', number });
    for (const [index, name] of this.#names.entries()) {
      const hashes = { [effect.group]: `hash-${number}` };
      const log = this.logs.get(name);
      log?.push({ type: 'prepared', number, id, protocol, ...who, ...shared, effects: [effect], hashes });
      if (protocol === '3pc') log?.push({ type: 'precommitted', ...round });
      const committed = { type: 'committed', number };
      if (late[index]) this.#late.push({ node: name, records: [committed], to: toOf(operations) });
      else log?.push(committed);
    }
    // What was late comes after this one: in another order than at those that were not late.
    for (const { node, records } of before) this.logs.get(node)?.push(...records);
    this.#told(id, operations, 'ok', { outcome: 'committed', results: [...results] });
  }

  #read(account: number): void {
    const given = { node: this.#names[0] ?? '', group: 'bank', account };
    this.#event('invoke', { f: 'account', in: given });
    this.#event('ok', { f: 'account', out: { balance: this.#balances.get(account) ?? 0 } });
  }

  #told(id: string, operations: readonly Json[], kind: 'ok' | 'fail', out: Json): void {
    this.#event('invoke', { f: 'transaction', id, in: { operations: [...operations] } });
    this.#event(kind, { f: 'transaction', id, out });
  }

  #event(kind: HistoryEvent['kind'], rest: Pick<HistoryEvent, 'f' | 'id' | 'in' | 'out'>): void {
    this.history.push({ t: (this.#t += 1), process: 'c1', kind, ...rest });
  }

  #next(): { number: string; id: string } {
    this.#count += 1;
    return { number: `c0000000.1.${this.#count}`, id: `TX${this.#count}` };
  }

  #begin(number: string, id: string, protocol: string, operations: number): LooseRecord {
    const participants = this.#names.map((name) => this.#site(name));
    return {
      type: 'begin',
      number,
      id,
      hash: 'h',
      protocol,
      participants,
      groups: { any: [...this.#names] },
      operations,
    };
  }

  #site(name: string): { name: string; address: string } {
    return { name, address: '127.0.0.1:1' };
  }
}

function toOf(operations: readonly Json[]): number {
  const [first] = operations as readonly { readonly to?: number }[];
  return first?.to ?? 0;
}
