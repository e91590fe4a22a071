/** A string to be written into every notebook, with people who vote by hand. */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arm, crashed, settle, tryTransact, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allDecided, allInView } from '../support/invariants.ts';
import type { TestAnswer, TestCluster, TestClusterOptions } from '../support/cluster.ts';

const PARTICIPANTS = ['P1', 'P2', 'P3'];
const BY_HAND: TestClusterOptions = {
  only: ['coordinator', ...PARTICIPANTS],
  groups: { notes: { resource: 'notebook', members: PARTICIPANTS } },
  opening: [],
  args: Object.fromEntries(PARTICIPANTS.map((name) => [name, ['--vote', 'ask']])),
};
/** Of real 30 s, in the scale of these tests; long enough for three hands. */
const VOTE_TIMEOUT_MS = 5000;

const hello = (id: string, timeoutMs = VOTE_TIMEOUT_MS) => ({
  id,
  timeoutMs,
  operations: [{ group: 'notes', resource: 'notebook', type: 'write', string: 'Hello' }],
});

function request(cluster: TestCluster, id: string, timeoutMs?: number): Promise<TestAnswer | undefined> {
  return tryTransact(cluster, hello(id, timeoutMs));
}

/** Waits until a participant is asked about an id, and votes. */
async function vote(cluster: TestCluster, participant: string, id: string, choice: 'commit' | 'abort'): Promise<void> {
  const number = await eventually(`${participant} is asked for its vote on ${id}`, async () => {
    const { body } = await cluster.ask(participant, 'GET', '/debug/state');
    const waiting = body['votesWaiting'] as readonly { readonly number: string; readonly id: string }[];
    return waiting.find((one) => one.id === id)?.number;
  });
  const { status } = await cluster.ask(participant, 'POST', '/lab/votes', { number, vote: choice });
  expect(status, `the vote of ${participant}`).to.equal(200);
}

/** Each participant's own text file. */
async function expectNotebooks(cluster: TestCluster, text: string): Promise<void> {
  for (const name of PARTICIPANTS) {
    const path = join(cluster.dataDir, name, 'notebook.txt');
    await eventually(`${path} holds ${JSON.stringify(text)}`, () => readFileSync(path, 'utf8') === text);
  }
}

describe('a string for every notebook, voted on by hand', function () {
  this.timeout(300_000);

  it('S1-11 S1-12: is written to every file when all commit', async () => {
    await withCluster(BY_HAND, async (cluster) => {
      const pending = request(cluster, 'STRING1');
      for (const name of PARTICIPANTS) await vote(cluster, name, 'STRING1', 'commit');
      expect((await pending)?.body).to.include({ outcome: 'committed' });
      await expectNotebooks(cluster, 'Hello\n');
    });
  });

  it('S1-11 S1-13: is written to no file when one aborts, and when one does not answer in time', async () => {
    await withCluster(BY_HAND, async (cluster) => {
      const refused = request(cluster, 'STRING1');
      await vote(cluster, 'P1', 'STRING1', 'commit');
      await vote(cluster, 'P2', 'STRING1', 'abort');
      const told = (await refused)?.body;
      expect(told).to.include({ outcome: 'aborted' });
      expect(told?.['reason']).to.include({ code: 'voted-no' });

      const silent = request(cluster, 'STRING2', 800);
      await vote(cluster, 'P1', 'STRING2', 'commit');
      await vote(cluster, 'P2', 'STRING2', 'commit');
      const late = (await silent)?.body;
      expect(late).to.include({ outcome: 'aborted' });
      expect(late?.['reason']).to.include({ code: 'vote-timeout' });
      await allDecided(cluster);
      await allInView(cluster);
      await expectNotebooks(cluster, '');
    });
  });

  it('S1-14: when the coordinator crashes, is aborted while one has not voted, and waits when all are ready', async () => {
    await withCluster(BY_HAND, async (cluster) => {
      await arm(cluster, 'coordinator', 'coordinator.prepare.sent#3');
      await allInView(cluster);
      // Nobody asks the others while votes may still be collected, so this time is short.
      const first = request(cluster, 'STRING1', 1000);
      await crashed(cluster, 'coordinator');
      await first;
      await vote(cluster, 'P1', 'STRING1', 'commit');
      for (const name of PARTICIPANTS) await stateAt(cluster, name, 'STRING1', 'aborted');

      await arm(cluster, 'coordinator', 'coordinator.commit.before-force');
      await allInView(cluster);
      const second = request(cluster, 'STRING2');
      for (const name of PARTICIPANTS) await vote(cluster, name, 'STRING2', 'commit');
      await crashed(cluster, 'coordinator');
      await second;
      for (const name of PARTICIPANTS) await stateAt(cluster, name, 'STRING2', 'prepared');
      await cluster.nodes.restart('coordinator');
      for (const name of PARTICIPANTS) await stateAt(cluster, name, 'STRING2', 'aborted');
      await expectNotebooks(cluster, '');
    });
  });

  it('S1-14: when the coordinator crashes after its first commit, is committed by the others, who ask', async () => {
    await withCluster(BY_HAND, async (cluster) => {
      await arm(cluster, 'coordinator', 'coordinator.commit.sent');
      await allInView(cluster);
      const pending = request(cluster, 'STRING1');
      for (const name of PARTICIPANTS) await vote(cluster, name, 'STRING1', 'commit');
      await crashed(cluster, 'coordinator');
      await pending;
      for (const name of PARTICIPANTS) await stateAt(cluster, name, 'STRING1', 'committed');
      await expectNotebooks(cluster, 'Hello\n');
      await cluster.nodes.restart('coordinator');
      expect(await settle(cluster, hello('STRING1'))).to.include({ outcome: 'committed' });
      await expectNotebooks(cluster, 'Hello\n');
    });
  });

  it('S1-15: is in the file of its name again after that participant was killed', async () => {
    await withCluster(BY_HAND, async (cluster) => {
      const pending = request(cluster, 'STRING1');
      for (const name of PARTICIPANTS) await vote(cluster, name, 'STRING1', 'commit');
      await pending;
      await expectNotebooks(cluster, 'Hello\n');
      await cluster.nodes.kill9('P2');
      await cluster.nodes.restart('P2');
      await allInView(cluster);
      await expectNotebooks(cluster, 'Hello\n');
      const { body } = await cluster.ask('P2', 'GET', '/notebook');
      expect(body['strings']).to.deep.equal([{ index: 1, string: 'Hello' }]);
    });
  });
});

async function stateAt(cluster: TestCluster, participant: string, id: string, state: string): Promise<void> {
  await eventually(`${id} is ${state} at ${participant}`, async () => {
    const { body } = await cluster.ask(participant, 'GET', `/transactions/${id}`);
    return body['state'] === state;
  });
}
