/** The load generator against real processes of which one dies under it. */
import { expect } from 'chai';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { runLoad } from '../../src/console/bank-load.ts';
import { httpTransport } from '../../src/console/http-transport.ts';
import { loadLines, loadVerdict } from '../../src/console/load-text.ts';
import { newId } from '../../src/console/new-id.ts';
import { objectAt } from '../../src/console/transaction-text.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';
import { withCluster } from '../support/cluster.ts';
import { TWO_NODES } from './two-nodes.ts';

const PLAN = {
  ...{ clients: 16, durationMs: 40_000, rate: 0, accounts: 4, opening: 1000 },
  ...{ hot: 0.5, tooMuch: 0.05, twice: 0.05, rounds: 0 },
};

describe('the bank under load', function () {
  this.timeout(300_000);

  it('S4-8 S4-9 S4-11 S3-6: conserves money in both directions over a hot account while a backend dies and returns', async () => {
    await withCluster({}, async (cluster) => {
      const client = new ApiClient(httpTransport(cluster.nodes.address('server')));
      const settle = { patienceMs: 20_000, pauseMsFirst: 20, pauseMsMax: 200 };
      const enough = new AbortController();
      let committed = 0;
      const world = {
        ...{ client, settle, random: new SeededRandom(11), makeId: newId, signal: enough.signal },
        onProgress: (_: number, statistics: { readonly committed: number }) => void (committed = statistics.committed),
      };
      const running = runLoad(PLAN, world);
      await eventually('money moves', () => committed > 20);
      await cluster.nodes.kill9('P2');
      await eventually('the status array shows it', async () => {
        const { body } = await cluster.ask('coordinator', 'GET', '/views');
        return JSON.stringify(objectAt(objectAt(body, 'views'), 'bank')['status']) === '[1,0,1]';
      });
      const before = committed;
      await eventually('money moves without P2', () => committed > before + 20);
      await cluster.nodes.restart('P2');
      enough.abort();
      const result = await running;
      expect(loadVerdict(result), loadLines(PLAN, result).join('\n')).to.equal('conserved');
      expect(result.statistics.unknown).to.equal(0);
      expect(result.statistics.causes.funds, 'what was too much').to.be.greaterThan(0);
      expect(result.totalAfter).to.equal('6000');
      // The front end counts the same transfers, and the accounts that were opened.
      const { body } = await cluster.ask('server', 'GET', '/bank/statistics');
      expect(body['committed']).to.equal(result.statistics.committed + PLAN.accounts);
      client.close();
      await expectAllWell(cluster, { total: 6000 });
    });
  });

  it('S3-12: reports a single transfer, three at once, the taking of locks, and races, each as it was in this run', async () => {
    await withCluster(TWO_NODES, async (cluster) => {
      const client = new ApiClient(httpTransport(cluster.nodes.address('server')));
      const settle = { patienceMs: 20_000, pauseMsFirst: 20, pauseMsMax: 200 };
      const world = { client, settle, random: new SeededRandom(3), makeId: newId, onProgress: () => undefined };
      const taken = (): Promise<number> =>
        eventually('both nodes tell of their locks', async () => {
          const { body } = await cluster.ask('server', 'GET', '/bank/statistics');
          const locks = objectAt(body, 'locks');
          return locks['nodes'] === 2 && Number(locks['taken']);
        });
      const before = await taken();
      await cluster.ask('server', 'POST', '/bank/transfers', { id: 'TX001', from: 1, to: 2, amount: 1 });
      expect((await taken()) - before, 'locks of TX001, at two nodes').to.be.at.least(2);
      const plan = { ...PLAN, clients: 3, durationMs: 100, rate: 50, rounds: 2 };
      const result = await runLoad(plan, world);
      const rows = loadLines(plan, result).join('\n');
      expect(rows).to.match(/^ {2}Single transaction: +\d+\.\d ms \(p50 of [12]\)$/m);
      expect(rows).to.match(/^ {2}3 concurrent: +\d+\.\d ms \(p50 of [12], until all three had ended\)$/m);
      expect(rows).to.match(
        /^ {2}Lock acquisition: +p50 \d+\.\d{3} ms, p99 \d+\.\d{3} ms, most \d+\.\d{3} ms; \d+ taken at (2 nodes|1 node)$/m,
      );
      expect(rows).to.match(/^ {2}Race conditions: +0 \(in 4 accounts, the total, and what was sent twice\)$/m);
      expect(loadVerdict(result), rows).to.equal('conserved');
      client.close();
      await expectAllWell(cluster, { total: 6000 });
    });
  });

  it('S3-8 S3-10: deadlocks nowhere when 64 clients move money between two nodes in opposite directions, and ends for all', async () => {
    await withCluster(TWO_NODES, async (cluster) => {
      const outcomes: unknown[] = [];
      const client = async (index: number): Promise<void> => {
        const [from, to] = index % 2 === 0 ? [1, 2] : [2, 1];
        for (let count = 1; count <= 4; count += 1) {
          const transfer = { id: `C${index}-${count}`, from, to, amount: count };
          outcomes.push((await cluster.ask('server', 'POST', '/bank/transfers', transfer)).body['outcome']);
        }
      };
      await Promise.all(Array.from({ length: 64 }, (_, index) => client(index)));
      // Funds suffice at every moment, so holds never stand in each other's way.
      expect(outcomes).to.deep.equal(Array.from({ length: 256 }, () => 'committed'));
      const balances = await expectAllWell(cluster);
      expect([balances['node6001']?.get(1), balances['node6002']?.get(2)]).to.deep.equal([1000, 1000]);
      const { body } = await cluster.ask('server', 'GET', '/bank/statistics');
      expect(body).to.include({ attempted: 256, committed: 256, rolledBack: 0 });
    });
  });
});
