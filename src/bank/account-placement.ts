/**
 * Which group keeps an account. A replicated ledger is one group whose members
 * all hold every account; a partitioned one is several groups that share the
 * accounts out, and a transfer may then cross from one to the other.
 */

/** Where accounts are. */
export interface AccountPlacement {
  /** Every group with accounts, in the order of the configuration; at least one. */
  readonly groups: readonly string[];
  /** The group of an account, whether it is open or not. */
  groupOf(account: number): string;
  /** The group in which the next account is opened. */
  groupOfNew(): string;
}

/** All accounts in one replicated group. */
export function replicatedPlacement(group: string): AccountPlacement {
  return { groups: [group], groupOf: () => group, groupOfNew: () => group };
}
