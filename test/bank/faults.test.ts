/** Fault rules on real processes, through the front end as the console and the page use it. */
import { expect } from 'chai';
import { check } from '../../src/lab/checker/check.ts';
import { gatherRun } from '../../src/lab/checker/gather.ts';
import { bankConsole } from '../../src/console/bank-console.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { httpTransport } from '../../src/console/http-transport.ts';
import { listAt, objectAt, textAt } from '../../src/console/transaction-text.ts';
import { crashed, transact, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';
import { TWO_NODES } from './two-nodes.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { TestCluster } from '../support/cluster.ts';

const SHOWN = ['--show-frames'];
const PATIENT = { patienceMs: 20_000, pauseMsFirst: 20, pauseMsMax: 200 };

/** Sends a transfer until its outcome is definite; the reason's code of an abort, else `committed`. */
async function move(cluster: TestCluster, id: string, from: number, to: number, amount: number): Promise<string> {
  const { body } = await cluster.ask('server', 'POST', '/bank/transfers', { id, from, to, amount });
  return body['outcome'] === 'committed' ? 'committed' : textAt(objectAt(body, 'reason'), 'code');
}

/** Balance and what is held of both accounts. */
async function accounts(cluster: TestCluster): Promise<readonly unknown[]> {
  const both = [1, 2].map((account) => cluster.ask('server', 'GET', `/bank/accounts/${account}`));
  return (await Promise.all(both)).map(({ body }) => [body['balance'], body['held']]);
}

/** True when a node has shown such a line. */
function shown({ lines }: TestCluster, node: string, line: RegExp): boolean {
  return lines.some((one) => one.startsWith(`${node} | `) && line.test(one.slice(node.length + 3)));
}

async function setFault(cluster: TestCluster, rule: JsonObject): Promise<string> {
  const { status, body } = await cluster.ask('server', 'POST', '/bank/faults', rule);
  expect(status, JSON.stringify(body)).to.equal(201);
  return textAt(body, 'fault');
}

describe('fault rules of a bank of two nodes', function () {
  this.timeout(300_000);

  it('S3-15 S3-3 S3-4 S3-7 S3-14 S3-16 S3-18 S3-19 S4-14: an amount above 800 finds the node unreachable, 800 goes through; a no, a late vote and short funds are told apart, leave nothing held, and are shown at front end and nodes', async () => {
    const faults = [{ node: 'P2', do: 'unreachable', above: 800 }];
    const args = { server: SHOWN, coordinator: SHOWN, P1: SHOWN, P2: SHOWN };
    await withCluster({ ...TWO_NODES, faults, args }, async (cluster) => {
      expect(cluster.lines.join('\n')).to.match(/P2 \| \S+ warn\s.*FAULT RULE F1: unreachable above 800, on purpose/);
      expect(await move(cluster, 'TX001', 1, 2, 801)).to.equal('node-unreachable');
      expect(await accounts(cluster)).to.deep.equal([
        [1000, 0],
        [1000, 0],
      ]);
      expect(await move(cluster, 'TX002', 1, 2, 800)).to.equal('committed');
      expect(await move(cluster, 'TX003', 1, 2, 201)).to.equal('insufficient-funds');
      expect(await move(cluster, 'TX004', 1, 2, 200), 'all there is').to.equal('committed');

      expect(await setFault(cluster, { node: 'P1', do: 'vote-no', times: 1 })).to.equal('F1');
      expect(await move(cluster, 'TX005', 2, 1, 100)).to.equal('voted-no');
      await setFault(cluster, { node: 'p1', do: 'slow', ms: 20 });
      expect(await move(cluster, 'TX006', 2, 1, 100)).to.equal('committed');
      expect(await accounts(cluster)).to.deep.equal([
        [100, 0],
        [1900, 0],
      ]);
      const { body: seen } = await cluster.ask('server', 'GET', '/bank/faults');
      const nodes = listAt(seen, 'nodes') as readonly JsonObject[];
      expect(nodes.map(({ node, up, open }) => [node, up, open])).to.deep.equal([
        ['coordinator', true, true],
        ['P1', true, true],
        ['P2', true, true],
      ]);
      expect(listAt(nodes[1] ?? {}, 'faults')).to.deep.equal([
        { fault: 'F1', rule: { do: 'vote-no', times: 1 }, text: 'vote-no, 1 times', hits: 1 },
        { fault: 'F2', rule: { do: 'slow', ms: 20 }, text: 'slow by 20 ms', hits: 1 },
      ]);

      // Taken back, the same amount goes through.
      const gone = await cluster.ask('server', 'DELETE', '/bank/faults/P2/F1');
      expect(gone.body['faults']).to.deep.equal([]);
      expect(await move(cluster, 'TX007', 2, 1, 900)).to.equal('committed');

      const { body: counted } = await cluster.ask('server', 'GET', '/bank/statistics');
      expect(counted).to.include({ attempted: 7, committed: 4, rolledBack: 3 });
      expect(counted['causes']).to.deep.equal({ crashes: 0, funds: 1, network: 1, conflicts: 0, other: 1 });
      await eventually('the commit of 900 is shown where it went', () =>
        ['P1', 'P2'].every((node) => shown(cluster, node, /^COMMIT \S+ \{"command":"commit","amount":900\}$/)),
      );
      expect(shown(cluster, 'server', /^\{"id":"TX001","from":1,"to":2,"amount":801\}$/)).to.equal(true);
      expect(shown(cluster, 'server', /"id":"TX001".*"node-unreachable"/)).to.equal(true);
      expect(shown(cluster, 'server', /"code":"insufficient-funds"/), 'a refusal').to.equal(true);
      expect(shown(cluster, 'P1', /^VOTE:Y \S+ \{"status":"ready"\}$/)).to.equal(true);
      expect(shown(cluster, 'P1', /^VOTE:N \S+ \{"status":"abort","reason":"Account 1 has 200, .*"\}$/)).to.equal(true);
      expect(
        shown(cluster, 'coordinator', /^VOTE:N \S+ \{"status":"timeout","error":"Connection timed out"\}$/),
      ).to.equal(true);
      expect(shown(cluster, 'coordinator', /^ABORT \S+ \{"command":"rollback"\}$/)).to.equal(true);
      await expectAllWell(cluster);
    });
  });

  it('S3-13 S3-16 S2-11: a node that crashes in prepare or keeps silent is found by the timeout, all roll back, and it is started again', async () => {
    await withCluster({ ...TWO_NODES, args: { coordinator: SHOWN } }, async (cluster) => {
      const client = new ApiClient(httpTransport(cluster.nodes.address('server')));
      const bank = bankConsole(client, PATIENT);
      const say = async (line: string): Promise<string> => (await bank.run(line)).lines.join('\n');
      expect(await say('FAULT P2 crash percent=100 seed=3')).to.equal(
        'P2 has F1: crash in prepare, 100 % of them (seed 3)',
      );
      expect(await say('FAULT P1 silence times=1')).to.equal('P1 has F1: silence, 1 times');
      expect(await say('TRANSFER 1 2 100 TX001')).to.match(
        /^aborted TX001: 100 from 1 to 2 .*\n {2}reason: vote-timeout/,
      );
      await crashed(cluster, 'P2');
      await eventually('the vote that never came is shown', () =>
        shown(cluster, 'coordinator', /^\{"status":"timeout","error":"Connection timed out"\}$/),
      );
      await cluster.nodes.restart('P2');
      await eventually('P2 is back, without the rule that was set while it ran', async () =>
        /P1 +up +F1: silence, 1 times \(1 hit\)\nP2 +up +no fault rule/.test(await say('FAULTS')),
      );
      expect(await say('TRANSFER 1 2 100 TX002')).to.match(/^committed/);
      expect(await say('HEAL')).to.match(/P1 +up +no fault rule/);
      expect(await say('CRASH P1')).to.include('P1 was told to crash');
      await crashed(cluster, 'P1');
      await eventually('the front end sees it', async () => /P1 +down/.test(await say('FAULTS')));
      await cluster.nodes.restart('P1');
      expect(await say('STATISTICS')).to.match(/Node crashes: +1 \(50%\)/);
      client.close();
      await expectAllWell(cluster);
    });
  });

  it('S3-9: a transfer that waits too long for a lock aborts and names it, and is counted as a conflict', async () => {
    const timings = { voteTimeoutMs: 3000, lockWaitMs: 100 };
    await withCluster({ ...TWO_NODES, timings }, async (cluster) => {
      await setFault(cluster, { node: 'P1', do: 'silence', times: 1 });
      const update = (account: number, group: string) => ({ group, type: 'update', account, balance: 5 });
      const holding = transact(cluster, { id: 'SET', operations: [update(1, 'node6001'), update(2, 'node6002')] });
      await eventually('the lock is held', async () => {
        const { body } = await cluster.ask('P1', 'GET', '/debug/state');
        return listAt(body, 'votesWaiting').length === 1;
      });
      const { body } = await cluster.ask('server', 'POST', '/bank/transfers', {
        id: 'TX001',
        from: 1,
        to: 2,
        amount: 1,
      });
      expect(objectAt(body, 'reason')).to.include({ code: 'lock-timeout' });
      expect(objectAt(body, 'reason')['detail']).to.match(/gave up waiting for \S*accounts?\S*, held by \S+\./);
      const { body: counted } = await cluster.ask('server', 'GET', '/bank/statistics');
      expect(counted['causes']).to.include({ conflicts: 1 });
      expect((await holding).body).to.include({ outcome: 'aborted' });
      await eventually('nothing is held', async () => {
        const { body: state } = await cluster.ask('P1', 'GET', '/debug/state');
        return state['locked'] === 0 && state['waiting'] === 0;
      });
      await expectAllWell(cluster);
    });
  });

  it('S2-16 S3-6: both nodes crash in every third prepare, and after their restarts no money is missing and the checker finds both sides or none', async () => {
    const faults = ['P1', 'P2'].map((node) => ({ node, do: 'crash', percent: 30, seed: 5 }));
    // Each crash costs a vote timeout. An outcome that a slow machine makes of a short one is as good as another.
    const timings = { voteTimeoutMs: 500, lockWaitMs: 250 };
    await withCluster({ ...TWO_NODES, faults, timings }, async (cluster) => {
      const outcomes = new Set<string>();
      for (let count = 1; count <= 60 && outcomes.size < 2; count += 1) {
        outcomes.add(await move(cluster, `TX${count}`, 1, 2, 10).catch(() => 'unknown'));
        for (const node of ['P1', 'P2']) if (!cluster.nodes.running().includes(node)) await cluster.nodes.restart(node);
      }
      expect([...outcomes])
        .to.include('committed')
        .and.to.have.length.greaterThan(1);
      await cluster.ask('server', 'DELETE', '/bank/faults');
      await expectAllWell(cluster);
      expect(check(await gatherRun(cluster.dataDir)).violations).to.deep.equal([]);
    });
  });
});
