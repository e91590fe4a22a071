import { expect } from 'chai';
import { answersOf, armedBy, DrivenCoordinator, recordsOf, sentBy } from './driven-coordinator.ts';

const BARRIER_MS = 200;

/** P3 has left, is back, and learns. */
function learning(): DrivenCoordinator {
  const driven = new DrivenCoordinator();
  for (const name of ['P1', 'P2', 'P3']) driven.registers(name);
  driven.step({ type: 'link-down', peer: 'P3' });
  driven.timer('leave:P3');
  driven.registers('P3', { epoch: 2, startSeq: 11 });
  return driven;
}

const says = (driven: DrivenCoordinator, stage: 'copying' | 'durable' | 'failed') => {
  const attempt = driven.tables.joins.get('bank')?.attempt ?? 0;
  return driven.hears('P3', { type: 'joined', group: 'bank', stage, attempt });
};

/** The delay of the last arming of a timer in a step. */
const delayOf = (step: ReturnType<DrivenCoordinator['step']>, wanted: string): number =>
  step.timers.flatMap((timer) => (timer.key === wanted && timer.set === 'on' ? [timer.afterMs] : [])).at(-1) ?? 0;

describe('The barrier of a join', () => {
  it('gives a copy longer to be forced than open attempts to end, so that a large one is not forced in vain', () => {
    const driven = learning();
    driven.requests('TX001');
    expect(delayOf(says(driven, 'copying'), 'barrier:bank')).to.equal(BARRIER_MS);
    for (const name of ['P1', 'P2']) driven.votes(name, driven.lastNumber);
    driven.acknowledges('P1', driven.lastNumber);
    const passed = driven.acknowledges('P2', driven.lastNumber);
    expect(sentBy(passed)).to.deep.equal(['P3: barrier']);
    expect(delayOf(passed, 'barrier:bank')).to.be.at.least(5 * BARRIER_MS);
    expect(recordsOf(says(driven, 'durable'))).to.deep.equal(['view!']);
  });

  it('is raised again after pauses that double, and holds work for a bounded time however often that happens', () => {
    const driven = learning();
    const pauses: number[] = [];
    const holds: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      holds.push(delayOf(says(driven, 'copying'), 'barrier:bank'));
      const lowered = driven.timer('barrier:bank');
      expect(sentBy(lowered)).to.deep.equal([]);
      pauses.push(delayOf(lowered, 'rejoin:bank'));
      expect(sentBy(driven.timer('rejoin:bank'))).to.deep.equal(['P3: join']);
    }
    expect(pauses.slice(0, 4)).to.deep.equal([400, 800, 1600, 3200]);
    expect(Math.max(...pauses)).to.be.at.most(60_000);
    expect(Math.max(...holds)).to.be.at.most(10_000);
  });

  it('holds no work while it pauses', () => {
    const driven = learning();
    says(driven, 'copying');
    driven.timer('barrier:bank');
    expect(sentBy(driven.requests('TX001'))).to.deep.equal(['P1: prepare', 'P2: prepare']);
  });

  it('is lowered at once when the learner says that it failed, and what waited goes on', () => {
    const driven = learning();
    says(driven, 'copying');
    expect(driven.requests('TX001').send).to.deep.equal([]);
    const step = says(driven, 'failed');
    expect(sentBy(step)).to.deep.equal(['P1: prepare', 'P2: prepare']);
    expect(armedBy(step)).to.include('rejoin:bank');
  });

  it('keeps no client waiting for long: it is told that nothing happened', () => {
    const driven = learning();
    says(driven, 'copying');
    expect(delayOf(driven.requests('TX001'), 'park:r1')).to.equal(1000);
    expect(delayOf(driven.requests('TX002', { timeoutMs: 300 }), 'park:r2')).to.equal(300);
    expect(answersOf(driven.timer('park:r1'))).to.deep.equal(['r1: busy']);
    expect(sentBy(says(driven, 'durable'))).to.include('P3: prepare');
    const begun = driven.records.flatMap((record) => (record.type === 'begin' ? [record.id] : []));
    expect(begun).to.deep.equal(['TX002']);
    expect(answersOf(driven.timer('park:r2'))).to.deep.equal([]);
  });
});
