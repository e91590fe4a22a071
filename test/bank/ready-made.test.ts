/** The cluster files that are shipped for the bank, and a partitioned bank behind its front end, on real processes. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseClusterFile } from '../../src/daemons/cluster-file.ts';
import { check } from '../../src/lab/checker/check.ts';
import { gatherRun } from '../../src/lab/checker/gather.ts';
import { bankTraceLines } from '../../src/lab/timeline/bank-trace.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';
import { transact, withCluster } from '../support/cluster.ts';
import { TWO_NODES } from './two-nodes.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { ClusterConfig } from '../../src/daemons/cluster-file.ts';

const ROOT = join(import.meta.dirname, '..', '..');

function shipped(name: string): ClusterConfig {
  return parseClusterFile(join(ROOT, 'clusters', `${name}.json`));
}

/** Ports by role, as people type them. */
function portsOf({ nodes }: ClusterConfig): Record<string, number[]> {
  const ports: Record<string, number[]> = {};
  for (const { role, port } of Object.values(nodes)) (ports[role] ??= []).push(port);
  return ports;
}

describe('the clusters of the bank that are ready made', () => {
  it('S3-1 S3-2: the bank with the page listens on 8000, its nodes on 6001 and 6002 with $1000 each', () => {
    const web = shipped('bank-web');
    expect(portsOf(web)).to.deep.equal({ server: [8000], coordinator: [8001], participant: [6001, 6002] });
    expect(Object.values(web.groups).map(({ members }) => members)).to.deep.equal([['Node6001'], ['Node6002']]);
    expect(Object.values(web.opening)).to.deep.equal([
      [{ account: 1, balance: 1000 }],
      [{ account: 2, balance: 1000 }],
    ]);
  });

  it('S2-3 S2-8: User1 and User2 are with Participant 1 and Participant 2', () => {
    const { groups, opening } = shipped('bank-transfer');
    expect(groups).to.deep.equal({
      user1: { resource: 'ledger', members: ['Participant1'] },
      user2: { resource: 'ledger', members: ['Participant2'] },
    });
    expect(opening).to.deep.equal({
      user1: [{ account: 1, balance: 1000 }],
      user2: [{ account: 2, balance: 1000 }],
    });
  });

  it('S4-1: one front end on 8023 and three backends', () => {
    const replicated = shipped('bank-replicated');
    expect(portsOf(replicated)['server']).to.deep.equal([8023]);
    expect(replicated.groups).to.deep.equal({ bank: { resource: 'ledger', members: ['B1', 'B2', 'B3'] } });
  });

  it('each has an npm script of its name, with a data directory of its own', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    for (const name of ['transfer', 'web', 'replicated']) {
      expect(scripts[`bank:${name}`], name)
        .to.include(`up --config clusters/bank-${name}.json`)
        .and.to.include(`--data-dir logs/bank-${name}`);
    }
  });
});

describe('a partitioned bank behind its front end', function () {
  this.timeout(300_000);

  it('S2-3 S2-5 S3-2 S3-4 S3-5 S3-6 S3-14: moves money between the nodes, refuses what is not there, the total stays, and the logs show it', async () => {
    await withCluster(TWO_NODES, async (cluster) => {
      const transfer = (id: string, from: number, to: number, amount: number) =>
        cluster.ask('server', 'POST', '/bank/transfers', { id, from, to, amount });
      const total = async () => (await cluster.ask('server', 'GET', '/bank/total')).body;
      const moved = await transfer('TX001', 1, 2, 100);
      expect(moved.body).to.include({ id: 'TX001', outcome: 'committed' });
      expect(moved.body['participants']).to.deep.equal(['P1', 'P2']);
      const short = await transfer('TX002', 1, 2, 901);
      expect([short.status, short.body['code']]).to.deep.equal([409, 'insufficient-funds']);
      expect(short.body['detail']).to.equal('Account 1 has 900, of which 0 are held, and 901 are needed.');
      expect((await transfer('TX003', 2, 1, 1100)).body, 'equal is allowed').to.include({ outcome: 'committed' });
      expect((await transfer('TX004', 1, 8, 1)).body).to.include({ code: 'unknown-account' });
      // prettier-ignore
      const misasked: readonly (readonly [from: Json, to: Json, amount: Json, code: string])[] = [
        [1, 1, 5, 'bad-operation'], [1, 2, 0, 'bad-amount'], [1, 2, -5, 'bad-amount'], [1, 2, 1.5, 'inexact-number'],
        [1, 2, 2 ** 53, 'inexact-number'], [1, 2, '5', 'bad-amount'], ['1', 2, 5, 'bad-operation'],
      ];
      for (const [from, to, amount, code] of misasked) {
        const { body } = await cluster.ask('server', 'POST', '/bank/transfers', { id: 'TX005', from, to, amount });
        expect(body, JSON.stringify([from, to, amount])).to.include({ code });
      }
      for (const node of ['P1', 'P2']) {
        const nothingHeld = async () => {
          const { body } = await cluster.ask(node, 'GET', '/debug/state');
          return body['locked'] === 0 && body['waiting'] === 0;
        };
        await eventually(`${node} holds no lock after what was refused`, nothingHeld);
      }
      expect(await total()).to.include({ total: 2000, accounts: 2 });

      const { body: statement } = await cluster.ask('server', 'GET', '/bank/accounts/2/statement?limit=1');
      expect(statement).to.include({ account: 2, opening: 1000, carried: 1000, balance: 0, more: true });
      expect(statement['postings']).to.have.length(1);
      const [posting] = statement['postings'] as readonly JsonObject[];
      expect(posting).to.include({ id: 'TX001', type: 'credit', delta: 100 });

      const opened: number[] = [];
      for (const id of ['N1', 'N2', 'N3', 'N4', 'N5', 'N6']) {
        const { body } = await cluster.ask('server', 'POST', '/bank/accounts', { id, opening: 10 });
        opened.push(Number(body['account']));
        const again = await cluster.ask('server', 'POST', '/bank/accounts', { id, opening: 10 });
        expect(again.body, 'sent again').to.deep.equal(body);
      }
      expect(new Set(opened).size).to.equal(6);
      expect(new Set(opened.map((account) => account % 2)), 'both nodes open accounts').to.deep.equal(new Set([0, 1]));
      for (const account of opened) {
        const { body } = await cluster.ask('server', 'GET', `/bank/accounts/${account}`);
        expect(body).to.include({ account, balance: 10, held: 0 });
      }
      expect(await total()).to.include({ total: 2060, accounts: 8 });
      // Of one participant alone no promise is written down; of two the checker sees what they promised.
      const create = (group: string, first: number) => ({ group, type: 'create', opening: 20, first, step: 2 });
      const both = [create('node6001', 1), create('node6002', 2)];
      expect((await transact(cluster, { operations: both })).body).to.include({ outcome: 'committed' });
      await expectAllWell(cluster, { total: 2100 });
      const logs = await gatherRun(cluster.dataDir);
      const { violations } = check(logs);
      expect(violations, 'the checker, which numbers the accounts by itself').to.deep.equal([]);

      expect(bankTraceLines(logs, 'TX001').slice(1)).to.deep.equal([
        'BEFORE    1000/1000: P1 account 1, P2 account 2',
        'VOTES     P1 READY, P2 READY',
        'DECISION: ALL 2/2 READY → COMMIT',
        'DEBIT     P1 account 1: 1000 - 100 = $900',
        'CREDIT    P2 account 2: 1000 + 100 = $1100',
        'AFTER     900/1100: P1 account 1, P2 account 2',
        'ATOMIC: both sides or none: committed at P1, P2, coordinator',
      ]);
      const refused = bankTraceLines(logs, 'TX002').join('\n');
      expect(refused).to.match(/^TX002 \(\S+\)\nBEFORE {4}900(\/1100)?: P1 account 1/);
      expect(refused).to.include(
        'P1 ABORT (insufficient-funds: Account 1 has 900, of which 0 are held, and 901 are needed.)',
      );
      expect(refused).to.match(/DECISION: [01]\/2 READY → ROLLBACK\nAFTER {5}900(\/1100)?: P1 account 1/);
      expect(refused).to.match(/ATOMIC: both sides or none: aborted at [^\n]*, committed nowhere$/);
      expect(() => bankTraceLines(logs, 'TX999')).to.throw('No log here names TX999');
    });
  });
});
