import { expect } from 'chai';
import fc from 'fast-check';
import { LockTable } from '../../src/resources/lock-table.ts';
import type { LockMode, LockRequest } from '../../src/resources/resource.ts';

/** The rule itself, by scanning: granted = no earlier owner that conflicts. */
class LockModel {
  readonly owners: { name: string; modes: Map<string, LockMode> }[] = [];

  acquire(name: string, requests: readonly LockRequest[]): void {
    const modes = new Map<string, LockMode>();
    for (const { key, mode } of requests) modes.set(key, (modes.get(key) ?? mode) === mode ? mode : 'exclusive');
    this.owners.push({ name, modes });
  }

  release(name: string): void {
    this.owners.splice(
      this.owners.findIndex((owner) => owner.name === name),
      1,
    );
  }

  granted(): string[] {
    return this.owners
      .filter((owner, place) => {
        const earlier = this.owners.slice(0, place);
        return [...owner.modes].every(([key, mode]) =>
          earlier.every(({ modes }) => !modes.has(key) || (modes.get(key) === mode && mode !== 'exclusive')),
        );
      })
      .map(({ name }) => name);
  }
}

const exclusive = (...keys: string[]): LockRequest[] => keys.map((key) => ({ key, mode: 'exclusive' }));
const change = (...keys: string[]): LockRequest[] => keys.map((key) => ({ key, mode: 'change' }));
const read = (...keys: string[]): LockRequest[] => keys.map((key) => ({ key, mode: 'read' }));

/** A table that notes who was granted, in order. */
function table(): { locks: LockTable; granted: string[]; acquire: (name: string, requests: LockRequest[]) => void } {
  const locks = new LockTable();
  const granted: string[] = [];
  const acquire = (name: string, requests: LockRequest[]): void => {
    if (locks.acquire(name, requests, () => granted.push(name)) === 'granted') granted.push(name);
  };
  return { locks, granted, acquire };
}

describe('The lock table', () => {
  it('lets reads go with reads and changes with changes, and nothing with an exclusive', () => {
    const { granted, acquire } = table();
    acquire('r1', read('a'));
    acquire('r2', read('a'));
    acquire('c1', change('b'));
    acquire('c2', change('b'));
    acquire('x1', exclusive('c'));
    acquire('x2', exclusive('c'));
    acquire('c3', change('a'));
    acquire('r3', read('b'));
    expect(granted).to.deep.equal(['r1', 'r2', 'c1', 'c2', 'x1']);
  });

  it('does not let a reader overtake a change that waits for an earlier reader', () => {
    const { locks, granted, acquire } = table();
    acquire('r1', read('a'));
    acquire('c1', change('a'));
    acquire('r2', read('a'));
    expect(granted).to.deep.equal(['r1']);
    locks.release('r1');
    expect(granted).to.deep.equal(['r1', 'c1']);
    locks.release('c1');
    expect(granted).to.deep.equal(['r1', 'c1', 'r2']);
  });

  it('joins compatible owners when the one between them gives up', () => {
    const { locks, granted, acquire } = table();
    acquire('c1', change('a'));
    acquire('x', exclusive('a'));
    acquire('c2', change('a'));
    expect(locks.cancel('x')).to.equal(true);
    expect(granted).to.deep.equal(['c1', 'c2']);
    expect(locks.cancel('c2'), 'a granted owner does not wait').to.equal(false);
  });

  it('holds a key exclusively when one owner asks for it in two modes', () => {
    const { granted, acquire } = table();
    acquire('both', [...read('a'), ...change('a')]);
    acquire('r', read('a'));
    acquire('c', change('b'));
    expect(granted).to.deep.equal(['both', 'c']);
  });

  it('says which key an owner waits for and who stands there', () => {
    const { locks, acquire } = table();
    acquire('t1', change('a', 'b'));
    acquire('t2', exclusive('c', 'b'));
    expect(locks.waitOf('t2')).to.deep.equal({ key: 'b', holders: ['t1'] });
    expect(locks.waitOf('t1')).to.equal(undefined);
  });

  it('calls back in the order of arrival, also when a callback releases others', () => {
    const locks = new LockTable();
    const calls: string[] = [];
    locks.acquire('first', exclusive('a', 'b', 'c'), () => undefined);
    for (const [name, key] of [
      ['t1', 'c'],
      ['t2', 'b'],
      ['t3', 'a'],
      ['t4', 'c'],
    ] as const) {
      locks.acquire(name, exclusive(key), () => {
        calls.push(name);
        if (name === 't1') locks.release('t1');
        if (name === 't2') locks.release('t3');
      });
    }
    locks.release('first');
    expect(calls, 't3 was released before its turn').to.deep.equal(['t1', 't2', 't4']);
  });

  it('gives back the keys of a prefix and keeps the rest', () => {
    const { locks, granted, acquire } = table();
    acquire('t1', exclusive('bank/1', 'chat/1'));
    acquire('t2', exclusive('bank/1'));
    acquire('t3', exclusive('chat/1'));
    locks.releasePrefix('t1', 'bank/');
    expect(granted).to.deep.equal(['t1', 't2']);
    locks.release('t1');
    expect(granted).to.deep.equal(['t1', 't2', 't3']);
  });

  it('refuses to take locks again that conflict, since they cannot have been held together', () => {
    const locks = new LockTable();
    locks.retake('t1', change('a'));
    locks.retake('t2', change('a'));
    expect(() => locks.retake('t3', read('a'))).to.throw(/do not conflict/);
  });

  it('is empty when everybody has gone', () => {
    const { locks, acquire } = table();
    for (let i = 0; i < 20; i += 1) acquire(`t${i}`, i % 3 === 0 ? exclusive('a', 'b') : change('a'));
    for (let i = 19; i >= 0; i -= 1) locks.release(`t${i}`);
    expect(locks.locked()).to.deep.equal([]);
  });

  it('serves ten thousand owners of one key without scanning them for each', () => {
    const { locks, granted, acquire } = table();
    for (let i = 0; i < 10_000; i += 1) acquire(`t${i}`, i % 2 === 0 ? exclusive('hot', `own${i}`) : change('hot'));
    for (let i = 0; i < 10_000; i += 1) locks.release(`t${i}`);
    expect(granted).to.deep.equal(Array.from({ length: 10_000 }, (_, i) => `t${i}`));
  });

  const request = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    mode: fc.constantFrom<LockMode>('read', 'change', 'exclusive'),
  });
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('acquire' as const), requests: fc.array(request, { maxLength: 4 }) }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('release' as const), pick: fc.nat() }) },
  );

  it('grants exactly those who conflict with nobody earlier, after any steps, and in the end everybody', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { locks, granted, acquire } = table();
        const model = new LockModel();
        const compare = (): void => {
          const now = model.owners.map(({ name }) => name).filter((name) => granted.includes(name));
          expect(now).to.deep.equal(model.granted());
          expect(new Set(granted).size, 'nobody is granted twice').to.equal(granted.length);
          expect(model.owners.map(({ name }) => name).filter((name) => locks.isWaiting(name))).to.deep.equal(
            model.owners.map(({ name }) => name).filter((name) => !granted.includes(name)),
          );
        };
        steps.forEach((taken, index) => {
          const victim = taken.type === 'release' ? model.owners[taken.pick % (model.owners.length || 1)] : undefined;
          if (taken.type === 'acquire') {
            model.acquire(`t${index}`, taken.requests);
            acquire(`t${index}`, taken.requests);
          } else if (victim !== undefined) {
            model.release(victim.name);
            locks.release(victim.name);
          }
          compare();
        });
        // No deadlock, no starvation: as long as someone is there, someone is granted and can finish.
        while (model.owners.length > 0) {
          const next = model.owners.find(({ name }) => granted.includes(name));
          expect(next, 'someone is granted').to.not.equal(undefined);
          model.release(next?.name ?? '');
          locks.release(next?.name ?? '');
          compare();
        }
        expect(locks.locked()).to.deep.equal([]);
      }),
      { numRuns: 300 },
    );
  });
});
