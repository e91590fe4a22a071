import { expect } from 'chai';
import { hasGoneOn } from '../../src/protocol/log-starts.ts';
import { DrivenCoordinator, sentBy } from './driven-coordinator.ts';

/** Start 2, by the process `b`, was seen synced up to record 20. */
const SEEN = { epoch: 2, start: 'b', seq: 20 };

describe('A log that was seen', () => {
  it('is the same while its start goes on, and after it when the next start begins behind what was seen', () => {
    expect(hasGoneOn(SEEN, { epoch: 2, start: 'b', startSeq: 9 })).to.equal(true);
    expect(hasGoneOn(SEEN, { epoch: 3, start: 'c', startSeq: 21 })).to.equal(true);
    expect(hasGoneOn(SEEN, { epoch: 3, start: 'c', startSeq: 20 })).to.equal(false);
    expect(hasGoneOn(SEEN, { epoch: 1, start: 'a', startSeq: 1 })).to.equal(false);
  });

  it('has lost something when the start after it began too early, however far the log has grown since', () => {
    const earlierStarts = [
      { epoch: 2, start: 'b', seq: 9 },
      { epoch: 3, start: 'c', seq: 15 },
    ];
    expect(hasGoneOn(SEEN, { epoch: 4, start: 'd', startSeq: 40, earlierStarts })).to.equal(false);
    const whole = [earlierStarts[0], { epoch: 3, start: 'c', seq: 21 }].filter((one) => one !== undefined);
    expect(hasGoneOn(SEEN, { epoch: 4, start: 'd', startSeq: 40, earlierStarts: whole })).to.equal(true);
  });

  it('has lost its start when another process counted the same epoch again', () => {
    const earlierStarts = [{ epoch: 2, start: 'other', seq: 12 }];
    expect(hasGoneOn(SEEN, { epoch: 3, start: 'c', startSeq: 40, earlierStarts })).to.equal(false);
    expect(hasGoneOn(SEEN, { epoch: 2, start: 'other', startSeq: 30 })).to.equal(false);
  });

  it('is believed by its places alone where an old start record has no mark', () => {
    const earlierStarts = [{ epoch: 2, start: '', seq: 9 }];
    expect(hasGoneOn(SEEN, { epoch: 3, start: 'c', startSeq: 21, earlierStarts })).to.equal(true);
    expect(hasGoneOn(SEEN, { epoch: 3, start: 'c', startSeq: 19, earlierStarts })).to.equal(false);
  });
});

describe('A participant whose log is an older copy of itself', () => {
  it('is refused although it has started so often that its log has grown again (simulated seed 100323)', () => {
    const driven = new DrivenCoordinator();
    driven.registers('P1', { epoch: 1, start: 'a', durableSeq: 20, startSeq: 1 });
    driven.step({ type: 'link-down', peer: 'P1' });
    // Cut to two records, started and ended twice without a word, and then once more.
    const earlierStarts = [
      { epoch: 1, start: 'a', seq: 1 },
      { epoch: 2, start: 'b', seq: 3 },
      { epoch: 3, start: 'c', seq: 12 },
    ];
    const step = driven.registers('P1', { epoch: 4, start: 'd', startSeq: 22, durableSeq: 22, earlierStarts });
    expect(sentBy(step)).to.deep.equal(['P1: welcome']);
    expect(step.send[0]?.message).to.have.nested.property('refusal.code', 'log-behind');
    expect(driven.tables.peers.get('P1')?.registered).to.equal(false);
  });

  it('ends a coordinator whose own log has grown again behind what a participant saw', () => {
    const driven = new DrivenCoordinator({ epoch: 4, startSeq: 60 });
    Object.assign(driven.settings, { earlierStarts: [{ epoch: 2, start: 'life2', seq: 30 }] });
    const coordinatorSeen = { incarnation: 'c0ffee', epoch: 1, start: 'life1', seq: 40 };
    expect(driven.registers('P1', { coordinatorSeen }).fatal?.code).to.equal('log-behind');
  });
});
