import { expect } from 'chai';
import { latencyOf, percentile, spreadOf } from '../../src/bench/statistics.ts';

describe('the figures of the bench', () => {
  it('the median of an odd number of samples is the middle one, of an even number the mean of the middle two', () => {
    expect(spreadOf([9, 1, 5])).to.deep.equal({ median: 5, least: 1, most: 9, samples: [9, 1, 5] });
    expect(spreadOf([4, 1, 2, 100]).median).to.equal(3);
    expect(spreadOf([7])).to.deep.equal({ median: 7, least: 7, most: 7, samples: [7] });
  });

  it('samples are ordered as numbers, not as text', () => {
    expect(spreadOf([10, 9, 100])).to.include({ median: 10, least: 9, most: 100 });
  });

  it('a percentile is the least sample that so many do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile(hundred, 1)]).to.deep.equal([50, 99, 100]);
    expect(percentile([3], 0.01)).to.equal(3);
  });

  it('latencies need not come in order', () => {
    expect(latencyOf([5, 1, 3])).to.deep.equal({ p50Ms: 3, p99Ms: 5, mostMs: 5 });
  });

  it('a figure that was never measured is a bug', () => {
    expect(() => spreadOf([])).to.throw('measured at least once');
    expect(() => percentile([], 0.5)).to.throw('at least one sample');
  });
});
