/** The replicated bank behind its front end, on real processes: what people ask while backends are dead. */
import { expect } from 'chai';
import { objectAt } from '../../src/console/transaction-text.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import { withCluster } from '../support/cluster.ts';
import type { TestAnswer, TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView, expectAllWell } from '../support/invariants.ts';

/** What the others may get done while one transfer is under way; 64 clients with 8 transfers each make 512. */
const OVERTAKEN_MAX = 400;

async function statusIs(cluster: TestCluster, status: string): Promise<void> {
  await eventually(`the status array is ${status}`, async () => {
    const { body } = await cluster.ask('coordinator', 'GET', '/views');
    return JSON.stringify(objectAt(objectAt(body, 'views'), 'bank')['status']) === status;
  });
}

/** Asks until it is answered: a backend that just died, or a lease that just ran out, is busy or unknown for a moment. */
function answered(cluster: TestCluster, method: string, path: string, json?: JsonObject): Promise<TestAnswer> {
  return eventually(`${method} ${path} is answered`, async () => {
    const answer = await cluster.ask('server', method, path, json);
    return answer.status !== 503 && answer.status !== 202 && answer;
  });
}

/** Moves 1 to and fro between accounts 1 and 2, and reads the total all the while, until it is ended. */
class Movement {
  /** What the total was or was becoming, in order. */
  private readonly totals: number[];
  /** The place of the last one that somebody was told of: a read that begins later sees none before it. */
  private told = 0;
  private reads = 0;
  private committed = 0;
  private ending = false;
  /** What a loop threw, first of all a read that was wrong; both loops end by it. */
  private failure: Error | undefined;
  private readonly loops: readonly Promise<void>[];

  constructor(cluster: TestCluster, total: number) {
    this.totals = [total];
    this.loops = [this.move(cluster), this.read(cluster)].map((loop) =>
      loop.catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
        this.ending = true;
      }),
    );
  }

  /** Makes a change that adds this much to what all accounts hold. */
  async changing(by: number, change: () => Promise<TestAnswer>): Promise<TestAnswer> {
    this.totals.push((this.totals.at(-1) ?? 0) + by);
    const answer = await change();
    this.told = this.totals.length - 1;
    return answer;
  }

  /** More money was moved, and the total read more often, than then. @throws what a loop threw */
  async goesOn(): Promise<void> {
    const { reads, committed } = this;
    await eventually(
      'money moves, and the total is read',
      () => this.failure !== undefined || (this.reads > reads && this.committed > committed),
    );
    if (this.failure !== undefined) throw this.failure;
  }

  /** @throws what a loop threw */
  async end(): Promise<void> {
    this.ending = true;
    await Promise.all(this.loops);
    if (this.failure !== undefined) throw this.failure;
  }

  private async move(cluster: TestCluster): Promise<void> {
    for (let count = 0; !this.ending; count += 1) {
      const [from, to] = count % 2 === 0 ? [1, 2] : [2, 1];
      const transfer = { id: `M${count}`, from, to, amount: 1 };
      const { body } = await answered(cluster, 'POST', '/bank/transfers', transfer);
      if (body['outcome'] === 'committed') this.committed += 1;
    }
  }

  private async read(cluster: TestCluster): Promise<void> {
    while (!this.ending) {
      const { told } = this;
      const { status, body } = await cluster.ask('server', 'GET', '/bank/total');
      if (status !== 200) continue;
      this.reads += 1;
      expect(this.totals.slice(told), 'a read of the total').to.include(body['total']);
    }
  }
}

/** CREATE, UPDATE and QUERY as a client has them, and an account that is not there. */
async function serves(cluster: TestCluster, movement: Movement, account: number): Promise<void> {
  const opening = { id: `CREATE-${account}`, opening: 100 };
  const created = await movement.changing(100, () => answered(cluster, 'POST', '/bank/accounts', opening));
  expect(created.body, 'CREATE').to.deep.include({ outcome: 'committed' });
  expect(created.body['results'], 'the next number').to.deep.equal([{ account, balance: 100 }]);
  const balance = { id: `UPDATE-${account}`, balance: 250 };
  const updated = await movement.changing(150, () => answered(cluster, 'PUT', `/bank/accounts/${account}`, balance));
  expect(updated.body, 'UPDATE').to.include({ outcome: 'committed' });
  const queried = await answered(cluster, 'GET', `/bank/accounts/${account}`);
  expect(queried.body, 'QUERY').to.include({ account, balance: 250 });
  expect((await answered(cluster, 'GET', '/bank/accounts/99')).status, 'QUERY of none').to.equal(404);
}

describe('the replicated bank', function () {
  this.timeout(300_000);

  it('S4-2 S4-3 S4-4 S4-9 S4-10 S4-11 S4-13: goes on with one backend of three, every read of the total is right, and all are equal when they returned', async () => {
    await withCluster({}, async (cluster) => {
      const movement = new Movement(cluster, 2000);
      await serves(cluster, movement, 3);
      await cluster.nodes.kill9('P3');
      await statusIs(cluster, '[1,1,0]');
      await serves(cluster, movement, 4);
      await cluster.nodes.kill9('P2');
      await statusIs(cluster, '[1,0,0]');
      await serves(cluster, movement, 5);
      await Promise.all([cluster.nodes.restart('P2'), cluster.nodes.restart('P3')]);
      await allInView(cluster);
      await statusIs(cluster, '[1,1,1]');
      await movement.goesOn();
      await movement.end();
      await expectAllWell(cluster, { total: 2750 });
    });
  });

  it('S3-8 S4-8: starves nobody of 64 clients that move money in opposite directions', async () => {
    await withCluster({}, async (cluster) => {
      let done = 0;
      let overtaken = 0;
      const ended = { committed: [0, 0], others: 0 };
      const client = async (index: number): Promise<void> => {
        const [from, to] = index % 2 === 0 ? [1, 2] : [2, 1];
        for (let count = 1; count <= 8; count += 1) {
          const before = done;
          const transfer = { id: `C${index}-${count}`, from, to, amount: 1 };
          // On a slow machine a vote may come too late, which ends a transfer as well as a commit does.
          const { body } = await answered(cluster, 'POST', '/bank/transfers', transfer);
          if (body['outcome'] === 'committed') ended.committed[index % 2] = (ended.committed[index % 2] ?? 0) + 1;
          else ended.others += 1;
          overtaken = Math.max(overtaken, done - before);
          done += 1;
        }
      };
      await Promise.all(Array.from({ length: 64 }, (_, index) => client(index)));
      const [there = 0, back = 0] = ended.committed;
      expect(there + back + ended.others).to.equal(512);
      expect(there + back, 'committed').to.be.above(256);
      expect(overtaken, 'transfers of others while one waited').to.be.below(OVERTAKEN_MAX);
      const balances = await expectAllWell(cluster);
      expect([balances['bank']?.get(1), balances['bank']?.get(2)]).to.deep.equal([
        1000 - there + back,
        1000 + there - back,
      ]);
    });
  });
});
