/** The load generator against real processes of which one dies under it. */
import { expect } from 'chai';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { runLoad } from '../../src/console/bank-load.ts';
import { httpTransport } from '../../src/console/http-transport.ts';
import { loadLines, loadVerdict } from '../../src/console/load-text.ts';
import { newId } from '../../src/console/new-id.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';
import { withCluster } from '../support/cluster.ts';

const PLAN = {
  ...{ clients: 16, durationMs: 40_000, rate: 0, accounts: 4, opening: 1000 },
  ...{ hot: 0.5, tooMuch: 0.05, twice: 0.05 },
};

describe('the bank under load', function () {
  this.timeout(60_000);

  it('S4-8 S4-9 S3-6 S3-8: conserves money in both directions over a hot account while a backend dies and returns', async () => {
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
});
