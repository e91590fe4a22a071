/**
 * Strangers at a real cluster: programs without the key, nodes of another
 * cluster, an old coordinator, and bytes that were made to be misread. What is
 * refused changes nothing and says how to mend it; the key is nowhere to be
 * read; and whatever bytes came in, an event is one line.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { configJson, configLines } from '../../src/daemons/config-print.ts';
import { resolveConfig } from '../../src/daemons/config.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { transact, transfer, withCluster } from '../support/cluster.ts';
import type { TestCluster } from '../support/cluster.ts';

const NODES = ['coordinator', 'P1', 'server'];
const WRONG = `Parley ${'another-cluster-s-key-'.repeat(3)}`;
/** The lab of the tests would let local clients in. */
const strict = ['--local-clients=false'];
const args = Object.fromEntries(NODES.map((name) => [name, strict]));

/** Sends bytes to a node and gives all that came until it closed, or until so much has come. */
function exchange(cluster: TestCluster, node: string, bytes: string, until = '\r\n\r\n'): Promise<string> {
  const { host, port } = cluster.nodes.address(node);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let text = '';
    const done = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes(until)) done();
    });
    socket.on('end', done).on('error', reject);
    socket.write(bytes, 'latin1');
  });
}

/** The handshake of a peer stream, with what a dialer says of itself. */
function hello(headers: Readonly<Record<string, string>>): string {
  const said = { Host: 'x', Connection: 'Upgrade', Upgrade: 'parley', ...headers };
  const lines = Object.entries(said).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET /peer HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function keyOf(cluster: TestCluster): string {
  return readFileSync(join(cluster.dataDir, 'cluster.key'), 'utf8').trim();
}

/** Every byte the nodes keep, by file; the credentials file itself left out. */
function filesOf(cluster: TestCluster): ReadonlyMap<string, string> {
  const entries = readdirSync(cluster.dataDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'cluster.key');
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path, 'latin1')];
    }),
  );
}

/** Types of the records in a log, without those that the true coordinator's housekeeping adds at its own time. */
function recordsOf(cluster: TestCluster, node: string): readonly string[] {
  const texts = [...filesOf(cluster)].filter(([path]) => path.includes(`${node}/wal-`)).map(([, text]) => text);
  const types = [...texts.join('').matchAll(/"type":"([a-z-]+)"/g)].map(([, type = '']) => type);
  return types.filter((type) => type !== 'low-water');
}

describe('strangers at a cluster', function () {
  this.timeout(300_000);

  it('are refused with 401, 403 or 409 and the way to mend it, and nothing happens', async () => {
    await withCluster({ participants: 1, args }, async (cluster) => {
      await refusesRequests(cluster);
      await refusesPeers(cluster);
    });
  });

  it('find the key in no argument, log, answer or print, and break no line in two', async () => {
    await withCluster({ participants: 1, args }, async (cluster) => {
      const wrongKey = 'a-key-that-must-not-be-logged-either-0123456789';
      await breakLines(cluster, wrongKey);
      const secrets = [keyOf(cluster), wrongKey];
      for (const secret of secrets) await staysSecret(cluster, secret);
      oneLinePerEvent(cluster);
    });
  });
});

async function refusesRequests(cluster: TestCluster): Promise<void> {
  const body = { id: 'STRANGE', operations: [transfer(1, 2, 100)] };
  const requests = [
    ['coordinator', 'POST', '/transactions'],
    ['P1', 'GET', '/feed?group=bank&since=0&follow=no'],
    ['P1', 'GET', '/feed/snapshot?group=bank'],
    ['P1', 'GET', '/feed/copy?group=bank'],
  ] as const;
  for (const [node, method, path] of requests) {
    const client = new HttpClient(cluster.nodes.address(node));
    const asked = { method, path, ...(method === 'POST' ? { json: body } : {}) };
    for (const [headers, status, code] of [
      [{}, 401, 'unauthorized'],
      [{ authorization: WRONG }, 403, 'forbidden'],
      [{ authorization: 'Basic YTpi' }, 401, 'unauthorized'],
    ] as const) {
      const answer = await client.request({ ...asked, headers });
      expect(answer.status, `${path} ${JSON.stringify(headers)}`).to.equal(status);
      expect(answer.headers['content-type']).to.equal('application/problem+json');
      expect(answer.headers['www-authenticate']).to.equal(status === 401 ? 'Parley' : undefined);
      const problem = answer.json() as { readonly code: string; readonly remedy: string };
      expect(problem.code).to.equal(code);
      expect(problem.remedy).to.match(/credentials/);
    }
    const { status } = await client.request({ ...asked, headers: { authorization: `Parley ${keyOf(cluster)}` } });
    expect(status, `${path} with the key`).to.equal(200);
    client.close();
  }
  // Only the last of the four sendings was run, so the money moved once.
  const [one] = await Promise.all([cluster.ask('P1', 'GET', '/ledger/accounts/1')]);
  expect(one.body).to.include({ balance: 900 });
  // What nodes say to each other is nowhere to be posted, with or without the key.
  for (const path of ['/prepare', '/commit', '/abort', '/messages', '/peer']) {
    expect((await cluster.ask('P1', 'POST', path, { number: 'x.1.1' })).status, path).to.equal(404);
  }
}

async function refusesPeers(cluster: TestCluster): Promise<void> {
  const version = await cluster.ask('coordinator', 'GET', '/version');
  const { incarnation, epoch } = version.body as { readonly incarnation: string; readonly epoch: number };
  const authorization = `Parley ${keyOf(cluster)}`;
  const coordinator = { 'Parley-Node': 'coordinator', 'Parley-Incarnation': incarnation };
  const before = recordsOf(cluster, 'P1');
  const orders = 'POST /prepare HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
  for (const [said, status, code] of [
    [{ ...coordinator, 'Parley-Epoch': String(epoch) }, 401, 'unauthorized'],
    [{ ...coordinator, 'Parley-Epoch': String(epoch), 'Authorization': WRONG }, 403, 'forbidden'],
    [{ ...coordinator, 'Parley-Epoch': String(epoch - 1), 'Authorization': authorization }, 409, 'stale-epoch'],
    [
      { ...coordinator, 'Parley-Incarnation': 'foreign1', 'Parley-Epoch': '9', 'Authorization': authorization },
      409,
      'other-incarnation',
    ],
  ] as const) {
    const answer = await exchange(cluster, 'P1', hello(said) + orders, '"code"');
    expect(answer, JSON.stringify(said)).to.match(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).to.include('application/problem+json').and.to.include(`"code":"${code}"`);
  }
  expect(recordsOf(cluster, 'P1')).to.deep.equal(before);
  const after = await transact(cluster, { operations: [transfer(1, 2, 1)] });
  expect(after.body, 'the true coordinator is still obeyed').to.include({ outcome: 'committed' });
}

/** Bytes that a careless log would print as two lines, colour, or obey; each to every node. */
async function breakLines(cluster: TestCluster, wrongKey: string): Promise<void> {
  const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
  const odd = utf8('P9\u2028forged\u2029line\u0085\u202e');
  for (const node of NODES) {
    const requests = [
      hello({
        'Parley-Node': odd,
        'Parley-Incarnation': odd,
        'Parley-Epoch': '1',
        'Authorization': `Parley ${wrongKey}`,
      }),
      hello({
        'Parley-Node': 'P9',
        'Parley-Incarnation': 'a',
        'Parley-Epoch': '1',
        'Parley-Peer': odd,
        'Authorization': `Parley ${keyOf(cluster)}`,
      }),
      `GET /x%0D%0A%1B[31mforged%E2%80%A8 HTTP/1.1\r\nHost: x\r\nAuthorization: Parley ${wrongKey}\r\n\r\n`,
      `GET /\u001b[2J HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\nX: a\u001b[31m\r\nAuthorization: Parley ${wrongKey}\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${wrongKey}${odd}\r\n\r\n`,
      `POST /transactions HTTP/1.1\r\nHost: x\r\nAuthorization: Parley ${wrongKey}\r\nContent-Length: 0\r\n\r\n`,
    ];
    for (const bytes of requests) {
      const answer = await exchange(cluster, node, bytes);
      expect(answer, bytes).to.match(/^HTTP\/1\.1 [2-5]\d\d /);
      expect(answer, bytes).to.not.include(wrongKey);
    }
  }
  const create = {
    group: 'bank',
    resource: 'ledger',
    type: 'create',
    opening: 1,
    owner: 'ada\r\n\u001b[31m\u2028forged',
  };
  await transact(cluster, { operations: [create] });
  const line = { key: 'k1', author: 'eve\u2028', text: 'a\u001b[2J\u2028b\r\nc' };
  await transact(cluster, {
    operations: [{ group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines: [line] }],
  });
}

async function staysSecret(cluster: TestCluster, secret: string): Promise<void> {
  const parts = [secret, Buffer.from(secret).toString('base64').slice(0, 40), secret.slice(0, 24)];
  const places = new Map<string, string>();
  for (const [path, text] of filesOf(cluster)) places.set(path, text);
  places.set('what the daemons print', cluster.lines.join('\n'));
  for (const node of NODES) {
    const { pid } = cluster.nodes.node(node);
    if (process.platform === 'linux') {
      for (const file of ['cmdline', 'environ']) {
        places.set(`${file} of ${node}`, readFileSync(`/proc/${pid}/${file}`, 'latin1'));
      }
    }
    for (const path of ['/metrics', '/debug/state', '/version', '/', '/readyz?verbose', '/config', '/nothing']) {
      const { body } = await cluster.ask(node, 'GET', path);
      places.set(`${path} of ${node}`, JSON.stringify(body));
    }
  }
  const flags = { credentials: join(cluster.dataDir, 'cluster.key') };
  const config = resolveConfig('coordinator', { flags, env: {}, stdinIsTerminal: false });
  places.set('config print', configLines(config.report).join('\n') + JSON.stringify(configJson('coordinator', config)));
  for (const [place, text] of places) {
    for (const part of parts) expect(text.includes(part), `${part.slice(0, 8)}… in ${place}`).to.equal(false);
  }
}

/** In the file a line is one JSON object with the members of a line; on the terminal nothing in it moves a cursor. */
function oneLinePerEvent(cluster: TestCluster): void {
  const logs = [...filesOf(cluster)].filter(([path]) => path.endsWith('node.log'));
  expect(logs.map(([path]) => path)).to.have.lengthOf(NODES.length);
  let refusals = 0;
  for (const [path, latin1] of logs) {
    const text = Buffer.from(latin1, 'latin1').toString('utf8');
    expect(text, path).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
    for (const line of text.trimEnd().split('\n')) {
      const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
      expect(entry, line).to.include.keys('time', 'level', 'event', 'message', 'node', 'role', 'pid');
      if (entry['event'] === 'handshake-refused') refusals += 1;
    }
  }
  // Two dialers were turned away at the coordinator and at the participant, and each was noted once.
  expect(refusals).to.equal(4);
  for (const line of cluster.lines)
    expect(line).to.not.match(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]|^\S+ \| forged/);
}
