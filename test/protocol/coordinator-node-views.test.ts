import { expect } from 'chai';
import { answersOf, armedBy, DrivenCoordinator, recordsOf, sentBy, writeTo } from './driven-coordinator.ts';

function bankOf(...names: readonly string[]): DrivenCoordinator {
  const driven = new DrivenCoordinator({ groups: { bank: names } });
  for (const name of names) driven.registers(name);
  return driven;
}

/** P3's link is lost, and its lease has run out. */
function loseP3(driven: DrivenCoordinator) {
  driven.step({ type: 'link-down', peer: 'P3' });
  return driven.timer('leave:P3');
}

describe('A coordinator and registration', () => {
  it('forces who registered before it welcomes them, and once only', () => {
    const driven = new DrivenCoordinator();
    expect(recordsOf(driven.registers('P1'))).to.deep.equal(['peer!']);
    expect(recordsOf(driven.registers('P1'))).to.deep.equal([]);
  });

  it('drops a stranger', () => {
    const step = new DrivenCoordinator().registers('P9');
    expect(step.drop).to.deep.equal(['P9']);
    expect(step.send).to.deep.equal([]);
  });

  it('tells everyone where a participant moved to', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    const step = driven.registers('P1', { address: '127.0.0.1:9' });
    expect(sentBy(step)).to.include.members(['P1: welcome', 'P2: welcome', 'P3: welcome']);
    expect(recordsOf(step)).to.deep.equal(['peer!']);
  });

  it('refuses a log that came back shorter than it was seen', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.step({ type: 'tick', durable: { P1: 40 } });
    const step = driven.registers('P1', { epoch: 2, startSeq: 40, durableSeq: 40 });
    expect(step.send[0]?.message).to.nested.include({ 'type': 'welcome', 'refusal.code': 'log-behind' });
    expect(step.notices[0]).to.include({ level: 'alarm', event: 'log-behind' });
    expect(driven.tables.peers.get('P1')?.registered).to.equal(false);
    expect(recordsOf(step)).to.deep.equal([]);
  });

  it('remembers across its own restart how long a log was', () => {
    const first = bankOf('P1', 'P2', 'P3');
    first.step({ type: 'tick', durable: { P1: 40 } });
    first.commits('TX001', ['P1', 'P2', 'P3']);
    first.step({ type: 'tick', durable: { P1: 40 } });
    const second = new DrivenCoordinator({ epoch: 2, records: first.records, startSeq: first.records.length + 1 });
    const refused = second.registers('P1', { epoch: 2, startSeq: 39, durableSeq: 50 });
    expect(refused.send[0]?.message).to.nested.include({ 'refusal.code': 'log-behind' });
    expect(sentBy(second.registers('P1', { epoch: 2, startSeq: 41, durableSeq: 50 }))).to.include('P1: welcome');
  });

  it('takes a fresh log as a learner when another member is there, and refuses it when it was the last', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    const step = driven.registers('P3', { incarnation: 'fresh' });
    expect(recordsOf(step)).to.deep.equal(['view!', 'peer!']);
    expect(sentBy(step)).to.include('P3: join');
    const alone = new DrivenCoordinator({ groups: { bank: ['P1'] } });
    alone.registers('P1');
    const refused = alone.registers('P1', { incarnation: 'fresh' });
    expect(refused.send[0]?.message).to.nested.include({ 'refusal.code': 'log-behind' });
  });

  it('lets a member that is configured later join by a copy, and one that is configured no more leave', () => {
    const first = new DrivenCoordinator({ groups: { bank: ['P1', 'P2'] } });
    expect(recordsOf(first.step({ type: 'start' }))).to.deep.equal(['view!']);
    for (const name of ['P1', 'P2']) first.registers(name);
    const later = (names: readonly string[]) => {
      const { records } = first;
      const second = new DrivenCoordinator({
        groups: { bank: names },
        epoch: 2,
        records,
        startSeq: records.length + 1,
      });
      expect(recordsOf(second.step({ type: 'start' }))).to.deep.equal([]);
      return second;
    };
    const grown = later(['P1', 'P2', 'P3']);
    expect(grown.tables.views.get('bank')?.members).to.deep.equal(['P1', 'P2']);
    grown.registers('P1', { epoch: 2, startSeq: 20 });
    expect(sentBy(grown.registers('P3'))).to.include('P3: join');
    const shrunk = later(['P1']);
    shrunk.registers('P1', { epoch: 2, startSeq: 20 });
    expect(recordsOf(shrunk.timer('leave:P2'))).to.deep.equal(['view!']);
    expect(shrunk.tables.views.get('bank')?.members).to.deep.equal(['P1']);
  });

  it('refuses a log that lost its newest start and counts the same epoch again', () => {
    const driven = new DrivenCoordinator();
    driven.registers('P1', { epoch: 2, start: 'first', startSeq: 20 });
    const refused = driven.registers('P1', { epoch: 2, start: 'second', startSeq: 20 });
    expect(refused.send[0]?.message).to.nested.include({ 'type': 'welcome', 'refusal.code': 'log-behind' });
  });

  it('ends itself when a participant saw another process write the same epoch', () => {
    const driven = new DrivenCoordinator({ epoch: 3, startSeq: 10 });
    const seen = { incarnation: 'c0ffee', epoch: 3, start: 'another', seq: 10 };
    expect(driven.registers('P1', { coordinatorSeen: seen }).fatal?.code).to.equal('log-behind');
  });

  it('ends itself when a participant saw more of its log than it has', () => {
    const driven = new DrivenCoordinator({ epoch: 3, startSeq: 10 });
    const seen = { incarnation: 'c0ffee', epoch: 2, start: 'life2', seq: 10 };
    expect(driven.registers('P1', { coordinatorSeen: seen }).fatal?.code).to.equal('log-behind');
    expect(driven.registers('P1', { coordinatorSeen: { ...seen, seq: 9 } }).fatal).to.equal(undefined);
  });
});

describe('A member that leaves its view', () => {
  it('leaves only after its lease has run out, and not when it is back by then', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    expect(armedBy(driven.step({ type: 'link-down', peer: 'P3' }))).to.deep.equal(['leave:P3']);
    driven.registers('P3');
    expect(driven.timer('leave:P3').records).to.deep.equal([]);
  });

  it('is out by a forced record; its open attempt is aborted and tried again with the rest', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.requests('TX001');
    driven.votes('P1', 'c0ffee.1.1');
    const step = loseP3(driven);
    expect(recordsOf(step)).to.deep.equal(['view!', 'abort', 'begin']);
    expect(sentBy(step)).to.deep.equal([
      'P1: welcome',
      'P2: welcome',
      'P1: abort',
      'P2: abort',
      'P3: abort',
      'P1: prepare',
      'P2: prepare',
    ]);
    driven.votes('P1', 'c0ffee.1.2');
    expect(answersOf(driven.votes('P2', 'c0ffee.1.2'))).to.deep.equal(['r1: 200 committed']);
  });

  it('lets at most one number of an id commit', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.requests('TX001');
    loseP3(driven);
    // Late yes votes for the aborted attempt.
    for (const name of ['P1', 'P2']) expect(sentBy(driven.votes(name, 'c0ffee.1.1'))).to.deep.equal([`${name}: abort`]);
    for (const name of ['P1', 'P2']) driven.votes(name, 'c0ffee.1.2');
    const commits = driven.records.filter((record) => record.type === 'commit').map(({ number }) => number);
    expect(commits).to.deep.equal(['c0ffee.1.2']);
  });

  it('does not try again once the time of the transaction is over', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.requests('TX001', { timeoutMs: 500 });
    driven.nowMs += 600;
    expect(answersOf(loseP3(driven))).to.deep.equal(['r1: 200 aborted']);
  });

  it('never leaves as the last', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    for (const name of ['P1', 'P2', 'P3']) driven.step({ type: 'link-down', peer: name });
    for (const name of ['P1', 'P2', 'P3']) driven.timer(`leave:${name}`);
    expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P1', 'P2', 'P3']);
    driven.registers('P2', { epoch: 2, startSeq: 11 });
    for (const name of ['P1', 'P3']) driven.timer(`leave:${name}`);
    driven.step({ type: 'link-down', peer: 'P2' });
    driven.timer('leave:P2');
    expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P2']);
  });

  it('is thrown out by two vote timeouts in a row, and comes back as a learner', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    for (const id of ['TX001', 'TX002']) {
      driven.requests(id);
      for (const name of ['P1', 'P2']) driven.votes(name, driven.lastNumber);
      const step = driven.timer(`vote:${driven.lastNumber}`);
      expect(step.drop, id).to.deep.equal(id === 'TX001' ? [] : ['P3']);
    }
    driven.step({ type: 'link-down', peer: 'P3' });
    // It dials again at once, and must wait until it has left.
    expect(driven.registers('P3').send).to.deep.equal([]);
    expect(driven.timer('leave:P3').drop).to.deep.equal(['P3']);
    expect(sentBy(driven.registers('P3'))).to.deep.equal(['P3: welcome', 'P3: join']);
  });

  it('is thrown out also when a newer link replaced the one that was dropped, and no loss was told', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    for (const id of ['TX001', 'TX002']) {
      driven.requests(id);
      for (const name of ['P1', 'P2']) driven.votes(name, driven.lastNumber);
      const step = driven.timer(`vote:${driven.lastNumber}`);
      if (id === 'TX002') expect(armedBy(step)).to.include('leave:P3');
    }
    driven.registers('P3');
    driven.timer('leave:P3');
    expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P1', 'P2']);
    expect(sentBy(driven.registers('P3'))).to.deep.equal(['P3: welcome', 'P3: join']);
  });

  it('is not thrown out when a vote came between two timeouts, nor when a person votes there', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.registers('P2', { votesByHand: true });
    for (const id of ['TX001', 'TX002', 'TX003']) {
      driven.requests(id);
      driven.votes('P1', driven.lastNumber);
      if (id === 'TX002') driven.votes('P3', driven.lastNumber);
      expect(driven.timer(`vote:${driven.lastNumber}`).drop, id).to.deep.equal([]);
    }
  });

  it('is remembered as owed the commit it did not acknowledge, also after a restart, until it does', () => {
    const first = bankOf('P1', 'P2', 'P3');
    const number = first.commits('TX001', ['P1', 'P2', 'P3']);
    for (const name of ['P1', 'P2']) first.acknowledges(name, number);
    expect(recordsOf(loseP3(first))).to.deep.equal(['view!', 'end']);
    const second = new DrivenCoordinator({ epoch: 2, records: first.records, startSeq: 99 });
    second.registers('P3', { epoch: 2, startSeq: 11 });
    const asked = second.hears('P3', { type: 'inquire', number });
    expect(asked.send[0]?.message).to.include({ type: 'outcome', outcome: 'committed' });
    expect(recordsOf(second.acknowledges('P3', number))).to.deep.equal(['end']);
    expect([...second.tables.owed]).to.deep.equal([]);
  });

  it('is not waited for after a restart of the coordinator, when it had left before', () => {
    const first = bankOf('P1', 'P2', 'P3');
    const number = first.commits('TX001', ['P1', 'P2', 'P3']);
    loseP3(first);
    const second = new DrivenCoordinator({ epoch: 2, records: first.records, startSeq: 99 });
    second.step({ type: 'start' });
    for (const name of ['P1', 'P2']) second.registers(name, { epoch: 2, startSeq: 11 });
    for (const name of ['P1', 'P2']) second.acknowledges(name, number);
    expect([...second.tables.open.keys()]).to.deep.equal([]);
    expect([...second.tables.owed]).to.deep.equal([[number, ['P3']]]);
  });

  it('does not vote for a group it is outside of, though it is still in another group of the attempt', () => {
    const driven = new DrivenCoordinator({ groups: { bank: ['P1', 'P3'], part: ['P3'] } });
    for (const name of ['P1', 'P3']) driven.registers(name);
    driven.requests('TX001', { operations: [writeTo('bank', 0), writeTo('part', 1)] });
    const step = loseP3(driven);
    expect(recordsOf(step)).to.deep.equal(['view!', 'abort', 'begin']);
    const again = driven.registers('P3', { epoch: 2, startSeq: 11 }).send.map(({ message }) => message);
    const [prepare] = again.filter((message) => message.type === 'prepare');
    expect(prepare?.operations.map(({ operation }) => operation.group)).to.deep.equal(['part']);
  });

  it('is told to an attempt once it has left the last of its groups, whichever came first', () => {
    const driven = new DrivenCoordinator({ groups: { bank: ['P1', 'P3'], chat: ['P2', 'P3'] } });
    for (const name of ['P1', 'P2', 'P3']) driven.registers(name);
    driven.requests('TX001', { operations: [writeTo('bank', 0), writeTo('chat', 1)] });
    driven.step({ type: 'link-down', peer: 'P1' });
    loseP3(driven);
    expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P1', 'P3']);
    driven.registers('P1', { epoch: 2, startSeq: 11 });
    const step = driven.timer('leave:P3');
    expect(recordsOf(step)).to.deep.equal(['view!', 'abort', 'begin']);
  });
});

describe('A member that joins its view again', () => {
  /** P3 is outside and has registered again. */
  function learning(): DrivenCoordinator {
    const driven = bankOf('P1', 'P2', 'P3');
    loseP3(driven);
    driven.registers('P3', { epoch: 2, startSeq: 11 });
    return driven;
  }
  const attemptOf = (driven: DrivenCoordinator): number => driven.tables.joins.get('bank')?.attempt ?? 0;
  const says = (driven: DrivenCoordinator, stage: 'copying' | 'durable', attempt = attemptOf(driven)) =>
    driven.hears('P3', { type: 'joined', group: 'bank', stage, attempt });

  it('copies, passes the barrier, and is in by a forced record', () => {
    const driven = learning();
    expect(driven.tables.joins.get('bank')).to.include({ learner: 'P3', source: 'P1', stage: 'copying' });
    expect(sentBy(says(driven, 'copying'))).to.deep.equal(['P3: barrier']);
    const step = says(driven, 'durable');
    expect(recordsOf(step)).to.deep.equal(['view!']);
    expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P1', 'P2', 'P3']);
    expect(sentBy(step)).to.deep.equal(['P1: welcome', 'P2: welcome', 'P3: welcome']);
  });

  it('waits at the barrier for what is open, while new work on the group is parked', () => {
    const driven = learning();
    driven.requests('TX001');
    const number = driven.lastNumber;
    expect(armedBy(says(driven, 'copying'))).to.deep.equal(['barrier:bank']);
    expect(driven.requests('TX002').send).to.deep.equal([]);
    for (const name of ['P1', 'P2']) driven.votes(name, number);
    driven.acknowledges('P1', number);
    expect(sentBy(driven.acknowledges('P2', number))).to.deep.equal(['P3: barrier']);
    const step = says(driven, 'durable');
    expect(sentBy(step).slice(-3)).to.deep.equal(['P1: prepare', 'P2: prepare', 'P3: prepare']);
  });

  it('lets parked work go on when the barrier takes too long, and tries again', () => {
    const driven = learning();
    driven.requests('TX001');
    says(driven, 'copying');
    driven.requests('TX002');
    const before = attemptOf(driven);
    expect(sentBy(driven.timer('barrier:bank'))).to.deep.equal(['P1: prepare', 'P2: prepare']);
    expect(sentBy(driven.timer('rejoin:bank'))).to.deep.equal(['P3: join']);
    expect(attemptOf(driven)).to.be.greaterThan(before);
    // What it reports of the try before is nothing to this one.
    expect(says(driven, 'copying', before).timers).to.deep.equal([]);
    expect(says(driven, 'durable', before).records).to.deep.equal([]);
  });

  it('lets parked work go on when the learner or its source is lost', () => {
    for (const lost of ['P3', 'P1']) {
      const driven = learning();
      driven.requests('TX001');
      says(driven, 'copying');
      driven.requests('TX002');
      expect(armedBy(driven.step({ type: 'link-down', peer: lost })), lost).to.include('release');
      expect(
        driven.timer('release').records.map(({ record }) => record.type),
        lost,
      ).to.deep.equal(['begin']);
    }
  });

  it('starts over when a newer link of the learner replaces the older one unnoticed', () => {
    const driven = learning();
    says(driven, 'copying');
    const before = attemptOf(driven);
    expect(sentBy(driven.registers('P3', { epoch: 2, startSeq: 11 }))).to.include('P3: join');
    expect(attemptOf(driven)).to.be.greaterThan(before);
  });

  it('never gives a try the number that another start of the coordinator gave one', () => {
    const first = learning();
    const second = new DrivenCoordinator({ epoch: 2, records: first.records, startSeq: 99 });
    for (const name of ['P1', 'P2', 'P3']) second.registers(name, { epoch: 2, startSeq: 11 });
    expect(attemptOf(second)).to.be.greaterThan(attemptOf(first) + 1000);
  });
});
