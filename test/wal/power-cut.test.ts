import { expect } from 'chai';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cutPower } from '../../src/wal/power-cut.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const FIRST = 'wal-0000000000000001.jsonl';
const SECOND = 'wal-0000000000000009.jsonl';

/** The files of a directory by name. */
function filesOf(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

describe('a power cut', () => {
  it('keeps what was synced, half of what was being written, and no segment without a synced name', async () => {
    await withTemporaryDirectory((directory) => {
      const put = (name: string, text: string): void => writeFileSync(join(directory, name), text);
      put(FIRST, 'synced|unsynced');
      put(SECOND, 'renamed, but the directory was not synced');
      put(`${SECOND}.tmp`, 'x');
      put('checkpoint.json', '{}');
      cutPower(directory, { file: FIRST, bytes: 7 });
      expect(filesOf(directory)).to.deep.equal({ [FIRST]: 'synced|unsy', 'checkpoint.json': '{}' });
      return Promise.resolve();
    });
  });

  it('changes nothing when all is synced, and leaves no log when nothing ever was', async () => {
    await withTemporaryDirectory((directory) => {
      writeFileSync(join(directory, FIRST), 'all');
      writeFileSync(join(directory, SECOND), 'of it');
      cutPower(directory, { file: SECOND, bytes: 5 });
      expect(filesOf(directory)).to.deep.equal({ [FIRST]: 'all', [SECOND]: 'of it' });
      cutPower(directory, undefined);
      expect(filesOf(directory)).to.deep.equal({});
      return Promise.resolve();
    });
  });
});
