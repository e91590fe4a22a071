/** What clients may ask for at the edge: the largest appends, the shortest patience; and messages shown on request. */
import { expect } from 'chai';
import { textAt } from '../../src/console/transaction-text.ts';
import { rawClient, statusesIn } from '../net/raw-client.ts';
import { transact, transfer, withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { allInView } from '../support/invariants.ts';

const PARTICIPANTS = ['P1', 'P2', 'P3'];
const only = ['coordinator', ...PARTICIPANTS];

/** An append of so many lines of 4,000 characters. */
function append(lines: number) {
  const line = (_: unknown, index: number) => ({ key: `${lines}-${index}`, author: 'ada', text: 'x'.repeat(4_000) });
  return {
    group: 'chat',
    resource: 'history',
    type: 'append',
    room: 'lobby',
    lines: Array.from({ length: lines }, line),
  };
}

describe('a cluster and what clients ask of it at the edge', function () {
  this.timeout(300_000);

  it('refuses lines that no record could hold, and keeps through kill -9 the most that it takes', async () => {
    await withCluster({ only }, async (cluster) => {
      const refused = await transact(cluster, { operations: [append(160)] });
      expect(refused.status).to.equal(413);
      const taken = await transact(cluster, { operations: [append(60)] });
      expect(taken.body).to.include({ outcome: 'committed' });
      await Promise.all(PARTICIPANTS.map((name) => cluster.nodes.kill9(name)));
      await Promise.all(PARTICIPANTS.map((name) => cluster.nodes.restart(name)));
      for (const name of PARTICIPANTS) {
        const last = await eventually(`${name} has the room`, async () => {
          const { body } = await cluster.ask(name, 'GET', '/history/lobby?after=59&stale=allow');
          return body['last'];
        });
        expect(last, name).to.equal(60);
      }
    });
  });

  it('takes nobody out of a view because clients had no patience', async () => {
    await withCluster({ only }, async (cluster) => {
      for (let count = 0; count < 6; count += 1) {
        await transact(cluster, { timeoutMs: 1, operations: [transfer(1, 2, 1)] });
      }
      const { body } = await transact(cluster, { operations: [transfer(1, 2, 1)] });
      expect(body).to.include({ outcome: 'committed' });
      await allInView(cluster);
      expect(cluster.lines.filter((line) => line.includes('it leaves the view'))).to.deep.equal([]);
    });
  });

  it('holds clients to the limits it was started with', async () => {
    const limits = ['--limit', 'fieldsMax=16', '--limit', 'bodyBytesMax=1024', '--limit', 'headMs=100'];
    await withCluster({ only: ['P1', 'coordinator'], args: { coordinator: limits } }, async (cluster) => {
      const client = await rawClient(cluster.nodes.address('coordinator').port);
      const field = (_: unknown, index: number) => `X-${index}: 1\r\n`;
      const get = (fields: number) => Array.from({ length: fields }, field).join('');
      const post = 'POST /transactions HTTP/1.1\r\nHost: h\r\nContent-Length: 1025\r\n\r\n';
      client.send(`GET /livez HTTP/1.1\r\nHost: h\r\n${get(15)}\r\n${post}`);
      expect(statusesIn(await client.closed())).to.deep.equal([200, 413]);
      const many = await rawClient(cluster.nodes.address('coordinator').port);
      many.send(`GET /livez HTTP/1.1\r\nHost: h\r\n${get(16)}\r\n`);
      expect(statusesIn(await many.closed())).to.deep.equal([431]);
      const slow = await rawClient(cluster.nodes.address('coordinator').port);
      slow.send('GET /');
      expect(statusesIn(await slow.closed())).to.deep.equal([408]);
    });
  });

  it('shows every message of a transaction where --show-frames asks for it, and nowhere else', async () => {
    await withCluster({ only, args: { P1: ['--show-frames'] } }, async (cluster) => {
      const { body } = await transact(cluster, { operations: [transfer(1, 2, 1)] });
      const number = textAt(body, 'number');
      const shown = (what: string): string[] => cluster.lines.filter((line) => line.includes(`${what} ${number}`));
      await eventually('P1 has shown its acknowledgement', () => shown('ACKNOWLEDGE').length > 0);
      for (const what of ['PREPARE', 'VOTE:Y', 'COMMIT', 'ACKNOWLEDGE']) {
        expect(
          shown(what).map((line) => line.slice(0, 3)),
          what,
        ).to.deep.equal(['P1 ']);
      }
    });
  });
});
