/** `parley up --demo` as `npm start` runs it: what a newcomer sees, twice, and what is left when it is killed. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterFileText, defaultCluster } from '../../src/daemons/cluster-file.ts';
import { launchCommand } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { daemonEnvironment, processIsGone } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { ChildProcess } from 'node:child_process';

const DEADLINE = { deadlineMs: 60_000 };

/** The built-in cluster on free ports, so that two runs of the tests do not meet. */
function writeClusterFile(directory: string): string {
  const built = defaultCluster();
  const nodes = Object.entries(built.nodes).map(([name, node]): [string, typeof node] => [name, { ...node, port: 0 }]);
  const path = join(directory, 'free-ports.json');
  writeFileSync(path, clusterFileText({ ...built, nodes: Object.fromEntries(nodes) }));
  return path;
}

/** Runs `parley up --demo` until it has said all, then `use`, and leaves no process. */
async function withUp(
  directory: string,
  use: (up: ChildProcess, text: () => string, ended: Promise<number | null>) => Promise<void>,
): Promise<readonly number[]> {
  const [program = '', ...first] = launchCommand();
  const flags = ['--config', writeClusterFile(directory), '--data-dir', join(directory, 'logs')];
  const args = [...first, 'up', '--demo', ...flags, '--credentials', join(directory, 'cluster.key')];
  const up = spawn(program, args, { env: daemonEnvironment() });
  let text = '';
  for (const stream of [up.stdout, up.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  const ended = new Promise<number | null>((resolve) => {
    up.once('close', (code) => resolve(code));
  });
  try {
    await eventually(
      'the cluster is up',
      () => text.includes('Ctrl-C stops the cluster') || up.exitCode !== null,
      DEADLINE,
    );
    await use(up, () => text, ended);
  } catch (error) {
    if (error instanceof Error) error.message += `\n\nparley up said:\n${text}`;
    throw error;
  } finally {
    up.kill('SIGKILL');
    await ended;
  }
  return [...text.matchAll(/kill -9 (\d+)$/gm)].map(([, pid]) => Number(pid));
}

const COMMITTED = /moved 100 from account 1 to 2: committed in \d+ ms \(2pc, 3 participants, \d+ forced writes\)/;

describe('parley up --demo with real daemons', function () {
  this.timeout(300_000);

  it('S0-2 S1-1: commits a first transfer and a first chat line with five programs, stops with exit code 0, and does the same again', async () => {
    await withTemporaryDirectory(async (directory) => {
      for (const start of ['first', 'second']) {
        await withUp(directory, async (up, text, ended) => {
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
