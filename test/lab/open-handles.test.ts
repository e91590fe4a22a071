/** What a process holds open, counted from outside. */
import { expect } from 'chai';
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { handlesSince, openHandles } from '../../src/lab/open-handles.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

describe('the open handles of a process', () => {
  it('are more by one for each file that it opens, where the system lists them', function () {
    if (process.platform !== 'linux') this.skip();
    const before = openHandles(process.pid) ?? Number.NaN;
    const files = Array.from({ length: 20 }, () => openSync('/dev/null', 'r'));
    const during = openHandles(process.pid) ?? Number.NaN;
    for (const file of files) closeSync(file);
    // Other tests' sockets may come and go in this process meanwhile.
    expect(during - before).to.be.within(15, 25);
  });

  it('are not the data files of a checkpoint, but such that were removed', async function () {
    if (process.platform !== 'linux') this.skip();
    await withTemporaryDirectory(async (directory) => {
      const paths = Array.from({ length: 20 }, (_, index) => join(directory, `data-outcomes-000${index}.jsonl`));
      const before = openHandles(process.pid) ?? Number.NaN;
      const files = paths.map((path) => openSync(path, 'w'));
      const listed = openHandles(process.pid) ?? Number.NaN;
      for (const path of paths) unlinkSync(path);
      const removed = openHandles(process.pid) ?? Number.NaN;
      for (const file of files) closeSync(file);
      expect(listed - before).to.be.within(-5, 5);
      expect(removed - before).to.be.within(15, 25);
    });
  });

  it('are unknown of a process that is gone, and then nothing is said of them', async () => {
    expect(openHandles(2 ** 30)).to.equal(undefined);
    expect(await handlesSince(4, () => undefined)).to.equal(undefined);
    expect(await handlesSince(undefined, () => 4)).to.equal(undefined);
  });

  it('are counted again until what is being closed is closed', async () => {
    const counts = [40, 30, 12, 10];
    expect(await handlesSince(10, () => counts.shift())).to.deep.equal({ before: 10, after: 12 });
  });
});
