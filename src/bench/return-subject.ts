/**
 * A backend with 1,000,000 postings dies and returns while the others serve: how long until it is in the view again,
 * and for how long the barrier at the end of its copy held new work.
 *
 * The replicas begin with these postings in their logs; clients then move money all the while, without a pause for the
 * death, so that the returning backend has something to catch up with.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { uuidV7 } from '../base/ids.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { openCredentials } from '../net/credentials.ts';
import { HttpClient } from '../net/http-client.ts';
import { benchConfig, cleanEnvironment } from './bench-cluster.ts';
import type { BenchContext, Subject } from './bench-context.ts';
import { writeGrownLedger } from './grown-ledger.ts';
import { cpuMsOf, watchProcesses } from './process-use.ts';
import type { ProcessUse } from './process-use.ts';
import type { Series, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const returnSubject: Subject = { name: 'return', title: 'Return of a backend', run };

const GROUP = 'bank';
const MEMBERS = ['P1', 'P2', 'P3'] as const;
const RETURNING = 'P3';
const ACCOUNTS = 1_000;
const POSTINGS = 1_000_000;
const CLIENTS = 8;
/** Transfers with all members, then without the dead one. */
const BEFORE_MS = 2_000;
const AWAY_MS = 3_000;
const READY_MS_MAX = 120_000;
const LOOK_MS = 20;
const SHARE_WRITTEN = 0.5;

/** One death and return. */
interface Returned {
  readonly killToViewS: number;
  readonly startToViewS: number;
  readonly barrierMs: number;
  /** Transfers of the others from the kill to the return, and the longest that one took. */
  readonly transfers: number;
  readonly longestMs: number;
  /** CPU time of the returning process until then; less than the seconds it took when others kept it from working. */
  readonly returningCpuS: number;
  readonly processes: readonly ProcessUse[];
}

async function run(context: BenchContext): Promise<SubjectResult> {
  const rounds: Returned[] = [];
  const count = context.quick ? 1 : context.repeat;
  for (let round = 0; round < count; round += 1) {
    rounds.push(await once(context, (share) => (round + share) / count));
  }
  const [first] = rounds;
  const series = (name: string, unit: string, figure: (one: Returned) => number): Series => {
    const value = spreadOf(rounds.map(figure));
    const details = {
      transfers: first?.transfers ?? 0,
      longestMs: first?.longestMs ?? 0,
      returningCpuS: first?.returningCpuS ?? 0,
    };
    return {
      name,
      unit,
      points: [{ label: `${POSTINGS} postings`, value, details, processes: first?.processes ?? [] }],
    };
  };
  const all = [
    series('from the start of the process to its place in the view', 's', ({ startToViewS }) => startToViewS),
    series('from the kill', 's', ({ killToViewS }) => killToViewS),
    series('barrier: new work waits', 'ms', ({ barrierMs }) => barrierMs),
  ];
  const [start, , barrier] = all.map(({ points }) => points[0]?.value.median ?? 0);
  const notes = [
    `${CLIENTS} clients move money all the while; the backend is dead for ${AWAY_MS / 1000} s before it is started again.`,
    'It reads its own log, copies the group from another replica into its log, and joins behind the barrier.',
  ];
  return { series: all, ratios: { returnS: start ?? 0, barrierMs: barrier ?? 0 }, skipped: [], notes };
}

async function once(context: BenchContext, share: (done: number) => number): Promise<Returned> {
  const directory = await mkdtemp(join(context.directory, 'return-'));
  const dataDir = join(directory, 'logs');
  try {
    for (const [index, name] of MEMBERS.entries()) {
      context.progress(`the log of ${name}`, share((index / MEMBERS.length) * SHARE_WRITTEN));
      const what = { directory: join(dataDir, name), name, group: GROUP, accounts: ACCOUNTS, postings: POSTINGS };
      await writeGrownLedger(what);
    }
    context.progress('a death and a return', share(SHARE_WRITTEN));
    const credentials = join(directory, 'cluster.key');
    const { header: authorization } = openCredentials(credentials);
    const groups = { [GROUP]: { resource: 'ledger', members: [...MEMBERS] } } as const;
    const cluster = await startCluster({
      config: benchConfig({ participants: MEMBERS.length, groups }),
      dataDir,
      command: context.command,
      env: cleanEnvironment(),
      // The coordinator's log tells when the barrier was raised, and when the view was written.
      extraArgs: ['--credentials', credentials],
      readyMs: READY_MS_MAX,
    });
    try {
      return await dieAndReturn(cluster, authorization, join(dataDir, 'coordinator', 'node.log'));
    } finally {
      await cluster.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function dieAndReturn(cluster: Cluster, authorization: string, coordinatorLog: string): Promise<Returned> {
  const clients = new Clients(cluster, authorization);
  const view = new HttpClient(cluster.address('coordinator'));
  try {
    await pause(BEFORE_MS);
    const others = ['coordinator', ...MEMBERS].filter((name) => name !== RETURNING);
    const used = watchProcesses(others.map((name) => ({ name, pid: cluster.node(name).pid })));
    clients.reset();
    const killedMs = performance.now();
    await cluster.kill9(RETURNING);
    await untilInView(view, false);
    await pause(AWAY_MS);
    const startedMs = performance.now();
    const [, inViewMs] = await Promise.all([cluster.restart(RETURNING), untilInView(view, true)]);
    const returningCpuS = (cpuMsOf(cluster.node(RETURNING).pid) ?? 0) / 1000;
    await clients.end();
    return {
      returningCpuS,
      killToViewS: (inViewMs - killedMs) / 1000,
      startToViewS: (inViewMs - startedMs) / 1000,
      barrierMs: barrierMsIn(await readFile(coordinatorLog, 'utf8')),
      ...clients.counts,
      processes: used(),
    };
  } finally {
    await clients.end();
    view.close();
  }
}

/** Resolves with the moment when the returning backend was seen in the view, or out of it. */
async function untilInView(client: HttpClient, wanted: boolean): Promise<number> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const answer = await client.request({ method: 'GET', path: '/views' });
    const nowMs = performance.now();
    const text = answer.body.toString('utf8');
    if (membersIn(text).includes(RETURNING) === wanted) return nowMs;
    if (nowMs > deadlineMs)
      throw new ParleyError('timeout', `${RETURNING} is not back after ${READY_MS_MAX} ms: ${text}`);
    await pause(LOOK_MS);
  }
}

function membersIn(views: string): readonly string[] {
  const parsed = JSON.parse(views) as {
    readonly views: Readonly<Record<string, { readonly view: readonly string[] }>>;
  };
  return parsed.views[GROUP]?.view ?? [];
}

/** From the last time that the barrier was raised to the view behind it. */
export function barrierMsIn(log: string): number {
  let raisedMs: number | undefined;
  let lastMs = 0;
  for (const line of log.split('\n')) {
    if (!line.includes('"event":"barrier"') && !line.includes('"event":"view"')) continue;
    const { time, event } = JSON.parse(line) as { readonly time: string; readonly event: string };
    if (event === 'barrier') raisedMs = Date.parse(time);
    else if (raisedMs !== undefined) lastMs = Date.parse(time) - raisedMs;
  }
  return lastMs;
}

/** Clients that move 1 between accounts, each with one transfer under way, until they are told to end. */
class Clients {
  counts = { transfers: 0, longestMs: 0 };
  private readonly client: HttpClient;
  private readonly loops: readonly Promise<void>[];
  private ending = false;

  constructor(cluster: Cluster, authorization: string) {
    this.client = new HttpClient({ ...cluster.address('coordinator'), headers: { authorization } });
    this.loops = Array.from({ length: CLIENTS }, (_, index) => this.loop(index));
  }

  reset(): void {
    this.counts = { transfers: 0, longestMs: 0 };
  }

  async end(): Promise<void> {
    this.ending = true;
    await Promise.all(this.loops);
    this.client.close();
  }

  private async loop(first: number): Promise<void> {
    for (let place = first; !this.ending; place += CLIENTS) {
      const from = 1 + (place % ACCOUNTS);
      const operation = {
        group: GROUP,
        resource: 'ledger',
        type: 'transfer',
        from,
        to: 1 + (from % ACCOUNTS),
        amount: 1,
      };
      const json = { id: uuidV7(Date.now(), randomBytes(10)), operations: [operation] };
      const sentMs = performance.now();
      const answer = await this.client
        .request({ method: 'POST', path: '/transactions', json })
        .catch((error: unknown) => error);
      this.counts.longestMs = Math.max(this.counts.longestMs, performance.now() - sentMs);
      // An attempt that lost its member is made again by the coordinator; what is refused as busy is the next transfer.
      if (answer instanceof Error) await pause(LOOK_MS);
      else this.counts.transfers += 1;
    }
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
