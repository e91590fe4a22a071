/**
 * Three replicas, one coordinator that sends each of them its prepares in one
 * order, and a network that lets them lag behind each other in any way and
 * brings decisions in any order, as after a reconnect. What
 * must come out: every attempt is decided without a single timeout (so nobody
 * waits in a circle), the replicas that say yes compute the same, and in the
 * end their copies are equal.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { Driver, append, create, transfer, update, write } from './participant-driver.ts';
import type { Fields } from './participant-driver.ts';

type Decision = { readonly type: 'commit' | 'abort'; readonly n: number };

/** One replica and what is on its way to it. */
interface Link {
  readonly replica: Driver;
  readonly prepares: number[];
  readonly decisions: Decision[];
}

const account = fc.constantFrom(1, 1, 1, 2, 3);
const amount = fc.integer({ min: 1, max: 90 });
const operation: fc.Arbitrary<Fields> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(account, account, amount)
      .map(([from, to, sum]) => transfer(from, to === from ? (to % 3) + 1 : to, sum)),
  },
  { weight: 1, arbitrary: fc.tuple(account, amount).map(([n, balance]) => update(n, balance)) },
  { weight: 1, arbitrary: amount.map((opening) => create(opening)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('lobby', 'attic'), fc.constantFrom('a', 'b', 'c'))
      .map(([room, key]) => append(room, key)),
  },
  { weight: 1, arbitrary: fc.constantFrom('x', 'y').map((string) => write(string)) },
);
const transaction = fc.array(operation, { minLength: 1, maxLength: 3 });

class Coordinator {
  readonly links: readonly Link[] = [0, 1, 2].map(() => ({ replica: new Driver(), prepares: [], decisions: [] }));
  readonly #operations = new Map<number, readonly Fields[]>();
  readonly #open = new Set<number>();
  #last = 10;

  constructor() {
    for (const { replica } of this.links) replica.run(1, create(100), create(100), create(100));
  }

  begin(operations: readonly Fields[]): void {
    this.#last += 1;
    this.#operations.set(this.#last, operations);
    this.#open.add(this.#last);
    for (const { prepares } of this.links) prepares.push(this.#last);
  }

  /** One replica takes one message that may arrive now; false when there is none. */
  deliver(place: number, pick: number): boolean {
    const link = this.links[place];
    if (link === undefined) return false;
    const [next] = link.prepares;
    // A decision does not overtake the prepare of its own attempt.
    const ripe = link.decisions.filter(({ n }) => !link.prepares.includes(n));
    const choices = [...ripe, ...(next === undefined ? [] : [{ type: 'prepare' as const, n: next }])];
    const chosen = choices[pick % (choices.length || 1)];
    if (chosen === undefined) return false;
    if (chosen.type === 'prepare') {
      link.prepares.shift();
      link.replica.prepare(chosen.n, ...(this.#operations.get(chosen.n) ?? []));
    } else {
      link.decisions.splice(link.decisions.indexOf(chosen), 1);
      link.replica[chosen.type](chosen.n);
    }
    this.#decide();
    return true;
  }

  undecided(): readonly number[] {
    return [...this.#open];
  }

  #decide(): void {
    for (const n of this.undecided()) {
      const votes = this.links.map(({ replica }) => replica.vote(n));
      if (votes.includes('waiting') && !votes.includes('no')) continue;
      const type = votes.includes('no') ? 'abort' : 'commit';
      if (type === 'commit') {
        const hashes = this.links.map(({ replica }) =>
          JSON.stringify((replica.outcomes.get(n) as { hashes: unknown }).hashes),
        );
        expect(new Set(hashes).size, `replicas compute the same for ${n}`).to.equal(1);
      }
      this.#open.delete(n);
      for (const { decisions } of this.links) decisions.push({ type, n });
    }
  }
}

describe('Replicas that lag behind each other', () => {
  it('do not wait in a circle when one of them has seen less of a commit than the other', () => {
    const [ahead, behind] = [new Driver(), new Driver()];
    for (const driver of [ahead, behind]) {
      driver.run(1, create(140), create(100), create(0));
      driver.prepare(2, transfer(2, 1, 20));
    }
    ahead.commit(2);
    for (const driver of [ahead, behind]) {
      driver.prepare(3, transfer(1, 3, 120));
      driver.prepare(4, transfer(1, 3, 30));
      driver.prepare(5, transfer(1, 3, 15));
    }
    // 15 would fit into the 20 that are left behind; but then 30 would wait there for 15, and ahead 15 for 30.
    expect([4, 5].map((n) => [ahead.vote(n), behind.vote(n)])).to.deep.equal([
      ['yes', 'waiting'],
      ['waiting', 'waiting'],
    ]);
    behind.commit(2);
    expect(behind.vote(4)).to.equal('yes');
  });

  it('do not wait in a circle when one of them has a lock free and the other has not', () => {
    const [ahead, behind] = [new Driver(), new Driver()];
    for (const driver of [ahead, behind]) {
      driver.run(1, create(100), create(100));
      driver.prepare(2, update(2, 7));
    }
    ahead.commit(2);
    for (const driver of [ahead, behind]) {
      driver.prepare(3, transfer(1, 2, 60));
      driver.prepare(4, { group: 'bank', type: 'debit', account: 1, amount: 60 });
    }
    expect([3, 4].map((n) => [ahead.vote(n), behind.vote(n)])).to.deep.equal([
      ['yes', 'waiting'],
      ['waiting', 'waiting'],
    ]);
    behind.commit(2);
    expect(behind.vote(3)).to.equal('yes');
  });

  it('decide everything without a timeout, compute the same, and end with equal copies', () => {
    const step = fc.oneof(
      { weight: 1, arbitrary: transaction },
      { weight: 4, arbitrary: fc.record({ place: fc.integer({ min: 0, max: 2 }), pick: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const coordinator = new Coordinator();
        for (const taken of steps) {
          if ('place' in taken) coordinator.deliver(taken.place, taken.pick);
          else coordinator.begin(taken);
        }
        while ([0, 1, 2].map((place) => coordinator.deliver(place, 1)).includes(true));
        expect(coordinator.undecided(), 'nobody waits in a circle').to.deep.equal([]);
        const [first, ...others] = coordinator.links.map(({ replica: { manager } }) =>
          ['bank', 'chat', 'notes'].map((group) => manager.snapshotGroup(group)),
        );
        for (const other of others) expect(other).to.deep.equal(first);
        for (const { replica } of coordinator.links) expect(replica.manager.locked()).to.deep.equal([]);
      }),
      { numRuns: 400 },
    );
  });
});
