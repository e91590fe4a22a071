import { expect } from 'chai';
import { uuidV7 } from '../../src/base/ids.ts';
import { LABELS_MAX, OutcomeStore } from '../../src/protocol/outcomes.ts';
import type { StoredOutcome } from '../../src/protocol/outcomes.ts';

const outcomeOf = (id: string, outcome: 'committed' | 'aborted' = 'committed'): StoredOutcome => {
  return { id, hash: 'h1', number: 'c0ffee.1.1', outcome, body: { id, outcome } };
};
/** The id of a client at this time; `tail` tells ids of one time apart. */
const idAt = (unixMs: number, tail = 0): string => uuidV7(unixMs, new Uint8Array(10).fill(tail));

describe('The store of outcomes', () => {
  it('keeps the first answer of an id', () => {
    const store = new OutcomeStore();
    store.add(outcomeOf('TX001'));
    store.add(outcomeOf('TX001', 'aborted'));
    expect(store.get('TX001')?.outcome).to.equal('committed');
    expect(store.size).to.equal(1);
  });

  it('evicts the oldest beyond what it keeps, and never runs an id of that time or earlier again', () => {
    const store = new OutcomeStore(2);
    for (const unixMs of [1_000, 2_000, 3_000]) store.add(outcomeOf(idAt(unixMs)));
    expect(store.get(idAt(1_000))).to.equal(undefined);
    expect(store.floor).to.equal(1_000);
    expect(store.admits(idAt(1_000))).to.equal('too-old');
    expect(store.admits(idAt(1_000, 7))).to.equal('too-old');
    expect(store.admits(idAt(1_001))).to.equal('yes');
  });

  it('never lowers its floor', () => {
    const store = new OutcomeStore(1);
    store.raiseFloor(5_000);
    for (const unixMs of [1_000, 2_000]) store.add(outcomeOf(idAt(unixMs)));
    expect(store.floor).to.equal(5_000);
  });

  it('gives the same floor when the same outcomes are replayed', () => {
    const ids = [3_000, 1_000, 2_000, 9_000, 4_000].map((unixMs) => idAt(unixMs));
    const stores = [new OutcomeStore(2), new OutcomeStore(2)];
    for (const store of stores) for (const id of ids) store.add(outcomeOf(id));
    const [live, replayed] = stores;
    expect(replayed?.floor).to.equal(live?.floor);
    expect([...(replayed?.all() ?? [])]).to.deep.equal([...(live?.all() ?? [])]);
  });

  it('never evicts a label, and takes no more than it may keep for ever', () => {
    const store = new OutcomeStore(1);
    for (let label = 1; label <= LABELS_MAX; label += 1) store.add(outcomeOf(`TX${label}`));
    expect(store.admits('ONE-MORE')).to.equal('labels-full');
    expect(store.get('TX1')?.outcome).to.equal('committed');
    expect(store.admits(idAt(1_000))).to.equal('yes');
    store.add(outcomeOf(idAt(1_000)));
    store.add(outcomeOf(idAt(2_000)));
    expect(store.size).to.equal(LABELS_MAX + 1);
  });
});
