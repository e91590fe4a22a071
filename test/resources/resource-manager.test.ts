import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import {
  Driver,
  append,
  changeLine,
  copyInto,
  create,
  numberOf,
  query,
  transfer,
  write,
} from './participant-driver.ts';

describe('The resource manager', () => {
  it('prepares all groups of a transaction or none, and answers in the order of the operations', () => {
    const driver = new Driver();
    driver.run(1, create(100), create(0));
    const outcome = driver.prepare(2, append('lobby', 'a'), transfer(1, 2, 10), write('x'), transfer(1, 2, 5));
    expect(outcome?.vote === 'yes' && outcome.results).to.deep.equal([
      { index: 0, result: { room: 'lobby', lines: [{ key: 'a', seq: 1 }] } },
      { index: 1, result: { from: 1, to: 2, amount: 10 } },
      { index: 2, result: { index: 1 } },
      { index: 3, result: { from: 1, to: 2, amount: 5 } },
    ]);
    driver.prepare(3, append('attic', 'a'), transfer(1, 2, 500));
    expect(driver.refusal(3)).to.equal('insufficient-funds');
    driver.prepare(4, append('attic', 'a'));
    expect(driver.vote(4), 'the no freed the other group too').to.equal('yes');
  });

  it('shows listeners a transaction when all of it is applied, and numbers its changes', () => {
    const driver = new Driver();
    const seen: string[] = [];
    const stop = driver.manager.onChange(({ position, group, number, id }) => {
      seen.push(`${position} ${group} ${number} ${id} ${driver.manager.groups.notebook('notes')?.strings().length}`);
    });
    driver.run(1, append('lobby', 'a'), write('x'));
    stop();
    driver.run(2, write('y'));
    expect(seen).to.deep.equal(['1 chat c0ffee.1.1 TX1 1', '2 notes c0ffee.1.1 TX1 1']);
    expect(driver.manager.position).to.equal(3);
  });

  it('keeps at least the newest changes, and says when older ones are gone', () => {
    const driver = new Driver({ feedLength: 3 });
    for (let i = 1; i <= 10; i += 1) driver.run(i, i % 2 === 0 ? write(`w${i}`) : append('lobby', `k${i}`));
    const positions = (since: number, group?: string): unknown => {
      const { changes, complete } = driver.manager.changesSince(since, group);
      return [changes.map(({ position }) => position), complete];
    };
    expect(positions(7)).to.deep.equal([[8, 9, 10], true]);
    expect(positions(7, 'notes')).to.deep.equal([[8, 10], true]);
    expect(positions(10)).to.deep.equal([[], true]);
    expect(positions(0)).to.deep.equal([[], false]);
    expect(positions(11), 'a position of another life').to.deep.equal([[], false]);
  });

  it('makes followers take a snapshot after a copy was replaced', () => {
    const driver = new Driver();
    driver.run(1, write('a'));
    copyInto(driver.manager, 'notes', []);
    expect(driver.manager.changesSince(1).complete).to.equal(false);
    expect(driver.manager.changesSince(driver.manager.position).complete).to.equal(true);
  });

  it('learns a change again that it had before its copy was replaced by an older one', () => {
    const source = new Driver();
    const member = new Driver();
    for (const driver of [source, member]) driver.prepare(1, write('a'));
    const older = source.manager.snapshotGroup('notes');
    member.commit(1);
    source.commit(1);
    copyInto(member.manager, 'notes', [...older, ...source.manager.changesSince(0).changes.map(changeLine)]);
    expect(member.manager.snapshotGroup('notes')).to.deep.equal(source.manager.snapshotGroup('notes'));
  });

  it('commits the groups that are left of an attempt when one of them was dropped', () => {
    const driver = new Driver();
    driver.prepare(1, append('lobby', 'a'), write('x'));
    driver.manager.dropReservations('notes');
    expect(driver.manager.prepared()).to.deep.equal([{ number: numberOf(1), groups: ['chat'] }]);
    expect(driver.manager.locked().map(({ key }) => key)).to.deep.equal(['chat/room/lobby']);
    const data = { strings: [{ index: 1, string: 'x' }] };
    copyInto(driver.manager, 'notes', [changeLine({ number: numberOf(1), id: 'TX1', data })]);
    driver.commit(1);
    expect(driver.manager.groups.history('chat')?.rooms()).to.deep.equal([{ room: 'lobby', last: 1 }]);
    expect(driver.manager.groups.notebook('notes')?.strings()).to.deep.equal([{ index: 1, string: 'x' }]);
  });

  it('votes no for a group it is not a member of, and for another resource than its own', () => {
    const driver = new Driver();
    driver.prepare(1, { group: 'elsewhere', type: 'total' });
    expect(driver.refusal(1)).to.equal('unknown-group');
    driver.manager.prepare(
      numberOf(2),
      [{ index: 0, operation: { group: 'chat', resource: 'ledger', type: 'total' } }],
      (outcome) => driver.outcomes.set(2, outcome),
    );
    expect(driver.refusal(2)).to.equal('bad-operation');
  });

  it('compares between replicas what changes only, since a read goes to one of them', () => {
    const [one, other] = [new Driver(), new Driver()];
    for (const driver of [one, other]) driver.run(1, create(100), create(0));
    const here = one.run(2, transfer(1, 2, 10), query(1));
    const there = other.run(2, transfer(1, 2, 10));
    expect(here.hashes).to.deep.equal(there.hashes);
  });

  it('forgets applied numbers below the low-water mark of their incarnation, and no others', () => {
    const driver = new Driver();
    const commit = (number: string, index: number): void =>
      driver.manager.commit(number, 'TX', [{ group: 'notes', effect: { strings: [{ index, string: number }] } }]);
    ['c0ffee.1.9', 'c0ffee.2.1', 'c0ffee.2.2', 'abc.1.1'].forEach((number, offset) => commit(number, offset + 1));
    driver.manager.forgetBelow('c0ffee.2.2');
    driver.manager.forgetBelow('c0ffee.1.1');
    const { applied } = driver.manager.checkpointState() as { applied: { numbers: { number: string }[] } };
    expect(applied.numbers.map(({ number }) => number)).to.deep.equal(['abc.1.1', 'c0ffee.2.2']);
    driver.manager.commit('c0ffee.1.9', 'TX');
    driver.manager.commit('c0ffee.2.2', 'TX');
    expect(driver.manager.groups.notebook('notes')?.strings()).to.have.length(4);
  });

  it('bounds the applied numbers it remembers while the low-water mark follows', () => {
    const driver = new Driver();
    for (let i = 1; i <= 5000; i += 1) {
      driver.manager.commit(numberOf(i), 'TX', [{ group: 'chat', effect: null }]);
      driver.manager.forgetBelow(numberOf(Math.max(1, i - 10)));
    }
    const { applied } = driver.manager.checkpointState() as { applied: { numbers: unknown[] } };
    expect(applied.numbers).to.have.length(11);
  });

  it('takes a commit it was never asked to prepare for a bug', () => {
    const driver = new Driver();
    expect(() => driver.manager.commit(numberOf(1), 'TX1')).to.throw(AssertionFailed);
    driver.prepare(2, write('a'));
    driver.prepare(3, write('b'));
    expect(() => driver.manager.commit(numberOf(3), 'TX3')).to.throw(AssertionFailed);
    expect(() => driver.prepare(2, write('a'))).to.throw(AssertionFailed);
  });

  it('makes a reader of an account wait for the create that promised its number', () => {
    const driver = new Driver();
    driver.prepare(1, create(100));
    expect(driver.manager.undecidedWrite('bank', 'account/1')).to.deep.equal([numberOf(1)]);
    expect(driver.manager.undecidedWrite('bank', 'accounts')).to.deep.equal([numberOf(1)]);
  });

  it('calls a reader back when the last of the writes it waits for is decided, and not when it gave up', () => {
    const driver = new Driver();
    driver.run(1, create(100), create(0));
    driver.prepare(2, transfer(1, 2, 1));
    driver.prepare(3, transfer(1, 2, 1));
    const calls: string[] = [];
    const numbers = driver.manager.undecidedWrite('bank', 'account/1');
    driver.manager.afterDecided(numbers, () => calls.push('patient'));
    const giveUp = driver.manager.afterDecided(numbers, () => calls.push('hasty'));
    driver.prepare(4, transfer(1, 2, 1));
    driver.commit(3);
    giveUp();
    expect(calls).to.deep.equal([]);
    driver.abort(2);
    expect(calls, 'a write prepared later is not waited for').to.deep.equal(['patient']);
    driver.manager.afterDecided(numbers, () => calls.push('late'));
    expect(calls).to.deep.equal(['patient', 'late']);
  });

  it('ends ten thousand attempts that wait for the same money without a deep stack', () => {
    const driver = new Driver();
    driver.run(1, create(10), create(0));
    driver.prepare(2, transfer(1, 2, 6));
    for (let i = 3; i < 10_003; i += 1) driver.prepare(i, transfer(1, 2, 6));
    expect(driver.manager.waiting()).to.have.length(10_000);
    driver.commit(2);
    expect(driver.refusal(10_002)).to.equal('insufficient-funds');
    expect(driver.manager.locked()).to.deep.equal([]);
  });
});
