/**
 * `npm run frames [-- --slow] [--tls] [--seed S] [--only ID] [--patience N] [--json]`: every vector of
 * test/testdata/frames and frames-own, whole, octet by octet and cut at random, against the server, the coordinator and a participant
 * of a cluster of its own, one after the other. `--slow` sends the slow ones too (about 70 s more for each daemon),
 * `--tls` does the whole again over TLS. Exits 1 when anything failed. `--json` ends with one line for `parley prove`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '../src/cluster/cluster.ts';
import { defaultCluster, parseCluster } from '../src/daemons/cluster-file.ts';
import { openCredentials } from '../src/net/credentials.ts';
import { clientTlsFrom } from '../src/net/tls.ts';
import { makeCertificates, tlsFlags } from '../test/support/tls-files.ts';
import { root } from './child.mjs';

const DAEMONS = ['server', 'coordinator', 'P1'];
const TESTDATA = join(root, 'test', 'testdata');
const RUNNER = join(TESTDATA, 'frames', 'run.mjs');
const VECTORS = { given: join(TESTDATA, 'frames', 'frames.json'), own: join(TESTDATA, 'frames-own', 'frames.json') };
const READY_MS = 30_000;
const STOP_MS = 5_000;

const { values } = parseArgs({
  options: {
    slow: { type: 'boolean', default: false },
    tls: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    patience: { type: 'string', default: '3' },
  },
});

const counts = { passed: 0, failed: 0 };
const failures = [];
for (const isTls of values.tls ? [false, true] : [false]) {
  const directory = mkdtempSync(join(tmpdir(), 'parley-frames-'));
  try {
    await sendAll(directory, isTls);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
say(`${counts.passed} passed, ${counts.failed} failed`);
if (values.json) {
  const verdict = failures.length > 0 ? 'violated' : counts.passed > 0 ? 'ok' : 'inconclusive';
  say(JSON.stringify({ part: 'vectors', verdict, counts, violations: failures, more: { tls: values.tls } }));
}
process.exitCode = failures.length === 0 && counts.passed > 0 ? 0 : 1;

/** One cluster, all vectors to three of its daemons. */
async function sendAll(directory, isTls) {
  const built = defaultCluster();
  const nodes = Object.entries(built.nodes).map(([name, node]) => [name, { ...node, port: 0 }]);
  const config = { ...built, nodes: Object.fromEntries(nodes), opening: {} };
  const files = isTls ? makeCertificates(directory) : undefined;
  const key = join(directory, 'cluster.key');
  openCredentials(key);
  const cluster = new Cluster({
    config: parseCluster(config, 'the cluster of the frames'),
    dataDir: directory,
    lab: true,
    only: DAEMONS,
    overrides: {},
    extraArgs: ['--credentials', key, ...(files === undefined ? [] : tlsFlags(files))],
    command: [process.execPath, '--import=tsx', join(root, 'src', 'cli.ts')],
    env: process.env,
    tls: files === undefined ? undefined : clientTlsFrom(files.ca),
    onLine: () => undefined,
    onEnd: () => undefined,
    readyMs: READY_MS,
    stopMs: STOP_MS,
  });
  const end = () => void cluster.killAll().finally(() => process.exit(130));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await cluster.start();
    for (const name of DAEMONS)
      for (const list of Object.keys(VECTORS)) await sendTo(name, list, cluster.address(name).port, files?.ca);
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    await cluster.killAll();
  }
}

/** All vectors of a list to one daemon; its last line says how many passed. */
async function sendTo(name, list, port, ca) {
  // The own ones are called own.*; the runner calls it wrong use when none has the name that is asked for.
  if (values.only !== undefined && values.only.startsWith('own.') !== (list === 'own')) return;
  const args = [
    '--file',
    VECTORS[list],
    '--port',
    String(port),
    '--path',
    '/lab/frames',
    '--seed',
    values.seed,
    '--patience',
    values.patience,
  ];
  if (values.slow) args.push('--slow');
  if (values.only !== undefined) args.push('--only', values.only);
  if (ca !== undefined) args.push('--tls', '--ca', ca, '--host', 'localhost');
  const { output, code } = await ran(args);
  const lines = output.trim().split('\n');
  const told = /^(\d+) passed, (\d+) failed$/.exec(lines.at(-1) ?? '');
  const where = `${name}${ca === undefined ? '' : ' over TLS'}, ${list}`;
  say(`${where}: ${lines.at(-1) ?? 'nothing was said'}`);
  counts.passed += Number(told?.[1] ?? 0);
  counts.failed += Number(told?.[2] ?? 1);
  if (code !== 0) failures.push(`${where}: exit ${code}: ${lines.slice(-30).join(' / ')}`);
  if (code !== 0) say(lines.slice(-60).join('\n'));
}

function ran(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [RUNNER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.once('error', reject).once('close', (code) => resolve({ output, code }));
  });
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
