import { expect } from 'chai';
import { armedBy, sentBy } from './driven-coordinator.ts';
import { DrivenParticipant } from './driven-participant.ts';

const JOIN = {
  type: 'join',
  group: 'bank',
  attempt: 7,
  source: { name: 'P2', address: '127.0.0.1:7202' },
} as const;

function learner(): DrivenParticipant {
  const driven = new DrivenParticipant();
  driven.welcomed();
  driven.hears(JOIN);
  return driven;
}

describe('A participant that cannot finish a copy', () => {
  it('tells the coordinator, so that nothing waits behind the barrier in vain', () => {
    const step = learner().step({ type: 'copy-failed', group: 'bank', attempt: 7 });
    expect(step.send).to.deep.equal([
      { to: 'C', message: { type: 'joined', group: 'bank', stage: 'failed', attempt: 7 } },
    ]);
  });

  it('does not force a copy into a log that has no room for new work, and says so', () => {
    const step = learner().hears({ type: 'barrier', group: 'bank', attempt: 7 }, 'C', false);
    expect(step.copies).to.deep.equal([]);
    expect(step.send.map(({ message }) => message)).to.deep.equal([
      { type: 'joined', group: 'bank', stage: 'failed', attempt: 7 },
    ]);
  });
});

describe('A participant that votes yes without its coordinator', () => {
  it('asks soon, instead of first waiting as long as the coordinator collects votes', () => {
    for (const protocol of ['2pc', '3pc'] as const) {
      const driven = new DrivenParticipant();
      driven.welcomed();
      driven.prepares('c0ffee.1.1', { protocol });
      driven.step({ type: 'link-down', peer: 'C' });
      const step = driven.yes('c0ffee.1.1');
      const soon = step.timers.flatMap((timer) => (timer.set === 'on' ? [timer.afterMs] : [])).at(-1);
      expect(armedBy(step), protocol).to.not.deep.equal([]);
      expect(soon, protocol).to.be.below(6000);
      expect(sentBy(step), protocol).to.include('C: vote');
    }
  });
});
