import { expect } from 'chai';
import { World } from '../../src/sim/world.ts';

/** About one seed in forty splits; so many without one would mean that worlds have lost their faults. */
const SEEDS_MAX = 1_500;

describe('The simulator', () => {
  it('finds the split of the 3PC of the textbook by itself', function () {
    this.timeout(300_000);
    for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
      const options = { seed, participants: 3, protocols: ['3pc-textbook'], transactions: 30, faults: 8 } as const;
      const { violations } = new World(options).run();
      if (violations.some((text) => text.endsWith('is committed and aborted'))) return;
    }
    expect.fail(`no split in ${SEEDS_MAX} seeds`);
  });
});
