/**
 * What the clients of kill cycles and histories do: the operations of the
 * product, drawn at random, over the groups of HISTORY_GROUPS.
 *
 * | group | holds | who |
 * | --- | --- | --- |
 * | bank | accounts 1 to ACCOUNTS, replicated | P1, P2, P3 |
 * | bankA, bankB | accounts 1 to ACCOUNTS each, one half of a partitioned bank | P1; P2 |
 * | chat | rooms | P1, P2, P3 |
 * | notes | a notebook | P1, P2, P3 |
 */
import type { SeededRandom } from '../base/seeded-random.ts';

/** Accounts in each ledger. */
export const ACCOUNTS = 4;
/** In each account at first. */
export const OPENING = 10_000;

const ALL = ['P1', 'P2', 'P3'];

/** Groups of the cluster. */
export const HISTORY_GROUPS = {
  bank: { resource: 'ledger', members: ALL },
  bankA: { resource: 'ledger', members: ['P1'] },
  bankB: { resource: 'ledger', members: ['P2'] },
  chat: { resource: 'history', members: ALL },
  notes: { resource: 'notebook', members: ALL },
} as const;

/** Which ledgers hold a constant sum together, and how much. */
export const CONSTANT_SUMS = [
  { groups: ['bank'], sum: ACCOUNTS * OPENING },
  { groups: ['bankA', 'bankB'], sum: 2 * ACCOUNTS * OPENING },
] as const;

/** A room of the chat. */
export const ROOMS = ['lobby', 'garden'] as const;

/** What `mixed` draws from: every protocol that is safe. */
export const WORKLOAD_PROTOCOLS = ['2pc', '3pc', 'parallel'] as const;
/** How one transaction commits. */
export type DrawnProtocol = (typeof WORKLOAD_PROTOCOLS)[number];
/** How transactions commit. */
export type WorkloadProtocol = DrawnProtocol | 'mixed';

/** A transaction as POST /transactions takes it, without its id. */
export interface DrawnTransaction {
  readonly kind: 'transaction';
  readonly body: { readonly protocol: DrawnProtocol; readonly operations: readonly Operation[] };
  /** Chat lines in it. */
  readonly lines: number;
}

/** A read of one node. */
export interface DrawnRead {
  readonly kind: 'read';
  readonly f: 'account' | 'total' | 'room' | 'notebook';
  readonly node: string;
  readonly path: string;
  readonly input: Readonly<Record<string, string | number>>;
}

/** What a client does next. */
export type Drawn = DrawnTransaction | DrawnRead;

type Operation = Readonly<Record<string, string | number | readonly Line[]>>;
type Line = Readonly<Record<'key' | 'author' | 'text', string>>;

type Draw = (random: SeededRandom, key: string) => { operations: readonly Operation[]; lines: number };

/** How often each comes, in parts of the sum. */
const DRAWS: readonly (readonly [parts: number, draw: Draw])[] = [
  [40, (random) => ({ operations: [transfer(random)], lines: 0 })],
  [20, (random) => ({ operations: partitioned(random), lines: 0 })],
  [25, (random, key) => appended(random, key, random.whole(1, 3))],
  [
    5,
    (_random, key) => ({
      operations: [{ group: 'notes', resource: 'notebook', type: 'write', string: key }],
      lines: 0,
    }),
  ],
  [
    10,
    (random, key) => {
      const line = appended(random, key, 1);
      return { operations: [...partitioned(random), ...line.operations], lines: line.lines };
    },
  ],
];
const PARTS = DRAWS.reduce((sum, [parts]) => sum + parts, 0);

/** The operations that open every account. */
export function openingOperations(): readonly Operation[] {
  return ['bank', 'bankA', 'bankB'].flatMap((group) =>
    Array.from({ length: ACCOUNTS }, (_, index) => ({
      ...{ group, resource: 'ledger', type: 'create', opening: OPENING, account: index + 1 },
    })),
  );
}

/** What a client does next; `key` is fresh, and names the lines and strings that are written. */
export function draw(random: SeededRandom, protocol: WorkloadProtocol, key: string): Drawn {
  if (random.chance(0.1)) return drawRead(random);
  let part = random.whole(1, PARTS);
  const chosen = DRAWS.find(([parts]) => (part -= parts) <= 0) ?? DRAWS[0];
  const { operations, lines } = chosen?.[1](random, key) ?? { operations: [], lines: 0 };
  const chosenProtocol = protocol === 'mixed' ? random.pick(WORKLOAD_PROTOCOLS) : protocol;
  return { kind: 'transaction', body: { protocol: chosenProtocol, operations }, lines };
}

function transfer(random: SeededRandom): Operation {
  const from = random.whole(1, ACCOUNTS);
  const to = 1 + ((from - 1 + random.whole(1, ACCOUNTS - 1)) % ACCOUNTS);
  return { group: 'bank', resource: 'ledger', type: 'transfer', from, to, amount: amount(random) };
}

/** From one half of the partitioned bank to the other, in either direction. */
function partitioned(random: SeededRandom): readonly Operation[] {
  const groups = random.chance(0.5) ? ['bankA', 'bankB'] : ['bankB', 'bankA'];
  const of = { resource: 'ledger', amount: amount(random) };
  return [
    { group: groups[0] ?? '', ...of, type: 'debit', account: random.whole(1, ACCOUNTS) },
    { group: groups[1] ?? '', ...of, type: 'credit', account: random.whole(1, ACCOUNTS) },
  ];
}

/** Mostly small; now and then too much, so that some transactions are voted down. */
function amount(random: SeededRandom): number {
  return random.chance(0.03) ? random.whole(OPENING, 2 * OPENING * ACCOUNTS) : random.whole(1, 20);
}

function appended(
  random: SeededRandom,
  key: string,
  count: number,
): { operations: readonly Operation[]; lines: number } {
  const lines = Array.from({ length: count }, (_, index) => ({
    ...{ key: `${key}-${index}`, author: 'client', text: `line ${index} of ${key}` },
  }));
  return {
    operations: [{ group: 'chat', resource: 'history', type: 'append', room: random.pick(ROOMS), lines }],
    lines: count,
  };
}

function drawRead(random: SeededRandom): DrawnRead {
  const group = random.pick(['bank', 'bankA', 'bankB'] as const);
  const node = random.pick(HISTORY_GROUPS[group].members);
  const account = random.whole(1, ACCOUNTS);
  const room = random.pick(ROOMS);
  const reads: readonly DrawnRead[] = [
    {
      ...{ kind: 'read', f: 'account', node, path: `/ledger/accounts/${account}?group=${group}` },
      input: { group, account },
    },
    // The halves of the partitioned bank have no constant sum each; together nobody reads them at one moment.
    {
      ...{ kind: 'read', f: 'total', node: random.pick(ALL), path: '/ledger/total?group=bank' },
      input: { group: 'bank' },
    },
    {
      ...{ kind: 'read', f: 'room', node, path: `/history/${room}?group=chat&limit=1000` },
      input: { group: 'chat', room, after: 0, limit: 1000 },
    },
  ];
  const read = random.pick(reads);
  return { ...read, input: { ...read.input, node: read.node } };
}
