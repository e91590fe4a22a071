/** What `POST /transactions` promises, asked of a real coordinator: one answer per id, and a refusal changes nothing. */
import { expect } from 'chai';
import { HttpClient } from '../../src/net/http-client.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { join } from 'node:path';
import { transact, transfer, withCluster } from '../support/cluster.ts';
import { expectAllWell } from '../support/invariants.ts';
import { recordsOf } from '../support/node-log.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { TestAnswer, TestCluster } from '../support/cluster.ts';

const only = ['coordinator', 'P1', 'P2', 'P3'];
const NODES = ['coordinator', 'P1', 'P2', 'P3'];

/** A body as it stands, JSON or not, with the credentials. */
async function postText(cluster: TestCluster, text: string): Promise<TestAnswer & { readonly contentType: string }> {
  const client = new HttpClient(cluster.nodes.address('coordinator'));
  const { header } = openCredentials(join(cluster.dataDir, 'cluster.key'));
  const headers = { authorization: header };
  try {
    const answer = await client.request({
      method: 'POST',
      path: '/transactions',
      headers,
      contentType: 'application/json',
      body: Buffer.from(text),
    });
    const body = JSON.parse(answer.body.toString('utf8')) as JsonObject;
    return { status: answer.status, body, contentType: answer.headers['content-type'] ?? '' };
  } finally {
    client.close();
  }
}

/** Replaced in the text afterwards, since JSON.stringify would not write such numbers. */
const HOLE = 'HOLE';

function withAmount(text: string): string {
  const body = { id: 'BAD', operations: [{ ...transfer(1, 2, 1), amount: HOLE }] };
  return JSON.stringify(body).replace(JSON.stringify(HOLE), text);
}

// prettier-ignore
const REFUSED: readonly { readonly what: string; readonly text: string; readonly status: number; readonly code: string; readonly names: string }[] = [
  { what: 'JSON that breaks off', text: '{"id": "BAD", ', status: 400, code: 'malformed-json', names: 'JSON' },
  { what: 'a list', text: '[]', status: 400, code: 'bad-request', names: 'object' },
  { what: 'no operations', text: '{"id": "BAD", "operations": []}', status: 400, code: 'bad-request', names: 'operations' },
  { what: 'an unknown member', text: '{"id": "BAD", "operation": []}', status: 400, code: 'bad-request', names: 'operation' },
  { what: 'an unknown group', text: JSON.stringify({ id: 'BAD', operations: [{ ...transfer(1, 2, 1), group: 'nowhere' }] }), status: 404, code: 'unknown-group', names: 'nowhere' },
  { what: 'an id with a space', text: JSON.stringify({ id: 'TX 1', operations: [transfer(1, 2, 1)] }), status: 422, code: 'bad-id', names: 'TX 1' },
  { what: 'a negative amount', text: withAmount('-1'), status: 422, code: 'bad-amount', names: 'amount' },
  { what: 'no amount at all', text: withAmount('null'), status: 422, code: 'bad-amount', names: 'amount' },
  { what: 'an amount of 0', text: withAmount('0'), status: 422, code: 'bad-amount', names: 'amount' },
  { what: 'a fraction', text: withAmount('0.5'), status: 422, code: 'inexact-number', names: '0.5' },
  { what: 'an amount in quotes', text: withAmount('"100"'), status: 422, code: 'bad-amount', names: 'amount' },
  { what: 'an amount past exact integers', text: withAmount('9007199254740992'), status: 422, code: 'inexact-number', names: '9007199254740992' },
  { what: 'an exponent', text: withAmount('1e3'), status: 422, code: 'inexact-number', names: '1e3' },
];

/** What every node has on disk, and what the accounts hold. Low-water marks come by themselves, a while later. */
async function everything(cluster: TestCluster): Promise<Json> {
  const { bank } = await expectAllWell(cluster);
  const logs = await Promise.all(
    NODES.map(async (name) => {
      const records = await recordsOf(cluster, name);
      return [name, records.filter(({ record }) => record.type !== 'low-water').length] as const;
    }),
  );
  return { logs: Object.fromEntries(logs), bank: [...(bank ?? [])].map((entry) => [...entry]) };
}

describe('the promises of POST /transactions on real processes', function () {
  this.timeout(300_000);

  it('answers the same id with the stored answer, also after every process was killed, and refuses another body', async () => {
    await withCluster({ only }, async (cluster) => {
      const committed = { id: 'TX001', operations: [transfer(1, 2, 100)] };
      const aborted = { id: 'TX002', operations: [transfer(1, 2, 901)] };
      const first = await transact(cluster, committed);
      const second = await transact(cluster, aborted);
      expect(first.body).to.include({ outcome: 'committed' });
      expect(second.body).to.include({ outcome: 'aborted' });
      const together = await Promise.all([1, 2, 3].map(() => transact(cluster, { ...committed, id: 'TX003' })));
      expect(together.map(({ body }) => body)).to.deep.equal(together.map(() => together[0]?.body));

      await Promise.all(NODES.map((name) => cluster.nodes.kill9(name)));
      await Promise.all(NODES.map((name) => cluster.nodes.restart(name)));
      for (const [transaction, answer] of [
        [committed, first],
        [aborted, second],
      ] as const) {
        expect(await transact(cluster, transaction)).to.deep.equal(answer);
        // The order of members is no part of the body.
        const turned = transaction.operations.map((one) => Object.fromEntries(Object.entries(one).reverse()));
        expect(await transact(cluster, { ...transaction, operations: turned })).to.deep.equal(answer);
        const other = await transact(cluster, { ...transaction, operations: [transfer(1, 2, 99)] });
        expect(other.status).to.equal(422);
        expect(other.body).to.include({ code: 'id-reused' });
      }
      const { bank } = await expectAllWell(cluster);
      expect([bank?.get(1), bank?.get(2)]).to.deep.equal([800, 1200]);
    });
  });

  it('says of every refusal what is wrong, changes nothing by it, and leaves the id free', async () => {
    await withCluster({ only }, async (cluster) => {
      const before = await everything(cluster);
      for (const { what, text, status, code, names } of REFUSED) {
        const answer = await postText(cluster, text);
        expect(answer.status, what).to.equal(status);
        expect(answer.contentType, what).to.match(/^application\/problem\+json/);
        expect(answer.body, what).to.include({ code, status });
        expect(JSON.stringify(answer.body), what).to.include(names);
      }
      expect(await everything(cluster), 'logs and balances').to.deep.equal(before);
      const { body } = await transact(cluster, { id: 'BAD', operations: [transfer(1, 2, 1)] });
      expect(body).to.include({ outcome: 'committed' });
    });
  });
});
