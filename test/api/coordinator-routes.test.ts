import { expect } from 'chai';
import { coordinatorRoutes } from '../../src/api/coordinator-routes.ts';
import type { CoordinatorApi } from '../../src/api/coordinator-routes.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import { uuidV7 } from '../../src/base/ids.ts';
import type { AdmittedTransaction } from '../../src/protocol/coordinator-tables.ts';
import type { Answer } from '../../src/protocol/node-step.ts';
import { DrivenCoordinator } from '../protocol/driven-coordinator.ts';
import { asking } from './asking.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const TRANSFER = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 100 };
const SAY = {
  group: 'chat',
  resource: 'history',
  type: 'append',
  room: 'lobby',
  lines: [{ key: 'k1', author: 'ada', text: 'hi' }],
};

/** The routes over a driven coordinator; what was submitted, and an answer of the test's choice. */
function served(
  answer: Answer = { request: 'r', status: 200, body: { outcome: 'committed' } },
  protocols: CoordinatorApi['protocols'] = { default: '2pc', chat: '3pc' },
) {
  const driven = new DrivenCoordinator({ groups: { bank: ['P1', 'P2'], chat: ['P1'] } });
  const submitted: AdmittedTransaction[] = [];
  const api: CoordinatorApi = {
    groups: {
      bank: { resource: 'ledger', members: ['P1', 'P2'] },
      chat: { resource: 'history', members: ['P1'] },
    },
    protocols,
    voteTimeoutMs: 6000,
    tables: driven.tables,
    submit: (transaction) => {
      submitted.push(transaction);
      return Promise.resolve(answer);
    },
    observe: (look) => Promise.resolve(look()),
    newId: () => 'made-here',
    wallNowMs: () => NOW_MS,
    lab: false,
  };
  return { driven, submitted, ask: asking(coordinatorRoutes(api)) };
}

describe('POST /transactions', () => {
  it('submits a transaction whole, with the protocol of its group unless it names one', async () => {
    const { ask, submitted } = served();
    await ask('POST', '/transactions', { id: 'TX001', operations: [TRANSFER] });
    await ask('POST', '/transactions', { operations: [SAY], timeoutMs: 250 });
    await ask('POST', '/transactions', { protocol: '3pc', operations: [TRANSFER] });
    expect(submitted.map(({ id, protocol, timeoutMs }) => [id, protocol, timeoutMs])).to.deep.equal([
      ['TX001', '2pc', 6000],
      ['made-here', '3pc', 250],
      ['made-here', '3pc', 6000],
    ]);
  });

  it('gives the same body the same hash, whatever the order of its members, and another body another', async () => {
    const { ask, submitted } = served();
    const reordered = Object.fromEntries(Object.entries(TRANSFER).reverse()) as typeof TRANSFER;
    for (const operations of [[TRANSFER], [reordered], [{ ...TRANSFER, amount: 101 }]]) {
      await ask('POST', '/transactions', { id: 'TX001', operations });
    }
    const [first, same, other] = submitted.map(({ hash }) => hash);
    expect(same).to.equal(first);
    expect(other).to.not.equal(first);
  });

  it('knows a body again after the protocol of its group was changed, unless it names one itself', async () => {
    const [before, after] = [served(), served(undefined, { default: '3pc' })];
    for (const { ask } of [before, after]) {
      await ask('POST', '/transactions', { id: 'TX001', operations: [TRANSFER] });
      await ask('POST', '/transactions', { id: 'TX002', protocol: '2pc', operations: [TRANSFER] });
      await ask('POST', '/transactions', { id: 'TX002', protocol: '3pc', operations: [TRANSFER] });
    }
    const hashes = ({ submitted }: ReturnType<typeof served>) => submitted.map(({ hash }) => hash);
    expect(hashes(after)).to.deep.equal(hashes(before));
    expect(before.submitted[0]?.protocol).to.equal('2pc');
    expect(after.submitted[0]?.protocol).to.equal('3pc');
    expect(new Set(hashes(before)).size).to.equal(3);
  });

  it('refuses with a code, and submits nothing', async () => {
    const { ask, submitted } = served();
    const refusals: readonly (readonly [Json, string])[] = [
      [{ operations: [] }, 'bad-request'],
      [{ operations: TRANSFER }, 'bad-request'],
      [{ operations: Array.from({ length: 1_001 }, () => TRANSFER) }, 'bad-request'],
      [{ operations: [TRANSFER], surprise: 1 }, 'bad-request'],
      [{ operations: [TRANSFER], protocol: '4pc' }, 'bad-request'],
      // Unsafe by design: here there is no lab.
      [{ operations: [TRANSFER], protocol: '3pc-textbook' }, 'lab-only'],
      [{ operations: [TRANSFER], id: 'no spaces' }, 'bad-id'],
      [{ operations: [TRANSFER], id: 7 }, 'bad-id'],
      [{ operations: [TRANSFER], timeoutMs: 0 }, 'bad-request'],
      [{ operations: [TRANSFER], timeoutMs: 600_001 }, 'bad-request'],
      [{ operations: [TRANSFER], timeoutMs: '100' }, 'bad-request'],
      // A fraction would make every prepare malformed: durations in messages are whole milliseconds.
      [{ operations: [TRANSFER], timeoutMs: 100.5 }, 'inexact-number'],
      [{ operations: ['transfer'] }, 'bad-operation'],
      [{ operations: [{ ...TRANSFER, group: 'bonk' }] }, 'unknown-group'],
      [{ operations: [{ ...TRANSFER, group: '__proto__' }] }, 'unknown-group'],
      [{ operations: [{ ...TRANSFER, amount: -1 }] }, 'bad-amount'],
      [[], 'bad-request'],
    ];
    for (const [body, code] of refusals) {
      expect((await ask('POST', '/transactions', body)).code, JSON.stringify(body).slice(0, 90)).to.equal(code);
    }
    expect(submitted).to.deep.equal([]);
  });

  it('refuses what could not rest in one record beside what it comes to', async () => {
    const { ask, submitted } = served();
    const lines = Array.from({ length: 160 }, (_, index) => ({
      key: `k${index}`,
      author: 'ada',
      text: 'x'.repeat(4_000),
    }));
    const refused = await ask('POST', '/transactions', { operations: [{ ...SAY, lines }] });
    expect(refused).to.include({ status: 413, code: 'too-large' });
    expect(submitted).to.deep.equal([]);
  });

  it('refuses an id from a clock far ahead, which once forgotten would make the ids of all others too old', async () => {
    const { ask, submitted } = served();
    const idAt = (timeMs: number): string => uuidV7(timeMs, new Uint8Array(10));
    const ahead = await ask('POST', '/transactions', { id: idAt(NOW_MS + 7_200_000), operations: [TRANSFER] });
    expect(ahead.code).to.equal('bad-id');
    expect(submitted).to.deep.equal([]);
    await ask('POST', '/transactions', { id: idAt(NOW_MS + 60_000), operations: [TRANSFER] });
    expect(submitted).to.have.length(1);
  });

  it('answers unknown with 202, and what the coordinator refused with its code', async () => {
    const unknown = served({ request: 'r', status: 202, body: { id: 'TX001', outcome: 'unknown' } });
    expect(await unknown.ask('POST', '/transactions', { operations: [TRANSFER] })).to.deep.equal({
      status: 202,
      body: { id: 'TX001', outcome: 'unknown' },
    });
    const reused = served({ request: 'r', refused: 'id-reused', detail: 'Another body.' });
    expect(await reused.ask('POST', '/transactions', { operations: [TRANSFER] })).to.include({
      status: 422,
      code: 'id-reused',
    });
  });
});

describe('GET at a coordinator', () => {
  it('/transactions/{id} tells what is running, what ended, and what was never seen', async () => {
    const { driven, ask } = served();
    for (const name of ['P1', 'P2']) driven.registers(name);
    driven.requests('TX001');
    const running = await ask('GET', '/transactions/TX001');
    expect(running.body).to.include({ number: 'c0ffee.1.1', state: 'working', outcome: 'unknown' });
    for (const name of ['P1', 'P2']) driven.votes(name, 'c0ffee.1.1');
    expect((await ask('GET', '/transactions/TX001')).body).to.include({ state: 'telling', outcome: 'committed' });
    for (const name of ['P1', 'P2']) driven.acknowledges(name, 'c0ffee.1.1');
    expect((await ask('GET', '/transactions/TX001')).body).to.include({ state: 'ended', outcome: 'committed' });
    expect((await ask('GET', '/transactions/TX009')).code).to.equal('not-seen');
  });

  it('/transactions lists what is open, and in doubt only what it cannot decide alone', async () => {
    const { driven, ask } = served();
    for (const name of ['P1', 'P2']) driven.registers(name);
    driven.requests('TX001');
    driven.commits('TX002', ['P1', 'P2'], '3pc');
    const idsOf = async (query: string): Promise<unknown> => {
      const { transactions } = (await ask('GET', `/transactions${query}`)).body as {
        transactions: readonly { readonly id: string }[];
      };
      return transactions.map(({ id }) => id);
    };
    expect(await idsOf('')).to.deep.equal(['TX001', 'TX002']);
    expect(await idsOf('?state=in-doubt')).to.deep.equal(['TX002']);
    expect((await ask('GET', '/transactions?state=odd')).code).to.equal('bad-request');
  });

  it('/views and /groups show who is up to date', async () => {
    const { driven, ask } = served();
    for (const name of ['P1', 'P2']) driven.registers(name);
    driven.step({ type: 'link-down', peer: 'P2' });
    driven.timer('leave:P2');
    expect((await ask('GET', '/views')).body['views']).to.deep.equal({
      bank: { version: 2, members: ['P1', 'P2'], view: ['P1'], status: [1, 0] },
      chat: { version: 1, members: ['P1'], view: ['P1'], status: [1] },
    });
    const { groups, addresses } = (await ask('GET', '/groups')).body as Record<string, Record<string, Json>>;
    expect(groups?.['bank']).to.deep.include({ resource: 'ledger', view: ['P1'], version: 2 });
    expect(addresses).to.deep.equal({ P1: '127.0.0.1:P1', P2: '127.0.0.1:P2' });
  });
});
