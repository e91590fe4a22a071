/**
 * One transaction over everything: money moves from a ledger that P1 alone
 * holds to one that P2 alone holds, and a chat line that tells of it goes to
 * the history that all three hold. It is there on all sides or on none.
 */
import { expect } from 'chai';
import { transact, tryTransact } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { equalSnapshots, expectAllWell } from '../support/invariants.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { ProtocolName } from '../../src/protocol/messages.ts';
import type { TestAnswer, TestCluster, TestClusterOptions } from '../support/cluster.ts';

export const PARTICIPANTS = ['P1', 'P2', 'P3'];

/** Ledgers of one member each, a history of three. */
export const ANNOUNCED: TestClusterOptions = {
  only: ['coordinator', ...PARTICIPANTS],
  groups: {
    bankA: { resource: 'ledger', members: ['P1'] },
    bankB: { resource: 'ledger', members: ['P2'] },
    chat: { resource: 'history', members: PARTICIPANTS },
  },
  opening: { bankA: [{ account: 1, balance: 1000 }], bankB: [{ account: 1, balance: 1000 }] },
};

/** A payment of 1, announced in the chat under the id of its transaction. */
export function announced(id: string, protocol: ProtocolName) {
  const line = { key: id, author: 'bank', text: `${id} moves 1` };
  const operations: readonly JsonObject[] = [
    { group: 'bankA', resource: 'ledger', type: 'debit', account: 1, amount: 1 },
    { group: 'bankB', resource: 'ledger', type: 'credit', account: 1, amount: 1 },
    { group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines: [line] },
  ];
  return { id, protocol, operations };
}

/** Sends it and does not wait; undefined comes when the coordinator dies first. */
export function pay(cluster: TestCluster, id: string, protocol: ProtocolName): Promise<TestAnswer | undefined> {
  return tryTransact(cluster, announced(id, protocol));
}

/** Sends it and waits; rejects when no answer comes. */
export function payNow(cluster: TestCluster, id: string, protocol: ProtocolName): Promise<TestAnswer> {
  return transact(cluster, announced(id, protocol));
}

/** How an id stands at a participant: its last number and state there. */
export async function standing(cluster: TestCluster, participant: string, id: string): Promise<JsonObject> {
  const { body } = await cluster.ask(participant, 'GET', `/transactions/${id}`);
  return body;
}

/** What these participants decided for an id, without asking the coordinator: the same at all. */
export async function decidedBy(cluster: TestCluster, participants: readonly string[], id: string): Promise<string> {
  const outcomes = new Set<string>();
  for (const name of participants) {
    outcomes.add(
      await eventually(`${name} has decided ${id}`, async () => {
        const { state } = await standing(cluster, name, id);
        return (state === 'committed' || state === 'aborted') && state;
      }),
    );
  }
  expect([...outcomes], `outcomes of ${id}`).to.have.length(1);
  return [...outcomes].join();
}

/** The invariants; and the ids that committed are told of in the chat, once each, and paid, and no others. */
export async function expectAllOrNothing(cluster: TestCluster, committed: readonly string[]): Promise<void> {
  const balances = await expectAllWell(cluster);
  const lines = (await equalSnapshots(cluster, 'chat', PARTICIPANTS)) as readonly JsonObject[];
  const keys = lines.map(({ key }) => key).filter((key) => key !== undefined);
  expect(keys, 'chat lines').to.have.members([...committed]);
  expect(balances['bankA']?.get(1), 'what is left after all payments').to.equal(1000 - committed.length);
}
