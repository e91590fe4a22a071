import { expect } from 'chai';
import { DrivenCoordinator } from './driven-coordinator.ts';

/** All three registered. */
function threeThere(): DrivenCoordinator {
  const driven = new DrivenCoordinator();
  for (const name of ['P1', 'P2', 'P3']) driven.registers(name);
  return driven;
}

describe('The silence of a member', () => {
  it('is not counted when the client was patient for less than a vote may take', () => {
    const driven = threeThere();
    for (const id of ['TX001', 'TX002', 'TX003']) {
      driven.requests(id, { timeoutMs: 1 });
      expect(driven.timer(`vote:${driven.lastNumber}`).drop, id).to.deep.equal([]);
    }
    expect([...driven.tables.peers.values()].map(({ registered }) => registered)).to.deep.equal([true, true, true]);
  });

  it('ends with a vote that comes too late for its attempt', () => {
    const driven = threeThere();
    for (const id of ['TX001', 'TX002', 'TX003']) {
      driven.requests(id);
      for (const name of ['P1', 'P2']) driven.votes(name, driven.lastNumber);
      expect(driven.timer(`vote:${driven.lastNumber}`).drop, id).to.deep.equal([]);
      driven.votes('P3', driven.lastNumber);
    }
  });
});
