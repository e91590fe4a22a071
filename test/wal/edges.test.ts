/** Less usual ways through the log: each is a rule of docs/log.md that the larger tests pass by. */
import { expect } from 'chai';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { realDisk } from '../../src/wal/disk.ts';
import { errnoOf, isDiskFull, writeFileDurably } from '../../src/wal/durable-file.ts';
import { FILE_LOG_LIMITS, FileLog } from '../../src/wal/file-log.ts';
import { CHAIN_ORIGIN } from '../../src/wal/log-scanner.ts';
import { MemoryLog } from '../../src/wal/memory-log.ts';
import { Reserve } from '../../src/wal/reserve.ts';
import { eventually } from '../support/eventually.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { errno, faultyDisk } from './faulty-disk.ts';
import { noLock, openNode, rejectionOf } from './open-node.ts';
import { PowerDisk } from './power-disk.ts';
import { buildLine, bytesOf, crc32Hex, note, START } from './record-builder.ts';
import type { Note } from './record-builder.ts';

const FORCED = { force: true };
const LAZY = { force: false };

/** A checkpoint of a log with two records; `crc` fits what is given. */
function checkpointText(document: unknown): string {
  const text = JSON.stringify(document);
  return `${text.slice(0, -1)},"crc":"${crc32Hex(Buffer.from(text))}"}\n`;
}

describe('a checkpoint that is whole and is none of ours', () => {
  const log = [buildLine(1, 1, '00000000', START)];
  const { checksum } = log[0] ?? { checksum: '' };
  const document = {
    ...{ version: 1, seq: 1, checksum, name: 'P1', role: 'participant', incarnation: 'abcd1234', epoch: 1 },
    ...{ dataFiles: [] as unknown[], state: null },
  };
  const dataFile = (text: string) => ({
    ...{ name: 'data-texts-0000000000000001.jsonl', kind: 'texts', bytes: text.length },
    crc: crc32Hex(Buffer.from(text)),
  });

  async function opened(directory: string, checkpoint: string, data?: string): Promise<unknown> {
    await writeFile(join(directory, 'wal-0000000000000001.jsonl'), bytesOf(log));
    await writeFile(join(directory, 'checkpoint.json'), checkpoint);
    if (data !== undefined) await writeFile(join(directory, 'data-texts-0000000000000001.jsonl'), data);
    return openNode(directory, {
      onCheckpoint: async ({ dataFiles }, readData) => {
        for (const entry of dataFiles) await readData(entry, () => undefined);
      },
    });
  }

  it('is taken when all of it fits', () =>
    withTemporaryDirectory(async (directory) => {
      const lines = '"a"\n"b"\n';
      const node = await opened(directory, checkpointText({ ...document, dataFiles: [dataFile(lines)] }), lines);
      await (node as { close(): Promise<void> }).close();
    }));

  for (const [what, text, says] of [
    ['a number', '5\n', 'it is not an object'],
    ['null', 'null\n', 'it is not an object'],
    ['of a later version', checkpointText({ ...document, version: 2 }), 'its version is 2'],
    ['of another record', checkpointText({ ...document, checksum: '12345678' }), 'record 1 is another'],
    ['of a record that is not there', checkpointText({ ...document, seq: 2 }), 'it contains record 2'],
  ] as const) {
    it(`is refused: ${what}`, () =>
      withTemporaryDirectory(async (directory) => {
        const error = await rejectionOf(opened(directory, text));
        expect(error).to.include({ code: 'checkpoint-corrupt' });
        expect(String(error)).to.include(says);
      }));
  }

  it('is refused when a line of a data file is no JSON, though the checksum is right', () =>
    withTemporaryDirectory(async (directory) => {
      const lines = '"a"\n{"b\n';
      const error = await rejectionOf(
        opened(directory, checkpointText({ ...document, dataFiles: [dataFile(lines)] }), lines),
      );
      expect(error).to.include({ code: 'checkpoint-corrupt' });
      expect(String(error)).to.include('a line is not JSON');
    }));
});

describe('taking a checkpoint', () => {
  it('when nothing was appended since the last one gives that one again', async () => {
    const disk = new PowerDisk();
    const node = await openNode('/node', { disk, lock: noLock });
    node.log.append(note('a'), FORCED);
    const first = await node.takeCheckpoint({ state: 1, data: [], keep: [] });
    const { operations } = disk;
    expect(await node.takeCheckpoint({ state: 2, data: [], keep: [] })).to.deep.equal(first);
    expect(disk.operations, 'the disk was not touched').to.equal(operations);
    await node.close();
  });

  it('writes any number of lines, and gives each back', async () => {
    const disk = new PowerDisk();
    const lines = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(20_000, 'x'));
    const node = await openNode('/node', { disk, lock: noLock });
    await node.takeCheckpoint({ state: null, data: [{ kind: 'texts', lines }], keep: [] });
    await node.close();
    const read: unknown[] = [];
    const again = await openNode('/node', {
      ...{ disk, lock: noLock },
      onCheckpoint: async ({ dataFiles }, readData) => {
        for (const entry of dataFiles) await readData(entry, (line) => read.push(line));
      },
    });
    expect(read).to.deep.equal(lines);
    await again.close();
  });
});

describe('a log whose start records are of two incarnations', () => {
  it('is refused, though each record is the next of the chain', () =>
    withTemporaryDirectory(async (directory) => {
      const first = buildLine(1, 1, '00000000', START);
      const second = buildLine(2, 2, first.checksum, { ...START, incarnation: 'other123' });
      await writeFile(join(directory, 'wal-0000000000000001.jsonl'), bytesOf([first, second]));
      const error = await rejectionOf(openNode(directory));
      expect(error).to.include({ code: 'wal-corrupt' });
      expect(String(error)).to.include('record 2 is of incarnation other123, not abcd1234');
    }));
});

describe('the file log', () => {
  function log(directory: string, faults: Parameters<typeof faultyDisk>[0]) {
    const [told, fatal]: [number[], unknown[]] = [[], []];
    const options = { ...FILE_LOG_LIMITS, lazyFlushMs: 5, directory, epoch: 1, last: CHAIN_ORIGIN, segment: undefined };
    const opened = new FileLog<Note>({
      ...{ ...options, disk: faultyDisk(faults) },
      ...{ onDurable: (seq: number) => told.push(seq), onFatal: (error: unknown) => fatal.push(error) },
    });
    return { log: opened, told, fatal };
  }

  it('syncs by itself what was appended lazily while a sync was under way', () =>
    withTemporaryDirectory(async (directory) => {
      const gates: (() => void)[] = [];
      const sync = async (fd: number): Promise<void> => {
        if (gates.length === 0) await new Promise<void>((open) => gates.push(open));
        await realDisk.sync(fd);
      };
      const { log: opened, told } = log(directory, { sync });
      opened.append(note('forced'), FORCED);
      await eventually('the first sync is under way', () => gates.length === 1);
      opened.append(note('lazy'), LAZY);
      gates[0]?.();
      await eventually('both are told', () => told.at(-1) === 2);
      expect(told).to.deep.equal([1, 2]);
      await opened.close();
    }));

  it('ends as it does when not even the mark of a failed sync can be left', () =>
    withTemporaryDirectory(async (directory) => {
      const touchNow = (): void => {
        throw errno('EIO');
      };
      const { log: opened, told, fatal } = log(directory, { sync: () => Promise.reject(errno('EIO')), touchNow });
      opened.append(note('a'), FORCED);
      await eventually('the failure is told', () => fatal.length === 1);
      expect(fatal[0]).to.include({ code: 'sync-failed' });
      expect(told).to.deep.equal([]);
      await opened.close();
    }));
});

describe('the log in memory', () => {
  it('goes on with what was appended lazily while a forced sync was under way', () => {
    const [told, syncs]: [number[], { readonly complete: () => void; readonly urgency: string }[]] = [[], []];
    const log = new MemoryLog<Note>({
      ...{ epoch: 1, records: [], onFatal: () => undefined },
      onDurable: (seq) => told.push(seq),
      startSync: (complete, urgency) => syncs.push({ complete, urgency }),
    });
    log.append(note('forced'), FORCED);
    log.append(note('lazy'), LAZY);
    syncs[0]?.complete();
    expect(told).to.deep.equal([1]);
    expect(syncs.map(({ urgency }) => urgency)).to.deep.equal(['forced', 'lazy']);
    syncs[1]?.complete();
    expect(told).to.deep.equal([1, 2]);
  });
});

describe('the reserve', () => {
  const bytes = 1000;

  it('is taken once, however often it is asked for', () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'reserve.bin');
      let writes = 0;
      const write = (...args: Parameters<typeof realDisk.write>): Promise<number> => {
        writes += 1;
        return realDisk.write(...args);
      };
      const reserve = new Reserve({ disk: faultyDisk({ write }), path, bytes });
      await Promise.all([reserve.fill(), reserve.fill()]);
      await reserve.fill();
      expect([reserve.full, writes, (await stat(path)).size]).to.deep.equal([true, 1, bytes]);
      expect(await reserve.release()).to.equal(true);
      expect([reserve.full, (await stat(path)).size]).to.deep.equal([false, 0]);
      expect(await reserve.release(), 'nothing is left to free').to.equal(false);
    }));

  it('is not there on a disk that gives no space and does not even let the file be emptied', async () => {
    const disk = faultyDisk({ open: () => Promise.reject(errno('EROFS')) });
    const reserve = new Reserve({ disk, path: '/nowhere/reserve.bin', bytes });
    await reserve.fill();
    expect(reserve.full).to.equal(false);
  });

  it('that another length was left of is written anew', () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'reserve.bin');
      await writeFile(path, 'short');
      const reserve = new Reserve({ disk: realDisk, path, bytes });
      await reserve.fill();
      expect([reserve.full, (await stat(path)).size]).to.deep.equal([true, bytes]);
    }));
});

describe('an error of the disk', () => {
  it('has its errno name, and anything else is unknown', () => {
    const odd = Object.assign(new Error('odd'), { code: 5 });
    const words = [errno('ENOSPC'), errno('ERR_STREAM'), odd, new Error('none'), 'EIO', undefined].map(errnoOf);
    expect(words).to.deep.equal(['ENOSPC', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown']);
    expect([errno('ENOSPC'), errno('EDQUOT'), errno('EIO')].map(isDiskFull)).to.deep.equal([true, true, false]);
  });

  it('leaves no part of a file behind when the disk is full, and all that is there when it is another', () =>
    withTemporaryDirectory(async (directory) => {
      for (const [code, left] of [
        ['ENOSPC', []],
        ['EIO', ['new.tmp']],
      ] as const) {
        const disk = faultyDisk({ write: () => Promise.reject(errno(code)) });
        const error = await rejectionOf(writeFileDurably(disk, join(directory, 'new'), [Buffer.from('x')]));
        expect(error).to.include({ code });
        expect(await readdir(directory), code).to.deep.equal(left);
      }
    }));
});

describe('a directory of the log', () => {
  it('is opened to be synced: one that is not there cannot be', () =>
    withTemporaryDirectory(async (directory) => {
      await realDisk.syncDirectory(directory);
      expect(errnoOf(await rejectionOf(realDisk.syncDirectory(join(directory, 'gone'))))).to.equal('ENOENT');
    }));

  it('that is there already is taken as it is', () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'a', 'b');
      await mkdir(path, { recursive: true });
      expect(await realDisk.makeDirectory(path)).to.equal(undefined);
      expect(await realDisk.makeDirectory(join(path, 'c', 'd'))).to.equal(join(path, 'c'));
      expect(await readFile(join(path, 'c', 'd')).catch(errnoOf)).to.equal('EISDIR');
    }));
});
