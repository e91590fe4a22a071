import { expect } from 'chai';
import { planAttempt } from '../../src/protocol/plan.ts';
import { readFrom, writeTo } from './driven-coordinator.ts';

const VIEWS = { bank: ['P1', 'P2'], chat: ['P2', 'P3'], notes: ['P1'] };
const anyone = (): boolean => true;

describe('The plan of an attempt', () => {
  it('sends a write to every member in the view, and lists them', () => {
    const plan = planAttempt([writeTo('bank')], VIEWS, anyone);
    expect(plan.listed).to.deep.equal(['P1', 'P2']);
    expect(plan.readers).to.deep.equal([]);
    expect(plan.groups).to.deep.equal({ bank: ['P1', 'P2'] });
  });

  it('reads at one member: the first that is preferred, else the first', () => {
    const readerOf = (preferred: (name: string) => boolean) =>
      planAttempt([readFrom('bank')], VIEWS, preferred).readers;
    expect(readerOf(anyone)).to.deep.equal(['P1']);
    expect(readerOf((name) => name === 'P2')).to.deep.equal(['P2']);
    expect(readerOf(() => false)).to.deep.equal(['P1']);
  });

  it('sends a read beside a write of the same group to all, because replicas must report equal results', () => {
    const plan = planAttempt([readFrom('bank', 0), writeTo('bank', 1)], VIEWS, anyone);
    expect(plan.operations['P2']?.map(({ index }) => index)).to.deep.equal([0, 1]);
    expect(plan.listed).to.deep.equal(['P1', 'P2']);
  });

  it('lists who writes in one group and reads in another, with all its operations and their places', () => {
    const plan = planAttempt([readFrom('bank', 0), writeTo('chat', 1), writeTo('notes', 2)], VIEWS, anyone);
    expect(plan.listed).to.deep.equal(['P1', 'P2', 'P3']);
    expect(plan.operations['P1']?.map(({ index }) => index)).to.deep.equal([0, 2]);
    expect(plan.operations['P3']?.map(({ index }) => index)).to.deep.equal([1]);
  });

  it('does not tell participants what only the coordinator needs', () => {
    const plan = planAttempt([writeTo('notes')], VIEWS, anyone);
    expect(Object.keys(plan.operations['P1']?.[0] ?? {})).to.deep.equal(['index', 'operation']);
  });
});
