import { expect } from 'chai';
import { CopyRoom, freeBytesOf } from '../../src/daemons/copy-room.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

describe('A copy', () => {
  it('is given up while what is written of it would still fit a checkpoint', () => {
    let free = 1000;
    const room = new CopyRoom(() => free);
    const taken: number[] = [];
    while (room.take('bank', 100, taken.length === 0)) {
      free -= 100;
      taken.push(free);
    }
    // 900 left, 800 … 500: a sixth part and the checkpoint of six would need 700 of them.
    expect(taken).to.deep.equal([900, 800, 700, 600, 500]);
  });

  it('is not begun again before there is room for twice what there was of it when it was given up', () => {
    let free = 100;
    const room = new CopyRoom(() => free);
    expect(room.take('bank', 90, true)).to.equal(false);
    free = 179;
    expect(room.take('bank', 1, true), 'not even its first line').to.equal(false);
    expect(room.take('chat', 1, true), 'another group').to.equal(true);
    free = 180;
    expect(room.take('bank', 90, true)).to.equal(true);
  });

  it('is measured against the disk of the directory, and tried where the system does not say how full that is', async () => {
    await withTemporaryDirectory((directory) => {
      const free = freeBytesOf(directory);
      expect(Number.isFinite(free)).to.equal(true);
      expect(free).to.be.at.least(0);
      expect(freeBytesOf(`${directory}/not-there`)).to.equal(Number.POSITIVE_INFINITY);
      return Promise.resolve();
    });
  });
});
