/**
 * Outcomes that leave the memory: whatever dies when, an id that was answered
 * is answered the same, or is too old to be run; it is never taken for new.
 */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { OUTCOME_AGE_MS_MAX, OutcomeFiles } from '../../src/host/outcome-files.ts';
import { OutcomeStore } from '../../src/protocol/outcomes.ts';
import { uuidV7TimeMs } from '../../src/base/ids.ts';
import { errno } from '../wal/faulty-disk.ts';
import { PowerDisk } from '../wal/power-disk.ts';
import { idOf, openLife, outcomeOf } from './outcome-world.ts';
import type { OutcomeLife } from './outcome-world.ts';

const KEPT = 6;
const ROUNDS = 5;
const LABEL = 'TX001';

/** What the world outside knows of a life that was cut short. */
interface Told {
  /** Told durable: the label, then one after the other. */
  ids: string[];
  /** Without the label; some of them perhaps not told. */
  answered: number;
}

/** Four answers between two checkpoints, so that the first files are dropped by the third; one label. */
async function live(disk: PowerDisk, told: Told): Promise<void> {
  const life = await openLife(disk, KEPT);
  life.answer(LABEL);
  let count = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let each = 0; each < 4; each += 1) life.answer(idOf((count += 1)));
    told.answered = count;
    await life.node.log.flush();
    told.ids = [LABEL, ...Array.from({ length: count }, (_, index) => idOf(index + 1))];
    let isDone = false;
    const end = (): boolean => (isDone = true);
    const done = life.checkpoint().then(end);
    void disk.died.then(end);
    // Asked at every moment of a checkpoint, and not only when it is over.
    while (!isDone) {
      expectKnown(life, told, 'while a checkpoint is taken');
      await Promise.race([new Promise((resolve) => setImmediate(resolve)), done]);
    }
    expectKnown(life, told, 'after a checkpoint');
  }
  await life.node.close();
}

function expectKnown({ store }: OutcomeLife, { ids, answered }: Told, at: string): void {
  for (const [index, id] of ids.entries()) {
    const found = store.get(id);
    if (found !== undefined) expect(found, at).to.deep.equal(outcomeOf(id));
    else expect(store.admits(id), `${at}: ${id}`).to.equal('too-old');
    const isAmongLast = index > answered - KEPT || id === LABEL;
    if (isAmongLast) expect(found, `${at}: ${id} is among the last ${KEPT}`).to.not.equal(undefined);
  }
  expect(store.admits(idOf(ids.length + 100)), at).to.equal('yes');
}

async function diedBefore(operation: number): Promise<{ disk: PowerDisk; told: Told }> {
  const disk = new PowerDisk();
  disk.dieBefore = operation;
  const told: Told = { ids: [], answered: 0 };
  await Promise.race([live(disk, told), disk.died]);
  return { disk, told };
}

/** The next life knows all, takes a checkpoint of its own, and so does the one after it. */
async function expectNextLives(disk: PowerDisk, told: Told, at: string): Promise<void> {
  const next = await openLife(disk, KEPT);
  expectKnown(next, told, at);
  const again = { ids: [...told.ids, idOf(50)], answered: told.answered + 1 };
  next.answer(idOf(50));
  await next.checkpoint();
  expectKnown(next, again, at);
  await next.node.close();
  const last = await openLife(disk.afterPowerLoss(0), KEPT);
  expectKnown(last, again, at);
  await last.node.close();
}

describe('Outcomes in files', () => {
  let operations = 0;
  before(async () => {
    const { disk } = await diedBefore(Infinity);
    operations = disk.operations;
    const life = await openLife(disk.afterKill(), KEPT);
    // Two whole files are enough: 4 + 4 >= 6.
    expect(life.store.size).to.equal(8 + 1);
    expect(life.store.floor).to.be.greaterThan(0);
    expect(life.store.recent()).to.deep.equal([]);
    await life.node.close();
  });

  it('know an answered id, or are past it, wherever kill -9 comes', async function () {
    this.timeout(300_000);
    for (let cut = 0; cut < operations; cut += 1) {
      const { disk, told } = await diedBefore(cut);
      await expectNextLives(disk.afterKill(), told, `killed before operation ${cut}`);
    }
  });

  for (const kept of [0, 0.5, 1]) {
    it(`and wherever the power goes, with ${kept * 100} % of the unsynced rest`, async function () {
      this.timeout(300_000);
      for (let cut = 0; cut < operations; cut += 1) {
        const { disk, told } = await diedBefore(cut);
        await expectNextLives(disk.afterPowerLoss(kept), told, `power lost before operation ${cut}`);
      }
    });
  }

  it('are dropped past their age, whatever their number, and raise the floor with them', async () => {
    const disk = new PowerDisk();
    let nowMs = 0;
    const life = await openLife(disk, 1000, () => nowMs);
    for (const id of [idOf(1), idOf(2)]) life.answer(id);
    await life.checkpoint();
    nowMs = OUTCOME_AGE_MS_MAX;
    life.answer(idOf(3));
    await life.checkpoint();
    expect(life.store.get(idOf(1))).to.deep.equal(outcomeOf(idOf(1)));
    await life.node.close();
    // The time is that of the writing, in the next life too.
    const next = await openLife(disk.afterKill(), 1000, () => OUTCOME_AGE_MS_MAX + 1);
    next.answer(idOf(4));
    await next.checkpoint();
    expect(next.store.get(idOf(2))).to.equal(undefined);
    expect(next.store.admits(idOf(2))).to.equal('too-old');
    expect(next.store.get(idOf(3))).to.deep.equal(outcomeOf(idOf(3)));
    await next.node.close();
  });

  it('with an id of the future are dropped when it is the past: no floor is raised over ids to come', async () => {
    const disk = new PowerDisk();
    const ahead = idOf(3000);
    let nowMs = uuidV7TimeMs(ahead) - 1;
    const life = await openLife(disk, 2, () => nowMs);
    for (const ids of [[idOf(1), ahead], [idOf(2), idOf(3)], [idOf(4), idOf(5)], [idOf(6)]]) {
      for (const id of ids) life.answer(id);
      await life.checkpoint();
    }
    expect(life.store.get(idOf(2)), 'the others are dropped').to.equal(undefined);
    expect(life.store.get(ahead)).to.deep.equal(outcomeOf(ahead));
    expect(life.store.admits(idOf(7))).to.equal('yes');
    nowMs += 1;
    life.answer(idOf(3001));
    await life.checkpoint();
    expect(life.store.get(ahead)).to.equal(undefined);
    expect(life.store.admits(ahead)).to.equal('too-old');
    await life.node.close();
  });

  it('keep what a durable checkpoint holds, though its old files do not go for a full disk', async () => {
    const disk = new PowerDisk();
    const life = await openLife(disk, 1000);
    life.answer(idOf(1));
    await life.checkpoint();
    const remove = disk.remove.bind(disk);
    disk.remove = () => Promise.reject(errno('ENOSPC'));
    for (const count of [2, 3, 4, 5, 6]) life.answer(idOf(count));
    // Asked for twice: the second finds nothing to write, and must not take what the first wrote for its own.
    for (let each = 0; each < 2; each += 1) await life.checkpoint().catch(() => undefined);
    disk.remove = remove;
    for (const count of [1, 2, 6]) expect(life.store.get(idOf(count))).to.deep.equal(outcomeOf(idOf(count)));
    await life.node.close();
  });

  it('write each outcome once', async () => {
    const disk = new PowerDisk();
    const life = await openLife(disk, 1000);
    const sizes: number[] = [];
    for (let count = 1; count <= 4; count += 1) {
      life.answer(idOf(count));
      await life.checkpoint();
      const files = life.node.checkpoint()?.dataFiles.filter(({ kind }) => kind === 'outcomes') ?? [];
      sizes.push(files.length);
      expect(new Set(files.map(({ bytes }) => bytes)).size, 'each holds one outcome').to.equal(1);
    }
    expect(sizes).to.deep.equal([1, 2, 3, 4]);
    await life.node.close();
  });

  it('do not pass a file that cannot be read for an id that was never seen', async () => {
    const disk = new PowerDisk();
    const life = await openLife(disk, 1000);
    life.answer(idOf(1));
    await life.checkpoint();
    await life.node.close();
    life.files.close();
    expect(() => life.store.get(idOf(1))).to.throw('closed');
  });

  it('name the file that the disk does not give any more', () => {
    const failing = {
      read: () => {
        throw errno('EIO');
      },
      close: () => undefined,
    };
    const options = { directory: '/node', openNow: () => failing, nowMs: () => 0, keptMax: 9 };
    const [files, store] = [new OutcomeFiles(options), new OutcomeStore()];
    const line = JSON.stringify(outcomeOf(idOf(1)));
    const entry = { name: 'data-outcomes-1.jsonl', kind: 'outcomes', bytes: line.length, crc: '' };
    files.reader(entry, () => undefined)(Buffer.from(line), 0);
    store.archive = files;
    expect(() => store.get(idOf(1)))
      .to.throw(ParleyError, 'data-outcomes-1.jsonl cannot be read any more (EIO)')
      .with.property('code', 'checkpoint-corrupt');
    expect(store.get(idOf(2))).to.equal(undefined);
  });
});
