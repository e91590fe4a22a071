import { expect } from 'chai';
import { participantRoutes } from '../../src/api/participant-routes.ts';
import type { ParticipantApi } from '../../src/api/participant-routes.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { ParticipantHost } from '../../src/host/participant-host.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { MemoryLog } from '../../src/wal/memory-log.ts';
import { siteOf, TIMINGS } from '../protocol/attempts.ts';
import { eventually } from '../support/eventually.ts';
import { asking } from './asking.ts';

const GROUPS = [
  { group: 'bank', kind: 'ledger' },
  { group: 'chat', kind: 'history' },
  { group: 'notes', kind: 'notebook' },
] as const;

/** A whole participant over a log that is synced by hand, and its routes. */
function served(options: { readonly voteMode?: 'auto' | 'ask'; readonly lab?: boolean } = {}) {
  const { voteMode = 'auto', lab = true } = options;
  const life = { incarnation: 'log', epoch: 1, start: 'life1', startSeq: 1 };
  const settings = { self: siteOf('P1'), ...life, votesByHand: voteMode === 'ask' };
  const timings = { ...TIMINGS };
  const host = { settings: { ...settings, timings }, groups: GROUPS, voteMode, durableSeq: () => 0 };
  const participant = new ParticipantHost(host);
  participant.node.configuredCoordinator = 'C';
  const log = new MemoryLog<ProtocolRecord>({
    epoch: 1,
    records: [],
    onDurable: (seq) => loop.durable(seq),
    onFatal: (error) => {
      throw error;
    },
    startSync: undefined,
  });
  const nothing = (): undefined => undefined;
  const loop = participant.open({
    log,
    clock: { nowMs: () => 0, random: () => 0, after: () => nothing },
    ...{ send: nothing, drop: nothing, copy: nothing, answer: nothing, notice: nothing, crashPoint: nothing },
    fatal: (code, detail) => {
      throw new Error(`${code}: ${detail}`);
    },
  });
  const lease = { held: true };
  const api: ParticipantApi = {
    participant,
    groups: GROUPS,
    incarnation: 'log',
    lab,
    observe: (look) => {
      const seen = look();
      return new Promise((resolve) => loop.whenDurable(() => resolve(seen)));
    },
    follow: () => nothing,
    durablePosition: () => participant.resources.position,
    requireNode: nothing,
    requireLease: (group) => {
      if (!lease.held) throw new ParleyError('no-lease', `Not now in ${group}.`);
    },
  };
  const hear = (message: Message): void => loop.handle({ type: 'message', from: 'C', message, accepting: true });
  const start = { name: 'C', incarnation: 'c0ffee', epoch: 1, start: 'life1', lowWater: 'c0ffee.1.1' };
  hear({ type: 'welcome', ...start, views: { bank: ['P1'], chat: ['P1'] }, addresses: {} });
  let sequence = 0;
  const prepare = (operation: { readonly group: string; readonly [field: string]: string | number }): string => {
    sequence += 1;
    const number = `c0ffee.1.${sequence}`;
    const asked = { id: `TX${sequence}`, protocol: '2pc', operations: [{ index: 0, operation }] } as const;
    const participants = [siteOf('P1'), siteOf('P2')];
    const coordinator = { name: 'C', address: '' };
    hear({ type: 'prepare', number, ...asked, participants, coordinator, voteWithinMs: 5000 });
    return number;
  };
  for (const opening of voteMode === 'auto' ? [100, 50] : []) {
    const number = prepare({ group: 'bank', resource: 'ledger', type: 'create', opening });
    hear({ type: 'commit', number });
  }
  log.sync();
  return { ask: asking(participantRoutes(api)), hear, prepare, log, lease, participant };
}

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
