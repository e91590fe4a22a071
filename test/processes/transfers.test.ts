/** The transfer between two participants, each with an account of its own: every step, and who may die when. */
import { expect } from 'chai';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { textAt } from '../../src/console/transaction-text.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { arm, crashed, restartToDie, settle, transact, tryTransact, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';
import { recordsOf, typesOf } from '../support/node-log.ts';
import { startNode } from '../net/peer-node.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { PrepareMessage, WelcomeMessage } from '../../src/protocol/messages.ts';
import type { TestAnswer, TestCluster, TestClusterOptions } from '../support/cluster.ts';

/** Two ledgers, each with an account 1: User1 is with Participant 1 alone, User2 with Participant 2 alone. */
const SEPARATE: TestClusterOptions = {
  only: ['coordinator', 'P1', 'P2'],
  participants: 2,
  groups: {
    bankA: { resource: 'ledger', members: ['P1'] },
    bankB: { resource: 'ledger', members: ['P2'] },
  },
  opening: { bankA: [{ account: 1, balance: 1000 }], bankB: [{ account: 1, balance: 1000 }] },
};

const DEBIT = (amount: number) => ({ group: 'bankA', resource: 'ledger', type: 'debit', account: 1, amount });
const CREDIT = (amount: number) => ({ group: 'bankB', resource: 'ledger', type: 'credit', account: 1, amount });
/** TRANSFER from User1 to User2. */
const payment = (amount: number): readonly JsonObject[] => [DEBIT(amount), CREDIT(amount)];

/** The invariants, and what the two accounts hold. */
async function expectBalances(cluster: TestCluster, first: number, second: number): Promise<void> {
  const balances = await expectAllWell(cluster);
  expect([balances['bankA']?.get(1), balances['bankB']?.get(1)]).to.deep.equal([first, second]);
}

/** The outcome of an id as it is asked for, once it is definite. */
function outcomeOf(cluster: TestCluster, id: string): Promise<JsonObject> {
  return eventually(`${id} has an outcome`, async () => {
    const { body } = await cluster.ask('coordinator', 'GET', `/transactions/${id}`);
    return body['outcome'] !== 'unknown' && body['outcome'] !== undefined && body;
  });
}

/** A participant's view of an id: `prepared`, `committed`, `aborted` … */
async function stateAt(cluster: TestCluster, participant: string, id: string): Promise<unknown> {
  const { body } = await cluster.ask(participant, 'GET', `/transactions/${id}`);
  return body['state'];
}

function numberIn({ body }: TestAnswer): string {
  return textAt(body, 'number');
}

describe('a transfer between two participants', function () {
  this.timeout(300_000);

  it('S2-1: serves clients and participants, each connection by itself, while one of them says only half a request', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      const half = connect(cluster.nodes.address('coordinator'));
      try {
        await once(half, 'connect');
        half.write('POST /transactions HTTP/1.1\r\nHost: coordi');
        const moved = await Promise.all(
          ['TX001', 'TX002', 'TX003'].map((id) => transact(cluster, { id, operations: payment(100) })),
        );
        expect(moved.map(({ body }) => body['outcome'])).to.deep.equal(['committed', 'committed', 'committed']);
        expect(half.destroyed, 'it is still waited for').to.equal(false);
        await expectBalances(cluster, 700, 1300);
      } finally {
        half.destroy();
      }
    });
  });

  it('S2-3 S2-4 S2-5 S2-6 S2-7: writes every step of a commit and of an abort into the logs of all three', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      const moved = await transact(cluster, { id: 'TX001', operations: payment(100) });
      expect(moved.body).to.include({ id: 'TX001', outcome: 'committed', protocol: '2pc' });
      expect(moved.body['participants']).to.deep.equal(['P1', 'P2']);
      const refused = await transact(cluster, { id: 'TX002', operations: payment(901) });
      expect(refused.body).to.include({ id: 'TX002', outcome: 'aborted' });
      expect(refused.body['reason']).to.include({ code: 'insufficient-funds' });
      await expectBalances(cluster, 900, 1100);
      await cluster.nodes.stop();

      const [committed, aborted] = [numberIn(moved), numberIn(refused)];
      const coordinator = await recordsOf(cluster, 'coordinator');
      expect(typesOf(coordinator, committed)).to.deep.equal(['begin', 'commit', 'end']);
      expect(typesOf(coordinator, aborted)).to.include('answer').and.not.include('commit');
      for (const name of ['P1', 'P2']) {
        const records = await recordsOf(cluster, name);
        expect(typesOf(records, committed), name).to.deep.equal(['prepared', 'committed']);
        expect(typesOf(records, aborted), name).to.not.include('committed');
        expect(
          records.map(({ seq }) => seq),
          name,
        ).to.deep.equal(records.map((_, index) => index + 1));
      }
      const voter = (await recordsOf(cluster, 'P1')).find(({ record }) => record.number === committed);
      expect(voter?.record).to.deep.include({ id: 'TX001', operations: [{ index: 0, operation: DEBIT(100) }] });
    });
  });

  it('S2-9: binds a name that comes back to its new address and goes on where its log ends', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      await arm(cluster, 'P2', 'participant.vote.before-send');
      const before = cluster.nodes.address('P2').port;
      const pending = tryTransact(cluster, { id: 'TX001', operations: payment(100) });
      await crashed(cluster, 'P2');
      await eventually('the coordinator has removed the connection', async () => {
        const { body } = await cluster.ask('coordinator', 'GET', '/debug/state');
        const peers = body['peers'] as readonly { readonly name: string; readonly registered: boolean }[];
        return peers.some(({ name, registered }) => name === 'P2' && !registered);
      });
      await cluster.nodes.restart('P2', { elsewhere: true });
      const { port } = cluster.nodes.address('P2');
      expect(port).to.not.equal(before);
      const { body } = await cluster.ask('coordinator', 'GET', '/groups');
      expect(body['addresses']).to.include({ P2: `127.0.0.1:${port}` });
      await pending;
      const answer = await settle(cluster, { id: 'TX001', operations: payment(100) });
      await expectBalances(cluster, ...afterwards(answer));
      const number = textAt(answer, 'number');
      const types = typesOf(await recordsOf(cluster, 'P2'), number);
      expect(types.slice(0, 1)).to.deep.equal(['prepared']);
      const told = await transact(cluster, { id: 'TX002', operations: payment(1) });
      expect(told.body).to.include({ outcome: 'committed' });
    });
  });

  it('S2-10: aborts at Participant 1, which asks Participant 2, when the coordinator dies between the two PREPAREs', async () => {
    // Openings are sent one PREPARE each; the third goes to P1, the fourth would go to P2.
    const crashAt = { coordinator: 'coordinator.prepare.before-send#4' };
    await withCluster({ ...SEPARATE, crashAt }, async (cluster) => {
      const pending = tryTransact(cluster, { id: 'TX001', operations: payment(100) });
      await crashed(cluster, 'coordinator');
      expect(await pending).to.equal(undefined);
      await eventually(
        'Participant 1 has aborted with the coordinator dead',
        async () => (await stateAt(cluster, 'P1', 'TX001')) === 'aborted',
      );
      const atP1 = (await recordsOf(cluster, 'P1')).find(({ record }) => record['id'] === 'TX001');
      const number = String(atP1?.record.number);
      expect(typesOf(await recordsOf(cluster, 'P2'), number), 'the promise of P2').to.deep.equal(['aborted']);
      expect(await votesOnLatePrepare(cluster, number)).to.deep.equal(['no']);

      await cluster.nodes.restart('coordinator');
      const answer = await settle(cluster, { id: 'TX001', operations: payment(100) });
      if (answer['outcome'] === 'committed') expect(answer['number']).to.not.equal(number);
      await expectBalances(cluster, ...afterwards(answer));
    });
  });

  it('S2-11: aborts and says vote-timeout when Participant 2 is there and does not vote', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      await cluster.nodes.restart('P2', { args: ['--vote', 'ask'] });
      const { status, body } = await transact(cluster, { id: 'TX001', operations: payment(100), timeoutMs: 500 });
      expect({ status, outcome: body['outcome'] }).to.deep.equal({ status: 200, outcome: 'aborted' });
      expect(body['reason']).to.include({ code: 'vote-timeout' });
      await expectBalances(cluster, 1000, 1000);
      const again = await transact(cluster, { id: 'TX001', operations: payment(100), timeoutMs: 500 });
      expect(again.body).to.deep.equal(body);
    });
  });

  it('S2-11: aborts and says so when Participant 2 stands still, which finds the outcome when it wakes', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      cluster.nodes.node('P2').pause();
      const { status, body } = await transact(cluster, { id: 'TX001', operations: payment(100) });
      expect({ status, outcome: body['outcome'] }).to.deep.equal({ status: 200, outcome: 'aborted' });
      cluster.nodes.node('P2').resume();
      await expectBalances(cluster, 1000, 1000);
      expect((await transact(cluster, { id: 'TX002', operations: payment(1000) })).body).to.include({
        outcome: 'committed',
      });
      await expectBalances(cluster, 0, 2000);
    });
  });

  it('S2-12: aborts and holds nothing when Participant 2 votes no', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      await cluster.nodes.restart('P2', { args: ['--vote', 'no'] });
      const { body } = await transact(cluster, { id: 'TX001', operations: payment(600) });
      expect(body).to.include({ outcome: 'aborted' });
      expect(body['reason']).to.include({ code: 'voted-no' });
      await cluster.nodes.restart('P2');
      await expectBalances(cluster, 1000, 1000);
      // Were anything of the first still held, the account could not give all it has.
      const whole = await transact(cluster, { id: 'TX002', operations: payment(1000) });
      expect(whole.body).to.include({ outcome: 'committed' });
      await expectBalances(cluster, 0, 2000);
    });
  });

  it('S2-13: commits when all vote yes', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      const { body } = await transact(cluster, { id: 'TX001', operations: payment(1000) });
      expect(body).to.include({ outcome: 'committed' });
      await expectBalances(cluster, 0, 2000);
    });
  });

  it('S2-14: sends COMMIT to the rest when the coordinator is killed after the first', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      await arm(cluster, 'coordinator', 'coordinator.commit.sent#1');
      const pending = tryTransact(cluster, { id: 'TX001', operations: payment(100) });
      await crashed(cluster, 'coordinator');
      await pending;
      await eventually('P1 has committed', async () => (await stateAt(cluster, 'P1', 'TX001')) === 'committed');
      await cluster.nodes.restart('coordinator');
      expect(await outcomeOf(cluster, 'TX001')).to.include({ outcome: 'committed' });
      await expectBalances(cluster, 900, 1100);
      expect(await settle(cluster, { id: 'TX001', operations: payment(100) })).to.include({ outcome: 'committed' });
      await expectBalances(cluster, 900, 1100);
    });
  });

  it('S2-15: fetches the outcome and applies it once when Participant 2 is killed after its yes, and again while it recovers', async () => {
    await withCluster(SEPARATE, async (cluster) => {
      await arm(cluster, 'P2', 'participant.vote.sent');
      const pending = tryTransact(cluster, { id: 'TX001', operations: payment(100) });
      await crashed(cluster, 'P2');
      // COMMIT comes to it again and again, and it dies before its record, after it, and before it can say so.
      for (const point of ['committed.before-force', 'committed.forced', 'acknowledge.before-send']) {
        await restartToDie(cluster, 'P2', `participant.${point}`);
      }
      await cluster.nodes.restart('P2');
      await pending;
      expect(await outcomeOf(cluster, 'TX001')).to.include({ outcome: 'committed' });
      await expectBalances(cluster, 900, 1100);
      const number = textAt(await outcomeOf(cluster, 'TX001'), 'number');
      const types = typesOf(await recordsOf(cluster, 'P2'), number);
      expect(types.filter((type) => type === 'committed')).to.have.length(1);
    });
  });
});

function afterwards({ outcome }: JsonObject): readonly [number, number] {
  return outcome === 'committed' ? [900, 1100] : [1000, 1000];
}

/**
 * How P2 votes when a PREPARE that was on its way arrives after all. Nobody else
 * can send one: while the coordinator is dead, this test answers at its address,
 * under its name, with the identity its log has.
 */
async function votesOnLatePrepare(cluster: TestCluster, number: string): Promise<readonly unknown[]> {
  const credentials = openCredentials(join(cluster.dataDir, 'cluster.key'));
  const { host, port } = cluster.nodes.address('coordinator');
  const opened = (await recordsOf(cluster, 'coordinator')).at(0);
  const incarnation = String(opened?.record['incarnation']);
  // The mark of the dead process: P2 may remember it, and what begins otherwise is not the same log.
  const start = String(opened?.record['start']);
  const identity = { name: 'coordinator', incarnation, epoch: 1 };
  const addresses = Object.fromEntries(
    ['coordinator', 'P1', 'P2'].map((name) => [name, `${host}:${cluster.nodes.address(name).port}`]),
  );
  const sites = ['P1', 'P2'].map((name) => ({ name, address: addresses[name] ?? '' }));
  const late = await startNode('coordinator', {
    port,
    incarnation,
    epoch: identity.epoch,
    authorization: () => credentials.header,
    authorize: credentials.accepts,
  });
  try {
    late.links.setPeers([{ name: 'P2', address: addresses['P2'] ?? '', dial: false }]);
    const heard = (type: string) =>
      (late.messages as readonly { readonly type: string; readonly vote?: unknown }[]).filter(
        (message) => message.type === type,
      );
    await eventually('P2 has dialled whoever has the name of its coordinator', () => late.links.isUp('P2'));
    const views = { bankA: ['P1'], bankB: ['P2'] };
    const lowWater = `${incarnation}.1.1`;
    const welcome: WelcomeMessage = { type: 'welcome', ...identity, start, views, addresses, lowWater };
    const prepare: PrepareMessage = {
      ...{ type: 'prepare', number, id: 'TX001', protocol: '2pc', voteWithinMs: 1000, participants: sites },
      coordinator: { name: 'coordinator', address: addresses['coordinator'] ?? '' },
      operations: [{ index: 1, operation: CREDIT(100) }],
    };
    expect(late.links.send('P2', welcome), 'welcome is sent').to.equal(true);
    expect(late.links.send('P2', prepare), 'prepare is sent').to.equal(true);
    await eventually('P2 has voted', () => heard('vote').length > 0);
    return heard('vote').map(({ vote }) => vote);
  } finally {
    await late.stop();
  }
}
