import { expect } from 'chai';
import { OutcomeStore } from '../../src/protocol/outcomes.ts';
import { answersOf, armedBy, DrivenCoordinator, readFrom, recordsOf, sentBy, writeTo } from './driven-coordinator.ts';

/** All three registered. */
function threeThere(options: ConstructorParameters<typeof DrivenCoordinator>[0] = {}): DrivenCoordinator {
  const driven = new DrivenCoordinator(options);
  for (const name of ['P1', 'P2', 'P3']) driven.registers(name);
  return driven;
}

describe('A coordinator and the ids of its clients', () => {
  it('gives the stored answer to the same id with the same body', () => {
    const driven = threeThere();
    driven.commits('TX001', ['P1', 'P2', 'P3']);
    expect(answersOf(driven.requests('TX001'))).to.deep.equal(['r2: 200 committed']);
    expect(driven.lastNumber).to.equal('c0ffee.1.1');
  });

  it('refuses the same id with another body, before the answer and after it', () => {
    const driven = threeThere();
    driven.requests('TX001');
    expect(answersOf(driven.requests('TX001', { hash: 'h2' }))).to.deep.equal(['r2: id-reused']);
    for (const name of ['P1', 'P2', 'P3']) driven.votes(name, driven.lastNumber);
    expect(answersOf(driven.requests('TX001', { hash: 'h2' }))).to.deep.equal(['r3: id-reused']);
  });

  it('lets a repetition wait for the answer of the first while that one runs', () => {
    const driven = threeThere();
    driven.requests('TX001');
    const repeated = driven.requests('TX001');
    expect(repeated.answers).to.deep.equal([]);
    expect(repeated.send).to.deep.equal([]);
    driven.votes('P1', driven.lastNumber);
    driven.votes('P2', driven.lastNumber);
    const last = driven.votes('P3', driven.lastNumber);
    expect(answersOf(last)).to.deep.equal(['r1: 200 committed', 'r2: 200 committed']);
  });

  it('tells who waited long enough that the outcome is unknown, and goes on with the transaction', () => {
    const driven = threeThere();
    expect(armedBy(driven.requests('TX001'))).to.include('answer:TX001');
    expect(answersOf(driven.timer('answer:TX001'))).to.deep.equal(['r1: 202 unknown']);
    for (const name of ['P1', 'P2', 'P3']) driven.votes(name, driven.lastNumber);
    expect(answersOf(driven.requests('TX001'))).to.deep.equal(['r2: 200 committed']);
  });

  it('forces the answer of an abort before it is told, and no more for the abort itself', () => {
    const driven = threeThere();
    driven.requests('TX001');
    const step = driven.votes('P2', driven.lastNumber, 'no');
    expect(recordsOf(step)).to.deep.equal(['abort', 'answer!']);
    expect(answersOf(step)).to.deep.equal(['r1: 200 aborted']);
    expect(sentBy(step)).to.deep.equal(['P1: abort', 'P3: abort']);
  });

  it('gives the answer of an abort again after a restart', () => {
    const first = threeThere();
    first.requests('TX001');
    first.votes('P2', first.lastNumber, 'no');
    const second = new DrivenCoordinator({ epoch: 2, records: first.records });
    const told = second.requests('TX001').answers[0];
    expect(told !== undefined && 'body' in told ? told.body['reason'] : undefined).to.deep.equal({
      code: 'insufficient-funds',
      detail: 'Too little.',
    });
  });

  it('refuses groups it does not know, and new work when its log is full', () => {
    const driven = threeThere();
    expect(answersOf(driven.requests('TX001', { operations: [writeTo('bonk')] }))).to.deep.equal(['r1: unknown-group']);
    expect(answersOf(driven.requests('TX001', { accepting: false }))).to.deep.equal(['r2: log-full']);
    expect(driven.records.filter(({ type }) => type === 'begin')).to.deep.equal([]);
  });

  it('takes no new transaction once it drains, and still answers those it has', () => {
    const driven = threeThere();
    driven.requests('TX001');
    driven.step({ type: 'drain' });
    expect(answersOf(driven.requests('TX002'))).to.deep.equal(['r2: draining']);
    for (const name of ['P1', 'P2']) driven.votes(name, driven.lastNumber);
    expect(answersOf(driven.votes('P3', driven.lastNumber))).to.deep.equal(['r1: 200 committed']);
    expect(answersOf(driven.requests('TX001'))).to.deep.equal(['r3: 200 committed']);
  });

  it('passes on what the store of outcomes refuses', () => {
    const driven = threeThere();
    const { outcomes } = driven.tables;
    expect(outcomes).to.be.instanceOf(OutcomeStore);
    outcomes.raiseFloor(Date.UTC(2030, 0, 1));
    const old = '01890000-0000-7000-8000-000000000000';
    expect(answersOf(driven.requests(old))).to.deep.equal(['r1: too-old']);
  });
});

describe('A coordinator and who takes part', () => {
  it('asks one member for a read, all for a write, and lists only those that may write', () => {
    const driven = threeThere({ groups: { bank: ['P1', 'P2'], chat: ['P3'] } });
    const step = driven.requests('TX001', { operations: [readFrom('bank', 0), writeTo('chat', 1)] });
    expect(sentBy(step)).to.deep.equal(['P3: prepare', 'P1: prepare']);
    const [prepare] = step.send;
    expect(prepare?.message.type === 'prepare' ? prepare.message.participants : []).to.deep.equal([
      { name: 'P3', address: '127.0.0.1:P3' },
    ]);
  });

  it('reads at a member with a link', () => {
    const driven = new DrivenCoordinator();
    driven.registers('P2');
    expect(sentBy(driven.requests('TX001', { operations: [readFrom('bank')] }))).to.deep.equal(['P2: prepare']);
  });

  it('hands the decision to the only participant, with a forced begin', () => {
    const driven = new DrivenCoordinator({ groups: { notes: ['P1'] } });
    driven.registers('P1');
    const step = driven.requests('TX001', { operations: [writeTo('notes')] });
    expect(recordsOf(step)).to.deep.equal(['begin!']);
    expect(step.send[0]?.message).to.include({ type: 'prepare', onePhase: true });
    const outcome = { type: 'outcome', number: driven.lastNumber, outcome: 'committed', results: [] } as const;
    expect(answersOf(driven.hears('P1', outcome))).to.deep.equal(['r1: 200 committed']);
  });

  it('proposes to sites only: who only read has forgotten the number', () => {
    const driven = threeThere({ groups: { bank: ['P1'], chat: ['P2', 'P3'] } });
    driven.requests('TX001', { protocol: '3pc', operations: [readFrom('bank', 0), writeTo('chat', 1)] });
    driven.votes('P1', driven.lastNumber, 'read-only');
    for (const name of ['P2', 'P3']) driven.votes(name, driven.lastNumber);
    driven.nowMs += 1000;
    const again = driven.step({ type: 'tick', durable: {} }).send.filter(({ message }) => message.type === 'precommit');
    expect(again.map(({ to }) => to)).to.deep.equal(['P2', 'P3']);
  });

  it('aborts with an alarm when replicas computed different results', () => {
    const driven = new DrivenCoordinator({ groups: { bank: ['P1', 'P2'] } });
    driven.registers('P1');
    driven.registers('P2');
    driven.requests('TX001');
    driven.votes('P1', driven.lastNumber);
    const vote = { type: 'vote', number: driven.lastNumber, vote: 'yes', hashes: { bank: 'other' } } as const;
    const step = driven.hears('P2', vote);
    expect(step.notices.map(({ level }) => level)).to.deep.equal(['alarm']);
    expect(answersOf(step)).to.deep.equal(['r1: 200 aborted']);
  });
});

describe('A coordinator and late or foreign messages', () => {
  it('hears nobody who has not registered on this link', () => {
    const driven = new DrivenCoordinator();
    driven.registers('P1');
    driven.requests('TX001');
    expect(driven.votes('P2', driven.lastNumber, 'no').records).to.deep.equal([]);
  });

  it('answers abort about a number with no record, and commit about one that ended', () => {
    const driven = threeThere();
    driven.requests('TX001');
    const aborted = driven.lastNumber;
    driven.votes('P1', aborted, 'no');
    const committed = driven.commits('TX002', ['P1', 'P2', 'P3']);
    for (const name of ['P1', 'P2', 'P3']) driven.acknowledges(name, committed);
    const outcomeOf = (number: string): unknown => driven.hears('P2', { type: 'inquire', number }).send[0]?.message;
    expect(outcomeOf(aborted)).to.include({ type: 'outcome', outcome: 'aborted' });
    expect(outcomeOf(committed)).to.include({ type: 'outcome', outcome: 'committed' });
    expect(sentBy(driven.votes('P2', aborted))).to.deep.equal(['P2: abort']);
    expect(sentBy(driven.votes('P2', committed))).to.deep.equal(['P2: commit']);
  });

  it('never says abort about a number that its log cannot have issued', () => {
    const driven = threeThere();
    for (const number of ['beef00.1.1', 'c0ffee.1.1', 'c0ffee.9.1']) {
      const step = driven.hears('P2', { type: 'inquire', number });
      expect(step.send, number).to.deep.equal([]);
      expect(step.notices[0], number).to.include({ level: 'alarm', event: 'foreign-number' });
    }
  });

  it('sends again what is due, in first-sent order, to those with a link', () => {
    const driven = threeThere();
    driven.requests('TX001');
    driven.requests('TX002', { operations: [writeTo('bank')] });
    driven.step({ type: 'link-down', peer: 'P2' });
    driven.nowMs += 1000;
    const numbers = driven
      .step({ type: 'tick', durable: {} })
      .send.filter(({ message }) => message.type === 'prepare')
      .map(({ to, message }) => `${to} ${'number' in message ? message.number : ''}`);
    expect(numbers).to.deep.equal(['P1 c0ffee.1.1', 'P3 c0ffee.1.1', 'P1 c0ffee.1.2', 'P3 c0ffee.1.2']);
  });

  it('moves the low-water mark past what ended, by a forced record', () => {
    const driven = threeThere();
    const number = driven.commits('TX001', ['P1', 'P2', 'P3']);
    expect(driven.step({ type: 'tick', durable: {} }).send.at(-1)?.message).to.deep.equal({
      type: 'low-water',
      number,
    });
    for (const name of ['P1', 'P2', 'P3']) driven.acknowledges(name, number);
    const step = driven.step({ type: 'tick', durable: {} });
    expect(recordsOf(step)).to.deep.equal(['low-water!']);
    expect(step.send.at(-1)?.message).to.deep.equal({ type: 'low-water', number: 'c0ffee.1.2' });
    expect(driven.step({ type: 'tick', durable: {} }).records).to.deep.equal([]);
  });
});
