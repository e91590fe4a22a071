import { expect } from 'chai';
import { RecentDurations } from '../../src/base/recent-durations.ts';

describe('durations', () => {
  it('are told by nearest rank, of the last so many, and not before there is one', () => {
    const durations = new RecentDurations(100);
    expect(durations.percentiles()).to.equal(null);
    for (let ms = 1; ms <= 150; ms += 1) durations.note(ms);
    // Those kept are 51 to 150: half of them are at most 100, 99 of 100 at most 149.
    expect(durations.percentiles()).to.deep.equal({ p50: 100, p99: 149, most: 150 });
    expect(durations.noted).to.equal(150);
  });
});
