/** The helpers of the tests, tested: a helper that cannot fail hides every failure above it. */
import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('expected the promise to be rejected with an Error');
}

describe('the helpers of the tests', () => {
  it('a temporary directory is there during the run and gone after it', async () => {
    const directory = await withTemporaryDirectory(async (path) => {
      await writeFile(join(path, 'file'), 'x');
      return path;
    });
    expect(existsSync(directory)).to.equal(false);
  });

  it('a temporary directory is removed when the run throws, and the error goes on', async () => {
    let directory = '';
    const error = await failureOf(
      withTemporaryDirectory((path) => {
        directory = path;
        return Promise.reject(new Error('planted'));
      }),
    );
    expect(error.message).to.equal('planted');
    expect(existsSync(directory)).to.equal(false);
  });

  it('eventually returns the first value that is neither undefined nor false, zero and null included', async () => {
    let looks = 0;
    expect(await eventually('the third look', () => (++looks < 3 ? undefined : 0))).to.equal(0);
    expect(looks).to.equal(3);
    expect(await eventually('a null', () => null)).to.equal(null);
  });

  it('eventually says what was still missing and what the last look threw', async () => {
    const error = await failureOf(
      eventually('P1 is ready', () => Promise.reject(new Error('connect refused')), { deadlineMs: 20 }),
    );
    expect(error.message).to.equal('Still missing after 20 ms: P1 is ready. The last look threw: connect refused');
  });

  it('eventually gives up on a look that never ends', async () => {
    const error = await failureOf(
      eventually('an answer', () => new Promise<true>(() => undefined), { deadlineMs: 20 }),
    );
    expect(error.message).to.equal('Still missing after 20 ms: an answer. The last look never ended.');
  });

  it('a free port can be listened on', async () => {
    const port = await freePort();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  });
});
