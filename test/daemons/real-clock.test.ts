import { expect } from 'chai';
import { realClock } from '../../src/daemons/real-clock.ts';

describe('The clock of a daemon', () => {
  it('counts whole milliseconds, which is what messages carry, and never back', () => {
    const times = Array.from({ length: 1_000 }, () => realClock.nowMs());
    expect(times.filter((time) => !Number.isSafeInteger(time))).to.deep.equal([]);
    expect([...times].sort((one, other) => one - other)).to.deep.equal(times);
  });

  it('draws a chance that is at least 0 and below 1', () => {
    for (let count = 0; count < 100; count += 1) expect(realClock.random()).to.be.within(0, 1 - Number.EPSILON / 2);
  });
});
