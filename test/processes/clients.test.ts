/**
 * Programs that people have, unchanged, against the daemons; and our client
 * against servers that are not ours. Where a program is missing, its test is
 * skipped and says so.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { HttpClient } from '../../src/net/http-client.ts';
import { withCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { TestCluster } from '../support/cluster.ts';

const AUTOCANNON = join(import.meta.dirname, '..', '..', 'node_modules', 'autocannon', 'autocannon.js');
const PROGRAM_MS_MAX = 60_000;

interface Ran {
  readonly code: number;
  readonly out: string;
}

/** Runs a program with a text on its stdin. */
function run(program: string, args: readonly string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: PROGRAM_MS_MAX, maxBuffer: 2 ** 24 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out: stdout + stderr });
    });
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Skips the test, in words, where a program is not installed. */
function needs(test: Mocha.Context, program: string): void {
  // Daemons of Debian are in a directory that a user's PATH leaves out.
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  if (spawnSync('sh', ['-c', `command -v ${program}`], { env }).status === 0) return;
  process.stdout.write(`    skipped: ${program} is not installed\n`);
  test.skip();
}

/** Runs a program in the background until `use` is over. */
async function during<T>(
  program: string,
  args: readonly string[],
  use: (child: ChildProcess) => Promise<T>,
): Promise<T> {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
  const child = spawn(program, args, { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    return await use(child);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

const urlOf = (cluster: TestCluster, node: string, path: string): string =>
  `http://127.0.0.1:${cluster.nodes.address(node).port}${path}`;

describe('programs that people have', function () {
  this.timeout(300_000);
  let cluster: TestCluster;
  let release: () => void = () => undefined;
  let over: Promise<unknown> = Promise.resolve();

  before(async () => {
    await new Promise<void>((resolve, reject) => {
      over = withCluster({ participants: 1, servers: 2 }, (one) => {
        cluster = one;
        return new Promise<void>((done) => {
          release = done;
          resolve();
        });
      }).catch(reject);
    });
  });
  after(async () => {
    release();
    await over;
  });

  it('curl gets, heads, posts, waits for 100, uploads in chunks, speaks 1.0 and reuses its connection', async function () {
    needs(this, 'curl');
    const curl = (...args: readonly string[]) => run('curl', ['-sS', '--max-time', '10', ...args]);
    const version = urlOf(cluster, 'coordinator', '/version');
    expect(JSON.parse((await curl(version)).out)).to.include({ role: 'coordinator' });
    const head = await curl('-I', version);
    expect(head.out)
      .to.match(/^HTTP\/1\.1 200 OK\r\n/)
      .and.to.match(/content-length: [1-9]/i);
    expect(head.out).to.match(/\r\n\r\n$/);
    const frames = urlOf(cluster, 'coordinator', '/lab/frames?k=curl');
    const long = JSON.stringify('x'.repeat(300_000));
    for (const [what, args] of [
      ['a post', []],
      ['Expect', ['-H', 'Expect: 100-continue', '--expect100-timeout', '9']],
      ['chunks', ['-H', 'Transfer-Encoding: chunked']],
      ['HTTP/1.0', ['--http1.0']],
    ] as const) {
      const posted = await run('curl', ['-sS', '--max-time', '8', '--data-binary', '@-', ...args, frames], long);
      expect(posted.out, what).to.match(/^\{"executions":\d\}$/);
    }
    expect((await curl(frames)).out).to.equal('{"executions":4}');
    const reused = await curl('-w', '%{num_connects} ', '-o', '/dev/null', version, '-o', '/dev/null', version);
    expect(reused.out).to.equal('1 0 ');
  });

  it('nc says what it is told, ends its side, and gets every answer', async function () {
    needs(this, 'nc');
    const { port } = cluster.nodes.address('coordinator');
    const request = 'GET /livez HTTP/1.1\r\nHost: h\r\n\r\n';
    const { out } = await run('nc', ['-N', '127.0.0.1', String(port)], request.repeat(2));
    expect(out.match(/HTTP\/1\.1 200 OK\r\n/g)).to.have.lengthOf(2);
    expect(out).to.match(/\r\n\r\nok\n$/);
  });

  it('wrk sees no error', async function () {
    needs(this, 'wrk');
    const { out, code } = await run('wrk', ['-t1', '-c16', '-d1s', urlOf(cluster, 'coordinator', '/version')]);
    expect(code, out).to.equal(0);
    expect(out).to.match(/[1-9]\d* requests in/);
    expect(out).to.not.match(/Socket errors|Non-2xx/);
  });

  it('autocannon, ten requests deep, sees no error', async () => {
    const args = [AUTOCANNON, '-j', '-n', '-c', '8', '-p', '10', '-d', '1', urlOf(cluster, 'coordinator', '/version')];
    const { out } = await run(process.execPath, args);
    const seen = JSON.parse(out.slice(out.indexOf('{'))) as Readonly<Record<string, unknown>>;
    expect(seen).to.include({ non2xx: 0, errors: 0, timeouts: 0, mismatches: 0 });
    expect(seen['2xx']).to.be.greaterThan(500);
  });

  it('promtool finds nothing to say about the metrics of any daemon', async function () {
    needs(this, 'promtool');
    for (const node of ['coordinator', 'P1', 'server']) {
      const client = new HttpClient(cluster.nodes.address(node));
      const { body } = await client.request({ method: 'GET', path: '/metrics' });
      client.close();
      const { code, out } = await run('promtool', ['check', 'metrics'], body.toString());
      expect(out, node).to.equal('');
      expect(code, node).to.equal(0);
    }
  });

  it('haproxy loses no request while one of two servers restarts', async function () {
    needs(this, 'haproxy');
    await withTemporaryDirectory(async (directory) => {
      const port = await freePort();
      const file = join(directory, 'haproxy.cfg');
      writeFileSync(file, haproxyConfig(cluster, port));
      await during('haproxy', ['-db', '-q', '-f', file], async () => {
        const client = new HttpClient({ host: '127.0.0.1', port });
        const get = () => client.request({ method: 'GET', path: '/bank/accounts/1', timeoutMs: 10_000 });
        await eventually(
          'haproxy has found the servers',
          async () => (await get().catch(() => undefined))?.status === 200,
        );
        const statuses = new Map<number, number>();
        let isRestarting = true;
        const asking = Array.from({ length: 4 }, async () => {
          while (isRestarting) {
            const { status } = await get();
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
          }
        });
        await cluster.nodes.restart('server');
        isRestarting = false;
        await Promise.all(asking);
        client.close();
        expect([...statuses.keys()]).to.deep.equal([200]);
        expect(statuses.get(200)).to.be.greaterThan(50);
      });
    });
  });
});

/** Two servers behind one port, asked for their health as operators would. */
function haproxyConfig(cluster: TestCluster, port: number): string {
  const servers = ['server', 'server2'].map(
    (name) => `  server ${name} 127.0.0.1:${cluster.nodes.address(name).port} check inter 100ms fall 1 rise 1`,
  );
  return `defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  timeout check 1s
  retries 3
  retry-on conn-failure empty-response 503
  option redispatch 1
frontend in
  bind 127.0.0.1:${port}
  default_backend parley
backend parley
  option httpchk GET /readyz
${servers.join('\n')}
`;
}

describe('our client', function () {
  this.timeout(300_000);

  it('reads every kind of answer of node:http: with length, in chunks, until the end, interim, and none', async () => {
    const server = createServer((request, response) => {
      const { url = '' } = request;
      request.resume();
      if (url === '/length') return void response.setHeader('Content-Length', 5).end('12345');
      if (url === '/empty') return void response.writeHead(204).end();
      if (url === '/interim') {
        response.writeProcessing();
        return void response.end('after');
      }
      if (url === '/close') response.shouldKeepAlive = false;
      if (url === '/close') response.useChunkedEncodingByDefault = false;
      response.write('12');
      setImmediate(() => response.end('345'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new HttpClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    try {
      for (const [path, status, text] of [
        ['/length', 200, '12345'],
        ['/chunks', 200, '12345'],
        ['/close', 200, '12345'],
        ['/interim', 200, 'after'],
        ['/empty', 204, ''],
      ] as const) {
        for (const method of ['GET', 'POST'] as const) {
          const answer = await client.request({ method, path });
          expect([answer.status, answer.body.toString()], `${method} ${path}`).to.deep.equal([status, text]);
        }
      }
      const head = await client.request({ method: 'HEAD', path: '/length' });
      expect([head.headers['content-length'], head.body.length]).to.deep.equal(['5', 0]);
    } finally {
      client.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it('reads what nginx sends: files of two sizes, nothing found, and a connection that is kept', async function () {
    needs(this, 'nginx');
    await withTemporaryDirectory(async (directory) => {
      const port = await freePort();
      const root = join(directory, 'root');
      mkdirSync(root);
      writeFileSync(join(root, 'small'), 'small');
      writeFileSync(join(root, 'large'), 'l'.repeat(1_000_000));
      const file = join(directory, 'nginx.conf');
      writeFileSync(file, nginxConfig(directory, port));
      await during('nginx', ['-e', join(directory, 'error.log'), '-c', file], async () => {
        const client = new HttpClient({ host: '127.0.0.1', port });
        await eventually('nginx listens', () =>
          client.request({ method: 'GET', path: '/small' }).catch(() => undefined),
        );
        expect((await client.request({ method: 'GET', path: '/small' })).body.toString()).to.equal('small');
        expect((await client.request({ method: 'GET', path: '/large' })).body).to.have.lengthOf(1_000_000);
        expect((await client.request({ method: 'HEAD', path: '/large' })).headers['content-length']).to.equal(
          '1000000',
        );
        expect((await client.request({ method: 'GET', path: '/none' })).status).to.equal(404);
        const { body } = await client.request({ method: 'GET', path: '/requests-of-this-connection' });
        expect(Number(body.toString())).to.be.greaterThan(4);
        client.close();
      });
    });
  });
});

/** nginx in the foreground with everything it writes in one directory. */
function nginxConfig(directory: string, port: number): string {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(directory, name)};`,
  );
  return `daemon off;
master_process off;
pid ${join(directory, 'nginx.pid')};
events { worker_connections 64; }
http {
  access_log off;
${places.join('\n')}
  server {
    listen 127.0.0.1:${port};
    root ${join(directory, 'root')};
    location = /requests-of-this-connection { return 200 $connection_requests; }
  }
}
`;
}
