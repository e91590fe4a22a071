/**
 * The process dies, or the power goes, before every single operation of the
 * disk in turn. Whatever of the unsynced rest survives: what was told durable
 * is there, nothing is there that was not appended, and the directory opens.
 */
import { expect } from 'chai';
import { noLock, openNode } from './open-node.ts';
import { PowerDisk } from './power-disk.ts';
import { note } from './record-builder.ts';
import type { OpenedNode } from './open-node.ts';

const DIRECTORY = '/node';
const limits = { segmentBytesMax: 700, lazyFlushMs: 100_000 };

/** What the world outside knows of a life that ended by a cut. */
interface Told {
  /** Texts appended, in order. */
  readonly appended: string[];
  /** Texts told durable: never to be lost. */
  readonly durable: string[];
  /** Epochs in which the directory opened. */
  readonly epochs: number[];
}

/** Opens with a checkpoint's texts put before the replayed ones. */
async function open(disk: PowerDisk): Promise<{ readonly node: OpenedNode; readonly texts: string[] }> {
  const fromCheckpoint: string[] = [];
  const node = await openNode(DIRECTORY, {
    disk,
    lock: noLock,
    limits,
    onCheckpoint: async ({ dataFiles }, readData) => {
      for (const entry of dataFiles) await readData(entry, (line) => fromCheckpoint.push(line as string));
    },
  });
  return { node, texts: [...fromCheckpoint, ...node.replayed] };
}

/** A life with several segments, group commits, lazy records and two checkpoints. */
async function live(disk: PowerDisk, told: Told): Promise<void> {
  const { node } = await open(disk);
  told.epochs.push(node.epoch);
  let inFiles = 0;
  for (let round = 0; round < 6; round += 1) {
    for (const part of ['lazy', 'a', 'b']) {
      node.log.append(note(`${round}${part}`), { force: part !== 'lazy' });
      told.appended.push(`${round}${part}`);
    }
    const upTo = told.appended.length;
    await node.log.flush();
    told.durable.splice(0, Infinity, ...told.appended.slice(0, upTo));
    if (round % 3 !== 2) continue;
    const lines = told.appended.slice(inFiles);
    inFiles = told.appended.length;
    await node.takeCheckpoint({
      state: null,
      data: [{ kind: 'texts', lines }],
      keep: node.checkpoint()?.dataFiles ?? [],
    });
  }
  await node.close();
}

async function liveUntil(disk: PowerDisk): Promise<Told> {
  const told: Told = { appended: [], durable: [], epochs: [] };
  await Promise.race([live(disk, told), disk.died]);
  return told;
}

async function expectAllThere(disk: PowerDisk, told: Told, at: string): Promise<void> {
  const { node, texts } = await open(disk);
  expect(texts.slice(0, told.durable.length), at).to.deep.equal(told.durable);
  expect(texts, at).to.deep.equal(told.appended.slice(0, texts.length));
  expect(node.epoch, at).to.be.greaterThan(told.epochs.at(-1) ?? 0);
  node.log.append(note('next life'), { force: true });
  await node.close();
  const again = await open(disk.afterPowerLoss(0));
  expect(again.texts, at).to.deep.equal([...texts, 'next life']);
  await again.node.close();
}

describe('a log whose process dies before any operation of the disk', () => {
  let operations = 0;
  before(async () => {
    const disk = new PowerDisk();
    const told = await liveUntil(disk);
    operations = disk.operations;
    expect(told.durable).to.have.length(18);
    expect(operations).to.be.greaterThan(60);
  });

  it('by kill -9 keeps all that was told, and what was written besides', async function () {
    this.timeout(300_000);
    for (let cut = 0; cut < operations; cut += 1) {
      const disk = new PowerDisk();
      disk.dieBefore = cut;
      const told = await liveUntil(disk);
      await expectAllThere(disk.afterKill(), told, `killed before operation ${cut}`);
    }
  });

  for (const kept of [0, 0.35, 0.7, 1]) {
    it(`by power loss keeps all that was told, with ${kept * 100} % of the unsynced rest`, async function () {
      this.timeout(300_000);
      for (let cut = 0; cut < operations; cut += 1) {
        const disk = new PowerDisk();
        disk.dieBefore = cut;
        const told = await liveUntil(disk);
        await expectAllThere(disk.afterPowerLoss(kept), told, `power lost before operation ${cut}`);
      }
    });
  }

  it('again and again while it recovers, keeps all that was told', async function () {
    this.timeout(300_000);
    for (let cut = 5; cut < operations; cut += 7) {
      const first = new PowerDisk();
      first.dieBefore = cut;
      const told = await liveUntil(first);
      let disk = first.afterPowerLoss(0.5);
      for (let again = 0; again < 12; again += 1) {
        disk.dieBefore = again;
        await Promise.race([open(disk), disk.died]);
        disk = again % 2 === 0 ? disk.afterKill() : disk.afterPowerLoss(0.5);
      }
      await expectAllThere(disk, told, `power lost before operation ${cut}, then twelve times more`);
    }
  });

  it('is seen to lose what was told when syncs are left out, so this test can fail', async () => {
    let lost = 0;
    for (let cut = 20; cut < operations; cut += 10) {
      const disk = new PowerDisk();
      disk.sync = () => Promise.resolve();
      disk.dieBefore = cut;
      const told = await liveUntil(disk);
      try {
        await expectAllThere(disk.afterPowerLoss(0), told, '');
      } catch {
        lost += 1;
      }
    }
    expect(lost).to.be.greaterThan(0);
  });
});
