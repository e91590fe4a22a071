/**
 * Which group keeps an account. A replicated ledger is one group whose members
 * all hold every account; a partitioned one is several groups that share the
 * accounts out, and a transfer may then cross from one to the other.
 *
 * Partitioned accounts are dealt out like cards: of two groups the first keeps
 * 1, 3, 5… and the second 2, 4, 6… So the group is known from the number
 * alone, and each group gives out its own numbers without asking the others.
 */

/** The numbers of one group: first, first + step, first + 2 step … */
export type AccountNumbers = { readonly first: number; readonly step: number };

/** Where accounts are. */
export interface AccountPlacement {
  /** Every group with accounts, in the order of the configuration; at least one. */
  readonly groups: readonly string[];
  /** The group of an account, whether it is open or not. */
  groupOf(account: number): string;
  /** The group in which an account is opened; the same for the same id, so that a request may be sent again. */
  groupOfNew(id: string): string;
  /** The numbers that a group gives out; undefined: all. */
  numbersOf(group: string): AccountNumbers | undefined;
}

/** All accounts in one replicated group. */
export function replicatedPlacement(group: string): AccountPlacement {
  return { groups: [group], groupOf: () => group, groupOfNew: () => group, numbersOf: () => undefined };
}

/** Accounts dealt out over the groups in their order. @param groups at least one */
export function partitionedPlacement(groups: readonly string[]): AccountPlacement {
  const step = groups.length;
  const [first = ''] = groups;
  return {
    groups,
    groupOf: (account) => groups[(account - 1) % step] ?? first,
    groupOfNew: (id) => groups[spread(id) % step] ?? first,
    numbersOf: (group) => ({ first: groups.indexOf(group) + 1, step }),
  };
}

/** A number that differs between ids, from 0 (FNV-1a, 32 bits). */
function spread(id: string): number {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
