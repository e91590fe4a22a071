/** Random processes are killed under four clients, again and again; then the books are compared with what was told. */
import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { textAt } from '../../src/console/transaction-text.ts';
import { SeededRandom } from '../../src/sim/seeded-random.ts';
import { withCluster } from '../support/cluster.ts';
import { equalSnapshots, expectAllWell } from '../support/invariants.ts';
import { ClientLoop, moveOne, sayLine } from './client-loop.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';

const PARTICIPANTS = ['P1', 'P2', 'P3'];
const NODES = ['coordinator', ...PARTICIPANTS];
const CYCLES = 20;
const OPENING = 1_000_000;

describe('a cluster under random kills', function () {
  this.timeout(180_000);

  it('S2-16: keeps every commit it told, once, and nothing of an abort, with equal replicas in the end', async () => {
    // Chance decides who dies and when; `PARLEY_TEST_SEED=n` chooses the same victims again.
    const seed = Number(process.env['PARLEY_TEST_SEED'] ?? randomInt(1, 1_000_000));
    try {
      await killAtRandom(new SeededRandom(seed));
    } catch (error) {
      if (error instanceof Error) error.message = `(PARLEY_TEST_SEED=${seed}) ${error.message}`;
      throw error;
    }
  });
});

async function killAtRandom(random: SeededRandom): Promise<void> {
  await withCluster({ only: NODES, opening: [OPENING, 0] }, async (cluster) => {
    const movers = [new ClientLoop(cluster, moveOne), new ClientLoop(cluster, moveOne)];
    const talkers = [new ClientLoop(cluster, sayLine), new ClientLoop(cluster, sayLine)];
    const clients = [...movers, ...talkers];
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const client = random.pick(clients);
      await client.committedMore(random.whole(1, 10));
      const victim = random.pick(NODES);
      await cluster.nodes.kill9(victim);
      // A participant may be missed for a while; without the coordinator nothing would be committed to wait for.
      if (victim !== 'coordinator' && random.chance(0.5)) await client.committedMore(random.whole(1, 5));
      await cluster.nodes.restart(victim);
    }
    await Promise.all(clients.map((client) => client.end()));
    await expectAllWell(cluster, { total: OPENING });
    const bank = (await equalSnapshots(cluster, 'bank', PARTICIPANTS)) as readonly JsonObject[];
    const chat = (await equalSnapshots(cluster, 'chat', PARTICIPANTS)) as readonly JsonObject[];
    const postings = bank.filter(({ line, account }) => line === 'posting' && account === 1);
    const paid = movers.flatMap(({ committed }) => committed);
    const said = talkers.flatMap(({ committed }) => committed);
    expect(ids(postings, 'id'), 'postings').to.deep.equal([...paid].sort());
    expect(
      ids(
        chat.filter(({ key }) => key !== undefined),
        'key',
      ),
      'chat lines',
    ).to.deep.equal([...said].sort());
    expect(paid.length * said.length, 'work that was done').to.be.greaterThan(0);
  });
}

function ids(lines: readonly JsonObject[], member: string): readonly string[] {
  return lines.map((line) => textAt(line, member)).sort();
}
