/** A server whose process has no file descriptor left must serve who is in, and who comes when some have gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { rawClient, statusesIn } from './raw-client.ts';
import type { RawClient } from './raw-client.ts';

const PROGRAM = join(import.meta.dirname, 'few-descriptors.ts');
const DESCRIPTORS = 100;
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

describe('At the limit of file descriptors', () => {
  it('a server goes on answering, and takes connections again when some have gone', async () => {
    const script = `ulimit -n ${DESCRIPTORS}; exec "$0" --import=tsx "$1"`;
    const child = spawn('sh', ['-c', script, process.execPath, PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said: string[] = [];
    const clients: RawClient[] = [];
    try {
      createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
      await eventually('it listens', () => said.length > 0 || child.exitCode !== null, { deadlineMs: 15_000 });
      const port = Number(said[0]);
      const first = await rawClient(port);
      clients.push(first);
      for (let count = 0; count < DESCRIPTORS + 20; count += 1) clients.push(await rawClient(port));
      first.send(GET);
      await first.sees('HTTP/1.1 200 ');
      for (const { socket } of clients.slice(1)) socket.destroy();
      await eventually('somebody new is answered', async () => {
        const late = await rawClient(port);
        clients.push(late);
        late.send(GET);
        await eventually('an answer or an end', () => late.isClosed() || late.text() !== '');
        return statusesIn(late.text())[0] === 200;
      });
      expect(child.exitCode, 'it lives').to.equal(null);
    } finally {
      for (const { socket } of clients) socket.destroy();
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
  });
});
