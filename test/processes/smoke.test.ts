/** The daemons as people start them: real processes, real sockets, real disks, kill -9. */
import { expect } from 'chai';
import { balanceAt, transact, transfer, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import type { TestCluster } from '../support/cluster.ts';

const PARTICIPANTS = ['P1', 'P2', 'P3'];
/** Transactions need no server. */
const only = ['coordinator', ...PARTICIPANTS];

/** All replicas show the balances of accounts 1 and 2. */
async function allShow(cluster: TestCluster, first: number, second: number, names = PARTICIPANTS): Promise<void> {
  for (const name of names) {
    await eventually(`${name} shows ${first} and ${second}`, async () => {
      const balances = [await balanceAt(cluster, name, 1), await balanceAt(cluster, name, 2)];
      return balances[0] === first && balances[1] === second;
    });
  }
}

describe('a cluster of real processes', function () {
  this.timeout(300_000);

  for (const protocol of ['2pc', '3pc'] as const) {
    it(`moves money on all replicas or on none, by ${protocol}`, async () => {
      await withCluster({ only, protocol }, async (cluster) => {
        const moved = await transact(cluster, { id: 'TX001', operations: [transfer(1, 2, 100)] });
        expect(moved).to.deep.include({ status: 200 });
        expect(moved.body).to.include({ id: 'TX001', outcome: 'committed' });
        await allShow(cluster, 900, 1100);
        const refused = await transact(cluster, { operations: [transfer(1, 2, 901)] });
        expect(refused.body).to.include({ outcome: 'aborted' });
        await allShow(cluster, 900, 1100);
        const repeated = await transact(cluster, { id: 'TX001', operations: [transfer(1, 2, 100)] });
        expect(repeated.body).to.include({ outcome: 'committed' });
        await allShow(cluster, 900, 1100);
      });
    });
  }

  it('forgets nothing when every process is killed at once', async () => {
    await withCluster({ only }, async (cluster) => {
      await transact(cluster, { id: 'TX001', operations: [transfer(1, 2, 100)] });
      await Promise.all(cluster.nodes.running().map((name) => cluster.nodes.kill9(name)));
      await Promise.all(cluster.nodes.names.map((name) => cluster.nodes.restart(name)));
      await allShow(cluster, 900, 1100);
      const known = await eventually('the outcome is known', async () => {
        const answer = await cluster.ask('coordinator', 'GET', '/transactions/TX001');
        return answer.status === 200 && answer;
      });
      expect(known.body).to.include({ outcome: 'committed' });
    });
  });

  it('settles a transaction whose participant dies before it votes', async () => {
    const crashAt = { P2: 'participant.vote.before-send#3' };
    await withCluster({ only, crashAt }, async (cluster) => {
      const answer = await transact(cluster, { id: 'TX002', operations: [transfer(1, 2, 100)] });
      await cluster.nodes.node('P2').exited;
      await cluster.nodes.restart('P2');
      const settled = await eventually('a definite outcome', async () => {
        const { body } = await cluster.ask('coordinator', 'GET', '/transactions/TX002');
        return (body['outcome'] === 'committed' || body['outcome'] === 'aborted') && String(body['outcome']);
      });
      if (answer.status === 200) expect(answer.body).to.include({ outcome: settled });
      await (settled === 'committed' ? allShow(cluster, 900, 1100) : allShow(cluster, 1000, 1000));
    });
  });

  it('stops gracefully, the coordinator last, and leaves no process', async () => {
    await withCluster({ only }, async (cluster) => {
      const report = await cluster.nodes.stop();
      expect(report.nodes.at(-1)?.name).to.equal('coordinator');
      expect(report.nodes.map(({ name, exit, forced }) => ({ name, code: exit.code, forced }))).to.have.deep.members(
        cluster.nodes.names.map((name) => ({ name, code: 0, forced: false })),
      );
    });
  });
});
