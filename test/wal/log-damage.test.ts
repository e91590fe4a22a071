/** What a start makes of a log that is cut, damaged or tampered with (docs/log.md, "Torn tail or damage"). */
import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentFile } from '../../src/wal/directory-layout.ts';
import { BATCH_BYTES_MAX } from '../../src/wal/log-scanner.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { faultyDisk, errno } from './faulty-disk.ts';
import { fingerprint, noLock, openNode, rejectionOf } from './open-node.ts';
import { PowerDisk } from './power-disk.ts';
import { buildLine, buildLog, bytesOf, note } from './record-builder.ts';
import type { BuiltLine } from './record-builder.ts';

const DIRECTORY = '/node';
const FILE = segmentFile(1);
const PATH = `${DIRECTORY}/${FILE}`;
const LOG = buildLog(200);
const BYTES = bytesOf(LOG);

/** A prime, so that over the log every place within a record comes up. */
const REOPEN_EVERY = 13;

/** Ends of the records: ENDS[n] is the offset behind record n. */
const ENDS = LOG.reduce<number[]>((ends, { line }) => [...ends, (ends.at(-1) ?? 0) + line.length], [0]);

function textsUpTo(records: number): string[] {
  return Array.from({ length: Math.max(0, records - 1) }, (_, index) => `n${index + 2}`);
}

function lineAt(lines: readonly BuiltLine[], seq: number): BuiltLine {
  const line = lines[seq - 1];
  if (line === undefined) throw new Error(`there is no record ${seq}`);
  return line;
}

describe('a log cut at any byte', () => {
  it('starts, keeps exactly the records wholly before the cut, keeps the tail aside, and goes on', async function () {
    this.timeout(300_000);
    for (let cut = 0; cut <= BYTES.length; cut += 1) {
      const whole = ENDS.findLastIndex((end) => end <= cut);
      const disk = new PowerDisk(new Map([[PATH, BYTES.subarray(0, cut)]]));
      const node = await openNode(DIRECTORY, { disk, lock: noLock });
      const at = `cut at ${cut}`;
      expect(node.replayed.join(), at).to.equal(textsUpTo(whole).join());
      expect(node.startSeq, at).to.equal(whole + 1);
      const torn = cut - (ENDS[whole] ?? 0);
      expect(node.repairedTail?.bytes ?? 0, at).to.equal(torn);
      const aside = [...disk.files()].filter(([path]) => path.includes('.torn-')).map(([, bytes]) => bytes);
      expect(aside, at).to.deep.equal(torn === 0 ? [] : [BYTES.subarray(cut - torn, cut)]);
      if (cut % REOPEN_EVERY !== 0) {
        await node.close();
        continue;
      }
      node.log.append(note('after'), { force: true });
      await node.close();
      const again = await openNode(DIRECTORY, { disk, lock: noLock });
      expect(again.replayed.join(), at).to.equal([...textsUpTo(whole), 'after'].join());
      expect(again.repairedTail, at).to.equal(undefined);
      await again.close();
    }
  });

  for (const [what, tail] of [
    ['zeros', Buffer.alloc(5000)],
    ['garbage', Buffer.from('ff0a00ff0a7b7d'.repeat(300), 'hex')],
    [
      'a record of which one bit is flipped',
      Buffer.from(buildLine(201, 1, '12345678', note('x')).line).fill('~', 30, 31),
    ],
  ] as const) {
    it(`takes ${what} at the end for a torn tail`, async () => {
      const disk = new PowerDisk(new Map([[PATH, Buffer.concat([BYTES, tail])]]));
      const node = await openNode(DIRECTORY, { disk, lock: noLock, now: () => new Date('2026-02-03T04:05:06.789Z') });
      expect(node.replayed).to.deep.equal(textsUpTo(200));
      expect(node.repairedTail).to.deep.include({ file: FILE, offset: BYTES.length, seq: 201, bytes: tail.length });
      expect(node.repairedTail?.keptAs).to.equal(`${FILE}.torn-20260203T040506789Z`);
      await node.close();
    });
  }

  it('gives every copy of a tail a name of its own', async () => {
    const torn = Buffer.concat([BYTES, Buffer.from('torn')]);
    const now = (): Date => new Date(0);
    const first = `${PATH}.torn-19700101T000000000Z`;
    const disk = new PowerDisk(
      new Map([
        [PATH, torn],
        [first, Buffer.from('older')],
      ]),
    );
    await (await openNode(DIRECTORY, { disk, lock: noLock, now })).close();
    expect(disk.files().get(first)?.toString()).to.equal('older');
    expect(disk.files().get(`${first}-2`)?.toString()).to.equal('torn');
  });

  it('refuses a tail that is longer than any batch', async () => {
    const disk = new PowerDisk(new Map([[PATH, Buffer.concat([BYTES, Buffer.alloc(BATCH_BYTES_MAX + 1)])]]));
    const before = disk.files();
    const error = await rejectionOf(openNode(DIRECTORY, { disk, lock: noLock }));
    expect(error).to.include({ code: 'wal-corrupt', exitCode: 4 });
    expect(disk.files()).to.deep.equal(before);
    expect(disk.operations).to.equal(0);
  });
});

describe('a log damaged before its end', () => {
  it('is refused for every byte of an earlier record that is flipped, and no byte is changed', async function () {
    this.timeout(300_000);
    await withTemporaryDirectory(async (directory) => {
      for (const seq of [100, 199]) {
        for (let offset = ENDS[seq - 1] ?? 0; offset < (ENDS[seq] ?? 0); offset += 1) {
          const flipped = Buffer.from(BYTES);
          flipped[offset] = (flipped[offset] ?? 0) ^ 0xff;
          await writeFile(join(directory, FILE), flipped);
          const before = await fingerprint(directory);
          const error = await rejectionOf(openNode(directory));
          const at = `byte ${offset} of record ${seq}`;
          expect(error, at).to.include({ code: 'wal-corrupt', exitCode: 4 });
          expect(error, at)
            .to.have.nested.property('extra')
            .that.includes({ file: FILE, offset: ENDS[seq - 1], seq });
          expect(await fingerprint(directory), at).to.deep.equal(before);
        }
      }
    });
  });

  const foreign = buildLine(101, 1, '5ca1ab1e', note('from another log'));
  const others = buildLog(99).slice(0, 99);
  const tampered: readonly (readonly [string, readonly BuiltLine[], number])[] = [
    ['a record left out', [...LOG.slice(0, 100), ...LOG.slice(101)], 101],
    ['a record twice', [...LOG.slice(0, 100), lineAt(LOG, 100), ...LOG.slice(100)], 101],
    ['the last record twice', [...LOG, lineAt(LOG, 200)], 201],
    ['two records swapped', [...LOG.slice(0, 100), lineAt(LOG, 102), lineAt(LOG, 101), ...LOG.slice(102)], 101],
    ['a foreign record with a good checksum', [...LOG.slice(0, 100), foreign, ...LOG.slice(101)], 101],
    ['a foreign record with a good checksum at the end', [...LOG.slice(0, 100), foreign], 101],
    ['an epoch that falls', [...others, buildLine(100, 2, lineAt(LOG, 99).checksum, note('later'))], 101],
  ];
  for (const [what, lines, seq] of tampered) {
    it(`is refused with ${what}`, async () => {
      const last = lines.at(-1);
      const falls = what.includes('epoch') && last !== undefined;
      const bytes = falls ? [...lines, buildLine(101, 1, last.checksum, note('earlier'))] : lines;
      const disk = new PowerDisk(new Map([[PATH, bytesOf(bytes)]]));
      const error = await rejectionOf(openNode(DIRECTORY, { disk, lock: noLock }));
      expect(error).to.include({ code: 'wal-corrupt' });
      expect(error).to.have.nested.property('extra.seq', seq);
      expect(disk.operations).to.equal(0);
    });
  }

  it('is refused when a segment is missing, empty, torn or misnamed before the last', async () => {
    const [a, b, c] = [bytesOf(LOG.slice(0, 50)), bytesOf(LOG.slice(50, 100)), bytesOf(LOG.slice(100))];
    const segments = (first: Buffer | undefined, second: Buffer | undefined, secondSeq = 51): Map<string, Buffer> => {
      const files = new Map<string, Buffer>();
      if (first !== undefined) files.set(PATH, first);
      if (second !== undefined) files.set(`${DIRECTORY}/${segmentFile(secondSeq)}`, second);
      return files.set(`${DIRECTORY}/${segmentFile(101)}`, c);
    };
    const good = await openNode(DIRECTORY, { disk: new PowerDisk(segments(a, b)), lock: noLock });
    expect(good.replayed).to.deep.equal(textsUpTo(200));
    await good.close();
    for (const files of [
      segments(undefined, b),
      segments(a, undefined),
      segments(a, Buffer.alloc(0)),
      segments(a, b.subarray(0, -1)),
      segments(a.subarray(0, -1), b),
      segments(a, b, 52),
    ]) {
      const disk = new PowerDisk(files);
      expect(await rejectionOf(openNode(DIRECTORY, { disk, lock: noLock }))).to.include({ code: 'wal-corrupt' });
      expect(disk.operations).to.equal(0);
    }
  });

  it('is refused when it does not begin with a start record', async () => {
    const disk = new PowerDisk(new Map([[PATH, buildLine(1, 1, '00000000', note('x')).line]]));
    expect(await rejectionOf(openNode(DIRECTORY, { disk, lock: noLock }))).to.include({ code: 'wal-corrupt' });
  });
});

describe('a log that cannot be read', () => {
  it('is refused at EIO, and never taken for shorter than it is', async () => {
    await withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, FILE), BYTES);
      const disk = faultyDisk({ read: () => Promise.reject(errno('EIO')) });
      const error = await rejectionOf(openNode(directory, { disk }));
      expect(error).to.include({ code: 'directory-unusable', exitCode: 4 });
      expect(String(error)).to.include(FILE).and.to.include('EIO');
      expect(await readFile(join(directory, FILE))).to.deep.equal(BYTES);
    });
  });
});

describe('what a crash leaves beside the log', () => {
  it('is an empty last segment that the log goes on in', async () => {
    const empty = `${DIRECTORY}/${segmentFile(201)}`;
    const disk = new PowerDisk(
      new Map([
        [PATH, BYTES],
        [empty, Buffer.alloc(0)],
      ]),
    );
    const node = await openNode(DIRECTORY, { disk, lock: noLock });
    expect(node.replayed).to.deep.equal(textsUpTo(200));
    await node.close();
    expect(disk.files().get(empty)?.length).to.be.greaterThan(0);
  });

  it('is half-written files, which are removed, and nothing else is', async () => {
    const junk = ['wal-0000000000000201.jsonl.tmp', 'checkpoint.json.tmp', 'data-lines-0000000000000009.jsonl'];
    const files = new Map([
      [PATH, BYTES],
      ...[...junk, 'node.log'].map((name) => [`${DIRECTORY}/${name}`, BYTES] as const),
    ]);
    const disk = new PowerDisk(files);
    await (await openNode(DIRECTORY, { disk, lock: noLock })).close();
    const names = (await disk.list(DIRECTORY)).filter((name) => name !== 'reserve.bin');
    expect(names).to.have.members([FILE, 'node.log']);
  });

  it('is the mark of a failed sync: then the last segment is written anew, and the mark removed', async () => {
    const mark = `${DIRECTORY}/sync-failed`;
    const disk = new PowerDisk(
      new Map([
        [PATH, Buffer.concat([BYTES, Buffer.from('torn')])],
        [mark, Buffer.alloc(0)],
      ]),
    );
    const opened: string[] = [];
    const open = disk.open.bind(disk);
    disk.open = (path, mode) => {
      opened.push(`${mode} ${path}`);
      return open(path, mode);
    };
    const node = await openNode(DIRECTORY, { disk, lock: noLock });
    expect(opened).to.include(`create ${PATH}.tmp`);
    expect(node.replayed).to.deep.equal(textsUpTo(200));
    expect(disk.files().has(mark)).to.equal(false);
    expect(disk.afterPowerLoss(0).files().get(PATH)?.subarray(0, BYTES.length)).to.deep.equal(BYTES);
    await node.close();
  });
});
