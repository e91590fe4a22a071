/**
 * Drives one ResourceManager in tests: short ways to send operations and to
 * see the vote at once. Operations go through validateOperation, as from a
 * client.
 */
import type { Json } from '../../src/base/canonical-json.ts';
import type { FeedChange } from '../../src/resources/change-feed.ts';
import { validateOperation } from '../../src/resources/operations.ts';
import { ResourceManager } from '../../src/resources/resource-manager.ts';
import type { IndexedOperation, Outcome } from '../../src/resources/attempt.ts';
import type { ResourceKind } from '../../src/resources/resource.ts';

export const GROUPS = [
  { group: 'bank', kind: 'ledger' },
  { group: 'chat', kind: 'history' },
  { group: 'notes', kind: 'notebook' },
] as const satisfies readonly { group: string; kind: ResourceKind }[];

export type Fields = Readonly<Record<string, unknown>>;

/** A number of the incarnation that tests use. */
export const numberOf = (sequence: number): string => `c0ffee.1.${sequence}`;

/** Validated operations with their places. */
export function indexed(operations: readonly Fields[]): readonly IndexedOperation[] {
  return operations.map((operation, index) => {
    const kind = GROUPS.find(({ group }) => group === operation['group'])?.kind ?? 'ledger';
    return { index, operation: validateOperation(operation, kind) };
  });
}

export const transfer = (from: number, to: number, amount: number): Fields => ({
  group: 'bank',
  type: 'transfer',
  from,
  to,
  amount,
});
export const create = (opening: number, more: Fields = {}): Fields => ({
  group: 'bank',
  type: 'create',
  opening,
  ...more,
});
export const query = (account: number): Fields => ({ group: 'bank', type: 'query', account });
export const update = (account: number, balance: number): Fields => ({
  group: 'bank',
  type: 'update',
  account,
  balance,
});
export const append = (room: string, ...keys: string[]): Fields => ({
  group: 'chat',
  type: 'append',
  room,
  lines: keys.map((key) => ({ key, author: 'Ann', text: `text of ${key}` })),
});
export const write = (string: string): Fields => ({ group: 'notes', type: 'write', string });

/** One participant and what it answered. */
export class Driver {
  readonly manager: ResourceManager;
  readonly outcomes = new Map<number, Outcome>();

  constructor(options: { feedLength?: number } = {}) {
    this.manager = new ResourceManager({ groups: GROUPS, ...options });
  }

  /** Sends a prepare; undefined while it waits. */
  prepare(sequence: number, ...operations: Fields[]): Outcome | undefined {
    this.manager.prepare(numberOf(sequence), indexed(operations), (outcome) => this.outcomes.set(sequence, outcome));
    return this.outcomes.get(sequence);
  }

  /** 'yes', 'no' or 'waiting'. */
  vote(sequence: number): 'yes' | 'no' | 'waiting' {
    return this.outcomes.get(sequence)?.vote ?? 'waiting';
  }

  commit(sequence: number): void {
    this.manager.commit(numberOf(sequence), `TX${sequence}`);
  }

  abort(sequence: number): void {
    this.manager.abort(numberOf(sequence));
  }

  /** Prepares and commits; fails on anything but a yes. */
  run(sequence: number, ...operations: Fields[]): Outcome & { vote: 'yes' } {
    const outcome = this.prepare(sequence, ...operations);
    if (outcome?.vote !== 'yes') throw new Error(`no yes to ${sequence}: ${JSON.stringify(outcome)}`);
    if (!outcome.readOnly) this.commit(sequence);
    return outcome;
  }

  /** The results alone, in the order of the operations. */
  results(sequence: number): readonly unknown[] {
    const outcome = this.outcomes.get(sequence);
    return outcome?.vote === 'yes' ? outcome.results.map(({ result }) => result) : [];
  }

  /** Code of a no. */
  refusal(sequence: number): string | undefined {
    const outcome = this.outcomes.get(sequence);
    return outcome?.vote === 'no' ? outcome.refusal.code : undefined;
  }

  balance(account: number): number | undefined {
    return this.manager.groups.ledger('bank')?.account(account)?.balance;
  }
}

/** A whole copy in one part takes the place of a group. */
export function copyInto(manager: ResourceManager, group: string, lines: readonly Json[]): void {
  manager.stageCopy(group, 1, lines);
  manager.installCopy(group);
}

/** A change as a copy brings it behind its snapshot. */
export function changeLine({ number, id, data }: Pick<FeedChange, 'number' | 'id' | 'data'>) {
  return { change: { number, id, data } };
}
