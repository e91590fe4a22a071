/** The key file of a cluster: made once, whoever comes first, and refused when it is no secret. */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ParleyError } from '../../src/base/errors.ts';
import { credentialsOf, openCredentials } from '../../src/net/credentials.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789_-ABCDE';

function refusalOf(file: string): ParleyError {
  try {
    openCredentials(file);
  } catch (error) {
    if (error instanceof ParleyError) return error;
    throw error;
  }
  throw new Error('expected the file to be refused');
}

describe('the credentials of a cluster', () => {
  it('are refused at once where no directory can be made', function () {
    if (process.platform !== 'linux') this.skip();
    expect(refusalOf('/proc/parley/sub/cluster.key')).to.include({ code: 'bad-config', exitCode: 2 });
  });

  it('are made at the first use: 32 bytes as base64url, for this user only', () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'new', 'cluster.key');
      const { key, header } = openCredentials(file);
      expect(Buffer.from(key, 'base64url')).to.have.length(32);
      expect(header).to.equal(`Parley ${key}`);
      expect(readFileSync(file, 'utf8')).to.equal(`${key}\n`);
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(statSync(join(directory, 'new')).mode & 0o777).to.equal(0o700);
      expect(readdirSync(join(directory, 'new'))).to.deep.equal(['cluster.key']);
    }));

  it('stay the same at every later use', () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'cluster.key');
      const first = openCredentials(file);
      expect(openCredentials(file).key).to.equal(first.key);
    }));

  it('are the same for daemons that start at the same moment', async function () {
    this.timeout(300_000);
    await withTemporaryDirectory(async (directory) => {
      const file = join(directory, '.parley', 'cluster.key');
      const module = new URL('../../src/net/credentials.ts', import.meta.url).href;
      // Each child loads, says so, and waits for the start signal, so that they meet at the file and not at loading.
      const script = `import(${JSON.stringify(module)}).then(({ openCredentials }) => {
        process.stderr.write('r');
        process.stdin.once('end', () => process.stdout.write(openCredentials(${JSON.stringify(file)}).key)).resume();
      });`;
      const children: ChildProcessWithoutNullStreams[] = [];
      try {
        for (let n = 0; n < 4; n++) children.push(spawn(process.execPath, ['--import=tsx', '-e', script]));
        const keys = children.map((child) => text(child.stdout));
        await Promise.all(children.map((child) => once(child.stderr, 'data') as Promise<unknown>));
        for (const child of children) child.stdin.end();
        const seen = new Set(await Promise.all(keys));
        expect([...seen]).to.deep.equal([readFileSync(file, 'utf8').trim()]);
      } finally {
        for (const child of children) child.kill('SIGKILL');
      }
    });
  });

  it('are accepted in the header with this key and in no other', () => {
    const { accepts } = credentialsOf(KEY);
    expect(accepts(`Parley ${KEY}`)).to.equal(true);
    expect(accepts(`parley ${KEY}`)).to.equal(true);
    for (const header of [
      undefined,
      '',
      'Parley',
      'Parley ',
      KEY,
      `Basic ${KEY}`,
      `Parley ${KEY}x`,
      `Parley ${KEY} x`,
    ]) {
      expect(accepts(header), String(header)).to.equal(false);
    }
    expect(accepts(`Parley ${KEY.slice(0, -1)}`)).to.equal(false);
  });

  it('are refused while other users can read them, and the remedy is named', () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'cluster.key');
      writeFileSync(file, `${KEY}\n`);
      for (const mode of [0o644, 0o640, 0o604, 0o620]) {
        chmodSync(file, mode);
        const error = refusalOf(file);
        expect(error.code).to.equal('bad-config');
        expect(error.message).to.contain(mode.toString(8));
        expect(error.remedy).to.contain('chmod 600');
        expect(error.message + error.remedy).not.to.contain(KEY);
      }
      chmodSync(file, 0o600);
      expect(openCredentials(file).key).to.equal(KEY);
    }));

  it('are refused when the file is empty, too short, no single word, or huge', () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'cluster.key');
      for (const content of ['', '\n', 'secret', `${KEY} ${KEY}`, `${KEY}\n${KEY}`, 'x'.repeat(5000)]) {
        writeFileSync(file, content, { mode: 0o600 });
        const error = refusalOf(file);
        expect(error.code).to.equal('bad-config');
        expect(error.message).to.contain(file);
        expect(readFileSync(file, 'utf8')).to.equal(content);
      }
    }));

  it('are refused when the path is a directory or leads through a file', () =>
    withTemporaryDirectory(async (directory) => {
      mkdirSync(join(directory, 'cluster.key'));
      expect(refusalOf(join(directory, 'cluster.key')).message).to.contain('not a regular file');
      writeFileSync(join(directory, 'file'), '');
      const error = refusalOf(join(directory, 'file', 'cluster.key'));
      expect(error.code).to.equal('bad-config');
      expect(error.message).to.contain('ENOTDIR');
    }));
});
