import { expect } from 'chai';
import { availableParallelism } from 'node:os';
import { simulateAll } from '../../src/sim/simulate.ts';
import type { SimulateOptions, SimulateResult } from '../../src/sim/simulate.ts';

const SHAPE = { transactions: 20, faults: 6, workers: availableParallelism() } as const;

/**
 * What is run each time, 23,100 seeds in all. Two participants weigh otherwise than three in a quorum; one decides
 * alone, and its views never change.
 */
const RUNS: readonly SimulateOptions[] = [
  { ...SHAPE, seed: 1, seeds: 6_000, protocol: 'mixed', participants: 3 },
  { ...SHAPE, seed: 100_001, seeds: 1_500, protocol: '2pc', participants: 3 },
  { ...SHAPE, seed: 200_001, seeds: 1_500, protocol: '3pc', participants: 3 },
  { ...SHAPE, seed: 500_001, seeds: 3_000, protocol: 'parallel', participants: 3 },
  { ...SHAPE, seed: 300_001, seeds: 9_000, protocol: 'mixed', participants: 2 },
  { ...SHAPE, seed: 400_001, seeds: 2_100, protocol: 'mixed', participants: 1 },
];

/** What to type to see the failures of a run again. */
const again = ({ protocol, participants, transactions, faults }: SimulateOptions, { failed }: SimulateResult): string =>
  failed
    .slice(0, 3)
    .map(({ seed, violations }) => {
      const shape = `--protocol ${protocol} --participants ${participants} --transactions ${transactions} --faults ${faults}`;
      return `npx parley simulate --seed ${seed} --seeds 1 ${shape}: ${violations[0]}`;
    })
    .join('\n');

describe('Twenty thousand seeds', () => {
  const kinds = new Set<string>();
  let counted = 0;
  let results: readonly SimulateResult[] = [];

  before(async function () {
    this.timeout(600_000);
    results = await simulateAll(RUNS, SHAPE.workers);
  });

  for (const [index, options] of RUNS.entries()) {
    const { seeds, protocol, participants } = options;
    it(`hold every promise: ${seeds} of ${participants} participants, ${protocol}`, () => {
      const result = results[index];
      if (result === undefined) throw new Error('no result');
      expect(again(options, result)).to.equal('');
      counted += result.counted;
      for (const kind of Object.keys(result.faults)) kinds.add(kind);
      // Worlds in which hardly anything commits, or nothing is held against a record, would show nothing.
      expect(result.committed).to.be.greaterThan(seeds * 15);
      expect(result.aborted).to.be.greaterThan(seeds);
      expect(result.outputsChecked).to.be.greaterThan(seeds * 80);
    });
  }

  it('count, each with 20 transactions and 3 faults that hit, and every kind of fault was among them', () => {
    expect(counted).to.be.at.least(20_000);
    expect([...kinds].sort()).to.deep.equal(
      [
        ...['fuse', 'kill', 'power', 'torn', 'eio', 'together', 'total', 'pause', 'suspend', 'slow', 'full'],
        ...['stall', 'one-way', 'half-open', 'part', 'isolate', 'fresh', 'rolled-back'],
      ].sort(),
    );
  });
});
