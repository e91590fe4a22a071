/** What one transfer of the shipped code costs, counted in a world of its own. */
import type { ProtocolName } from '../protocol/messages.ts';
import type { Operation } from '../resources/resource.ts';
import { CostWorld } from './cost-world.ts';
import type { TransactionCost } from './cost-world.ts';

/** Ids and amounts as long as those of a real transfer after some thousands. */
const ID = '01a1fc6b-5136-7cd4-a4cb-d2cdd794366b';
const ACCOUNT = 500;

/** A world with an account in every ledger. */
export function openedWorld(participants: number): CostWorld {
  const world = new CostWorld(participants);
  for (let group = 1; group <= participants; group += 1) {
    const create: Operation = operation(group, 'create', { opening: 1_000_000, account: ACCOUNT });
    world.run(`opening-${group}`, '2pc', [create]);
  }
  return world;
}

/** One transfer over so many participants: a debit, and credits for all others. */
export function transferCost(protocol: ProtocolName, participants: number): TransactionCost {
  return openedWorld(participants).run(ID, protocol, transferOperations(participants));
}

/** The operations of such a transfer. */
export function transferOperations(participants: number): readonly Operation[] {
  const credits = Array.from({ length: participants - 1 }, (_, index) =>
    operation(index + 2, 'credit', { account: ACCOUNT, amount: 1 }),
  );
  return [operation(1, 'debit', { account: ACCOUNT, amount: Math.max(1, participants - 1) }), ...credits];
}

/** An operation on the ledger of one participant. */
export function operation(group: number, type: string, members: Readonly<Record<string, number>>): Operation {
  return { group: `bank${group}`, resource: 'ledger', type, ...members };
}
