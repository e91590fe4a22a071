import { expect } from 'chai';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realDisk } from '../../src/wal/disk.ts';
import { FILE_LOG_LIMITS, FileLog } from '../../src/wal/file-log.ts';
import { BATCH_BYTES_MAX, CHAIN_ORIGIN } from '../../src/wal/log-scanner.ts';
import { eventually } from '../support/eventually.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { errno, faultyDisk, fullDisk } from './faulty-disk.ts';
import { describeLogStore } from './log-store-contract.ts';
import { openNode } from './open-node.ts';
import { note } from './record-builder.ts';
import type { FileLogOptions } from '../../src/wal/file-log.ts';
import type { StoredRecord } from '../../src/wal/log-store.ts';
import type { Note } from './record-builder.ts';

const FORCED = { force: true };

describeLogStore('the file log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
  return {
    open: async (onTold) => {
      const [told, found]: [number[], StoredRecord<Note>[]] = [[], []];
      const node = await openNode(directory, {
        onDurable: (seq) => {
          told.push(seq);
          onTold?.(seq);
        },
        replay: (stored) => found.push(stored),
      });
      // The contract knows of no lock: it is given back with the log.
      const log = new Proxy(node.log, {
        get: (target, key) => (key === 'close' ? node.close : bound(target, Reflect.get(target, key, target))),
      });
      return { log, told, found };
    },
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});

function bound(target: object, value: unknown): unknown {
  return typeof value === 'function' ? value.bind(target) : value;
}

function jsonOf(line: string): { readonly seq: number; readonly record: Note } {
  return JSON.parse(line.slice(line.indexOf('{'))) as { seq: number; record: Note };
}

interface Opened {
  readonly log: FileLog<Note>;
  readonly told: number[];
  readonly fatal: unknown[];
}

/** A log in a fresh directory. */
function freshLog(directory: string, options: Partial<FileLogOptions<Note>> = {}): Opened {
  const [told, fatal]: [number[], unknown[]] = [[], []];
  const log = new FileLog<Note>({
    ...FILE_LOG_LIMITS,
    disk: realDisk,
    directory,
    epoch: 1,
    last: CHAIN_ORIGIN,
    segment: undefined,
    onDurable: (seq) => told.push(seq),
    onFatal: (error) => fatal.push(error),
    ...options,
  });
  return { log, told, fatal };
}

/** A sync that ends when it is let. */
function gate(): { readonly sync: () => Promise<void>; readonly waiting: (() => void)[] } {
  const waiting: (() => void)[] = [];
  return { waiting, sync: () => new Promise((done) => waiting.push(done)) };
}

describe('group commit', () => {
  it('tells nobody before the sync that covers the record has ended, and lets the next batch gather meanwhile', () =>
    withTemporaryDirectory(async (directory) => {
      const { sync, waiting } = gate();
      const { log, told } = freshLog(directory, { disk: faultyDisk({ sync }) });
      log.append(note('first'), FORCED);
      await eventually('the first sync is under way', () => waiting.length === 1);
      for (let i = 0; i < 50; i += 1) log.append(note(`${i}`), FORCED);
      await new Promise((turn) => setTimeout(turn, 20));
      expect(told).to.deep.equal([]);
      expect(waiting, 'one sync at a time').to.have.length(1);
      waiting.shift()?.();
      await eventually('the second sync is under way', () => waiting.length === 1);
      expect(told).to.deep.equal([1]);
      log.append(note('too late for it'), FORCED);
      waiting.shift()?.();
      await eventually('the third sync is under way', () => waiting.length === 1);
      expect(told, 'one sync for fifty records').to.deep.equal([1, 51]);
      waiting.shift()?.();
      await log.close();
      expect(told).to.deep.equal([1, 51, 52]);
    }));

  it('a record that nobody hurries waits for the next sync that is asked for, and is covered by it', () =>
    withTemporaryDirectory(async (directory) => {
      let syncs = 0;
      const disk = faultyDisk({
        sync: (fd) => {
          syncs += 1;
          return realDisk.sync(fd);
        },
      });
      const { log, told } = freshLog(directory, { disk, soonFlushMs: 100_000, lazyFlushMs: 100_000 });
      log.append(note('soon'), { force: true, soon: true });
      await new Promise((turn) => setImmediate(() => setImmediate(turn)));
      expect([syncs, told]).to.deep.equal([0, []]);
      log.append(note('now'), FORCED);
      await eventually('both are durable', () => told.length > 0);
      expect([syncs, told]).to.deep.equal([1, [2]]);
      await log.close();
    }));

  it('a record that nobody hurries is synced by itself when nothing else is asked for', () =>
    withTemporaryDirectory(async (directory) => {
      const { log, told } = freshLog(directory, { soonFlushMs: 1, lazyFlushMs: 100_000 });
      log.append(note('soon'), { force: true, soon: true });
      await eventually('it is durable', () => told.length > 0);
      expect(told).to.deep.equal([1]);
      await log.close();
    }));

  it('never lets one sync cover more than a batch, so that no crash tears more', () =>
    withTemporaryDirectory(async (directory) => {
      const sizes: number[] = [];
      const disk = faultyDisk({
        write: (fd, bytes, position) => {
          sizes.push(bytes.byteLength);
          return realDisk.write(fd, bytes, position);
        },
      });
      const { log, told } = freshLog(directory, { disk });
      for (let i = 0; i < 5; i += 1) log.append(note('x'.repeat(900_000)), FORCED);
      await log.close();
      expect(told).to.deep.equal([2, 4, 5]);
      expect(Math.max(...sizes)).to.be.at.most(BATCH_BYTES_MAX);
    }));

  it('gives the records of each sync to the hooks before and after it', () =>
    withTemporaryDirectory(async (directory) => {
      const seen: string[] = [];
      const hook = (when: string) => (records: readonly Note[]) =>
        seen.push(`${when} ${records.map(({ text }) => text).join()}`);
      const { log } = freshLog(directory, {
        beforeSync: hook('before'),
        afterSync: hook('after'),
        onDurable: (seq) => seen.push(`durable ${seq}`),
      });
      log.append(note('a'), { force: false });
      log.append(note('b'), FORCED);
      await log.flush();
      log.append(note('c'), FORCED);
      await log.close();
      expect(seen).to.deep.equal(['before a,b', 'after a,b', 'durable 2', 'before c', 'after c', 'durable 3']);
    }));
});

describe('a disk that misbehaves', () => {
  it('writes in small pieces, and every record is whole all the same', () =>
    withTemporaryDirectory(async (directory) => {
      const disk = faultyDisk({ write: (fd, bytes, at) => realDisk.write(fd, bytes.subarray(0, 7), at) });
      const first = await openNode(directory, { disk });
      const texts = Array.from({ length: 30 }, (_, index) => `short ${index}`);
      for (const text of texts) first.log.append(note(text), FORCED);
      await first.close();
      const second = await openNode(directory);
      expect(second.replayed).to.deep.equal(texts);
      await second.close();
    }));

  it('fails a sync: fatal once, never tried again, nothing told durable, and a mark left for the next start', () =>
    withTemporaryDirectory(async (directory) => {
      let syncs = 0;
      const sync = (): Promise<void> => ((syncs += 1), syncs === 2 ? Promise.reject(errno('EIO')) : Promise.resolve());
      const { log, told, fatal } = freshLog(directory, { disk: faultyDisk({ sync }) });
      log.append(note('good'), FORCED);
      await log.flush();
      log.append(note('bad'), FORCED);
      await eventually('the failure is told', () => fatal.length > 0);
      log.append(note('after'), FORCED);
      await log.close();
      expect(fatal).to.have.length(1);
      expect(fatal[0]).to.include({ code: 'sync-failed', exitCode: 5 });
      expect(String(fatal[0])).to.include('EIO').and.to.include('wal-0000000000000001.jsonl');
      expect(syncs, 'no sync after the failed one').to.equal(2);
      expect(told).to.deep.equal([1]);
      expect(log.accepting).to.equal(false);
      expect(await readdir(directory)).to.include('sync-failed');
    }));

  it('fails a write with another error than a full disk: fatal, since what stands there is unknown', () =>
    withTemporaryDirectory(async (directory) => {
      const { log, told, fatal } = freshLog(directory, {
        disk: faultyDisk({ write: () => Promise.reject(errno('EIO')) }),
      });
      log.append(note('a'), FORCED);
      await eventually('the failure is told', () => fatal.length === 1);
      expect(told).to.deep.equal([]);
      await log.close();
    }));

  it('takes no byte and names no error: fatal, not an endless loop', () =>
    withTemporaryDirectory(async (directory) => {
      const { log, fatal } = freshLog(directory, { disk: faultyDisk({ write: () => Promise.resolve(0) }) });
      log.append(note('a'), FORCED);
      await eventually('the failure is told', () => fatal.length === 1);
      await log.close();
    }));
});

describe('a full disk', () => {
  const reserveBytes = 100_000;

  it('is met from the reserve: nothing is lost, no new work until the reserve is back, then all as before', () =>
    withTemporaryDirectory(async (directory) => {
      const full = fullDisk(reserveBytes + 2000);
      const { log, told, fatal } = freshLog(directory, { disk: full.disk, reserveBytes, reserveRetryMs: 20 });
      await log.prepareReserve();
      expect(log.accepting).to.equal(true);
      log.append(note('a'.repeat(1000)), FORCED);
      await log.flush();
      expect(log.accepting).to.equal(true);
      log.append(note('b'.repeat(3000)), FORCED);
      await log.flush();
      expect(log.accepting).to.equal(false);
      log.append(note('promised'), FORCED);
      await log.flush();
      expect(told).to.deep.equal([1, 2, 3]);
      full.room += 200_000;
      await eventually('the reserve is back', () => log.accepting);
      expect((await stat(join(directory, 'reserve.bin'))).size).to.equal(reserveBytes);
      await log.close();
      expect(fatal).to.deep.equal([]);
      const lines = (await readFile(join(directory, 'wal-0000000000000001.jsonl'), 'utf8')).trimEnd().split('\n');
      expect(lines.map((line) => jsonOf(line).record.text[0])).to.deep.equal(['a', 'b', 'p']);
    }));

  it('is met from the reserve when a new segment is begun', () =>
    withTemporaryDirectory(async (directory) => {
      const full = fullDisk(reserveBytes + 2000);
      const { log, told, fatal } = freshLog(directory, { disk: full.disk, reserveBytes, segmentBytesMax: 1500 });
      await log.prepareReserve();
      for (const text of ['a', 'b', 'c']) {
        log.append(note(text.repeat(1000)), FORCED);
        await log.flush();
      }
      await log.close();
      expect(told).to.deep.equal([1, 2, 3]);
      expect(fatal).to.deep.equal([]);
      expect((await readdir(directory)).filter((name) => name.startsWith('wal-'))).to.have.members(
        [1, 2, 3].map((seq) => `wal-000000000000000${seq}.jsonl`),
      );
    }));

  it('ends the log when the reserve is used up, and what was told is there at the next start', () =>
    withTemporaryDirectory(async (directory) => {
      const full = fullDisk(20_000);
      const fatal: unknown[] = [];
      const node = await openNode(directory, {
        disk: full.disk,
        onFatal: (error) => fatal.push(error),
        limits: { reserveBytes: 10_000 },
      });
      for (let i = 0; i < 30 && fatal.length === 0; i += 1) {
        node.log.append(note(`${i} ${'x'.repeat(1000)}`), FORCED);
        await node.log.flush().catch(() => undefined);
      }
      expect(fatal).to.have.length(1);
      expect(fatal[0]).to.include({ code: 'sync-failed' });
      const { durableSeq } = node.log;
      await node.close();
      const again = await openNode(directory);
      expect(again.replayed).to.have.length(durableSeq - node.startSeq);
      expect(again.repairedTail).to.equal(undefined);
      await again.close();
    }));

  it('from the start leaves the log usable, but not open to new work', () =>
    withTemporaryDirectory(async (directory) => {
      const full = fullDisk(5000);
      const node = await openNode(directory, { disk: full.disk, limits: { reserveBytes, reserveRetryMs: 20 } });
      expect(node.log.accepting).to.equal(false);
      full.room += 200_000;
      await eventually('the reserve is there', () => node.log.accepting);
      await node.close();
    }));
});

describe('segments', () => {
  it('are named by their first record, each whole before the next begins, and read back as one log', () =>
    withTemporaryDirectory(async (directory) => {
      const limits = { segmentBytesMax: 1000 };
      const first = await openNode(directory, { limits });
      const texts = Array.from({ length: 60 }, (_, index) => `record ${index}`);
      for (const text of texts) {
        first.log.append(note(text), FORCED);
        await first.log.flush();
      }
      await first.close();
      const segments = (await readdir(directory)).filter((name) => name.startsWith('wal-')).sort();
      expect(segments.length).to.be.greaterThan(4);
      for (const name of segments) {
        const text = await readFile(join(directory, name), 'utf8');
        expect(text.length, name).to.be.at.most(1000);
        expect(text.at(-1)).to.equal('\n');
        expect(Number(name.slice(4, 20))).to.equal(jsonOf(text.split('\n')[0] ?? '').seq);
      }
      const second = await openNode(directory, { limits });
      expect(second.replayed).to.deep.equal(texts);
      await second.close();
    }));

  it('and all other files are for their owner only', () =>
    withTemporaryDirectory(async (parent) => {
      const directory = join(parent, 'made', 'here');
      await (await openNode(directory, { limits: { reserveBytes: 1000 } })).close();
      expect((await stat(directory)).mode & 0o777).to.equal(0o700);
      const names = await readdir(directory);
      expect(names).to.have.members(['wal-0000000000000001.jsonl', 'reserve.bin']);
      for (const name of names) expect((await stat(join(directory, name))).mode & 0o777, name).to.equal(0o600);
    }));
});
