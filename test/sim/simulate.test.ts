import { expect } from 'chai';
import { parseMessage } from '../../src/protocol/message-shapes.ts';
import { simulate } from '../../src/sim/simulate.ts';
import { World } from '../../src/sim/world.ts';
import type { WorldOptions } from '../../src/sim/world-options.ts';

const SHAPE = { protocol: 'mixed', participants: 3, transactions: 20, faults: 6 } as const;
const worldOf = (seed: number): WorldOptions => {
  return { seed, participants: 3, protocols: ['2pc', '3pc'], transactions: 20, faults: 6 };
};

describe('Many simulated worlds', () => {
  it('come to the same on one worker, on three, and on none', async function () {
    this.timeout(300_000);
    const run = (workers: number) => simulate({ ...SHAPE, seed: 40, seeds: 160, workers });
    const alone = await run(0);
    expect(await run(1)).to.deep.equal(alone);
    expect(await run(3)).to.deep.equal(alone);
    expect(alone.seeds).to.equal(160);
    expect(alone.failed).to.deep.equal([]);
  });

  it('tell where they stand', async () => {
    const told: number[] = [];
    await simulate({ ...SHAPE, seed: 1, seeds: 60, workers: 0 }, ({ done, of }) => told.push(done, of));
    expect(told).to.deep.equal([50, 60, 60, 60]);
  });

  it('count no seed in which nothing was to break', async () => {
    const { counted, faultsHit } = await simulate({ ...SHAPE, faults: 0, seed: 1, seeds: 3, workers: 0 });
    expect([counted, faultsHit]).to.deep.equal([0, 0]);
  });
});

describe('One simulated world', () => {
  it('writes and sends the same, in the same order, when it is run again', () => {
    for (const seed of [3, 16, 77]) {
      const lines: string[][] = [[], []];
      const reports = lines.map((into) => new World(worldOf(seed), { trace: (line) => into.push(line) }).run());
      expect(lines[0]).to.deep.equal(lines[1]);
      expect(lines[0]?.length).to.be.greaterThan(200);
      expect(reports[0]).to.deep.equal(reports[1]);
    }
  });

  it('has another digest when another seed makes it', () => {
    const digests = new Set(Array.from({ length: 20 }, (_, seed) => new World(worldOf(seed)).run().digest));
    expect(digests.size).to.equal(20);
  });

  it('is the same whether messages go as text or by reference: nobody changes what it was sent', () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const byText = new World(worldOf(seed));
      const { network } = byText as unknown as { network: { carry: (message: unknown) => unknown } };
      network.carry = (message) => parseMessage(JSON.parse(JSON.stringify(message)));
      expect(byText.run().digest, `seed ${seed}`).to.equal(new World(worldOf(seed)).run().digest);
    }
  });

  it('reads no clock but its own: the wall clock may jump by an hour', () => {
    const before = new World(worldOf(5)).run().digest;
    const { now } = Date;
    let calls = 0;
    Date.now = () => now() + (++calls % 2 === 0 ? 3_600_000 : -3_600_000);
    try {
      expect(new World(worldOf(5)).run().digest).to.equal(before);
    } finally {
      Date.now = now;
    }
  });

  for (const special of ['fresh', 'rolled-back'] as const) {
    it(`fences a log that is ${special}, and holds every promise`, () => {
      let hit = 0;
      for (let seed = 1; seed <= 60; seed += 1) {
        const { faults, violations } = new World({ ...worldOf(seed), special }).run();
        expect(violations, `seed ${seed}`).to.deep.equal([]);
        hit += faults[special] ?? 0;
      }
      expect(hit).to.be.greaterThan(40);
    });
  }
});
