import { expect } from 'chai';
import { answersOf, armedBy, DrivenCoordinator, recordsOf, sentBy } from './driven-coordinator.ts';

function bankOf(...names: readonly string[]): DrivenCoordinator {
  const driven = new DrivenCoordinator({ groups: { bank: names } });
  for (const name of names) driven.registers(name);
  return driven;
}

describe('A coordinator and the starts of its members', () => {
  it('learns nothing about a log from a link whose start has not registered, and takes that start in', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.step({ type: 'tick', durable: { P1: 40 } });
    // A newer link replaces the older without a word; it is of a start that begins at 50 and has written 55 records.
    driven.step({ type: 'link-up', peer: 'P1' });
    driven.step({ type: 'tick', durable: { P1: 55 } });
    const step = driven.registers('P1', { epoch: 2, startSeq: 50, durableSeq: 55 });
    expect(step.notices.map(({ event }) => event)).to.not.include('log-behind');
    expect(sentBy(step)).to.include('P1: welcome');
  });

  it('hears nothing from a newer link until its start has registered', () => {
    const driven = bankOf('P1', 'P2', 'P3');
    driven.requests('TX001');
    for (const name of ['P2', 'P3']) driven.votes(name, driven.lastNumber);
    driven.step({ type: 'link-up', peer: 'P1' });
    expect(driven.votes('P1', driven.lastNumber).records).to.deep.equal([]);
    driven.registers('P1');
    expect(answersOf(driven.votes('P1', driven.lastNumber))).to.deep.equal(['r1: 200 committed']);
  });

  it('takes a fresh log for no member when it is refused, whatever registered on that link before', () => {
    const driven = new DrivenCoordinator({ groups: { bank: ['P1'] } });
    driven.registers('P1');
    driven.registers('P1', { incarnation: 'fresh' });
    expect(driven.tables.peers.get('P1')?.registered).to.equal(false);
  });

  it('lets a fresh log dial again until the others, who hold what it held, are there', () => {
    const first = bankOf('P1', 'P2', 'P3');
    const driven = new DrivenCoordinator({ epoch: 2, records: first.records, startSeq: 99 });
    const early = driven.registers('P3', { incarnation: 'fresh', epoch: 1 });
    expect(early.send).to.deep.equal([]);
    expect(early.drop).to.deep.equal(['P3']);
    driven.registers('P1', { epoch: 2, startSeq: 11 });
    const step = driven.registers('P3', { incarnation: 'fresh', epoch: 1 });
    expect(recordsOf(step)).to.include('view!');
    expect(sentBy(step)).to.include.members(['P3: welcome', 'P3: join']);
  });

  it('lets a member that did not return leave once another is there to carry the view on', () => {
    const first = bankOf('P1', 'P2', 'P3');
    const driven = new DrivenCoordinator({ epoch: 2, records: first.records, startSeq: 99 });
    driven.registers('P1', { epoch: 2, startSeq: 11 });
    const step = driven.registers('P2', { epoch: 2, startSeq: 11 });
    expect(armedBy(step)).to.include('leave:P3');
    driven.timer('leave:P3');
    expect(driven.tables.views.get('bank')?.members).to.deep.equal(['P1', 'P2']);
  });
});
