import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { errno, faultyDisk } from './faulty-disk.ts';
import { fingerprint, noLock, openNode, rejectionOf } from './open-node.ts';
import { PowerDisk } from './power-disk.ts';
import { crc32Hex, note } from './record-builder.ts';
import { realDisk } from '../../src/wal/disk.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { Checkpoint } from '../../src/wal/checkpoint.ts';
import type { NodeDirectoryOptions } from '../../src/wal/node-directory.ts';
import type { OpenedNode } from './open-node.ts';
import type { Note } from './record-builder.ts';

const limits = { segmentBytesMax: 400 };

/** A tiny owner of a log: its state is all texts so far; the checkpoint keeps them as data lines. */
interface Owner {
  readonly node: OpenedNode;
  readonly texts: string[];
  add(text: string): Promise<void>;
  checkpoint(): Promise<Checkpoint>;
}

async function openOwner(directory: string, options: Partial<NodeDirectoryOptions<Note>> = {}): Promise<Owner> {
  const texts: string[] = [];
  let inFiles = 0;
  const node = await openNode(directory, {
    limits,
    onCheckpoint: async (checkpoint, readData) => {
      for (const entry of checkpoint.dataFiles) await readData(entry, (line) => texts.push(line as string));
      expect(checkpoint.state).to.deep.equal({ count: texts.length });
      inFiles = texts.length;
    },
    replay: ({ record }) => texts.push(record.text),
    ...options,
  });
  return {
    node,
    texts,
    add: async (text) => {
      node.log.append(note(text), { force: true });
      texts.push(text);
      await node.log.flush();
    },
    checkpoint: async () => {
      const lines: readonly Json[] = texts.slice(inFiles);
      const upTo = texts.length;
      const keep = node.checkpoint()?.dataFiles ?? [];
      const taken = await node.takeCheckpoint({ state: { count: upTo }, data: [{ kind: 'texts', lines }], keep });
      inFiles = upTo;
      return taken;
    },
  };
}

async function filled(directory: string, checkpoints: number): Promise<string[]> {
  const owner = await openOwner(directory);
  for (let round = 0; round < checkpoints; round += 1) {
    for (let i = 0; i < 10; i += 1) await owner.add(`${round}.${i} grüße\n`);
    await owner.checkpoint();
  }
  await owner.add('after');
  await owner.node.close();
  return owner.texts;
}

function walSegments(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith('wal-')).sort();
}

describe('a checkpoint', () => {
  it('comes to its moments in order: nothing of it on disk, its data files, the document with the old segments still there', () =>
    withTemporaryDirectory(async (directory) => {
      const seen: string[] = [];
      const owner = await openOwner(directory, {
        atCheckpoint: (moment) => {
          const names = readdirSync(directory);
          const has = (start: string): boolean => names.some((name) => name.startsWith(start));
          const listed = names.includes('checkpoint.json');
          seen.push(`${moment}: ${[has('data-'), listed, names.includes('wal-0000000000000001.jsonl')].join(' ')}`);
        },
      });
      for (let i = 0; i < 10; i += 1) await owner.add(`note ${i}`);
      await owner.checkpoint();
      expect(seen).to.deep.equal([
        'before-force: false false true',
        'written: true false true',
        'forced: true true true',
      ]);
      expect(readdirSync(directory)).to.not.include('wal-0000000000000001.jsonl');
      // Nothing came since, so there is nothing to take.
      await owner.checkpoint();
      expect(seen).to.have.length(3);
      await owner.node.close();
    }));

  it('and the records after it give the same state as the whole log', () =>
    withTemporaryDirectory(async (directory) => {
      const texts = await filled(directory, 3);
      for (let start = 0; start < 2; start += 1) {
        const owner = await openOwner(directory);
        expect(owner.texts).to.deep.equal(texts);
        expect(owner.node.epoch).to.equal(start + 2);
        await owner.node.close();
      }
    }));

  it('lets go of the segments before it and of data files that it does not list, and of nothing else', () =>
    withTemporaryDirectory(async (directory) => {
      const owner = await openOwner(directory);
      for (let i = 0; i < 20; i += 1) await owner.add(`text ${i}`);
      const before = walSegments(await readdir(directory));
      expect(before.length).to.be.greaterThan(3);
      await writeFile(join(directory, 'data-texts-0000000000000005.jsonl'), 'orphan\n');
      await writeFile(join(directory, 'node.log'), 'kept\n');
      const checkpoint = await owner.checkpoint();
      const after = await readdir(directory);
      expect(walSegments(after)).to.deep.equal(before.slice(-1));
      expect(after).to.include('node.log').and.to.include(checkpoint.dataFiles[0]?.name);
      expect(after).to.not.include('data-texts-0000000000000005.jsonl');
      await owner.node.close();
    }));

  it('stands on the disk as documented, with a checksum over all of it', () =>
    withTemporaryDirectory(async (directory) => {
      const owner = await openOwner(directory);
      await owner.add('one');
      await owner.checkpoint();
      await owner.node.close();
      const text = await readFile(join(directory, 'checkpoint.json'), 'utf8');
      const { crc, ...document } = JSON.parse(text) as Checkpoint & { readonly crc: string };
      expect(document).to.deep.include({ version: 1, seq: 2, name: 'P1', role: 'participant', epoch: 1 });
      expect(document.dataFiles).to.deep.equal([
        {
          name: 'data-texts-0000000000000002.jsonl',
          ...{ kind: 'texts', bytes: 6, crc: crc32Hex(Buffer.from('"one"\n')) },
        },
      ]);
      expect(crc).to.equal(crc32Hex(Buffer.from(JSON.stringify(document))));
      expect(await readFile(join(directory, 'data-texts-0000000000000002.jsonl'), 'utf8')).to.equal('"one"\n');
    }));

  it('is as of the moment it is asked for, though records go on being appended', () =>
    withTemporaryDirectory(async (directory) => {
      const owner = await openOwner(directory);
      await owner.add('before');
      const [taken] = await Promise.all([owner.checkpoint(), owner.add('meanwhile')]);
      expect(taken.seq).to.equal(2);
      await owner.node.close();
      const again = await openOwner(directory);
      expect(again.texts).to.deep.equal(['before', 'meanwhile']);
      await again.node.close();
    }));

  it('holds nothing that a power cut could still take out of the log, and is on the disk when it is told', async () => {
    const disk = new PowerDisk();
    const onDisk = { disk, lock: noLock, limits: { lazyFlushMs: 100_000 } };
    const node = await openNode('/node', onDisk);
    node.log.append(note('lazy'), { force: false });
    const taken = await node.takeCheckpoint({ state: 'all', data: [], keep: [] });
    expect(taken.seq).to.equal(2);
    const again = await openNode('/node', { ...onDisk, disk: disk.afterPowerLoss(0) });
    expect(again.checkpoint()?.seq).to.equal(2);
    expect(again.startSeq).to.equal(3);
    await again.close();
    await node.close();
  });

  it('keeps name, role, incarnation and epoch when the first segment is gone', () =>
    withTemporaryDirectory(async (directory) => {
      const owner = await openOwner(directory);
      for (let i = 0; i < 20; i += 1) await owner.add(`text ${i}`);
      await owner.checkpoint();
      const { incarnation } = owner.node;
      await owner.node.close();
      expect(await rejectionOf(openOwner(directory, { name: 'P2' }))).to.include({ code: 'directory-foreign' });
      const again = await openOwner(directory);
      expect(again.node).to.include({ incarnation, epoch: 2 });
      await again.node.close();
    }));

  it('may leave segments behind when its process dies, in any choice: the next start needs none of them', () =>
    withTemporaryDirectory(async (directory) => {
      const owner = await openOwner(directory);
      for (let i = 0; i < 30; i += 1) await owner.add(`text ${i}`);
      const segments = walSegments(await readdir(directory));
      const kept = await Promise.all(segments.map((name) => readFile(join(directory, name))));
      await owner.checkpoint();
      await owner.node.close();
      // As if the removals in the middle had reached the disk and the others had not.
      for (const index of [0, 2]) await writeFile(join(directory, segments[index] ?? ''), kept[index] ?? '');
      const again = await openOwner(directory);
      expect(again.texts).to.deep.equal(owner.texts);
      await again.node.close();
      expect(walSegments(await readdir(directory))[0]).to.equal(segments.at(-1));
    }));

  it('is not made on a full disk, which is no more than that', () =>
    withTemporaryDirectory(async (directory) => {
      let writesLeft = Infinity;
      const disk = faultyDisk({
        write: (fd, bytes, at) =>
          (writesLeft -= 1) < 0 ? Promise.reject(errno('ENOSPC')) : realDisk.write(fd, bytes, at),
      });
      const owner = await openOwner(directory, { disk });
      await owner.add('one');
      const before = await fingerprint(directory);
      for (const writes of [0, 1]) {
        writesLeft = writes;
        expect(await rejectionOf(owner.checkpoint())).to.include({ code: 'log-full', definite: true });
        expect(owner.node.checkpoint()).to.equal(undefined);
        expect(await fingerprint(directory), 'nothing is left behind').to.deep.equal(before);
      }
      writesLeft = Infinity;
      const { state } = await owner.node.takeCheckpoint({ state: { count: 0 }, data: [], keep: [] });
      expect(state).to.deep.equal({ count: 0 });
      await owner.node.close();
    }));

  it('counts as made when it is durable, though a full disk does not let the old files go', () =>
    withTemporaryDirectory(async (directory) => {
      let isFull = false;
      const disk = faultyDisk({
        remove: (path) => (isFull ? Promise.reject(errno('ENOSPC')) : realDisk.remove(path)),
      });
      const owner = await openOwner(directory, { disk });
      for (let i = 0; i < 20; i += 1) await owner.add(`text ${i}`);
      isFull = true;
      const { seq } = await owner.checkpoint();
      expect(owner.node.checkpoint()?.seq).to.equal(seq);
      expect(walSegments(await readdir(directory)).length).to.be.greaterThan(3);
      isFull = false;
      await owner.add('after');
      await owner.checkpoint();
      expect(walSegments(await readdir(directory)).length, 'the next one lets them go').to.equal(1);
      await owner.node.close();
      const again = await openOwner(directory);
      expect(again.texts).to.deep.equal(owner.texts);
      await again.node.close();
    }));

  it('that has its name, and is perhaps not on the disk, ends the process: nobody knows which one will be there', () =>
    withTemporaryDirectory(async (directory) => {
      let renamed = '';
      const disk = faultyDisk({
        rename: (from, to) => realDisk.rename(from, to).then(() => void (renamed = to)),
        syncDirectory: (path) =>
          renamed.endsWith('checkpoint.json') ? Promise.reject(errno('ENOSPC')) : realDisk.syncDirectory(path),
      });
      const owner = await openOwner(directory, { disk });
      await owner.add('one');
      expect(await rejectionOf(owner.checkpoint())).to.include({ code: 'sync-failed' });
      await owner.node.close();
      // Here it is the new one: what it lists was not taken away as of one that did not come about.
      const again = await openOwner(directory);
      expect(again.texts).to.deep.equal(['one']);
      await again.node.close();
    }));
});

describe('a checkpoint that does not fit', () => {
  const cases: readonly (readonly [string, (directory: string) => Promise<void>])[] = [
    [
      'has a flipped byte',
      (directory) => change(join(directory, 'checkpoint.json'), (text) => text.replace('"count":2', '"count":3')),
    ],
    ['is cut', (directory) => change(join(directory, 'checkpoint.json'), (text) => text.slice(0, 50))],
    ['is empty', (directory) => change(join(directory, 'checkpoint.json'), () => '')],
    ['lists a data file that was changed', (directory) => changeData(directory, (text) => text.replace('0.3', '0.4'))],
    ['lists a data file that was cut', (directory) => changeData(directory, (text) => text.slice(0, -1))],
    [
      'is ahead of the log',
      async (directory) => {
        for (const name of walSegments(await readdir(directory))) await writeFile(join(directory, name), '');
      },
    ],
    [
      'stands without a log',
      async (directory) => {
        for (const name of walSegments(await readdir(directory))) await realDisk.remove(join(directory, name));
      },
    ],
  ];
  for (const [what, damage] of cases) {
    it(`because it ${what} is refused, and no byte is changed`, () =>
      withTemporaryDirectory(async (directory) => {
        await filled(directory, 2);
        await damage(directory);
        const before = await fingerprint(directory);
        expect(await rejectionOf(openOwner(directory))).to.include({ code: 'checkpoint-corrupt', exitCode: 4 });
        expect(await fingerprint(directory)).to.deep.equal(before);
      }));
  }

  it('is refused at every byte of it that is flipped', function () {
    this.timeout(300_000);
    return withTemporaryDirectory(async (directory) => {
      await filled(directory, 1);
      const path = join(directory, 'checkpoint.json');
      const good = await readFile(path);
      for (let offset = 0; offset < good.length - 1; offset += 1) {
        const flipped = Buffer.from(good);
        flipped[offset] = (flipped[offset] ?? 0) ^ 0x04;
        await writeFile(path, flipped);
        expect(await rejectionOf(openOwner(directory)), `byte ${offset}`).to.include({ code: 'checkpoint-corrupt' });
      }
    });
  });
});

async function change(path: string, by: (text: string) => string): Promise<void> {
  await writeFile(path, by(await readFile(path, 'utf8')));
}

async function changeData(directory: string, by: (text: string) => string): Promise<void> {
  const name = (await readdir(directory)).find((each) => each.startsWith('data-'));
  await change(join(directory, name ?? 'none'), by);
}
