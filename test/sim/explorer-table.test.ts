import { expect } from 'chai';
import { PairTable, RowTable } from '../../src/sim/explorer-table.ts';

describe('The tables of the explorer', () => {
  it('keep every pair of numbers apart, also the largest, and through growing', () => {
    const table = new PairTable();
    const pairs = Array.from({ length: 5000 }, (_, i) => [i % 71, Math.floor(i / 71)] as const);
    for (const [at, [a, b]] of pairs.entries()) {
      expect(table.get(a, b)).to.equal(undefined);
      table.set(a, b, at);
    }
    table.set(2 ** 32 - 1, 2 ** 32 - 2, 7);
    expect(pairs.every(([a, b], at) => table.get(a, b) === at)).to.equal(true);
    expect(table.get(2 ** 32 - 1, 2 ** 32 - 2)).to.equal(7);
    expect(table.get(2 ** 32 - 2, 2 ** 32 - 1)).to.equal(undefined);
  });

  it('keep every row once, in order, past the end of a chunk, and know the way to it', () => {
    const table = new RowTable(3);
    const rows = 70_000;
    for (let i = 0; i < rows; i += 1)
      expect(table.add([i, i % 3, 2 ** 32 - 1 - i], Math.max(0, i - 1000))).to.equal(true);
    expect(table.add([5, 2, 2 ** 32 - 6], 0)).to.equal(false);
    expect(table.add([5, 2, 2 ** 32 - 7], 0)).to.equal(true);
    expect(table.size).to.equal(rows + 1);
    const row = new Uint32Array(3);
    table.read(66_000, row);
    expect([...row]).to.deep.equal([66_000, 0, 2 ** 32 - 66_001]);
    expect(table.pathTo(3500)).to.deep.equal([0, 500, 1500, 2500, 3500]);
  });
});
