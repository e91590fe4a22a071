/** A cluster under TLS: nothing readable on any link, the frames rules hold inside it, and people reach it by console and program. */
import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Cluster } from '../../src/cluster/cluster.ts';
import { defaultCluster, parseCluster } from '../../src/daemons/cluster-file.ts';
import { Parley } from '../../src/index.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { clientTlsFrom } from '../../src/net/tls.ts';
import { launchCommand } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { daemonEnvironment } from '../support/processes.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { makeCertificates, tlsFlags, withoutOpenssl } from '../support/tls-files.ts';

const CANARY = 'a-line-that-nobody-in-between-may-read';
const FRAMES = join(import.meta.dirname, '..', 'testdata', 'frames', 'run.mjs');

/** Passes bytes on, both ways, and keeps all of them, by connection. */
class Tap {
  readonly heard: { up: string; down: string }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: () => { readonly host: string; readonly port: number } | undefined) {
    this.#server = createServer((near) => {
      const to = target();
      if (to === undefined) return void near.destroy();
      const far = connect({ host: to.host, port: to.port });
      const seen = { up: '', down: '' };
      this.heard.push(seen);
      near.on('data', (chunk: Buffer) => (seen.up += chunk.toString('latin1'))).pipe(far);
      far.on('data', (chunk: Buffer) => (seen.down += chunk.toString('latin1'))).pipe(near);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
      }
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** One server, one coordinator, P1; every port free. */
function clusterConfig() {
  const node = (role: string) => ({ role, host: '127.0.0.1', port: 0 });
  const { groups, opening, protocol } = defaultCluster();
  const members = Object.entries(groups).map(([name, { resource }]) => [name, { resource, members: ['P1'] }]);
  const nodes = { server: node('server'), coordinator: node('coordinator'), P1: node('participant') };
  return parseCluster({ nodes, groups: Object.fromEntries(members) as unknown, opening, protocol }, 'the test');
}

describe('a cluster under TLS', function () {
  this.timeout(300_000);

  before(function () {
    const why = withoutOpenssl();
    if (why === undefined) return;
    process.stdout.write(`    skipped: ${why}\n`);
    this.skip();
  });

  it('S0-22: shows a listener in between nothing but TLS, and refuses what is not; the frames rules hold inside', async () => {
    await withTemporaryDirectory(async (directory) => {
      const files = makeCertificates(join(directory, 'tls'));
      const tls = clientTlsFrom(files.ca);
      const tap = new Tap(() => cluster.addressIfKnown('coordinator'));
      const port = await tap.listen();
      const keyFile = join(directory, 'cluster.key');
      const { header, key } = openCredentials(keyFile);
      const cluster: Cluster = new Cluster({
        config: clusterConfig(),
        dataDir: join(directory, 'logs'),
        lab: true,
        advertise: { coordinator: `127.0.0.1:${port}` },
        extraArgs: ['--credentials', keyFile, ...tlsFlags(files)],
        tls,
        command: launchCommand(),
        env: daemonEnvironment(),
      });
      const client = new HttpClient({ host: '127.0.0.1', port, tls, headers: { authorization: header } });
      try {
        await cluster.start();
        const line = { key: 'k1', author: 'ada', text: CANARY };
        const operation = { group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines: [line] };
        const answer = await client.request({
          method: 'POST',
          path: '/transactions',
          json: { operations: [operation] },
        });
        expect(answer.json()).to.include({ outcome: 'committed' });
        seesNothing(tap, key);
        // The tap does hear what can be heard.
        const plain = new HttpClient({ host: '127.0.0.1', port });
        const refused = await plain
          .request({ method: 'POST', path: '/x', body: CANARY })
          .catch((error: unknown) => error);
        plain.close();
        expect(refused).to.have.property('code', 'connection-lost');
        expect(tap.heard.at(-1)?.up).to.include(CANARY);
        expect(tap.heard.at(-1)?.down).to.not.include('HTTP');
        await framesHold(cluster.address('coordinator').port, files.ca);
      } finally {
        client.close();
        await cluster.killAll();
        tap.close();
      }
    });
  });

  it('is started by up, and reached by console and program with the CA and not without', async () => {
    await withTemporaryDirectory(async (directory) => {
      const files = makeCertificates(join(directory, 'tls'));
      const config = join(directory, 'cluster.json');
      const keyFile = join(directory, 'cluster.key');
      writeFileSync(config, JSON.stringify({ ...clusterConfig(), tls: files }));
      const [program = '', ...first] = launchCommand();
      const args = ['--config', config, '--credentials', keyFile];
      const env = daemonEnvironment();
      const up = spawn(program, [...first, 'up', ...args, '--data-dir', join(directory, 'logs')], { env });
      let text = '';
      for (const stream of [up.stdout, up.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
      const ended = new Promise<number | null>((resolve) => up.once('close', resolve));
      try {
        await eventually('up says what to try', () => text.includes('Ctrl-C stops'), { deadlineMs: 60_000 });
        const bankPort = /server: https:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1] ?? '';
        const bank = [...first, 'bank', bankPort, '127.0.0.1', '-c', 'TRANSFER 1 2 100', ...args];
        expect((await promisify(execFile)(program, bank, { env })).stdout).to.match(/^committed /);
        const port = Number(/coordinator +127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
        const ca = readFileSync(files.ca, 'utf8');
        const parley = new Parley({ port, ca, key: readFileSync(keyFile, 'utf8') });
        const query = { group: 'bank', resource: 'ledger', type: 'query', account: 1 };
        const { outcome } = await parley.transact({ operations: [query] });
        parley.close();
        expect(outcome).to.equal('committed');
      } catch (error) {
        throw new Error(`${String(error)}\n${text}`, { cause: error });
      } finally {
        up.kill('SIGTERM');
        expect(await ended, text).to.equal(0);
      }
    });
  });
});

/** Every connection so far is records of TLS from its first byte, the link of P1 among them, and nothing in it can be read. */
function seesNothing(tap: Tap, key: string): void {
  expect(tap.heard.length, 'the link of P1, the server, and the client').to.be.greaterThan(2);
  const longest = Math.max(...tap.heard.map(({ up }) => up.length));
  expect(longest, 'bytes on the longest of them').to.be.greaterThan(1000);
  for (const { up, down } of tap.heard) {
    for (const bytes of [up, down]) {
      expect(bytes === '' || bytes.startsWith('\x16\x03'), JSON.stringify(bytes.slice(0, 40))).to.equal(true);
      for (const word of [CANARY, key, 'HTTP/1.1', 'Parley', 'prepare', 'lobby']) expect(bytes).to.not.include(word);
    }
  }
}

/** The vectors whole, inside TLS; octet by octet they take longer and say the same about what is below. */
async function framesHold(port: number, ca: string): Promise<void> {
  const args = [
    '--port',
    String(port),
    '--path',
    '/lab/frames',
    '--tls',
    '--ca',
    ca,
    '--mode',
    'whole',
    '--patience',
    '4',
  ];
  const run = promisify(execFile)(process.execPath, [FRAMES, ...args], { maxBuffer: 2 ** 24 });
  const { stdout } = await run.catch((error: { readonly stdout: string }) => error);
  expect(stdout.trim().split('\n').at(-1), stdout.slice(-3000)).to.match(/^[1-9]\d* passed, 0 failed$/);
}
