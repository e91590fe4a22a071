/**
 * Deaths off the main path: of a transaction that one participant decides
 * alone, of one that is refused, and of a replica's return to its view.
 */
import { expect } from 'chai';
import {
  arm,
  crashed,
  restartToDie,
  settle,
  transact,
  transfer,
  tryTransact,
  withCluster,
  inTwoLanes,
} from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView, expectAllWell, inView } from '../support/invariants.ts';
import { ANNOUNCED } from './announced-payment.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { TestCluster } from '../support/cluster.ts';

/** A node and, behind its role, a point. */
type Death = readonly [node: string, point: string];

const ONE_PHASE: readonly Death[] = [
  ['coordinator', 'coordinator.begin.before-force'],
  ['coordinator', 'coordinator.begin.forced'],
  ['coordinator', 'coordinator.prepare.before-send'],
  ['coordinator', 'coordinator.prepare.sent'],
  ['P1', 'participant.committed.before-force'],
  ['P1', 'participant.committed.forced'],
  ['P1', 'participant.outcome.before-send'],
  ['P1', 'participant.outcome.sent'],
];

const REFUSED: readonly Death[] = [
  ['P1', 'participant.vote.before-send'],
  ['P1', 'participant.vote.sent'],
  ['coordinator', 'coordinator.abort.before-send'],
  ['coordinator', 'coordinator.abort.sent'],
  ['coordinator', 'coordinator.answer.before-force'],
  ['coordinator', 'coordinator.answer.forced'],
];

const RETURNS: readonly Death[] = [
  ...['join.before-send', 'join.sent', 'barrier.before-send', 'barrier.sent', 'view.before-force', 'view.forced'].map(
    (point): Death => ['coordinator', `coordinator.${point}`],
  ),
  ...['copied.before-force', 'copied.forced', 'copied.forced#4', 'joined.before-send', 'joined.sent#2'].map(
    (point): Death => ['P3', `participant.${point}`],
  ),
];

const credit = (amount: number): JsonObject => ({
  group: 'bankA',
  resource: 'ledger',
  type: 'credit',
  account: 1,
  amount,
});
const debit = (amount: number): JsonObject => ({
  group: 'bankA',
  resource: 'ledger',
  type: 'debit',
  account: 1,
  amount,
});

/** One death after the other in one cluster; `check` gets the answer of the id, had by asking until there is one. */
async function dieAtEach(
  cluster: TestCluster,
  deaths: readonly (readonly [number, Death])[],
  operations: readonly JsonObject[],
  check: (answer: JsonObject) => Promise<void>,
): Promise<void> {
  for (const [index, [node, point]] of deaths) {
    const transaction = { id: `TX-${index}`, operations };
    try {
      await arm(cluster, node, point);
      await allInView(cluster);
      const pending = tryTransact(cluster, transaction);
      await crashed(cluster, node);
      await cluster.nodes.restart(node);
      const told = await pending;
      const answer = await settle(cluster, transaction);
      if (told?.status === 200) expect(answer, 'the same id again').to.deep.equal(told.body);
      await check(answer);
    } catch (error) {
      if (error instanceof Error) error.message = `(killed at ${point}) ${error.message}`;
      throw error;
    }
  }
}

describe('a death off the main path', function () {
  this.timeout(300_000);

  it('of a transaction with one participant, on either side, applies it once or not at all, and the answer says which', async () => {
    await inTwoLanes(ONE_PHASE, (deaths) =>
      withCluster(ANNOUNCED, async (cluster) => {
        let total = 2000;
        await dieAtEach(cluster, deaths, [credit(1)], async ({ outcome }) => {
          if (outcome === 'committed') total += 1;
          await expectAllWell(cluster, { total });
        });
        expect(total, 'what was on disk is committed').to.be.greaterThan(2000);
      }),
    );
  });

  it('of a transaction that is refused, on either side, leaves it refused and nothing held', async () => {
    await inTwoLanes(REFUSED, (deaths) =>
      withCluster(ANNOUNCED, async (cluster) => {
        const both = (amount: number) => [debit(amount), { ...credit(amount), group: 'bankB' }];
        await dieAtEach(cluster, deaths, both(1001), async ({ outcome, reason }) => {
          expect(outcome).to.equal('aborted');
          expect(reason).to.have.property('code');
          await expectAllWell(cluster);
        });
        const { body } = await transact(cluster, { operations: both(1000) });
        expect(body).to.include({ outcome: 'committed' });
        await expectAllWell(cluster);
      }),
    );
  });

  it('S4-13: of a replica that returns, or of the coordinator that takes it back, only puts its return off', async () => {
    await inTwoLanes(RETURNS, (deaths) =>
      withCluster({ only: ['coordinator', 'P1', 'P2', 'P3'] }, async (cluster) => {
        for (const [, [node, point]] of deaths) {
          await missOne(cluster);
          if (node === 'P3') {
            await restartToDie(cluster, 'P3', point);
            await cluster.nodes.restart('P3');
          } else {
            await arm(cluster, 'coordinator', point);
            // It becomes ready before or after the coordinator has died and is back.
            const returning = cluster.nodes.restart('P3');
            await crashed(cluster, 'coordinator');
            await Promise.all([returning, cluster.nodes.restart('coordinator')]);
          }
          await expectAllWell(cluster);
        }
      }),
    );
  });
});

/** P3 is dead and out of the view, and a transfer was made without it. */
async function missOne(cluster: TestCluster): Promise<void> {
  await cluster.nodes.kill9('P3');
  await eventually('a transfer commits', async () => {
    const answer = await tryTransact(cluster, { operations: [transfer(1, 2, 1)] });
    return answer?.body['outcome'] === 'committed';
  });
  await inView(cluster, 'bank', ['P1', 'P2']);
}
