/** Replicas die while work goes on: the rest goes on, who returns catches up, and nothing is lost. */
import { expect } from 'chai';
import { textAt } from '../../src/console/transaction-text.ts';
import { arm, crashed, settle, tryTransact, transfer, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView, equalSnapshots, expectAllWell, inView } from '../support/invariants.ts';
import { ClientLoop, moveOne } from './client-loop.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { TestCluster } from '../support/cluster.ts';

const PARTICIPANTS = ['P1', 'P2', 'P3'];
const NODES = ['coordinator', ...PARTICIPANTS];
const only = NODES;

/** Every transfer that was told committed is there once, and none that was told aborted. */
async function expectTold(cluster: TestCluster, stream: ClientLoop): Promise<void> {
  const { bank } = await expectAllWell(cluster);
  const lines = (await equalSnapshots(cluster, 'bank', PARTICIPANTS)) as readonly JsonObject[];
  const posted = lines
    .filter(({ line, account }) => line === 'posting' && account === 1)
    .map((line) => textAt(line, 'id'));
  expect([...posted].sort(), 'postings').to.deep.equal([...stream.committed].sort());
  expect(bank?.get(1)).to.equal(1000 - posted.length);
}

/** A client that asks until the cluster has noticed who is dead. */
async function transferCommits(cluster: TestCluster): Promise<void> {
  await eventually('a transfer commits', async () => {
    const answer = await tryTransact(cluster, { operations: [transfer(1, 2, 1)] });
    return answer?.body['outcome'] === 'committed';
  });
}

describe('replicas that die during a stream of transfers', function () {
  this.timeout(300_000);

  it('S4-9 S4-10 S4-13: are done without, one of three and two of three, and are equal again when they returned', async () => {
    await withCluster({ only }, async (cluster) => {
      const stream = new ClientLoop(cluster, moveOne);
      await stream.committedMore(5);
      await cluster.nodes.kill9('P3');
      await inView(cluster, 'bank', ['P1', 'P2']);
      await stream.committedMore(5);
      await cluster.nodes.kill9('P2');
      await inView(cluster, 'bank', ['P1']);
      await stream.committedMore(5);
      await cluster.nodes.restart('P3');
      await inView(cluster, 'bank', ['P1', 'P3']);
      await stream.committedMore(5);
      // Now the one that was never away dies: what it taught the other is enough.
      await cluster.nodes.kill9('P1');
      await inView(cluster, 'bank', ['P3']);
      await stream.committedMore(5);
      await Promise.all([cluster.nodes.restart('P1'), cluster.nodes.restart('P2')]);
      await allInView(cluster);
      await stream.committedMore(5);
      await stream.end();
      await expectTold(cluster, stream);

      await Promise.all(NODES.map((name) => cluster.nodes.kill9(name)));
      await Promise.all(NODES.map((name) => cluster.nodes.restart(name)));
      await expectTold(cluster, stream);
    });
  });

  it('wait, when all of the last view are down, for one of them, and not for who left before', async () => {
    await withCluster({ only }, async (cluster) => {
      await cluster.nodes.kill9('P3');
      await inView(cluster, 'bank', ['P1', 'P2']);
      const { body } = (await tryTransact(cluster, { id: 'TX001', operations: [transfer(1, 2, 100)] })) ?? { body: {} };
      expect(body).to.include({ outcome: 'committed' });
      await Promise.all(['P1', 'P2'].map((name) => cluster.nodes.kill9(name)));
      // P3 does not know of the transfer, so it alone is no replica to read or to write.
      await cluster.nodes.restart('P3');
      const read = await cluster.ask('P3', 'GET', '/ledger/accounts/1');
      expect(read.status).to.equal(503);
      const refused = await tryTransact(cluster, { id: 'TX002', timeoutMs: 300, operations: [transfer(1, 2, 10)] });
      expect(refused?.body['outcome']).to.not.equal('committed');
      await cluster.nodes.restart('P2');
      await transferCommits(cluster);
      await inView(cluster, 'bank', ['P2', 'P3']);
      await cluster.nodes.restart('P1');
      const settled = await settle(cluster, { id: 'TX002', timeoutMs: 300, operations: [transfer(1, 2, 10)] });
      const { bank } = await expectAllWell(cluster);
      expect(bank?.get(1)).to.equal(settled['outcome'] === 'committed' ? 889 : 899);
    });
  });

  it('are taken out by one view, whenever the coordinator dies while it writes it', async () => {
    await withCluster({ only }, async (cluster) => {
      for (const point of ['view.before-force', 'view.forced', 'view.forced#2']) {
        await arm(cluster, 'coordinator', `coordinator.${point}`);
        await allInView(cluster);
        await cluster.nodes.kill9('P3');
        await crashed(cluster, 'coordinator');
        await cluster.nodes.restart('coordinator');
        await transferCommits(cluster);
        await inView(cluster, 'bank', ['P1', 'P2']);
        await cluster.nodes.restart('P3');
        await expectAllWell(cluster);
      }
    });
  });
});
