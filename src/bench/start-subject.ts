/**
 * How long a daemon takes from its spawn until it is ready, with an empty log
 * and as its log grows, and how long a whole cluster takes.
 *
 * A participant is ready when it has recovered and its coordinator has welcomed
 * it; a coordinator when a member of every group is here. So a participant and
 * a server are started beside a cluster that runs. Of a coordinator alone the
 * time until it listens is measured: it has recovered then, and what is still
 * missing is others.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import { Daemon } from '../cluster/spawn.ts';
import { defaultCluster, parseCluster } from '../daemons/cluster-file.ts';
import type { ClusterConfig } from '../daemons/cluster-file.ts';
import { cleanEnvironment } from './bench-cluster.ts';
import type { BenchContext, Subject } from './bench-context.ts';
import { writeGrownLog } from './grown-log.ts';
import type { Point, Series, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** A median of fewer says little. */
const STARTS_MIN = 5;
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;
/** Transactions in a log that has grown; each leaves two or three records. */
const GROWN = [1_000, 10_000, 100_000] as const;
const GROWN_QUICK = [10_000] as const;
/** What issue 2 asks of every daemon with an empty log, and of a whole cluster. */
const DAEMON_MS_MAX = 400;
const CLUSTER_MS_MAX = 3000;
/** Parts of the subject, for the progress. */
const EMPTY_SHARE = 0.4;
const WHOLE_SHARE = 0.3;
const CREDENTIALS = 'cluster.key';

/** See the header. */
export const startSubject: Subject = { name: 'start', title: 'Start-up', run };

/** The cluster that fresh daemons are started beside: it needs P1 alone, and knows the others by name. */
function hostConfig(starts: number): ClusterConfig {
  const { nodes, ...rest } = defaultCluster();
  const plain = Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, { ...node, port: 0 }]));
  const participant = { role: 'participant', host: '127.0.0.1', port: 0 } as const;
  // A log is fresh once: each start is of a participant that was never there before.
  const names = Array.from({ length: starts + 1 }, (_, index) => `P${index + 1}`);
  const members = Object.fromEntries(names.map((name) => [name, participant]));
  const groups = {
    bank: { resource: 'ledger', members: names },
    chat: { resource: 'history', members: ['P1'] },
  } as const;
  const { server, coordinator } = plain;
  return parseCluster(
    { ...rest, nodes: { server, coordinator, ...members }, groups, opening: {} },
    'the cluster of a benchmark',
  );
}

async function run(context: BenchContext): Promise<SubjectResult> {
  const starts = Math.max(STARTS_MIN, context.repeat);
  const empty = await emptyLogs(context, starts);
  const whole = await wholeCluster(context, starts);
  const grown = await grownLogs(context, starts);
  const slowest = Math.max(...empty.map(({ value }) => value.median));
  const series: Series[] = [
    { name: 'one daemon, empty log', unit: 'ms', points: empty },
    { name: 'whole cluster (server, coordinator, 3 participants), empty logs', unit: 'ms', points: [whole] },
    { name: 'one participant, by transactions in its log', unit: 'ms', points: grown },
  ];
  const notes = [
    'From spawn to ready (GET /readyz is 200); a coordinator alone: to listening, which it does when it has recovered.',
    `Wanted: every daemon below ${DAEMON_MS_MAX} ms with an empty log (slowest median ${slowest.toFixed(0)} ms), ` +
      `the whole cluster below ${CLUSTER_MS_MAX} ms (median ${whole.value.median.toFixed(0)} ms).`,
  ];
  return { series, ratios: {}, skipped: [], notes };
}

async function emptyLogs(context: BenchContext, starts: number): Promise<Point[]> {
  const directory = await mkdtemp(join(context.directory, 'start-'));
  const samples: Record<string, number[]> = { coordinator: [], participant: [], server: [] };
  const host = await startHost(context, directory, starts);
  try {
    for (let index = 0; index < starts; index += 1) {
      context.progress('daemons with an empty log', (index / starts) * EMPTY_SHARE);
      const start = (daemon: Omit<Start, 'config' | 'directory'>): Promise<number> =>
        startOnce(context, {
          ...daemon,
          config: host.cluster.writtenConfigFile,
          directory: join(directory, String(index)),
        });
      const { coordinator } = host;
      samples['coordinator']?.push(await start({ role: 'coordinator', name: 'coordinator', until: 'listening' }));
      samples['participant']?.push(
        await start({ role: 'participant', name: `P${index + 2}`, until: 'ready', coordinator }),
      );
      samples['server']?.push(await start({ role: 'server', name: 'server', until: 'ready', coordinator }));
    }
  } finally {
    await host.cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
  return Object.entries(samples).map(([label, times]) => pointOf(label, times));
}

async function startHost(context: BenchContext, directory: string, starts: number) {
  const cluster = await startCluster({
    config: hostConfig(starts),
    dataDir: join(directory, 'host'),
    command: context.command,
    env: cleanEnvironment(),
    extraArgs: ['--credentials', join(directory, CREDENTIALS), '--log-level', 'warn'],
    only: ['coordinator', 'P1'],
  });
  const { host, port } = cluster.address('coordinator');
  return { cluster, coordinator: `${host}:${port}` };
}

/** One daemon and what is around it. */
interface Start {
  readonly role: 'coordinator' | 'participant' | 'server';
  readonly name: string;
  readonly until: 'listening' | 'ready';
  /** Where the coordinator listens, of a daemon that needs one. */
  readonly coordinator?: string;
  readonly config: string;
  /** Its data goes into a directory of its name here; the credentials are in the one above. */
  readonly directory: string;
}

/** Starts a daemon, waits, stops it. Resolves with the milliseconds from its spawn. */
async function startOnce(context: BenchContext, start: Start): Promise<number> {
  const { role, name, until, coordinator, config, directory } = start;
  const spawnedMs = performance.now();
  const daemon = new Daemon({
    name,
    command: context.command,
    args: [
      ...[role, '--name', name, '--port', '0', '--data-dir', join(directory, name), '--config', config],
      ...['--announce', '--exit-with-parent', '--log-level', 'warn'],
      ...['--credentials', join(directory, '..', CREDENTIALS)],
      ...(coordinator === undefined ? [] : ['--coordinator', coordinator]),
    ],
    env: cleanEnvironment(),
    onLine: () => undefined,
  });
  try {
    await (until === 'ready' ? daemon.ready(READY_MS_MAX) : daemon.listening(READY_MS_MAX));
    return performance.now() - spawnedMs;
  } finally {
    await daemon.stop(STOP_MS_MAX);
  }
}

async function wholeCluster(context: BenchContext, starts: number): Promise<Point> {
  const nodes = Object.entries(defaultCluster().nodes).map(([name, node]) => [name, { ...node, port: 0 }] as const);
  const config = { ...defaultCluster(), nodes: Object.fromEntries(nodes) };
  const times: number[] = [];
  for (let index = 0; index < starts; index += 1) {
    context.progress('a whole cluster', EMPTY_SHARE + (index / starts) * WHOLE_SHARE);
    const directory = await mkdtemp(join(context.directory, 'start-'));
    const spawnedMs = performance.now();
    const cluster = await startCluster({
      config,
      dataDir: join(directory, 'logs'),
      command: context.command,
      env: cleanEnvironment(),
      extraArgs: ['--credentials', join(directory, CREDENTIALS), '--log-level', 'warn'],
    });
    times.push(performance.now() - spawnedMs);
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
  return pointOf('5 processes', times);
}

/** A participant whose log holds transactions; its checkpoints are those that it took itself. */
async function grownLogs(context: BenchContext, starts: number): Promise<Point[]> {
  const points: Point[] = [];
  const sizes = context.quick ? GROWN_QUICK : GROWN;
  for (const [place, transactions] of sizes.entries()) {
    const directory = await mkdtemp(join(context.directory, 'start-'));
    const host = await startHost(context, directory, starts);
    try {
      const times: number[] = [];
      const config = host.cluster.writtenConfigFile;
      context.progress(`a log of ${transactions} transactions`, EMPTY_SHARE + WHOLE_SHARE + place / (sizes.length * 4));
      const start = { role: 'participant', name: 'P2', until: 'ready', coordinator: host.coordinator } as const;
      await writeGrownLog({ directory: join(directory, 'grown', 'P2'), name: 'P2', group: 'bank', transactions });
      // The first start also writes what a restart finds, so it is not counted.
      for (let index = 0; index <= starts; index += 1) {
        const tookMs = await startOnce(context, { ...start, config, directory: join(directory, 'grown') });
        if (index > 0) times.push(tookMs);
      }
      points.push(pointOf(`${transactions} transactions`, times));
    } finally {
      await host.cluster.stop();
      await rm(directory, { recursive: true, force: true });
    }
  }
  return points;
}

function pointOf(label: string, times: readonly number[]): Point {
  return { label, value: spreadOf(times), details: {}, processes: [] };
}
