/**
 * A daemon that cannot start says so in one line and ends: which setting, which
 * file, what to do, with the exit code of docs; no stack, no half-started node,
 * and nothing changed on disk.
 */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { defaultCluster } from '../../src/daemons/cluster-file.ts';
import { launchCommand, transact, transfer, withCluster } from '../support/cluster.ts';
import { daemonEnvironment } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { AddressInfo } from 'node:net';

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** A start that hangs is killed after this long, and fails its test by its exit code. */
const HANGS_MS = 60_000;

/** Runs a daemon that is expected to end by itself. */
async function run(args: readonly string[]): Promise<Ended> {
  const [program = '', ...first] = launchCommand();
  const child = spawn(program, [...first, ...args], { env: daemonEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), HANGS_MS);
  let stderr = '';
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, stderr };
}

/** One line, which names what is wrong; no frame of a stack. */
function expectOneLine({ stderr }: Ended, ...names: readonly string[]): void {
  expect(stderr.trimEnd().split('\n'), stderr).to.have.length(1);
  expect(stderr).to.not.match(/^\s+at /m);
  for (const name of names) expect(stderr).to.include(name);
}

/** Flags of a participant that would start, but for what a test adds. */
function participant(directory: string, more: readonly string[] = []): readonly string[] {
  const has = (flag: string): boolean => more.includes(flag);
  return [
    'participant',
    ...(has('--name') ? [] : ['--name', 'P1']),
    ...(has('--port') ? [] : ['--port', '0']),
    ...(has('--data-dir') ? [] : ['--data-dir', join(directory, 'P1')]),
    ...(has('--config') ? [] : ['--config', clusterFile(directory)]),
    ...['--credentials', join(directory, 'cluster.key')],
    ...more,
  ];
}

function clusterFile(directory: string): string {
  const path = join(directory, 'cluster.json');
  writeFileSync(path, JSON.stringify(defaultCluster()));
  return path;
}

/** Every file below a directory with its bytes. */
function bytesUnder(directory: string): Readonly<Record<string, string>> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(file, 'base64')]));
}

describe('a daemon that cannot start', function () {
  this.timeout(300_000);

  for (const port of ['70000', 'abc']) {
    it(`refuses the port ${port} with exit code 2 and names the flag`, async () => {
      await withTemporaryDirectory(async (directory) => {
        const ended = await run(participant(directory, ['--port', port]));
        expect(ended.code).to.equal(2);
        expectOneLine(ended, '--port', port, '65535');
      });
    });
  }

  it('ends with 75 when its port is in use, and names it', async () => {
    await withTemporaryDirectory(async (directory) => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const ended = await run(participant(directory, ['--port', String(port)]));
      taken.close();
      expect(ended.code).to.equal(75);
      expectOneLine(ended, 'port-busy', String(port));
    });
  });

  it('ends with 4 when its data directory is a file, or cannot be made', async () => {
    await withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'a-file');
      writeFileSync(file, 'mine');
      for (const path of [file, join(file, 'below'), '/proc/x']) {
        const ended = await run(participant(directory, ['--data-dir', path]));
        expect(ended.code, path).to.equal(4);
        expectOneLine(ended, 'directory-unusable', path);
      }
      expect(readFileSync(file, 'utf8')).to.equal('mine');
    });
  });

  it('ends with 2 on a cluster file that is not there, no JSON, or has a key nobody knows, and names it', async () => {
    await withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'mine.json');
      const absent = await run(participant(directory, ['--config', path]));
      expect(absent.code).to.equal(2);
      expectOneLine(absent, 'bad-config', path);
      for (const [text, name] of [
        ['{"nodes": ', path],
        [JSON.stringify({ ...defaultCluster(), grupps: {} }), 'grupps'],
        [JSON.stringify({ ...defaultCluster(), timings: { voteTimeoutMs: -1 } }), 'timings.voteTimeoutMs'],
      ] as const) {
        writeFileSync(path, text);
        const ended = await run(participant(directory, ['--config', path]));
        expect(ended.code, text).to.equal(2);
        expectOneLine(ended, 'bad-config', name);
      }
    });
  });

  it('ends with 75 on a directory in use, with 4 on that of another node and on a damaged log, and changes no byte', async () => {
    await withCluster({ only: ['coordinator', 'P1', 'P2', 'P3'] }, async (cluster) => {
      for (let count = 1; count <= 3; count += 1) await transact(cluster, { operations: [transfer(1, 2, 1)] });
      const home = join(cluster.dataDir, 'P1');
      const flags = ['--config', cluster.nodes.writtenConfigFile, '--data-dir', home];
      const busy = await run(participant(cluster.dataDir, flags));
      expect(busy.code).to.equal(75);
      expectOneLine(busy, 'directory-busy', home);

      await cluster.nodes.kill9('P1');
      const sound = bytesUnder(home);
      const foreign = await run(participant(cluster.dataDir, ['--name', 'P2', ...flags]));
      expect(foreign.code).to.equal(4);
      expectOneLine(foreign, 'directory-foreign', home, 'P1');
      const otherRole = await run([
        ...['coordinator', '--name', 'coordinator', '--port', '0', ...flags],
        ...['--credentials', join(cluster.dataDir, 'cluster.key')],
      ]);
      expect(otherRole.code).to.equal(4);
      expectOneLine(otherRole, 'directory-foreign', home, 'P1');
      expect(bytesUnder(home)).to.deep.equal(sound);

      const wal = join(home, readdirSync(home).find((name) => name.startsWith('wal-')) ?? '');
      const bytes = readFileSync(wal);
      const offset = bytes.indexOf('\n') + 40;
      bytes[offset] = (bytes[offset] ?? 0) ^ 1;
      writeFileSync(wal, bytes);
      const damaged = bytesUnder(home);
      const corrupt = await run(participant(cluster.dataDir, flags));
      expect(corrupt.code).to.equal(4);
      expectOneLine(corrupt, 'wal-corrupt', wal, 'offset');
      expect(bytesUnder(home), 'files beside a damaged log').to.deep.equal(damaged);
    });
  });
});
