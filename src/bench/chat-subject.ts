/**
 * Lines from writers to readers of one room: Parley, where a line is on three
 * replicas' disks before anybody sees it, beside ngIRCd, which keeps nothing.
 */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { BenchContext, Subject } from './bench-context.ts';
import { startBenchCluster } from './bench-cluster.ts';
import type { CrowdAnswer, CrowdOptions, CrowdQuestion } from './chat-crowd.ts';
import { benchModule, startTask } from './child-task.ts';
import { findProgram, freeLoopbackPort, InstalledServer } from './installed-server.ts';
import { watchProcesses } from './process-use.ts';
import type { ProcessUse, Watched } from './process-use.ts';
import type { Point, Skipped, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const chatSubject: Subject = { name: 'chat', title: 'Chat, from a writer to every reader', run };

const READERS = [10, 100, 1000] as const;
const WRITERS = 64;
/** Servers run for days: what is measured is not their first seconds, in which compilers and caches are cold. */
const FIRST_WORK = { warmMs: 0, measureMs: 4000 };
/** The room of the ratio. */
const RATIO_READERS = 100;

/** A chat server that runs. */
interface Chat {
  readonly name: string;
  readonly kind: CrowdOptions['kind'];
  readonly port: number;
  readonly watched: readonly Watched[];
  readonly end: () => Promise<void>;
}

interface Sample {
  readonly perSecond: number;
  readonly saidPerSecond: number;
  readonly failed: number;
  readonly processes: readonly ProcessUse[];
}

async function run(context: BenchContext): Promise<SubjectResult> {
  const chats: Chat[] = [];
  const skipped: Skipped[] = [];
  const samples = new Map<string, Sample[]>();
  try {
    chats.push(await startParley(context));
    const ngircd = await startNgircd(context);
    if ('skipped' in ngircd) skipped.push(ngircd.skipped);
    else chats.push(ngircd);
    for (const chat of chats) {
      context.progress(`${chat.name}, working for a while first`, 0);
      await measure(chat, RATIO_READERS, FIRST_WORK);
    }
    const time = context.quick ? { warmMs: 500, measureMs: 1500 } : { warmMs: 1000, measureMs: 4000 };
    for (let round = 0; round < context.repeat; round += 1) {
      for (const [index, readers] of READERS.entries()) {
        for (const chat of chats) {
          context.progress(`${chat.name}, ${readers} readers`, (round + index / READERS.length) / context.repeat);
          const key = keyOf(chat.name, readers);
          samples.set(key, [...(samples.get(key) ?? []), await measure(chat, readers, time)]);
        }
      }
    }
  } finally {
    for (const chat of chats) await chat.end();
  }
  const rate = (name: string): number | undefined => {
    const found = samples.get(keyOf(name, RATIO_READERS));
    return found === undefined ? undefined : spreadOf(found.map(({ perSecond }) => perSecond)).median;
  };
  const [own, other] = [rate('parley'), rate('ngircd')];
  const ratios: Record<string, number> = own === undefined || other === undefined ? {} : { chat100: own / other };
  const series = chats.map(({ name }) => ({
    name,
    unit: 'deliveries/s',
    points: READERS.map((readers) => pointOf(`${readers} readers`, samples.get(keyOf(name, readers)) ?? [])),
  }));
  const notes = [
    `${WRITERS} writers, each with one line under way; a line of Parley is durable on three replicas before it is ` +
      'delivered, ngIRCd keeps nothing. The crowd is one process, the same for both; its writers do not read.',
    'Each of them first works for four seconds, which is not counted.',
  ];
  return { series, ratios, skipped, notes };
}

function keyOf(name: string, readers: number): string {
  return `${name} ${readers}`;
}

function pointOf(label: string, samples: readonly Sample[]): Point {
  const last = samples.at(-1);
  const details = { saidPerSecond: last?.saidPerSecond ?? 0, failed: last?.failed ?? 0 };
  const value = spreadOf(samples.map(({ perSecond }) => perSecond));
  return { label, value, details, processes: last?.processes ?? [] };
}

async function measure(chat: Chat, readers: number, time: CrowdQuestion): Promise<Sample> {
  const options: CrowdOptions = { kind: chat.kind, port: chat.port, readers, writers: WRITERS };
  const crowd = await startTask({
    name: `crowd of ${chat.name}`,
    module: benchModule('chat-crowd'),
    run: 'runChatCrowd',
    options: { ...options },
  });
  try {
    const stop = watchProcesses([{ name: 'crowd', pid: crowd.pid }, ...chat.watched]);
    const { delivered, said, elapsedMs, failed } = (await crowd.ask({ ...time })) as unknown as CrowdAnswer;
    const perSecond = (delivered * 1000) / elapsedMs;
    return { perSecond, saidPerSecond: (said * 1000) / elapsedMs, failed, processes: stop() };
  } finally {
    await crowd.end();
  }
}

async function startParley(context: BenchContext): Promise<Chat> {
  const cluster = await startBenchCluster({
    directory: context.directory,
    command: context.command,
    participants: 3,
    server: true,
    groups: { chat: { resource: 'history', members: ['P1', 'P2', 'P3'] } },
    protocol: { default: '2pc', chat: '3pc' },
  });
  const { port } = cluster.nodes.address('server');
  return { name: 'parley', kind: 'parley', port, watched: cluster.watched, end: cluster.end };
}

async function startNgircd(context: BenchContext): Promise<Chat | { readonly skipped: Skipped }> {
  const ngircd = findProgram('ngircd');
  if (ngircd === undefined) return { skipped: { what: 'ngircd', why: 'it is not installed.' } };
  const directory = await mkdtemp(join(context.directory, 'ngircd-'));
  const file = join(directory, 'ngircd.conf');
  const port = await freeLoopbackPort();
  const settings = [
    ...['[Global]', 'Name = irc.bench.local', 'Info = bench', 'Listen = 127.0.0.1', `Ports = ${port}`],
    // Limits on what one address may do would measure the limits.
    ...['[Limits]', 'MaxConnections = 0', 'MaxConnectionsIP = 0', 'MaxJoins = 0', 'MaxPenaltyTime = 0'],
    ...['PingTimeout = 3600', 'PongTimeout = 3600'],
    ...['[Options]', 'PAM = no', 'Ident = no', 'DNS = no', 'SyslogFacility = local1'],
  ];
  await writeFile(file, `${settings.join('\n')}\n`);
  const server = new InstalledServer(ngircd, ['-n', '-f', file], undefined, directory);
  await server.ready(async () => {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.destroy();
  });
  return {
    ...{ name: 'ngircd', kind: 'irc', port, watched: [{ name: 'ngircd', pid: server.pid }] },
    end: () => server.stop('SIGTERM'),
  };
}
