import { expect } from 'chai';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realDisk } from '../../src/wal/disk.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { rejectionOf } from './open-node.ts';

describe('making a directory on the disk of this machine', () => {
  it('makes what is missing above it, for its owner only, and answers the topmost one made', () =>
    withTemporaryDirectory(async (directory) => {
      const top = join(directory, 'a');
      expect(await realDisk.makeDirectory(join(top, 'b', 'c'))).to.equal(top);
      for (const made of [top, join(top, 'b'), join(top, 'b', 'c')])
        expect(statSync(made).mode & 0o777).to.equal(0o700);
      expect(await realDisk.makeDirectory(join(top, 'b', 'd'))).to.equal(join(top, 'b', 'd'));
      expect(await realDisk.makeDirectory(top)).to.equal(undefined);
    }));

  it('fails where a file is in the way, or above', () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'file');
      writeFileSync(file, '');
      expect(await rejectionOf(realDisk.makeDirectory(file))).to.include({ code: 'EEXIST' });
      expect(await rejectionOf(realDisk.makeDirectory(join(file, 'below')))).to.include({ code: 'ENOTDIR' });
    }));

  it('fails, and returns, where the system makes none although the directory above is there', async function () {
    if (!existsSync('/proc/self')) this.skip();
    expect(await rejectionOf(realDisk.makeDirectory('/proc/parley/P1'))).to.include({ code: 'ENOENT' });
  });
});
