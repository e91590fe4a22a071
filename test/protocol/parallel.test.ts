import { expect } from 'chai';
import { stepParticipant2pc } from '../../src/protocol/participant-2pc.ts';
import { coordinatorRecords } from '../../src/protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { participantAttempt, PREPARED, siteOf } from './attempts.ts';
import { answersOf, DrivenCoordinator, readFrom, recordsOf, sentBy, writeTo } from './driven-coordinator.ts';

const NAMES = ['P1', 'P2', 'P3'];
const NUMBER = 'c0ffee.1.1';
const BEGIN: ProtocolRecord = {
  type: 'begin',
  number: NUMBER,
  id: 'TX001',
  hash: 'h1',
  protocol: 'parallel',
  participants: NAMES.map(siteOf),
  groups: { bank: NAMES },
  operations: 1,
};

function cluster(): DrivenCoordinator {
  const driven = new DrivenCoordinator();
  for (const name of NAMES) driven.registers(name);
  return driven;
}

/** A second start from these records, with everyone there and asked. */
function restarted(...records: readonly ProtocolRecord[]): DrivenCoordinator {
  const driven = new DrivenCoordinator({ epoch: 2, records, startSeq: 50 });
  for (const name of NAMES) driven.registers(name, { epoch: 2, startSeq: 20 });
  return driven;
}

describe('Parallel commit', () => {
  it('forces begin beside the prepares, and forces nothing more before the client is told', () => {
    const driven = cluster();
    const begun = driven.requests('TX001', { protocol: 'parallel' });
    expect(recordsOf(begun)).to.deep.equal(['begin!']);
    expect(sentBy(begun)).to.deep.equal(['P1: prepare', 'P2: prepare', 'P3: prepare']);
    driven.votes('P1', NUMBER);
    driven.votes('P2', NUMBER);
    const last = driven.votes('P3', NUMBER);
    expect([recordsOf(last), sentBy(last), answersOf(last)]).to.deep.equal([[], [], ['r1: 200 committed']]);
  });

  it('forces the decision before any participant is told', () => {
    const driven = cluster();
    driven.requests('TX001', { protocol: 'parallel' });
    for (const name of NAMES) driven.votes(name, NUMBER);
    const told = driven.timer(`write-down:${NUMBER}`);
    expect(recordsOf(told)).to.deep.equal(['commit!']);
    expect(sentBy(told)).to.deep.equal(['P1: commit', 'P2: commit', 'P3: commit']);
    expect(answersOf(told)).to.deep.equal([]);
    driven.acknowledges('P1', NUMBER);
    driven.acknowledges('P2', NUMBER);
    expect(recordsOf(driven.acknowledges('P3', NUMBER))).to.deep.equal(['end']);
  });

  it('forces the decision with the begin of the next transaction, whatever its protocol, and once', () => {
    for (const protocol of ['parallel', '2pc', '3pc'] as const) {
      const driven = cluster();
      driven.requests('TX001', { protocol: 'parallel' });
      for (const name of NAMES) driven.votes(name, NUMBER);
      const next = driven.requests('TX002', { protocol });
      expect(recordsOf(next).slice(0, 1), protocol).to.deep.equal(['commit!']);
      expect(sentBy(next), protocol).to.deep.equal([
        ...['P1: commit', 'P2: commit', 'P3: commit'],
        ...['P1: prepare', 'P2: prepare', 'P3: prepare'],
      ]);
      expect(recordsOf(driven.timer(`write-down:${NUMBER}`)), protocol).to.deep.equal([]);
      expect(recordsOf(driven.requests('TX003', { protocol: 'parallel' })), protocol).to.deep.equal(['begin!']);
    }
  });

  it('tells a participant that asks before the decision is written nothing', () => {
    const driven = cluster();
    driven.requests('TX001', { protocol: 'parallel' });
    for (const name of NAMES) driven.votes(name, NUMBER);
    const [answer] = driven.hears('P2', { type: 'inquire', number: NUMBER }).send;
    expect(answer).to.deep.equal({ to: 'P2', message: { type: 'outcome', number: NUMBER, outcome: 'unknown' } });
  });

  it('presumes nothing of a begin without a decision: after a restart everyone is asked, and all yes is commit', () => {
    const driven = restarted(BEGIN);
    expect(sentBy(driven.step({ type: 'start' }))).to.deep.equal(['P1: inquire', 'P2: inquire', 'P3: inquire']);
    driven.requests('TX001', { protocol: 'parallel' });
    driven.votes('P1', NUMBER);
    expect(recordsOf(driven.votes('P2', NUMBER))).to.deep.equal([]);
    const last = driven.votes('P3', NUMBER);
    expect(recordsOf(last)).to.deep.equal(['commit!']);
    expect(sentBy(last)).to.deep.equal(['P1: commit', 'P2: commit', 'P3: commit']);
    expect(answersOf(last)).to.deep.equal(['r1: 200 committed']);
  });

  it('aborts after a restart as soon as one has not voted yes, and makes that as durable as a yes', () => {
    const driven = restarted(BEGIN);
    driven.requests('TX001', { protocol: 'parallel' });
    driven.votes('P1', NUMBER);
    const step = driven.hears('P2', { type: 'outcome', number: NUMBER, outcome: 'aborted' });
    expect(recordsOf(step)).to.deep.equal(['abort', 'answer!']);
    expect(answersOf(step)).to.deep.equal(['r1: 200 aborted']);
  });

  it('waits after a restart for one that has left the view, since only it knows what it voted', () => {
    const driven = restarted(BEGIN);
    driven.votes('P1', NUMBER);
    driven.votes('P2', NUMBER);
    driven.step({ type: 'link-down', peer: 'P3' });
    driven.timer('leave:P3');
    driven.timer(`vote:${NUMBER}`);
    expect(driven.tables.open.get(NUMBER)?.machine.state.phase).to.equal('asking');
    expect(sentBy(driven.registers('P3', { epoch: 3, startSeq: 40, start: 'life3' }))).to.include('P3: inquire');
    expect(recordsOf(driven.votes('P3', NUMBER))).to.deep.equal(['commit!']);
  });

  it('waits after a restart for the vote of one that has left the view, and not for its acknowledgement', () => {
    const driven = restarted(BEGIN, { type: 'view', group: 'bank', version: 2, members: ['P1', 'P2'], why: 'left' });
    driven.step({ type: 'start' });
    for (const name of NAMES) driven.votes(name, NUMBER);
    // It dies now, outside every view: no change of a view will ever answer for it.
    driven.step({ type: 'link-down', peer: 'P3' });
    driven.acknowledges('P1', NUMBER);
    driven.acknowledges('P2', NUMBER);
    expect(driven.tables.open.has(NUMBER)).to.equal(false);
    expect(driven.tables.owed.get(NUMBER)).to.deep.equal(['P3']);
  });

  it('presumes abort without a begin: the answer would have waited for it', () => {
    expect(sentBy(restarted().votes('P1', NUMBER))).to.deep.equal(['P1: abort']);
  });

  it('keeps its begin in a checkpoint, whether the client was told or not', () => {
    for (const votes of [[], ['P1'], NAMES]) {
      const driven = cluster();
      driven.requests('TX001', { protocol: 'parallel' });
      for (const name of votes) driven.votes(name, NUMBER);
      const again = restarted(...coordinatorRecords(driven.tables));
      expect(again.tables.open.get(NUMBER)?.machine.state.phase, votes.join()).to.equal('asking');
    }
  });

  it('runs as 2PC when someone only reads: what readers answer is in no record', () => {
    const driven = new DrivenCoordinator({ groups: { bank: ['P1', 'P2'], chat: ['P3'] } });
    for (const name of NAMES) driven.registers(name);
    const operations = [writeTo('bank', 0), readFrom('chat', 1)];
    const begun = driven.requests('TX001', { protocol: 'parallel', operations });
    expect(recordsOf(begun)).to.deep.equal(['begin']);
    expect(begun.send[0]?.message).to.include({ type: 'prepare', protocol: '2pc' });
  });

  it('has its vote repeated by a participant in doubt that the coordinator asks, while a peer learns nothing', () => {
    const attempt = participantAttempt({ protocol: 'parallel' });
    const inDoubt = { phase: 'prepared', prepared: PREPARED } as const;
    const [vote] = stepParticipant2pc(attempt, inDoubt, { type: 'inquire', from: 'C' }).send;
    expect(vote).to.deep.equal({
      to: 'C',
      message: {
        type: 'vote',
        number: attempt.number,
        vote: 'yes',
        results: PREPARED.results,
        hashes: PREPARED.hashes,
      },
    });
    const [told] = stepParticipant2pc(attempt, inDoubt, { type: 'inquire', from: 'P2' }).send;
    expect(told?.message).to.include({ type: 'outcome', outcome: 'unknown' });
  });
});
