import { expect } from 'chai';
import { lockTimesOf } from '../../src/api/server-lock-times.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import { ParleyError } from '../../src/base/errors.ts';

const STATES: Readonly<Record<string, Json>> = {
  quick: { lockTimes: { taken: 4, ms: { p50: 0.1, p99: 9, most: 9 } } },
  slow: { lockTimes: { taken: 3, ms: { p50: 0.2, p99: 5, most: 50 } } },
  idle: { lockTimes: { taken: 0, ms: null } },
  other: 'text',
};

function ask(address: string): Promise<Json> {
  const state = STATES[address];
  if (state === undefined) return Promise.reject(new ParleyError('unreachable', 'Nobody listens.'));
  return Promise.resolve(state);
}

describe('the times for locks', () => {
  it('are those of the slowest node, of those that answer and took any', async () => {
    expect(await lockTimesOf(['quick', 'dead', 'slow', 'idle', 'other'], ask)).to.deep.equal({
      ...{ nodes: 2, taken: 7, ms: { p50: 0.2, p99: 9, most: 50 } },
    });
  });

  it('are unknown when no node knows any', async () => {
    expect(await lockTimesOf(['idle', 'dead'], ask)).to.equal(null);
  });
});
