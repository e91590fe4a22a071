import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { served } from './served-participant.ts';

const TRANSFER = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 10 };
const UPDATE = { group: 'bank', resource: 'ledger', type: 'update', account: 1, balance: 7 };

describe('GET at a participant', () => {
  it('reads accounts and their sum', async () => {
    const { ask } = served();
    expect((await ask('GET', '/ledger/accounts/1')).body).to.include({ account: 1, balance: 100, held: 0 });
    expect((await ask('GET', '/ledger/total')).body).to.include({ total: 150 });
    for (const [target, code] of [
      ['/ledger/accounts/9', 'unknown-account'],
      ['/ledger/accounts/01', 'unknown-account'],
      ['/ledger/accounts/1e0', 'unknown-account'],
      ['/ledger/total?group=chat', 'unknown-group'],
      ['/history/lobby?limit=0', 'bad-request'],
      ['/history/lobby?after=-1', 'bad-request'],
      ['/transactions?state=odd', 'bad-request'],
      ['/transactions/TX99', 'not-seen'],
    ] as const) {
      expect((await ask('GET', target)).code, target).to.equal(code);
    }
  });

  it('pages the postings of an account, which add up to its balance', async () => {
    const { ask, hear, prepare, log } = served();
    for (let count = 0; count < 3; count += 1) hear({ type: 'commit', number: prepare(TRANSFER) });
    log.sync();
    const first = (await ask('GET', '/ledger/accounts/1/postings?limit=2')).body;
    expect(first).to.include({ account: 1, opening: 100, carried: 100, balance: 70, more: true });
    const deltas = (body: typeof first) => body['postings'] as readonly { delta: number; number: string }[];
    const last = deltas(first).at(-1)?.number ?? '';
    const second = (await ask('GET', `/ledger/accounts/1/postings?limit=2&after=${last}`)).body;
    expect(second).to.include({ carried: 80, balance: 70, more: false });
    expect([...deltas(first), ...deltas(second)].map(({ delta }) => delta)).to.deep.equal([-10, -10, -10]);
    for (const [target, code] of [
      ['/ledger/accounts/9/postings', 'unknown-account'],
      ['/ledger/accounts/x/postings', 'unknown-account'],
      ['/ledger/accounts/1/postings?limit=0', 'bad-request'],
      ['/ledger/accounts/1/postings?after=x', 'bad-request'],
      ['/ledger/accounts/1/postings?group=chat', 'unknown-group'],
    ] as const) {
      expect((await ask('GET', target)).code, target).to.equal(code);
    }
  });

  it('answers only what is synced: a read during a sync waits for it', async () => {
    const { ask, hear, prepare, log } = served();
    const number = prepare(TRANSFER);
    log.sync();
    hear({ type: 'commit', number });
    let answered = false;
    const asked = ask('GET', '/ledger/accounts/1?stale=allow').then((answer) => {
      answered = true;
      return answer;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).to.equal(false);
    log.sync();
    expect((await asked).body).to.include({ balance: 90 });
  });

  it('waits for a write that was prepared before the read came, and does not when staleness is allowed', async () => {
    const { ask, hear, prepare, log } = served();
    const number = prepare(UPDATE);
    log.sync();
    const asked = ask('GET', '/ledger/accounts/1');
    expect((await ask('GET', '/ledger/accounts/1?stale=allow')).body).to.include({ balance: 100 });
    hear({ type: 'commit', number });
    log.sync();
    expect((await asked).body).to.include({ balance: 7 });
  });

  it('gives up on an undecided write with in-doubt', async () => {
    const { ask, prepare, log } = served();
    prepare(UPDATE);
    log.sync();
    expect(await ask('GET', '/ledger/accounts/1')).to.include({ status: 503, code: 'in-doubt' });
  });

  it('reads nothing without a lease, unless staleness is allowed', async () => {
    const { ask, lease } = served();
    lease.held = false;
    expect(await ask('GET', '/ledger/accounts/1')).to.include({ status: 503, code: 'no-lease' });
    expect((await ask('GET', '/ledger/accounts/1?stale=allow')).status).to.equal(200);
  });

  it('shows its transactions, and which are in doubt', async () => {
    const { ask, prepare, log } = served();
    const number = prepare(TRANSFER);
    log.sync();
    expect((await ask('GET', '/transactions/TX1')).body).to.include({ state: 'committed', outcome: 'committed' });
    expect((await ask('GET', '/transactions/TX3')).body).to.include({ number, state: 'prepared', outcome: 'unknown' });
    expect((await ask('GET', '/transactions?state=in-doubt')).body['transactions']).to.deep.equal([
      { number, id: 'TX3', phase: 'prepared', state: 'prepared' },
    ]);
  });
});

describe('GET /transactions/{id} at a participant', () => {
  it('tells no outcome from a no that a power cut could take back', async () => {
    const { ask, prepare, hear, log } = served();
    const number = prepare({ ...TRANSFER, from: 99 });
    expect((await ask('GET', '/transactions/TX3')).body).to.include({ number, state: 'aborted', outcome: 'unknown' });
    // A peer that asks gets it made durable; then it is one.
    hear({ type: 'inquire', number });
    log.sync();
    expect((await ask('GET', '/transactions/TX3')).body).to.include({ state: 'aborted', outcome: 'aborted' });
  });
});

describe('POST /lab/votes', () => {
  it('is there in the lab only', async () => {
    const { ask } = served({ lab: false });
    expect((await ask('POST', '/lab/votes', { number: 'c0ffee.1.1', vote: 'commit' })).code).to.equal('not-found');
  });

  it('lets a person vote, once', async () => {
    const { ask, prepare, log, participant } = served({ voteMode: 'ask' });
    const number = prepare({ group: 'notes', resource: 'notebook', type: 'write', string: 'Hello' });
    log.sync();
    expect(participant.worker.votesWaiting().map((vote) => vote.number)).to.deep.equal([number]);
    expect((await ask('POST', '/lab/votes', { number, vote: 'maybe' })).code).to.equal('bad-request');
    expect((await ask('POST', '/lab/votes', { number, vote: 'commit' })).body).to.deep.equal({
      number,
      vote: 'commit',
    });
    expect(participant.node.inDoubt()).to.have.length(1);
    expect((await ask('POST', '/lab/votes', { number, vote: 'commit' })).code).to.equal('not-seen');
    await eventually('no vote waits', () => participant.worker.votesWaiting().length === 0);
  });
});
