/** A server whose process has no file descriptor left must serve who is in, and who comes when some have gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { connectionsAffordable, connectionsWithin } from '../../src/net/descriptor-limit.ts';
import { eventually } from '../support/eventually.ts';
import { rawClient, statusesIn } from './raw-client.ts';
import type { RawClient } from './raw-client.ts';

const PROGRAM = join(import.meta.dirname, 'few-descriptors.ts');
const DESCRIPTORS = 100;
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

/** The program with so few descriptors, while `use` runs; `sh` sets the limit and then is the program. */
async function withFew(
  mode: 'plain' | 'opens-files',
  use: (few: {
    readonly connect: () => Promise<RawClient>;
    readonly exitCode: () => number | null;
    readonly said: readonly string[];
  }) => Promise<void>,
): Promise<void> {
  const script = `ulimit -n ${DESCRIPTORS}; exec "$0" --import=tsx "$1" ${mode}`;
  const child = spawn('sh', ['-c', script, process.execPath, PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  const clients: RawClient[] = [];
  const connect = async (): Promise<RawClient> => {
    const client = await rawClient(Number(said[0]));
    clients.push(client);
    return client;
  };
  try {
    createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
    await eventually('it listens', () => said.length > 0 || child.exitCode !== null, { deadlineMs: 60_000 });
    await use({ connect, exitCode: () => child.exitCode, said });
  } finally {
    for (const { socket } of clients) socket.destroy();
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
}

describe('At the limit of file descriptors', () => {
  it('a server goes on answering, and takes connections again when some have gone', () =>
    withFew('plain', async ({ connect, exitCode }) => {
      const first = await connect();
      const others: RawClient[] = [];
      for (let count = 0; count < DESCRIPTORS + 20; count += 1) others.push(await connect());
      first.send(GET);
      await first.sees('HTTP/1.1 200 ');
      for (const { socket } of others) socket.destroy();
      await eventually('somebody new is answered', async () => {
        const late = await connect();
        late.send(GET);
        await eventually('an answer or an end', () => late.isClosed() || late.text() !== '');
        return statusesIn(late.text())[0] === 200;
      });
      expect(exitCode(), 'it lives').to.equal(null);
    }));

  it('a daemon can still open files: it takes no more connections than leave room for them', function () {
    if (!existsSync('/proc/self/limits')) this.skip();
    return withFew('opens-files', async ({ connect, said }) => {
      const first = await connect();
      const others: RawClient[] = [];
      for (let count = 0; count < DESCRIPTORS + 20; count += 1) others.push(await connect());
      await eventually('one is too many', () => others.some((client) => client.isClosed()));
      first.send(GET);
      await eventually('it answers', () => first.text() !== '');
      expect(statusesIn(first.text()), said.join()).to.deep.equal([200]);
    });
  });

  it('connections get what files can spare: all but 512, or half', () => {
    const text = (soft: string): string =>
      `Limit  Soft  Hard  Units\nMax open files            ${soft}    9999   files\n`;
    expect(['20000', '1024', '1023', '100', 'unlimited'].map(text).map(connectionsWithin)).to.deep.equal([
      ...[19_488, 512, 511, 50],
      Infinity,
    ]);
    expect(connectionsWithin('')).to.equal(Infinity);
    expect(connectionsAffordable()).to.be.greaterThan(0);
  });
});
