/** `parley up --demo` as `npm start` runs it: what a newcomer sees, twice, and what is left when it is killed. */
import { expect } from 'chai';
import { defaultCluster } from '../../src/daemons/cluster-file.ts';
import { eventually } from '../support/eventually.ts';
import { processIsGone } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { withUpProcess } from '../support/up-process.ts';
import type { UpProcess } from '../support/up-process.ts';

const DEADLINE = { deadlineMs: 60_000 };

function withUp(directory: string, use: (up: UpProcess) => Promise<void>): Promise<readonly number[]> {
  return withUpProcess(directory, { config: defaultCluster(), args: ['--demo'] }, use);
}

const COMMITTED = /moved 100 from account 1 to 2: committed in \d+ ms \(2pc, 3 participants, \d+ forced writes\)/;

describe('parley up --demo with real daemons', function () {
  this.timeout(300_000);

  it('S0-2 S1-1: commits a first transfer and a first chat line with five programs, stops with exit code 0, and does the same again', async () => {
    await withTemporaryDirectory(async (directory) => {
      for (const start of ['first', 'second']) {
        await withUp(directory, async ({ process: up, text, ended }) => {
          expect(text(), start).to.match(COMMITTED);
          for (const name of ['server', 'coordinator', 'P1', 'P2', 'P3'])
            expect(text()).to.include(`${name} listens on`);
          expect(text()).to.include('account 1: 900, account 2: 1100').and.include('account 1: 1000, account 2: 1000');
          expect(text()).to.include('[parley]: 0:00:00:hello   (delivered in lobby)');
          up.kill('SIGTERM');
          expect(await ended).to.equal(0);
        });
      }
    });
  });

  it('leaves no daemon behind when it is killed', async () => {
    await withTemporaryDirectory(async (directory) => {
      const pids = await withUp(directory, () => Promise.resolve());
      expect(new Set(pids).size).to.equal(5);
      for (const pid of pids) await eventually(`${pid} is gone`, () => processIsGone(pid), DEADLINE);
    });
  });
});
