/**
 * A small good run, written down record by record: nothing here comes from the
 * code under test. Three nodes (C, P1, P2), the groups bank (ledger) and chat
 * (history) on both participants, notes (notebook) on P1, and six transactions:
 *
 * | number | id | what |
 * | --- | --- | --- |
 * | 1 | OPEN | opens account 1 with 1000 and account 2 with 500, by 2PC |
 * | 2 | TX001 | moves 100 from 1 to 2, by 2PC |
 * | 3 | TX002 | would move 9999 from 2 to 1; both say no |
 * | 4 | TX003 | two lines in the room lobby, by 3PC |
 * | 5 | TX004 | one string in the notebook, one-phase at P1 |
 * | 6 | TX005 | sets account 2 to 700 and asks for account 1, by 2PC |
 *
 * Tests change one thing in it and see whether the checker notices.
 */
import type { Json } from '../../../src/base/canonical-json.ts';
import type { CheckInput, NodeLog, TraceEntry } from '../../../src/lab/checker/input.ts';
import type { FinalState, HistoryEvent, RunDescription } from '../../../src/lab/run-directory.ts';

/** A record that a test may change. */
export interface LooseRecord {
  type: string;
  [member: string]: unknown;
}

/** One log that a test may change; seqs are given when it is handed to the checker, from 1 on. */
export interface LooseLog {
  role: 'coordinator' | 'participant';
  records: { record: LooseRecord; epoch: number }[];
  /** What else the checker is told of it; replaces what is said here. */
  more: Partial<NodeLog>;
}

/** A copy of its own of every part: structuredClone would keep parts that are shared shared. */
const copyOf = <T>(value: T): Mutable<T> => JSON.parse(JSON.stringify(value)) as Mutable<T>;

type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;

/** The number of the nth attempt. */
export const numberOf = (nth: number): string => `c0000000.1.${nth}`;

const C = { name: 'C', address: '127.0.0.1:7100' };
const P1 = { name: 'P1', address: '127.0.0.1:7201' };
const P2 = { name: 'P2', address: '127.0.0.1:7202' };
const FIRST = { counter: 1, site: 'C' };

const bank = (type: string, rest: Record<string, Json>): Json => ({ group: 'bank', resource: 'ledger', type, ...rest });
const LINES = [
  { key: 'k1', author: 'ann', text: 'hello' },
  { key: 'k2', author: 'ann', text: 'again' },
];

interface Written {
  readonly id: string;
  readonly protocol: string;
  readonly groups: Record<string, string[]>;
  readonly operations: readonly Json[];
  readonly results: readonly Json[];
  readonly effects: Record<string, Json>;
}

/** What the transactions are, by number. */
export const WRITTEN: Readonly<Record<number, Written>> = {
  1: {
    id: 'OPEN',
    protocol: '2pc',
    groups: { bank: ['P1', 'P2'] },
    operations: [bank('create', { opening: 1000, account: 1 }), bank('create', { opening: 500 })],
    results: [
      { account: 1, balance: 1000 },
      { account: 2, balance: 500 },
    ],
    effects: {
      bank: {
        postings: [],
        created: [
          { account: 1, opening: 1000 },
          { account: 2, opening: 500 },
        ],
        set: [],
        nextAccount: 3,
      },
    },
  },
  2: {
    id: 'TX001',
    protocol: '2pc',
    groups: { bank: ['P1', 'P2'] },
    operations: [bank('transfer', { from: 1, to: 2, amount: 100 })],
    results: [{ from: 1, to: 2, amount: 100 }],
    effects: {
      bank: {
        postings: [
          { account: 1, delta: -100, type: 'transfer', other: 2 },
          { account: 2, delta: 100, type: 'transfer', other: 1 },
        ],
        created: [],
        set: [],
      },
    },
  },
  3: {
    id: 'TX002',
    protocol: '2pc',
    groups: { bank: ['P1', 'P2'] },
    operations: [bank('transfer', { from: 2, to: 1, amount: 9999 })],
    results: [],
    effects: {},
  },
  4: {
    id: 'TX003',
    protocol: '3pc',
    groups: { chat: ['P1', 'P2'] },
    operations: [{ group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines: LINES }],
    results: [{ room: 'lobby', lines: [{ key: 'k1', seq: 1 }, { key: 'k2', seq: 2 }] }], // prettier-ignore
    effects: {
      chat: { appends: [{ room: 'lobby', lines: LINES.map((line, index) => ({ seq: index + 1, ...line })) }] },
    },
  },
  5: {
    id: 'TX004',
    protocol: '2pc',
    groups: { notes: ['P1'] },
    operations: [{ group: 'notes', resource: 'notebook', type: 'write', string: 'first' }],
    results: [{ index: 1 }],
    effects: { notes: { strings: [{ index: 1, string: 'first' }] } },
  },
  6: {
    id: 'TX005',
    protocol: '2pc',
    groups: { bank: ['P1', 'P2'] },
    operations: [bank('update', { account: 2, balance: 700 }), bank('query', { account: 1 })],
    results: [
      { account: 2, balance: 700 },
      { account: 1, balance: 900 },
    ],
    effects: { bank: { postings: [], created: [], set: [{ account: 2, balance: 700 }] } },
  },
};

const NO = { code: 'insufficient-funds', detail: 'Account 2 has 600.' };

/** The index of each member of a list, as records carry results and operations. */
const indexed = (key: string, list: readonly Json[]): Json[] => list.map((one, index) => ({ index, [key]: one }));

/** A `begin` record. */
export function begin(nth: number, more: Record<string, Json> = {}): LooseRecord {
  const { id, protocol, groups, operations } = WRITTEN[nth] as Written;
  const participants = [P1, P2].filter(({ name }) => Object.values(groups).flat().includes(name));
  const rest = { id, hash: `hash-${nth}`, protocol, participants, groups, operations: operations.length };
  return { type: 'begin', number: numberOf(nth), ...rest, ...more };
}

/** A `commit` record of the coordinator. */
export function commit(nth: number): LooseRecord {
  return { type: 'commit', number: numberOf(nth), results: indexed('result', (WRITTEN[nth] as Written).results) };
}

/** A `prepared` record. */
export function prepared(nth: number): LooseRecord {
  const { id, protocol, groups, operations, results, effects } = WRITTEN[nth] as Written;
  return {
    type: 'prepared',
    number: numberOf(nth),
    id,
    protocol,
    coordinator: C,
    participants: [P1, P2].filter(({ name }) => Object.values(groups).flat().includes(name)),
    operations: indexed('operation', operations),
    effects: Object.entries(effects).map(([group, effect]) => ({ group, effect })),
    results: indexed('result', results),
    hashes: Object.fromEntries(Object.keys(groups).map((group) => [group, `digest-${nth}`])),
  };
}

/** A record with a number and nothing that needs explaining. */
export function about(type: string, nth: number, more: Record<string, unknown> = {}): LooseRecord {
  return { type, number: numberOf(nth), ...more };
}

function coordinatorLog(): LooseRecord[] {
  const peer = (name: string, incarnation: string): LooseRecord => ({
    ...{ type: 'peer', name, incarnation, epoch: 1, start: `start-${name}`, address: '127.0.0.1:1' },
  });
  const answer = {
    id: 'TX002',
    hash: 'hash-3',
    protocol: '2pc',
    reason: NO,
    participants: ['P1', 'P2'],
    operations: 1,
  };
  const seen = (name: string, incarnation: string, seq: number) => ({
    [name]: { incarnation, epoch: 1, start: `start-${name}`, seq },
  });
  return [
    { type: 'start', name: 'C', role: 'coordinator', incarnation: 'c0000000' },
    peer('P1', 'p1000000'),
    peer('P2', 'p2000000'),
    ...[1, 2].flatMap((nth) => [begin(nth), commit(nth), about('end', nth)]),
    begin(3),
    about('abort', 3, { reason: NO }),
    about('answer', 3, answer),
    begin(4),
    about('precommitted', 4, { round: FIRST, results: indexed('result', (WRITTEN[4] as Written).results) }),
    commit(4),
    about('end', 4),
    begin(5, { onePhase: true }),
    commit(5),
    about('end', 5),
    begin(6),
    commit(6),
    about('end', 6),
    { type: 'low-water', number: numberOf(7), peers: { ...seen('P1', 'p1000000', 13), ...seen('P2', 'p2000000', 12) } },
  ];
}

function participantLog(name: 'P1' | 'P2'): LooseRecord[] {
  const incarnation = name === 'P1' ? 'p1000000' : 'p2000000';
  const onePhase = about('committed', 5, {
    id: 'TX004',
    effects: [{ group: 'notes', effect: { strings: [{ index: 1, string: 'first' }] } }],
    results: [{ index: 0, result: { index: 1 } }],
  });
  return [
    { type: 'start', name, role: 'participant', incarnation },
    {
      type: 'coordinator',
      name: 'C',
      incarnation: 'c0000000',
      epoch: 1,
      start: 's',
      addresses: {},
      lowWater: numberOf(1),
    },
    prepared(1),
    about('committed', 1),
    prepared(2),
    about('committed', 2),
    about('aborted', 3, { reason: NO }),
    prepared(4),
    about('precommitted', 4, { round: FIRST }),
    about('committed', 4),
    ...(name === 'P1' ? [onePhase] : []),
    prepared(6),
    about('committed', 6),
  ];
}

const LEDGER_LINES: readonly Json[] = [
  { line: 'ledger', nextAccount: 3 },
  { line: 'account', account: 1, opening: 1000, balance: 900 },
  { line: 'posting', account: 1, number: numberOf(2), id: 'TX001', type: 'transfer', delta: -100, other: 2 },
  { line: 'account', account: 2, opening: 500, balance: 700 },
  { line: 'posting', account: 2, number: numberOf(2), id: 'TX001', type: 'transfer', delta: 100, other: 1 },
  { line: 'posting', account: 2, number: numberOf(6), id: 'TX005', type: 'update', delta: 100 },
];
const CHAT_LINES: readonly Json[] = LINES.map((line, index) => ({ room: 'lobby', seq: index + 1, ...line }));

function goodFinal(): FinalState {
  const held = (name: string) => ({
    reachable: true,
    inDoubt: [],
    locked: 0,
    waiting: 0,
    groups: {
      bank: { resource: 'ledger' as const, lines: LEDGER_LINES },
      chat: { resource: 'history' as const, lines: CHAT_LINES },
      ...(name === 'P1' ? { notes: { resource: 'notebook' as const, lines: [{ index: 1, string: 'first' }] } } : {}),
    },
    handles: { before: 20, after: 21 },
  });
  return {
    version: 1,
    nodes: { C: { reachable: true, inDoubt: [] }, P1: held('P1'), P2: held('P2') },
    views: [
      { group: 'bank', version: 1, members: ['P1', 'P2'] },
      { group: 'chat', version: 1, members: ['P1', 'P2'] },
      { group: 'notes', version: 1, members: ['P1'] },
    ],
    settledMs: 120,
    probe: { outcome: 'committed', ms: 15 },
  };
}

function goodRun(): RunDescription {
  return {
    version: 1,
    scenario: 'literal',
    protocol: 'mixed',
    nodes: [
      { name: 'C', role: 'coordinator', directory: 'C' },
      { name: 'P1', role: 'participant', directory: 'P1' },
      { name: 'P2', role: 'participant', directory: 'P2' },
    ],
    groups: {
      bank: { resource: 'ledger', members: ['P1', 'P2'] },
      chat: { resource: 'history', members: ['P1', 'P2'] },
      notes: { resource: 'notebook', members: ['P1'] },
    },
    faults: [{ name: 'kill P2', hits: 1 }],
    floor: { committed: 5 },
    mayBlock: false,
  };
}

function goodHistory(): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  let t = 0;
  const ask = (f: string, given: Json, out: Json, more: { id?: string; kind?: 'ok' | 'fail' } = {}): void => {
    const id = more.id === undefined ? {} : { id: more.id };
    events.push({ t: (t += 10), process: 'c1', kind: 'invoke', f, ...id, in: given });
    events.push({ t: (t += 10), process: 'c1', kind: more.kind ?? 'ok', f, ...id, out });
  };
  const commits = (nth: number): void => {
    const { id, operations, results } = WRITTEN[nth] as Written;
    ask('transaction', { operations: [...operations] }, { outcome: 'committed', results: [...results] }, { id });
  };
  const lines = LINES.map((line, index) => ({ seq: index + 1, ...line }));
  commits(1);
  ask('total', { node: 'P1', group: 'bank' }, { total: 1500 });
  commits(2);
  ask('account', { node: 'P2', group: 'bank', account: 1 }, { balance: 900 });
  const no = { outcome: 'aborted', reason: { code: 'insufficient-funds' } };
  ask('transaction', { operations: [...(WRITTEN[3] as Written).operations] }, no, { id: 'TX002', kind: 'fail' });
  commits(4);
  ask('room', { node: 'P1', group: 'chat', room: 'lobby', after: 0 }, { lines, last: 2 });
  ask('follow', { node: 'P2', group: 'chat', room: 'lobby', after: 1 }, { lines: lines.slice(1) });
  commits(5);
  commits(6);
  ask('account', { node: 'P1', group: 'bank', account: 2 }, { balance: 700 });
  ask('total', { node: 'P2', group: 'bank' }, { total: 1600 });
  return events;
}

/** A run that a test may change in any way before it is checked. */
export class LiteralRun {
  readonly logs: Record<'C' | 'P1' | 'P2', LooseLog> = {
    C: logOf('coordinator', coordinatorLog()),
    P1: logOf('participant', participantLog('P1')),
    P2: logOf('participant', participantLog('P2')),
  };
  history: Mutable<HistoryEvent>[] | undefined = copyOf(goodHistory());
  final: Mutable<FinalState> | undefined = copyOf(goodFinal());
  run: Mutable<RunDescription> | undefined = copyOf(goodRun());
  trace: TraceEntry[] = [];

  /** The first record of this type about this attempt. */
  record(node: 'C' | 'P1' | 'P2', type: string, nth?: number): LooseRecord {
    const found = this.logs[node].records[this.indexOf(node, type, nth)];
    if (found === undefined) throw new Error(`${node} has no ${type} of ${nth}.`);
    return found.record;
  }

  drop(node: 'C' | 'P1' | 'P2', type: string, nth?: number): void {
    this.logs[node].records.splice(this.indexOf(node, type, nth), 1);
  }

  /** Puts records before the first of a type, or at the end. */
  insert(node: 'C' | 'P1' | 'P2', records: readonly LooseRecord[], before?: readonly [string, number]): void {
    const all = this.logs[node].records;
    const index = before === undefined ? all.length : this.indexOf(node, ...before);
    all.splice(index, 0, ...records.map((record) => ({ record, epoch: 1 })));
  }

  /** The answer a client got, or a read; the nth of its kind. */
  answer(f: string, nth = 0): Mutable<HistoryEvent> {
    const found = (this.history ?? []).filter((event) => event.f === f && event.kind !== 'invoke')[nth];
    if (found === undefined) throw new Error(`There is no answer ${nth} to ${f}.`);
    return found;
  }

  input(): CheckInput {
    const nodes = Object.entries(this.logs).map(([name, { role, records, more }]): NodeLog => {
      const placed = records.map(({ record, epoch }, index) => ({ seq: index + 1, epoch, record }));
      return { name, role, records: placed, ...more };
    });
    const history = this.history === undefined ? {} : { history: this.history as HistoryEvent[] };
    return { nodes, ...history, final: this.final, run: this.run, trace: this.trace };
  }

  private indexOf(node: 'C' | 'P1' | 'P2', type: string, nth?: number): number {
    const wanted = nth === undefined ? undefined : numberOf(nth);
    const index = this.logs[node].records.findIndex(
      ({ record }) => record.type === type && (wanted === undefined || record['number'] === wanted),
    );
    if (index === -1) throw new Error(`${node} has no ${type} of ${nth}.`);
    return index;
  }
}

function logOf(role: LooseLog['role'], records: readonly LooseRecord[]): LooseLog {
  return { role, records: copyOf(records).map((record) => ({ record, epoch: 1 })), more: {} };
}
