/** SIGTERM: what runs is answered, nothing new is taken, and the port is free for whoever comes next. */
import { expect } from 'chai';
import { transact, transfer, tryTransact, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';

const only = ['coordinator', 'P1', 'P2', 'P3'];

describe('a daemon that is told to stop', function () {
  this.timeout(300_000);

  it('answers the transaction that runs, ends with 0, and starts again on its port at once', async () => {
    const args = { P2: ['--vote', 'ask'] };
    await withCluster({ only, args, opening: [], timings: { drainMs: 10_000 } }, async (cluster) => {
      const write = { group: 'notes', resource: 'notebook', type: 'write', string: 'Hello' };
      const pending = transact(cluster, { id: 'RUNS', timeoutMs: 10_000, operations: [write] });
      const number = await eventually('P2 is asked for its vote', async () => {
        const { body } = await cluster.ask('P2', 'GET', '/debug/state');
        return (body['votesWaiting'] as readonly { readonly number: string }[])[0]?.number;
      });
      const coordinator = cluster.nodes.node('coordinator');
      process.kill(coordinator.pid, 'SIGTERM');
      await eventually('it takes nothing new', async () => {
        const answer = await tryTransact(cluster, { id: 'LATE', operations: [write] });
        return answer === undefined || answer.status === 503;
      });
      await cluster.ask('P2', 'POST', '/lab/votes', { number, vote: 'commit' });
      const answer = await pending;
      expect(answer.status).to.equal(200);
      expect(answer.body).to.include({ outcome: 'committed' });
      expect(await coordinator.exited).to.deep.equal({ code: 0, signal: null });
      await cluster.nodes.restart('coordinator');
      const again = await transact(cluster, { id: 'RUNS', operations: [write] });
      expect(again.body).to.deep.equal(answer.body);
      await expectAllWell(cluster, { total: 0 });
    });
  });

  it('S4-12: gives its port back at once, killed or stopped, again and again', async () => {
    await withCluster({ only }, async (cluster) => {
      const { port } = cluster.nodes.address('P1');
      for (const end of ['kill', 'stop'] as const) {
        if (end === 'kill') await cluster.nodes.kill9('P1');
        expect((await cluster.nodes.restart('P1')).port).to.equal(port);
      }
      const { body } = await transact(cluster, { operations: [transfer(1, 2, 100)] });
      expect(body).to.include({ outcome: 'committed' });
      await expectAllWell(cluster);
    });
  });
});
