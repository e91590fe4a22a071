/** Several slices of the long proof at once. */
import { expect } from 'chai';
import { nextToRun, runInLanes, secondsInLanes } from '../../src/lab/prove/lanes.ts';
import type { SliceLoad } from '../../src/lab/prove/lanes.ts';

interface Slice {
  readonly load: SliceLoad;
  readonly name: string;
}

const slices = (...names: readonly string[]): readonly Slice[] =>
  names.map((name) => ({ name, load: name.startsWith('s') ? 'works' : name.startsWith('k') ? 'waits' : 'alone' }));

/** Runs them, and returns the begins and ends in their order; a slice ends when `turns` others have begun or ended. */
async function order(names: readonly string[], jobs: number, stopAt?: string): Promise<readonly string[]> {
  const seen: string[] = [];
  const stop = new AbortController();
  await runInLanes(slices(...names), {
    jobs,
    signal: stop.signal,
    run: async ({ name }) => {
      seen.push(`+${name}`);
      if (name === stopAt) stop.abort();
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`-${name}`);
    },
  });
  return seen;
}

/** How many were under way at most, of those whose names begin so. */
function most(seen: readonly string[], first: string): number {
  let [now, highest] = [0, 0];
  for (const each of seen) {
    if (!each.slice(1).startsWith(first)) continue;
    now += each.startsWith('+') ? 1 : -1;
    highest = Math.max(highest, now);
  }
  return highest;
}

describe('slices of the long proof', () => {
  it('run one after the other, in their order, with one lane', async () => {
    expect(await order(['s1', 'k1', 'c', 's2'], 1)).to.deep.equal([
      ...['+s1', '-s1', '+k1', '-k1', '+c', '-c', '+s2', '-s2'],
    ]);
  });

  it('run at once: one that computes, and beside it those that wait', async () => {
    const seen = await order(['s1', 's2', 's3', 'k1', 'k2', 'k3', 'k4'], 3);
    expect([most(seen, 's'), most(seen, 'k'), most(seen, '')]).to.deep.equal([1, 2, 3]);
    expect(seen.filter((each) => each.startsWith('-'))).to.have.lengthOf(7);
  });

  it('leave nobody beside one that measures time, and begin it when nothing else is left', async () => {
    const seen = await order(['c', 's1', 'k1', 'k2'], 3);
    expect(seen.slice(-2)).to.deep.equal(['+c', '-c']);
    expect(nextToRun(slices('s1'), slices('c'), 3)).to.equal(undefined);
  });

  it('are not begun any more once they were stopped, and those under way are waited for', async () => {
    const seen = await order(['s1', 'k1', 'k2', 's2'], 2, 'k1');
    expect(seen).to.deep.equal(['+s1', '+k1', '-s1', '-k1']);
  });

  it('fail as a whole when one of them throws', async () => {
    const stop = new AbortController();
    const run = (): Promise<void> => Promise.reject(new Error('no such program'));
    const thrown: unknown = await runInLanes(slices('s1', 'k1'), { jobs: 2, signal: stop.signal, run }).catch(
      (error: unknown) => error,
    );
    expect(String(thrown)).to.equal('Error: no such program');
  });

  it('take as long as the longer lane, and then those that run alone', () => {
    const left = [
      { load: 'works', seconds: 100 },
      { load: 'waits', seconds: 300 },
      { load: 'alone', seconds: 10 },
    ] as const;
    expect([1, 2, 3, 5].map((jobs) => secondsInLanes(left, jobs))).to.deep.equal([410, 310, 160, 110]);
  });
});
