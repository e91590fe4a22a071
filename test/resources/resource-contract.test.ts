/**
 * What every resource must do, tried on all three: the same suite, each with
 * operations of its own.
 */
import { expect } from 'chai';
import { digest } from '../../src/base/canonical-json.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import { ParleyError } from '../../src/base/errors.ts';
import type { GroupEffect, IndexedOperation } from '../../src/resources/attempt.ts';
import {
  Driver,
  append,
  changeLine,
  copyInto,
  create,
  indexed,
  numberOf,
  query,
  transfer,
  update,
  write,
} from './participant-driver.ts';
import type { Fields } from './participant-driver.ts';

interface Subject {
  readonly group: string;
  /** Committed one after the other, before the rest. */
  readonly history: readonly (readonly Fields[])[];
  /** A change that can commit after the history. */
  readonly change: readonly Fields[];
  /** A change that conflicts with `change`. */
  readonly rival: readonly Fields[];
  /** A read that conflicts with `change`, and the key it reads. */
  readonly read: readonly Fields[];
  readonly key: string;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  ledger: {
    group: 'bank',
    history: [
      [create(1000), create(50, { owner: 'Ann' })],
      [transfer(1, 2, 100)],
      [update(2, 7)],
      [create(3, { account: 9 })],
    ],
    change: [transfer(1, 2, 100), transfer(1, 9, 1)],
    rival: [update(1, 5)],
    read: [query(2)],
    key: 'account/2',
  },
  history: {
    group: 'chat',
    history: [[append('lobby', 'a', 'b')], [append('attic', 'a')], [append('lobby', 'b', 'c')]],
    change: [append('lobby', 'c', 'd', 'e')],
    rival: [append('lobby', 'z')],
    read: [{ group: 'chat', type: 'read', room: 'lobby' }],
    key: 'room/lobby',
  },
  notebook: {
    group: 'notes',
    history: [[write('Hello')], [write('again'), write('and again')]],
    change: [write('more')],
    rival: [write('rival')],
    read: [{ group: 'notes', type: 'read' }],
    key: 'notebook',
  },
};

/** A value as it comes back from a disk or a peer: through text. */
const throughText = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** A log as a host would keep it: what replay needs, in the order of commits. */
type Log = { number: string; id: string; operations: readonly IndexedOperation[]; effects: readonly GroupEffect[] }[];

function live(subject: Subject): { driver: Driver; log: Log } {
  const driver = new Driver();
  const log: Log = [];
  subject.history.forEach((operations, index) => {
    const { effects } = driver.run(index + 1, ...operations);
    log.push(
      throughText({ number: numberOf(index + 1), id: `TX${index + 1}`, operations: indexed(operations), effects }),
    );
  });
  return { driver, log };
}

const stateOf = (driver: Driver): string => digest(driver.manager.checkpointState());

for (const [kind, subject] of Object.entries(SUBJECTS)) {
  const { group, change, rival, read, key } = subject;

  describe(`The ${kind} keeps the contract of a resource:`, () => {
    it('a prepare and an abort leave no trace', () => {
      const { driver } = live(subject);
      const before = stateOf(driver);
      driver.prepare(50, ...change);
      expect(driver.vote(50)).to.equal('yes');
      expect(stateOf(driver), 'what is reserved is not committed state').to.equal(before);
      driver.abort(50);
      driver.abort(50);
      expect(stateOf(driver)).to.equal(before);
      expect([driver.manager.locked(), driver.manager.prepared(), driver.manager.waiting()]).to.deep.equal([
        [],
        [],
        [],
      ]);
    });

    it('a second commit of the same number changes nothing, with or without its effects', () => {
      const { driver } = live(subject);
      const { effects } = driver.run(50, ...change);
      const [after, position] = [stateOf(driver), driver.manager.position];
      driver.commit(50);
      driver.manager.commit(numberOf(50), 'TX50', effects);
      expect([stateOf(driver), driver.manager.position]).to.deep.equal([after, position]);
    });

    it('a rival waits for the decision, and then meets what it left', () => {
      const { driver } = live(subject);
      driver.prepare(50, ...change);
      driver.prepare(51, ...rival);
      expect(driver.vote(51)).to.equal('waiting');
      expect(driver.manager.waiting()).to.have.length(1);
      driver.commit(50);
      expect(driver.vote(51)).to.equal('yes');
      driver.commit(51);
      expect(driver.manager.locked()).to.deep.equal([]);
    });

    it('a read waits for an undecided write of its key, frees its locks at once, and names no effect', () => {
      const { driver } = live(subject);
      driver.prepare(50, ...change);
      driver.prepare(51, ...read);
      expect(driver.vote(51)).to.equal('waiting');
      expect(driver.manager.undecidedWrite(group, key)).to.deep.equal([numberOf(50)]);
      driver.abort(50);
      expect(driver.manager.undecidedWrite(group, key)).to.deep.equal([]);
      expect(driver.outcomes.get(51)).to.deep.include({ vote: 'yes', readOnly: true, effects: [] });
      expect(driver.manager.locked()).to.deep.equal([]);
    });

    it('the effect is plain JSON, and two replicas that did the same hash the same', () => {
      const [here, there] = [live(subject).driver.run(50, ...change), live(subject).driver.run(50, ...change)];
      expect(throughText(here.effects)).to.deep.equal(here.effects);
      expect(here.hashes).to.deep.equal(there.hashes);
      expect(Object.keys(here.hashes)).to.deep.equal([group]);
      const other = live(subject).driver.run(50, ...rival);
      expect(other.hashes, 'another change hashes otherwise').to.not.deep.equal(here.hashes);
    });

    it('a snapshot restores to the same state, from which the same goes on', () => {
      const { driver } = live(subject);
      const copy = new Driver();
      copyInto(copy.manager, group, throughText(driver.manager.snapshotGroup(group)));
      expect(copy.manager.snapshotGroup(group)).to.deep.equal(driver.manager.snapshotGroup(group));
      expect(copy.run(50, ...change)).to.deep.equal(driver.run(50, ...change));
      expect(copy.manager.snapshotGroup(group)).to.deep.equal(driver.manager.snapshotGroup(group));
    });

    it('a checkpoint is that of its moment, however late and often its lines are read', () => {
      const { driver } = live(subject);
      const before = driver.manager.checkpointState();
      const { resources, ...rest } = driver.manager.checkpoint();
      driver.run(50, ...change);
      // Of a lower number than the one before it, so that it comes to stand between others.
      driver.run(49, ...change);
      for (let time = 0; time < 2; time += 1) {
        const read = resources.map((one) => ({ ...one, lines: [...one.lines] }));
        expect({ ...rest, resources: read }).to.deep.equal(before);
      }
    });

    it('restoring replaces what was there', () => {
      const { driver } = live(subject);
      copyInto(driver.manager, group, new Driver().manager.snapshotGroup(group));
      expect(driver.manager.snapshotGroup(group)).to.deep.equal(new Driver().manager.snapshotGroup(group));
    });

    it('a damaged snapshot line is refused by name', () => {
      const lines = [...live(subject).driver.manager.snapshotGroup(group)];
      const refused = (damaged: readonly Json[]): string => {
        try {
          copyInto(new Driver().manager, group, throughText(damaged));
        } catch (error) {
          return error instanceof ParleyError ? error.code : String(error);
        }
        return 'taken';
      };
      const last = lines.at(-1) ?? null;
      expect(refused([...lines, null])).to.equal('checkpoint-corrupt');
      expect(refused([...lines, last]), 'twice the same line').to.equal('checkpoint-corrupt');
      expect(refused([...lines.slice(0, -1), {}]), 'a line without its fields').to.equal('checkpoint-corrupt');
    });

    it('replay equals replay of replay equals live', () => {
      const { driver, log } = live(subject);
      const replayed = new Driver();
      const replay = (): void => log.forEach(({ number, id, effects }) => replayed.manager.commit(number, id, effects));
      replay();
      const once = stateOf(replayed);
      replay();
      expect([once, stateOf(replayed)]).to.deep.equal([stateOf(driver), stateOf(driver)]);
    });

    it('a restart from a checkpoint in the middle ends in the same state', () => {
      const { driver, log } = live(subject);
      for (let cut = 0; cut <= log.length; cut += 1) {
        const before = new Driver();
        for (const { number, id, effects } of log.slice(0, cut)) before.manager.commit(number, id, effects);
        const after = new Driver();
        after.manager.restoreState(throughText(before.manager.checkpointState()));
        // The log may reach back before the checkpoint.
        for (const { number, id, effects } of log) after.manager.commit(number, id, effects);
        expect(stateOf(after)).to.equal(stateOf(driver));
      }
    });

    it('a restart takes locks and reservations of a prepared attempt again', () => {
      const { driver } = live(subject);
      const outcome = driver.prepare(50, ...change);
      const effects = outcome?.vote === 'yes' ? outcome.effects : [];
      const restarted = new Driver();
      restarted.manager.restoreState(driver.manager.checkpointState());
      restarted.manager.restorePrepared(numberOf(50), indexed(change), effects);
      expect(restarted.manager.isPrepared(numberOf(50))).to.equal(true);
      expect(restarted.manager.locked()).to.deep.equal(driver.manager.locked());
      expect(restarted.manager.undecidedWrite(group, key)).to.deep.equal([numberOf(50)]);
      restarted.prepare(51, ...rival);
      expect(restarted.vote(51)).to.equal('waiting');
      restarted.commit(50);
      driver.commit(50);
      expect(restarted.vote(51)).to.equal('yes');
      expect(stateOf(restarted)).to.equal(stateOf(driver));
    });

    it('a learner with a snapshot and the changes since has the same copy', () => {
      const { driver } = live(subject);
      const learner = new Driver();
      const older = driver.manager.snapshotGroup(group);
      const { position } = driver.manager;
      driver.run(50, ...change);
      driver.run(51, ...rival);
      const { changes, complete } = driver.manager.changesSince(position, group);
      expect([changes.length, complete]).to.deep.equal([2, true]);
      copyInto(learner.manager, group, [...older, ...throughText(changes.map(changeLine))]);
      expect(learner.manager.snapshotGroup(group)).to.deep.equal(driver.manager.snapshotGroup(group));
    });

    it('a dropped reservation frees the group, and its commit changes nothing there', () => {
      const { driver } = live(subject);
      const before = driver.manager.snapshotGroup(group);
      driver.prepare(50, ...change);
      driver.prepare(51, ...rival);
      expect(driver.manager.dropReservations(group)).to.deep.equal([numberOf(50)]);
      expect(driver.refusal(51)).to.equal('not-in-view');
      expect([driver.manager.locked(), driver.manager.undecidedWrite(group, key)]).to.deep.equal([[], []]);
      driver.commit(50);
      expect(driver.manager.snapshotGroup(group)).to.deep.equal(before);
      expect(driver.manager.prepared()).to.deep.equal([]);
    });
  });
}
