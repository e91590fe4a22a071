/**
 * A chat line that is sent again with its key, to another server or to one that
 * was killed meanwhile, while the append of its first sending still waits for a
 * vote: nobody may be told that the line is not there and will not be.
 */
import { expect } from 'chai';
import { setTimeout as delay } from 'node:timers/promises';
import { withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { expectAllWell } from '../support/invariants.ts';
import { ParleyError } from '../../src/base/errors.ts';
import type { TestAnswer, TestCluster, TestClusterOptions } from '../support/cluster.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';

const MESSAGES = '/rooms/lobby/messages';

/** Whoever votes at P1 is slow; an append that waits for the room gives up long before. */
const SLOW_VOTE: TestClusterOptions = {
  servers: 2,
  opening: [],
  args: { P1: ['--vote', 'ask'] },
  timings: { voteTimeoutMs: 30_000, lockWaitMs: 250 },
};

function say(cluster: TestCluster, server: string, text: string, key: string): Promise<TestAnswer> {
  return cluster.ask(server, 'POST', MESSAGES, { author: 'ann', text, key });
}

/** As say(); undefined when the connection broke or could not be made. */
async function trySay(
  cluster: TestCluster,
  server: string,
  text: string,
  key: string,
): Promise<TestAnswer | undefined> {
  try {
    return await say(cluster, server, text, key);
  } catch (error) {
    if (error instanceof ParleyError) return undefined;
    throw error;
  }
}

/** A client gives up, and the test with it, where nothing would ever be answered. */
const TRIES_MAX = 2000;
const PAUSE_MS = 10;

interface WaitingVote {
  readonly number: string;
  readonly id: string;
}

async function votesWaiting(cluster: TestCluster): Promise<readonly WaitingVote[]> {
  const { body } = await cluster.ask('P1', 'GET', '/debug/state');
  return body['votesWaiting'] as unknown as readonly WaitingVote[];
}

/** Says yes at P1 to everything that waits there, until `until` holds. */
async function voteYesUntil(
  cluster: TestCluster,
  what: string,
  until: () => boolean | Promise<boolean>,
): Promise<void> {
  await eventually(what, async () => {
    for (const { number } of await votesWaiting(cluster)) {
      await cluster.ask('P1', 'POST', '/lab/votes', { number, vote: 'commit' });
    }
    return until();
  });
}

/** The lines of the room as a participant has them. */
async function linesAt(cluster: TestCluster, participant: string): Promise<readonly JsonObject[]> {
  const { body } = await cluster.ask(participant, 'GET', '/history/lobby?stale=allow');
  return (body['lines'] ?? []) as readonly JsonObject[];
}

interface StoredLine {
  readonly seq: number;
  readonly key: string;
}

/** All lines of the room, page by page. */
async function allLinesAt(cluster: TestCluster, participant: string): Promise<readonly StoredLine[]> {
  const lines: StoredLine[] = [];
  for (;;) {
    const path = `/history/lobby?stale=allow&limit=1000&after=${lines.length}`;
    const { body } = await cluster.ask(participant, 'GET', path);
    const page = body['lines'] as unknown as readonly StoredLine[];
    if (page.length === 0) return lines;
    lines.push(...page);
  }
}

describe('a chat line that is sent again', function () {
  this.timeout(300_000);

  for (const [title, second] of [
    ['to another server', 'server2'],
    ['to the same server after its restart', 'server'],
  ] as const) {
    it(`${title} is not answered with a no while its first sending may still commit`, async () => {
      await withCluster(SLOW_VOTE, async (cluster) => {
        const lost = trySay(cluster, 'server', 'late', 'k1');
        const [first] = await eventually('the first append waits for its vote', async () => {
          const waiting = await votesWaiting(cluster);
          return waiting.length > 0 && waiting;
        });
        await cluster.nodes.kill9('server');
        expect(await lost, 'the answer of a dead server').to.equal(undefined);
        if (second === 'server') await cluster.nodes.restart('server');

        const told = await say(cluster, second, 'late', 'k1');
        expect(told.status).to.equal(202);
        expect(told.body).to.deep.include({ outcome: 'unknown', key: 'k1', sending: 'aborted' });
        expect(told.body['reason']).to.include({ code: 'lock-timeout' });

        // The person at P1 says yes at last.
        await cluster.ask('P1', 'POST', '/lab/votes', { number: first?.number ?? '', vote: 'commit' });
        await eventually('the line is there', async () => (await linesAt(cluster, 'P2')).length === 1);
        let again: TestAnswer | undefined;
        const sending = say(cluster, second, 'late', 'k1').then((answer) => (again = answer));
        await voteYesUntil(cluster, 'the line is answered', () => again !== undefined);
        await sending;
        expect(again).to.deep.include({ status: 200 });
        expect(again?.body).to.include({ outcome: 'committed', seq: 1, key: 'k1' });
        if (second !== 'server') await cluster.nodes.restart('server');
        // Another sending of the line may be under way still, and waits for the person at P1 like the others.
        await voteYesUntil(cluster, 'no sending is under way', async () => {
          const { body } = await cluster.ask('coordinator', 'GET', '/transactions?state=open');
          return (body['transactions'] as unknown as readonly unknown[]).length === 0;
        });
        await expectAllWell(cluster, { total: 0 });
        expect((await linesAt(cluster, 'P3')).map(({ key, text }) => [key, text])).to.deep.equal([['k1', 'late']]);
      });
    });
  }

  it('again and again, to servers that are killed in turn, is there once if it was told so, and never if told no', async () => {
    await withCluster({ servers: 2, opening: [] }, async (cluster) => {
      const told = { committed: new Map<string, number>(), refused: new Set<string>() };
      let isOver = false;
      const client = async (name: string): Promise<void> => {
        for (let count = 1; !isOver; count += 1) {
          const key = `${name}-${count}`;
          for (let tries = 0; tries < TRIES_MAX; tries += 1) {
            const server = (tries + count) % 2 === 0 ? 'server' : 'server2';
            // Every sending may be answered by nobody; a no is the only answer that ends it beside a yes.
            const answer = await trySay(cluster, server, `text of ${key}`, key);
            if (answer?.status === 200) told.committed.set(key, Number(answer.body['seq']));
            else if (answer !== undefined && answer.status !== 202 && answer.status !== 503) told.refused.add(key);
            else {
              await delay(PAUSE_MS);
              continue;
            }
            break;
          }
        }
      };
      const clients = Promise.all(['a', 'b', 'c', 'd'].map(client));
      try {
        for (const victim of ['server', 'server2', 'server', 'server2', 'server', 'server2']) {
          const goal = told.committed.size + 20;
          await eventually('the clients get on', () => told.committed.size >= goal, { deadlineMs: 60_000 });
          await cluster.nodes.kill9(victim);
          await cluster.nodes.restart(victim);
        }
      } finally {
        isOver = true;
      }
      await clients;
      await expectAllWell(cluster, { total: 0 });
      const lines = await allLinesAt(cluster, 'P2');
      expect(told.committed.size).to.be.greaterThan(100);
      expect(told.refused, 'lines that were refused').to.deep.equal(new Set());
      expect(lines.map(({ seq }) => seq)).to.deep.equal(lines.map((_, index) => index + 1));
      const bySeq = [...told.committed].sort(([, a], [, b]) => a - b);
      expect(bySeq).to.deep.equal(lines.map(({ key, seq }) => [key, seq]));
    });
  });
});
