import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Parley, ParleyError } from '../src/index.ts';

/** A coordinator made of answers; what it was asked is kept. */
async function withCoordinator(
  answers: readonly { readonly status: number; readonly body: unknown }[],
  run: (parley: Parley, asked: readonly Record<string, unknown>[]) => Promise<void>,
): Promise<void> {
  const asked: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    request.on('end', () => {
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push({ ...(JSON.parse(text) as object), authorization: request.headers.authorization });
      response.writeHead(answer?.status ?? 500, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(answer?.body ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const parley = new Parley({ port: (server.address() as AddressInfo).port, key: 'secret\n' });
  try {
    await run(parley, asked);
  } finally {
    parley.close();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('the client that a program imports', () => {
  const operations = [{ group: 'bank', resource: 'ledger', type: 'query', account: 1 }];

  it('answers committed with one result per operation, and shows the key', async () => {
    const body = { outcome: 'committed', results: [{ account: 1, balance: 5 }] };
    await withCoordinator([{ status: 200, body }], async (parley, asked) => {
      const answer = await parley.transact({ id: 'TX001', protocol: '3pc', operations });
      expect(answer).to.deep.equal({ outcome: 'committed', id: 'TX001', results: [{ account: 1, balance: 5 }] });
      expect(asked).to.deep.equal([{ id: 'TX001', protocol: '3pc', operations, authorization: 'Parley secret' }]);
    });
  });

  it('answers aborted with the reason', async () => {
    const reason = { code: 'insufficient-funds', detail: 'Account 1 has 5.' };
    await withCoordinator([{ status: 200, body: { outcome: 'aborted', reason } }], async (parley) => {
      expect(await parley.transact({ id: 'TX002', operations })).to.deep.equal({
        outcome: 'aborted',
        id: 'TX002',
        reason,
      });
    });
  });

  it('asks again with the same id after unknown, and makes an id where none was given', async () => {
    const unknown = { status: 202, body: { outcome: 'unknown' } };
    const known = { status: 200, body: { outcome: 'committed', results: [] } };
    await withCoordinator([unknown, known], async (parley, asked) => {
      const answer = await parley.transact({ operations });
      expect(answer.outcome).to.equal('committed');
      expect(asked.map(({ id }) => id)).to.deep.equal([answer.id, answer.id]);
      expect(answer.id).to.match(/^[0-9a-f-]{36}$/);
    });
  });

  it('throws a definite refusal with its code', async () => {
    const body = { code: 'unknown-group', detail: 'There is no group bonk.' };
    await withCoordinator([{ status: 404, body }], async (parley) => {
      const refused = await parley.transact({ operations }).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(ParleyError).with.property('code', 'unknown-group');
    });
  });
});
