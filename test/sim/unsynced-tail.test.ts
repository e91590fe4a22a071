import { expect } from 'chai';
import { SeededRandom } from '../../src/sim/seeded-random.ts';
import { audit, damageTail } from '../../src/sim/unsynced-tail.ts';
import type { StoredRecord } from '../../src/wal/log-store.ts';

const records = (count: number): StoredRecord<{ type: string; text: string }>[] =>
  Array.from({ length: count }, (_, index) => {
    return { seq: index + 8, epoch: 3, record: { type: 'note', text: 'grüße '.repeat(index) } };
  });

describe('The tail of a log that a crash damages', () => {
  it('keeps whole records at its beginning only, and the shipped scanner finds just those', async () => {
    const kinds = new Map<string, Set<number>>();
    for (let seed = 1; seed <= 400; seed += 1) {
      const tail = damageTail(records(4), 7, new SeededRandom(seed));
      expect(await audit(tail), `seed ${seed}`).to.equal(undefined);
      kinds.set(tail.damage, (kinds.get(tail.damage) ?? new Set()).add(tail.whole));
    }
    expect([...kinds.keys()].sort()).to.deep.equal(['cut', 'flipped', 'garbage', 'zeroed']);
    // From nothing left to hardly anything lost.
    for (const [damage, whole] of kinds) expect(whole.size, damage).to.be.at.least(4);
  });

  it('is empty when everything was synced', async () => {
    const tail = damageTail([], 7, new SeededRandom(1));
    expect(tail.whole).to.equal(0);
    expect(await audit(tail)).to.equal(undefined);
  });

  it('is found out when it claims more than it holds', async () => {
    const tail = damageTail(records(2), 7, new SeededRandom(4));
    expect(await audit({ ...tail, whole: tail.whole + 1 })).to.match(/the scanner finds/);
  });
});
