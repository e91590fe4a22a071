/**
 * `node --import=tsx scripts/crowd.mjs [--slow N] [--rounds N] [--unread N] [--json]`: good requests beside a crowd of
 * slow connections, and the memory of a daemon that answers peers who never read.
 *
 * - Slow: a third drips a head, a third a body, a third says nothing. Who is closed comes back. Rounds of good requests
 *   without and with the crowd take turns; the p99 with it may be twice that without, each the median of its rounds.
 *   Good requests are due at fixed times and timed from then, answered or not: a stall meets all that fall due in it, so
 *   one of 50 ms is seen in the p99 of a round of 5 s. The longest of all is told as well.
 * - Unread: each of N connections sends requests with large answers as long as the daemon takes them and reads nothing.
 *   When it takes no more, it may have grown by 256 KiB for each of them, and 16 MiB for its heap, since a few first ones
 *   made it do the same work.
 *
 * `--json` ends with one line for
 * `parley prove`. Memory is read from /proc, so it needs Linux.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Cluster } from '../src/cluster/cluster.ts';
import { defaultCluster, parseCluster } from '../src/daemons/cluster-file.ts';
import { openCredentials } from '../src/net/credentials.ts';
import { HttpClient } from '../src/net/http-client.ts';
import { root } from './child.mjs';

/** So many may wait for their answers at once; who falls due behind them is late, and timed as such. */
const GOOD_CLIENTS = 16;
const GOOD_REQUESTS = 2_000;
const GOOD_PER_S = 400;
const P99_RATIO_MAX = 2;
/** Below the time a head may take, so that a slow connection lives as long as it is let. */
const DRIP_MS = 4_000;
const UNREAD_FIRST = 10;
const BYTES_EACH_MAX = 256 * 1024;
const BYTES_HEAP_MAX = 16 * 1024 * 1024;
/** On Linux all of 127.0.0.0/8 is this machine; the crowd then comes from many addresses, and no cap on one stops it. */
const CROWD_ADDRESSES = process.platform === 'linux' ? 10 : 0;

const HEADS = {
  head: 'POST /lab/frames?k=slow HTTP/1.1\r\nHost: h\r\nX-Slow: ',
  body: 'POST /lab/frames?k=slow HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"',
  silent: '',
};

/** Slow connections to one daemon, kept at one number. */
class Crowd {
  #sockets = new Map();
  came = 0;

  constructor(port, size) {
    this.port = port;
    for (let i = 0; i < size; i++) this.#join(i);
    // A slice of all in each turn, so that they do not drip in one moment.
    let turn = 0;
    setInterval(() => {
      turn = (turn + 1) % 40;
      for (const [i, socket] of this.#sockets) if (i % 40 === turn && i % 3 !== 2) socket.write('x');
    }, DRIP_MS / 40);
  }

  get size() {
    return [...this.#sockets.values()].filter((socket) => socket.readyState === 'open').length;
  }

  #join(i) {
    const from = CROWD_ADDRESSES === 0 ? {} : { localAddress: `127.0.0.${2 + (i % CROWD_ADDRESSES)}` };
    const socket = connect({ host: '127.0.0.1', port: this.port, ...from });
    this.came += 1;
    this.#sockets.set(i, socket);
    socket.on('error', () => undefined).on('data', () => undefined);
    socket.once('connect', () => socket.write(Object.values(HEADS)[i % 3]));
    socket.once('close', () => {
      setTimeout(() => this.#join(i), 100);
    });
  }
}

/** The p99 and the longest of good requests, in milliseconds from when each was due; throws when one is not answered with 200. */
async function goodTimes(port) {
  const tookMs = [];
  const fromMs = performance.now();
  let next = 0;
  const ask = async () => {
    const client = new HttpClient({ host: '127.0.0.1', port });
    try {
      while (next < GOOD_REQUESTS) {
        const dueMs = fromMs + (1_000 * next) / GOOD_PER_S;
        next += 1;
        const leftMs = dueMs - performance.now();
        if (leftMs > 0) await wait(leftMs);
        const { status } = await client.request({ method: 'GET', path: '/version' });
        if (status !== 200) throw new Error(`a good request was answered with ${status}`);
        tookMs.push(performance.now() - dueMs);
      }
    } finally {
      client.close();
    }
  };
  await Promise.all(Array.from({ length: GOOD_CLIENTS }, ask));
  tookMs.sort((a, b) => a - b);
  return { p99Ms: tookMs[Math.floor(tookMs.length * 0.99)], longestMs: tookMs.at(-1) };
}

async function besideCrowd(port, size, rounds) {
  await goodTimes(port);
  const without = [];
  const beside = [];
  let held = size;
  let came = 0;
  for (let round = 0; round < rounds; round++) {
    without.push(await goodTimes(port));
    const crowd = crowdProcess(port, size);
    try {
      for (const untilMs = performance.now() + 20_000; crowd.size < size && performance.now() < untilMs;)
        await wait(50);
      beside.push(await goodTimes(port));
      held = Math.min(held, crowd.size);
      came += crowd.came;
    } finally {
      await crowd.end();
    }
    await wait(500);
  }
  const [withoutMs, besideMs] = [without, beside].map((times) => median(times.map(({ p99Ms }) => p99Ms)));
  const [longestWithoutMs, longestBesideMs] = [without, beside].map((times) =>
    Math.max(...times.map(({ longestMs }) => longestMs)),
  );
  return { held, came, withoutMs, besideMs, ratio: besideMs / withoutMs, longestWithoutMs, longestBesideMs };
}

/** The crowd in a process of its own: what it costs itself is not what is measured. */
function crowdProcess(port, size) {
  const args = ['--import=tsx', fileURLToPath(import.meta.url), '--target', String(port), '--slow', String(size)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const crowd = { size: 0, came: 0, end: () => (child.stdin.end(), ended) };
  createInterface({ input: child.stdout }).on('line', (line) => {
    [crowd.size, crowd.came] = line.split(' ').map(Number);
  });
  return crowd;
}

/** What that process does: says ten times a second how many are connected and how many came, until its stdin ends. */
function runCrowd(port, size) {
  const crowd = new Crowd(port, size);
  setInterval(() => process.stdout.write(`${crowd.size} ${crowd.came}\n`), 100);
  process.stdin.resume().on('end', () => process.exit());
}

/** So many peers ask for much and read nothing; what the daemon has grown by when it takes no more, in octets. */
async function growthByUnread(port, pid, count) {
  const before = residentBytes(pid);
  const request = 'GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(1_000);
  let written = 0;
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ host: '127.0.0.1', port });
    const fill = () => {
      // false: this process holds what the daemon does not take.
      while (!socket.destroyed && socket.write(request)) written += 1;
    };
    return socket
      .pause()
      .on('error', () => undefined)
      .once('connect', fill)
      .on('drain', fill);
  });
  let most = 0;
  for (let seen = -1, quiet = 0; quiet < 10; quiet++) {
    await wait(200);
    most = Math.max(most, residentBytes(pid));
    if (written !== seen) quiet = 0;
    seen = written;
  }
  const open = sockets.filter((socket) => !socket.destroyed).length;
  for (const socket of sockets) socket.destroy();
  return { open, grownBytes: most - before };
}

/** Linux, proc(5). */
function residentBytes(pid) {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function withCoordinator(use) {
  const directory = mkdtempSync(join(tmpdir(), 'parley-crowd-'));
  const built = defaultCluster();
  const nodes = Object.entries(built.nodes).map(([name, node]) => [name, { ...node, port: 0 }]);
  const key = join(directory, 'cluster.key');
  openCredentials(key);
  const cluster = new Cluster({
    config: parseCluster({ ...built, nodes: Object.fromEntries(nodes), opening: {} }, 'the cluster of the crowd'),
    dataDir: directory,
    lab: true,
    only: ['coordinator', 'P1'],
    overrides: {},
    extraArgs: ['--credentials', key],
    command: [process.execPath, '--import=tsx', join(root, 'src', 'cli.ts')],
    env: process.env,
    onLine: () => undefined,
    onEnd: () => undefined,
    readyMs: 30_000,
    stopMs: 5_000,
  });
  const end = () => void cluster.killAll().finally(() => process.exit(130));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await cluster.start();
    const { port } = cluster.address('coordinator');
    const client = new HttpClient({ host: '127.0.0.1', port });
    const { pid } = JSON.parse((await client.request({ method: 'GET', path: '/version' })).body.toString());
    client.close();
    return await use({ port, pid });
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    await cluster.killAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    slow: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '5' },
    unread: { type: 'string', default: '50' },
    target: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [slow, rounds, unread] = [values.slow, values.rounds, values.unread].map(Number);
if (values.target === undefined) process.exitCode = await measure();
else runCrowd(Number(values.target), slow);

/** Both, one after the other; the exit code. */
async function measure() {
  const crowd = await withCoordinator(({ port }) => besideCrowd(port, slow, rounds));
  const memory = await withCoordinator(async ({ port, pid }) => {
    await growthByUnread(port, pid, UNREAD_FIRST);
    return growthByUnread(port, pid, unread);
  });
  const allowedBytes = unread * BYTES_EACH_MAX + BYTES_HEAP_MAX;
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const violations = [
    ...(crowd.ratio > P99_RATIO_MAX
      ? [`beside ${slow} slow connections the p99 is ${crowd.ratio.toFixed(2)} times as long`]
      : []),
    ...(memory.grownBytes > allowedBytes
      ? [`${unread} peers that read nothing cost ${mib(memory.grownBytes)} MiB`]
      : []),
  ];
  process.stdout.write(
    `p99 of good requests: ${crowd.withoutMs.toFixed(2)} ms, beside ${crowd.held} slow connections ${crowd.besideMs.toFixed(2)} ms ` +
      `(${crowd.ratio.toFixed(2)} times); the longest ${crowd.longestWithoutMs.toFixed(0)} and ${crowd.longestBesideMs.toFixed(0)} ms; ${crowd.came} slow ones came in ${rounds} rounds\n` +
      `${memory.open} peers that read nothing: the daemon grew by ${mib(memory.grownBytes)} MiB (${mib(allowedBytes)} allowed)\n` +
      violations.map((text) => `VIOLATED ${text}\n`).join(''),
  );
  const isWhole = crowd.held === slow && memory.open > 0;
  const verdict = violations.length > 0 ? 'violated' : isWhole ? 'ok' : 'inconclusive';
  if (values.json) {
    const counts = { slow: crowd.held, came: crowd.came, unread: memory.open };
    process.stdout.write(
      `${JSON.stringify({ part: 'crowd', verdict, counts, violations, more: { ...crowd, ...memory } })}\n`,
    );
  }
  return { ok: 0, violated: 1, inconclusive: 3 }[verdict];
}
