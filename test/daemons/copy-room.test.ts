import { expect } from 'chai';
import { copyEnd, freeBytesOf } from '../../src/daemons/copy-room.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

describe('A copy that is whole', () => {
  it('is refused before its first record when the disk could not hold it in the log and in a checkpoint', () => {
    // {"text":"…"} with 89 letters has 100 bytes.
    const lines = [{ text: 'x'.repeat(89) }, { text: 'y'.repeat(89) }];
    const taken = { type: 'copy-finished', group: 'chat', attempt: 3, lines };
    expect(copyEnd('chat', 3, lines, 400)).to.deep.equal(taken);
    expect(copyEnd('chat', 3, lines, 399)).to.deep.equal({ type: 'copy-failed', group: 'chat', attempt: 3 });
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
