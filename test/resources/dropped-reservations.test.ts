import { expect } from 'chai';
import { create, Driver, indexed, numberOf, transfer, update } from './participant-driver.ts';

describe('Attempts whose group is dropped for a copy', () => {
  it('get one answer each, though the end of one lets another go on in passing', () => {
    const driver = new Driver();
    driver.run(1, create(100), create(100), create(100));
    const votes: string[] = [];
    const prepare = (sequence: number, operation: Readonly<Record<string, unknown>>): void =>
      driver.manager.prepare(numberOf(sequence), indexed([operation]), ({ vote }) => votes.push(`${sequence} ${vote}`));
    prepare(2, transfer(1, 3, 80));
    // Waits for the money that 2 holds, and keeps the lock on account 2, for which the next one waits.
    prepare(3, transfer(1, 2, 50));
    prepare(4, update(2, 7));
    driver.manager.dropReservations('bank');
    expect(votes.sort()).to.deep.equal(['2 yes', '3 no', '4 no']);
    expect(driver.manager.locked()).to.deep.equal([]);
  });
});
