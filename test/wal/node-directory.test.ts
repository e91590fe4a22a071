import { expect } from 'chai';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { errno, faultyDisk } from './faulty-disk.ts';
import { fingerprint, openNode, rejectionOf } from './open-node.ts';
import { crc32Hex, note } from './record-builder.ts';
import { realDisk } from '../../src/wal/disk.ts';

const FIRST_SEGMENT = 'wal-0000000000000001.jsonl';

describe('opening the directory of a node', () => {
  it('makes a new incarnation and forces the start record of epoch 1, byte for byte as documented', () =>
    withTemporaryDirectory(async (directory) => {
      const node = await openNode(directory, {
        now: () => new Date('2026-01-02T03:04:05.006Z'),
        random: (bytes) => Uint8Array.from({ length: bytes }, (_, index) => (index === 0 ? 255 : 35 + index)),
      });
      expect(node).to.include({ incarnation: '01234567', epoch: 1, startSeq: 1 });
      expect(node.log.durableSeq).to.equal(1);
      const json =
        '{"seq":1,"epoch":1,"prev":"00000000","record":{"type":"start","name":"P1","role":"participant",' +
        '"incarnation":"01234567","version":"0.0.0","startedAt":"2026-01-02T03:04:05.006Z"}}';
      const line = `${crc32Hex(Buffer.from(`00000000 ${json.length} ${json}`))} ${json.length} ${json}\n`;
      expect(await readFile(join(directory, FIRST_SEGMENT), 'utf8')).to.equal(line);
      await node.close();
    }));

  it('keeps the incarnation and raises the epoch at every start, also after starts that did nothing else', () =>
    withTemporaryDirectory(async (directory) => {
      const seen: string[] = [];
      for (let start = 1; start <= 4; start += 1) {
        const node = await openNode(directory);
        seen.push(`${node.incarnation} ${node.epoch} ${node.startSeq}`);
        await node.close();
      }
      const incarnation = seen[0]?.slice(0, 8);
      expect(incarnation).to.match(/^[0-9a-z]{8}$/);
      expect(seen).to.deep.equal([1, 2, 3, 4].map((n) => `${incarnation} ${n} ${n}`));
    }));

  it('tells its earlier starts, each with its mark, so that a log which was cut and has grown again is found', () =>
    withTemporaryDirectory(async (directory) => {
      for (const start of ['a', 'b']) {
        const node = await openNode(directory, { start });
        node.log.append(note(`by ${start}`), { force: true });
        await node.close();
      }
      const node = await openNode(directory);
      expect(node.earlierStarts).to.deep.equal([
        { epoch: 1, start: 'a', seq: 1 },
        { epoch: 2, start: 'b', seq: 3 },
      ]);
      await node.close();
    }));

  it('tells no more than the newest sixteen of its starts', () =>
    withTemporaryDirectory(async (directory) => {
      for (let start = 1; start <= 18; start += 1) await (await openNode(directory, { start: `s${start}` })).close();
      const node = await openNode(directory);
      expect(node.earlierStarts.map(({ start }) => start)).to.deep.equal(
        Array.from({ length: 16 }, (_, index) => `s${index + 3}`),
      );
      await node.close();
    }));

  it('makes another incarnation in every fresh directory', () =>
    withTemporaryDirectory(async (parent) => {
      const made = new Set<string>();
      for (let i = 0; i < 20; i += 1) {
        const node = await openNode(join(parent, `${i}`));
        made.add(node.incarnation);
        await node.close();
      }
      expect(made.size).to.equal(20);
    }));

  for (const [what, options] of [
    ['another name', { name: 'P2' }],
    ['another role', { role: 'coordinator' }],
  ] as const) {
    it(`refuses ${what} than the one it was made for, and changes no byte`, () =>
      withTemporaryDirectory(async (directory) => {
        await (await openNode(directory)).close();
        const before = await fingerprint(directory);
        const error = await rejectionOf(openNode(directory, options));
        expect(error).to.include({ code: 'directory-foreign', exitCode: 4 });
        expect(String(error)).to.include('participant P1');
        expect(await fingerprint(directory)).to.deep.equal(before);
        await (await openNode(directory)).close();
      }));
  }

  it('names path and errno of a directory that is a file', () =>
    withTemporaryDirectory(async (parent) => {
      await writeFile(join(parent, 'file'), '');
      for (const directory of [join(parent, 'file'), join(parent, 'file', 'below')]) {
        const error = await rejectionOf(openNode(directory));
        expect(error).to.include({ code: 'directory-unusable', exitCode: 4 });
        expect(String(error))
          .to.include(directory)
          .and.to.match(/EEXIST|ENOTDIR/);
      }
    }));

  for (const code of ['EACCES', 'EROFS']) {
    it(`names path and errno when the disk answers ${code}`, () =>
      withTemporaryDirectory(async (directory) => {
        const fail = (): Promise<never> => Promise.reject(errno(code));
        for (const fault of [{ makeDirectory: fail }, { list: fail }, { syncDirectory: fail }]) {
          const error = await rejectionOf(openNode(directory, { disk: faultyDisk(fault) }));
          expect(error).to.include({ code: 'directory-unusable', exitCode: 4 });
          expect(String(error)).to.include(directory).and.to.include(code);
        }
        await (await openNode(directory)).close();
      }));
  }

  it('fails with sync-failed when the new epoch cannot be made durable, and can be opened again', () =>
    withTemporaryDirectory(async (directory) => {
      await (await openNode(directory)).close();
      let syncs = 0;
      // The first sync is of what was read, the second of the new start record.
      const sync = (): Promise<void> => ((syncs += 1), syncs < 2 ? Promise.resolve() : Promise.reject(errno('EIO')));
      const fatal: unknown[] = [];
      const error = await rejectionOf(
        openNode(directory, { disk: faultyDisk({ sync }), onFatal: (each) => fatal.push(each) }),
      );
      expect(error).to.include({ code: 'sync-failed', exitCode: 5 });
      expect(fatal, 'the rejection alone tells it').to.deep.equal([]);
      await (await openNode(directory)).close();
    }));

  it('syncs what it read before it acts on it', () =>
    withTemporaryDirectory(async (directory) => {
      await (await openNode(directory)).close();
      const error = await rejectionOf(
        openNode(directory, { disk: faultyDisk({ sync: () => Promise.reject(errno('EIO')) }) }),
      );
      expect(error).to.include({ code: 'sync-failed' });
    }));

  it('writes nothing before what it read is on the disk: a killed predecessor leaves records that no sync covered', () =>
    withTemporaryDirectory(async (directory) => {
      await (await openNode(directory)).close();
      const done: string[] = [];
      const { sync, write } = realDisk;
      const disk = faultyDisk({
        sync: (fd) => (done.push('sync'), sync(fd)),
        write: (fd, bytes, position) => (done.push('write'), write(fd, bytes, position)),
      });
      const node = await openNode(directory, { disk });
      expect(done).to.deep.equal(['sync', 'write', 'sync']);
      await node.close();
    }));

  it('replays the same records at every start, and its own start records to nobody', () =>
    withTemporaryDirectory(async (directory) => {
      const texts: string[] = [];
      for (let start = 0; start < 5; start += 1) {
        const node = await openNode(directory);
        expect(node.replayed).to.deep.equal(texts);
        for (const text of [`${start}a`, `${start}b`]) {
          node.log.append(note(text), { force: start % 2 === 0 });
          texts.push(text);
        }
        await node.close();
      }
    }));
});
