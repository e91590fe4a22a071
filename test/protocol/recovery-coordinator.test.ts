import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { coordinatorRecords } from '../../src/protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { round, siteOf } from './attempts.ts';
import { answersOf, DrivenCoordinator, recordsOf, sentBy } from './driven-coordinator.ts';

const NUMBER = 'c0ffee.1.1';
const begin = (protocol: '2pc' | '3pc', onePhase?: true): ProtocolRecord => ({
  type: 'begin',
  number: NUMBER,
  id: 'TX001',
  hash: 'h1',
  protocol,
  participants: onePhase ? [siteOf('P1')] : [siteOf('P1'), siteOf('P2'), siteOf('P3')],
  groups: { bank: onePhase ? ['P1'] : ['P1', 'P2', 'P3'] },
  operations: 1,
  ...(onePhase ? { onePhase } : {}),
});
const RESULTS = [{ index: 0, result: 7 }];
const COMMIT: ProtocolRecord = { type: 'commit', number: NUMBER, results: RESULTS };
const ABORT: ProtocolRecord = { type: 'abort', number: NUMBER, reason: { code: 'vote-timeout', detail: 'Late.' } };
const END: ProtocolRecord = { type: 'end', number: NUMBER };
const PRECOMMITTED: ProtocolRecord = { type: 'precommitted', number: NUMBER, round: round(1, 'C'), results: RESULTS };

const VIEW: ProtocolRecord = {
  type: 'view',
  group: 'bank',
  version: 1,
  members: ['P1', 'P2', 'P3'],
  why: 'as configured',
};

function recovered(...records: readonly ProtocolRecord[]): DrivenCoordinator {
  return new DrivenCoordinator({ epoch: 2, records: [VIEW, ...records], startSeq: 50 });
}

/** What it is now: the phase of the one open attempt, or none. */
function phaseOf(driven: DrivenCoordinator): string | undefined {
  return driven.tables.open.get(NUMBER)?.machine.state.phase;
}

function registered(driven: DrivenCoordinator): DrivenCoordinator {
  for (const name of ['P1', 'P2', 'P3']) driven.registers(name, { epoch: 2, startSeq: 20 });
  return driven;
}

describe('A coordinator recovers', () => {
  it('@A presumed abort from a begin alone: votes for it get abort, and its id is free for a new number (C1-C3)', () => {
    for (const protocol of ['2pc', '3pc'] as const) {
      const driven = registered(recovered(begin(protocol)));
      expect(phaseOf(driven)).to.equal(undefined);
      expect(sentBy(driven.votes('P1', NUMBER))).to.deep.equal(['P1: abort']);
      expect(driven.requests('TX001').send[0]?.message).to.include({ type: 'prepare', number: 'c0ffee.2.1' });
    }
  });

  it('@B one-phase, which it asks for the outcome', () => {
    const driven = registered(recovered(begin('2pc', true)));
    expect(sentBy(driven.step({ type: 'start' }))).to.deep.equal(['P1: inquire']);
    const told = { type: 'outcome', number: NUMBER, outcome: 'committed', results: RESULTS } as const;
    expect(recordsOf(driven.hears('P1', told))).to.deep.equal(['commit', 'end']);
    expect(answersOf(driven.requests('TX001'))).to.deep.equal(['r1: 200 committed']);
  });

  it('@C committed: told again to everyone until all have acknowledged (C5, C6)', () => {
    const driven = recovered(begin('2pc'), COMMIT);
    expect(sentBy(driven.registers('P1', { epoch: 2, startSeq: 20 }))).to.include('P1: commit');
    registered(driven);
    driven.acknowledges('P1', NUMBER);
    driven.acknowledges('P2', NUMBER);
    expect(recordsOf(driven.acknowledges('P3', NUMBER))).to.deep.equal(['end']);
  });

  it('@C gives the client that asks again the answer it would have had', () => {
    const [answer] = recovered(begin('2pc'), COMMIT).requests('TX001').answers;
    expect(answer !== undefined && 'body' in answer ? answer.body['results'] : undefined).to.deep.equal([7]);
  });

  it('@D over: nothing is open, and the answer is kept (C7)', () => {
    const driven = recovered(begin('2pc'), COMMIT, END);
    expect(phaseOf(driven)).to.equal(undefined);
    expect(answersOf(driven.requests('TX001'))).to.deep.equal(['r1: 200 committed']);
  });

  it('@D one-phase: over even when the lazy end was lost', () => {
    expect(phaseOf(recovered(begin('2pc', true), COMMIT))).to.equal(undefined);
  });

  it('@E aborted: nothing is open, whether or not the lazy record was kept (C8)', () => {
    expect(phaseOf(recovered(begin('2pc'), ABORT))).to.equal(undefined);
    expect(phaseOf(recovered(begin('3pc'), PRECOMMITTED, ABORT, END))).to.equal(undefined);
  });

  it('@F bound by its precommit: it decides nothing alone, and leads a new round (3C1)', () => {
    const driven = registered(recovered(begin('3pc'), PRECOMMITTED));
    expect(phaseOf(driven)).to.equal('precommitted');
    const started = driven.step({ type: 'start' });
    expect([started.records, started.answers]).to.deep.equal([[], []]);
    expect(driven.timer(`vote:${NUMBER}`).records).to.deep.equal([]);
    const step = driven.timer(`elect:${NUMBER}`);
    expect(recordsOf(step)).to.deep.equal(['promised!']);
    expect(step.send[0]?.message).to.deep.include({ type: 'state-request', round: round(2, 'C') });
  });

  it('@F preaborted when that record came last, and still knows the results if commit wins', () => {
    const preaborted: ProtocolRecord = { type: 'preaborted', number: NUMBER, round: round(3, 'P1') };
    const driven = registered(recovered(begin('3pc'), PRECOMMITTED, preaborted));
    expect(phaseOf(driven)).to.equal('preaborted');
    const step = driven.hears('P1', { type: 'outcome', number: NUMBER, outcome: 'committed' });
    expect(step.records[0]?.record).to.deep.include({ type: 'commit', results: RESULTS });
  });

  it('the same again when it dies while it recovers (C9)', () => {
    const once = recovered(begin('3pc'), PRECOMMITTED);
    once.step({ type: 'start' });
    once.timer(`elect:${NUMBER}`);
    const twice = new DrivenCoordinator({ epoch: 3, records: once.records, startSeq: 60 });
    expect(phaseOf(twice)).to.equal('precommitted');
    expect(registered(twice).timer(`elect:${NUMBER}`).send[0]?.message).to.deep.include({ round: round(3, 'C') });
  });

  it('nothing from a log that has both decisions', () => {
    expect(() => recovered(begin('2pc'), COMMIT, ABORT)).to.throw(AssertionFailed);
  });

  it('views, addresses, and how long the logs of its peers were', () => {
    const driven = recovered(
      { type: 'peer', name: 'P1', incarnation: 'logP1', epoch: 1, start: 'life1', address: '127.0.0.1:9' },
      { type: 'view', group: 'bank', version: 4, members: ['P1'], why: 'P2 left' },
      { type: 'low-water', number: NUMBER, peers: { P1: { incarnation: 'logP1', epoch: 3, start: 'life3', seq: 40 } } },
    );
    expect(driven.tables.views.get('bank')).to.deep.equal({ version: 4, members: ['P1'] });
    expect(driven.tables.peers.get('P1')).to.include({ address: '127.0.0.1:9', durableSeq: 40, epoch: 3 });
  });
});

describe('A checkpoint of a coordinator is a shorter log', () => {
  const cases: Readonly<Record<string, readonly ProtocolRecord[]>> = {
    'collecting votes': [begin('2pc')],
    'handed over': [begin('2pc', true)],
    'committed': [begin('2pc'), COMMIT],
    'committed by a quorum': [begin('3pc'), PRECOMMITTED, COMMIT],
    'precommitted': [begin('3pc'), PRECOMMITTED, { type: 'promised', number: NUMBER, round: round(4, 'P2') }],
    'owed': [begin('2pc'), COMMIT, { type: 'end', number: NUMBER, left: ['P3'] }],
  };
  for (const [title, records] of Object.entries(cases)) {
    it(`for an attempt that is ${title}`, () => {
      const long = registered(recovered(...records));
      // Writes down how much of its peers' logs it saw.
      long.step({ type: 'tick', durable: {} });
      const short = new DrivenCoordinator({ epoch: 2, records: coordinatorRecords(long.tables), startSeq: 50 });
      const again = recovered(...long.records);
      expect([...short.tables.open]).to.deep.equal([...again.tables.open]);
      expect([...short.tables.owed]).to.deep.equal([...again.tables.owed]);
      expect([...short.tables.views]).to.deep.equal([...again.tables.views]);
      expect([...short.tables.peers]).to.deep.equal([...again.tables.peers]);
    });
  }
});
