/**
 * What the clients of a simulated cluster ask for, drawn from the seed. Few
 * accounts and one room, so that transactions meet; small balances, so that
 * some lack funds. Beside the operations stands what they would do, told in the
 * clients' own words: the judges (client-judge.ts) know no resource.
 *
 *   bank          replicated: accounts 1–4 only by transfers; account 5 is only
 *                 set; accounts without a number of their own open with nothing.
 *                 So its total is 400 and whatever account 5 holds.
 *   part-<name>   one member each: accounts 1 and 2, by debits, credits, transfers
 *   chat          replicated: one room
 */
import type { Json } from '../base/canonical-json.ts';
import { assertNever } from '../base/assert.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Accounts of the bank that money moves between. */
export const BANK_ACCOUNTS = [1, 2, 3, 4] as const;
/** The account of the bank that is only ever set. */
export const SET_ACCOUNT = 5;
/** What every account opens with. */
export const OPENING_BALANCE = 100;
/** The room. */
export const ROOM = 'lobby';

const AMOUNT_MAX = 60;

/** An operation as a client sends it. */
export type ClientOperation = Readonly<Record<string, Json>>;

/** What one account of one group gains or loses if a transaction commits. */
export interface Posting {
  readonly group: string;
  readonly account: number;
  readonly delta: number;
}

/** Operations and what they do. */
export interface Wanted {
  readonly operations: readonly ClientOperation[];
  readonly postings: readonly Posting[];
  /** Keys of the lines it appends. */
  readonly lines?: readonly string[];
  /** What it sets account 5 of the bank to. */
  readonly sets?: number;
}

/** Kinds of transactions; those that matter most come most often. */
const KINDS = [
  ...(['say', 'say', 'move', 'move', 'move', 'move', 'across', 'across', 'both', 'both'] as const),
  ...(['repeat', 'read', 'total', 'look', 'set', 'create', 'within', 'opposite', 'swap'] as const),
];

/** The first transactions: they open the accounts. */
export function openings(partitions: readonly string[]): readonly (Wanted & { readonly id: string })[] {
  const open = (group: string, accounts: readonly number[]): Wanted => ({
    operations: accounts.map((account) => ({
      group,
      resource: 'ledger',
      type: 'create',
      opening: OPENING_BALANCE,
      account,
    })),
    postings: accounts
      .filter((account) => group !== 'bank' || account !== SET_ACCOUNT)
      .map((account) => ({ group, account, delta: OPENING_BALANCE })),
  });
  const parts = partitions.map((group) => open(group, [1, 2]));
  return [
    { id: 'open-bank', ...open('bank', [...BANK_ACCOUNTS, SET_ACCOUNT]), sets: OPENING_BALANCE },
    {
      id: 'open-parts',
      operations: parts.flatMap(({ operations }) => operations),
      postings: parts.flatMap(({ postings }) => postings),
    },
  ];
}

/** Draws transactions; see the header. */
export class Workload {
  private readonly random: SeededRandom;
  private readonly partitions: readonly string[];
  private readonly keys: string[] = [];
  private sets = 0;

  constructor(random: SeededRandom, partitions: readonly string[]) {
    this.random = random;
    this.partitions = partitions;
  }

  /** The next transactions, to be asked for at one moment; nearly always one. */
  draw(index: number): readonly (Wanted & { readonly id: string })[] {
    const kind = this.random.pick(KINDS);
    if (kind !== 'opposite') return [{ id: `${kind}-${index}`, ...this.wanted(kind, index) }];
    // Two that lock the same accounts, each beginning with the other's.
    const [from, to] = this.pair();
    return [
      { id: `there-${index}`, ...this.move(from, to) },
      { id: `back-${index}`, ...this.move(to, from) },
    ];
  }

  private wanted(kind: Exclude<(typeof KINDS)[number], 'opposite'>, index: number): Wanted {
    switch (kind) {
      case 'say':
        return this.say(`line-${index}`);
      case 'repeat':
        return this.say(this.keys.length === 0 ? `line-${index}` : this.random.pick(this.keys));
      case 'move':
        return this.move(...this.pair());
      case 'across':
        return this.across();
      case 'within':
        return this.within();
      case 'swap':
        return joined(this.move(...this.pair()), this.across());
      case 'both':
        return joined(this.say(`line-${index}`), this.random.chance(0.5) ? this.move(...this.pair()) : this.across());
      case 'read':
        return this.read(index);
      case 'total':
        return { operations: [{ group: 'bank', resource: 'ledger', type: 'total' }], postings: [] };
      case 'look':
        return {
          operations: [{ group: 'chat', resource: 'history', type: 'read', room: ROOM, limit: 1000 }],
          postings: [],
        };
      case 'set':
        return this.set();
      case 'create':
        return { operations: [{ group: 'bank', resource: 'ledger', type: 'create', opening: 0 }], postings: [] };
      default:
        return assertNever(kind, 'kind');
    }
  }

  /** An account, and beside it often a line: who only holds the ledger then only reads. */
  private read(index: number): Wanted {
    const account = this.random.pick([...BANK_ACCOUNTS, SET_ACCOUNT]);
    const query = { operations: [{ group: 'bank', resource: 'ledger', type: 'query', account }], postings: [] };
    return this.random.chance(0.3) ? query : joined(query, this.say(`line-${index}`));
  }

  private say(key: string): Wanted {
    this.keys.push(key);
    const lines = [{ key, author: 'ada', text: `hello ${key}` }];
    return {
      operations: [{ group: 'chat', resource: 'history', type: 'append', room: ROOM, lines }],
      postings: [],
      lines: [key],
    };
  }

  private pair(): readonly [number, number] {
    const from = this.random.whole(0, BANK_ACCOUNTS.length - 1);
    const to = (from + this.random.whole(1, BANK_ACCOUNTS.length - 1)) % BANK_ACCOUNTS.length;
    return [BANK_ACCOUNTS[from] ?? 1, BANK_ACCOUNTS[to] ?? 2];
  }

  private move(from: number, to: number): Wanted {
    const amount = this.random.whole(1, AMOUNT_MAX);
    return transfer('bank', from, to, amount);
  }

  /** One participant only: it decides by itself. */
  private within(): Wanted {
    return transfer(this.random.pick(this.partitions), 1, 2, this.random.whole(1, AMOUNT_MAX));
  }

  /** From one partition to another, or within one participant when there is only one. */
  private across(): Wanted {
    const { partitions } = this;
    const from = this.random.whole(0, partitions.length - 1);
    const [debited = '', credited = ''] = [partitions[from], partitions[(from + 1) % partitions.length]];
    if (debited === credited) return this.within();
    const amount = this.random.whole(1, AMOUNT_MAX);
    return {
      operations: [
        { group: debited, resource: 'ledger', type: 'debit', account: 1, amount },
        { group: credited, resource: 'ledger', type: 'credit', account: 1, amount },
      ],
      postings: [
        { group: debited, account: 1, delta: -amount },
        { group: credited, account: 1, delta: amount },
      ],
    };
  }

  /** Every value is set once, so that one who reads it knows whose it is. */
  private set(): Wanted {
    this.sets += 1;
    const balance = OPENING_BALANCE + this.sets;
    return {
      operations: [{ group: 'bank', resource: 'ledger', type: 'update', account: SET_ACCOUNT, balance }],
      postings: [],
      sets: balance,
    };
  }
}

/** Money from one account to another of the same group. */
export function transfer(group: string, from: number, to: number, amount: number): Wanted {
  return {
    operations: [{ group, resource: 'ledger', type: 'transfer', from, to, amount }],
    postings: [
      { group, account: from, delta: -amount },
      { group, account: to, delta: amount },
    ],
  };
}

function joined(a: Wanted, b: Wanted): Wanted {
  return {
    ...NO_MEMBERS,
    ...a,
    ...b,
    operations: [...a.operations, ...b.operations],
    postings: [...a.postings, ...b.postings],
  };
}

/** One transaction over every account, that nothing but a fault could refuse. `balanceOf`: of the bank's accounts. */
export function probeOf(balanceOf: (account: number) => number, partitions: readonly string[]): Wanted {
  const [richest = 1, ...others] = [...BANK_ACCOUNTS].sort((a, b) => balanceOf(b) - balanceOf(a));
  const moves = others.map((account) => transfer('bank', richest, account, 1));
  const query = (group: string, account: number): ClientOperation => ({
    group,
    resource: 'ledger',
    type: 'query',
    account,
  });
  const queries = [query('bank', SET_ACCOUNT), ...partitions.flatMap((group) => [query(group, 1), query(group, 2)])];
  const key = 'line-probe';
  return {
    operations: [
      ...moves.flatMap(({ operations }) => operations),
      ...queries,
      { group: 'chat', resource: 'history', type: 'append', room: ROOM, lines: [{ key, author: 'ada', text: key }] },
    ],
    postings: moves.flatMap(({ postings }) => postings),
    lines: [key],
  };
}
