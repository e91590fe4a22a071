/** The bank of the second and third source systems for tests: two nodes, each with one account of 1000. */
import type { TestClusterOptions } from '../support/cluster.ts';

/** Accounts 1 at P1 and 2 at P2; P1 and P2 stand for the nodes on 6001 and 6002. */
export const TWO_NODES = {
  participants: 2,
  groups: {
    node6001: { resource: 'ledger', members: ['P1'] },
    node6002: { resource: 'ledger', members: ['P2'] },
  },
  opening: { node6001: [{ account: 1, balance: 1000 }], node6002: [{ account: 2, balance: 1000 }] },
} as const satisfies TestClusterOptions;
