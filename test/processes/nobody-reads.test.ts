/** Daemons whose output nobody reads any more: that is no reason to stop. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterFileText, defaultCluster } from '../../src/daemons/cluster-file.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { launchCommand } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { daemonEnvironment } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { Listening } from '../../src/cluster/spawn.ts';

const DEADLINE = { deadlineMs: 60_000 };
/** Nothing listens there, so a participant and a server say that they cannot reach it, again and again. */
const NOBODY = '127.0.0.1:1';

describe('a daemon whose output nobody reads any more', function () {
  this.timeout(300_000);

  const roles = [
    ['coordinator', []],
    ['participant', ['--name', 'P1', '--coordinator', NOBODY]],
    ['server', ['--coordinator', NOBODY]],
  ] as const;
  for (const [role, more] of roles) {
    it(`goes on when it is a ${role}`, () =>
      withTemporaryDirectory(async (directory) => {
        const config = join(directory, 'cluster.json');
        writeFileSync(config, clusterFileText(defaultCluster()));
        const key = join(directory, 'cluster.key');
        const [program = '', ...first] = launchCommand();
        const files = ['--config', config, '--data-dir', join(directory, 'data'), '--credentials', key];
        const args = [...first, role, ...more, '--port', '0', '--announce', '--lab', ...files];
        const child = spawn(program, args, { env: daemonEnvironment() });
        const ended = once(child, 'close');
        try {
          let text = '';
          child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
          const announced = await eventually('it listens', () => /^\{.*\}$/m.exec(text)?.[0], DEADLINE);
          const client = new HttpClient(JSON.parse(announced) as Listening);
          const headers = { authorization: openCredentials(key).header };
          const ask = async (method: string, path: string): Promise<number> =>
            (await client.request({ method, path, headers })).status;
          // The readers go: what is written from now on fails with EPIPE.
          child.stdout.destroy();
          child.stderr.destroy();
          for (let count = 1; count <= 3; count += 1) {
            // A server asks for the restart of a node by a line on its stdout.
            if (role === 'server') expect(await ask('POST', '/bank/nodes/P1/restart')).to.equal(202);
            expect(await ask('GET', '/livez')).to.equal(200);
          }
          client.close();
          child.kill('SIGTERM');
          expect(await ended, 'its exit, as of any that is told to stop').to.deep.equal([0, null]);
        } finally {
          child.kill('SIGKILL');
          await ended;
        }
      }));
  }
});
