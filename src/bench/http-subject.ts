/**
 * Requests a second of our HTTP on raw sockets beside node:http, by wrk, or by
 * autocannon where wrk is not installed. Each server is a process of its own.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ParleyError } from '../base/errors.ts';
import type { BenchContext, Subject } from './bench-context.ts';
import { benchModule, startTask } from './child-task.ts';
import type { Task } from './child-task.ts';
import { findProgram } from './installed-server.ts';
import { watchProcesses } from './process-use.ts';
import type { ProcessUse } from './process-use.ts';
import type { Point, Series, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const httpSubject: Subject = { name: 'http', title: 'HTTP, our codec beside node:http', run };

const KINDS = ['GET', 'POST'] as const;
const SERVERS = [
  { name: 'parley', run: 'runOwnServer' },
  { name: 'node:http', run: 'runNodeServer' },
] as const;
const CONNECTIONS = 64;
const BODY = '{"from":1,"to":2,"amount":100,"id":"01a1fc6b-5136-7cd4-a4cb-d2cdd794366b"}';

interface Sample {
  readonly perSecond: number;
  readonly processes: readonly ProcessUse[];
}

async function run(context: BenchContext): Promise<SubjectResult> {
  const wrk = findProgram('wrk');
  const tasks: (Task & { readonly name: string })[] = [];
  const samples = new Map<string, Sample[]>();
  try {
    for (const { name, run: start } of SERVERS) {
      tasks.push(await startTask({ name, module: benchModule('http-server-task'), run: start, options: null }));
    }
    const rounds = context.repeat * KINDS.length;
    for (let round = 0; round < rounds; round += 1) {
      const kind = KINDS[round % KINDS.length] ?? 'GET';
      for (const task of tasks) {
        context.progress(`${task.name}, ${kind}`, round / rounds);
        const sample = await measure(context, wrk, task, kind);
        const key = `${kind} ${task.name}`;
        samples.set(key, [...(samples.get(key) ?? []), sample]);
      }
    }
  } finally {
    for (const task of tasks) await task.end();
  }
  const median = (kind: string, name: string): number =>
    spreadOf((samples.get(`${kind} ${name}`) ?? []).map(({ perSecond }) => perSecond)).median;
  const ratioOf = (kind: string): number => median(kind, 'parley') / median(kind, 'node:http');
  const series = KINDS.map((kind): Series => ({
    ...{ name: `${kind}, ${CONNECTIONS} connections, small JSON`, unit: 'requests/s' },
    points: SERVERS.map(({ name }) => pointOf(name, samples.get(`${kind} ${name}`) ?? [])),
  }));
  const notes = [
    `By ${wrk === undefined ? 'autocannon' : 'wrk'}. The ratio http is the smaller of GET ${ratioOf('GET').toFixed(2)} ` +
      `and POST ${ratioOf('POST').toFixed(2)}.`,
  ];
  return { series, ratios: { http: Math.min(ratioOf('GET'), ratioOf('POST')) }, skipped: [], notes };
}

function pointOf(label: string, samples: readonly Sample[]): Point {
  const processes = samples.at(-1)?.processes ?? [];
  return { label, value: spreadOf(samples.map(({ perSecond }) => perSecond)), details: {}, processes };
}

async function measure(
  context: BenchContext,
  wrk: string | undefined,
  task: Task,
  kind: (typeof KINDS)[number],
): Promise<Sample> {
  const { port } = (await task.ask(null)) as { readonly port: number };
  const url = `http://127.0.0.1:${port}${kind === 'GET' ? '/accounts/1' : '/transfers'}`;
  const seconds = context.quick ? 2 : 5;
  const load = async (duration: number): Promise<number> =>
    wrk === undefined ? byAutocannon(url, kind, duration) : byWrk({ wrk, url, kind, duration, context });
  await load(1);
  const stop = watchProcesses([{ name: 'server', pid: task.pid }]);
  return { perSecond: await load(seconds), processes: stop() };
}

async function byWrk(how: {
  readonly wrk: string;
  readonly url: string;
  readonly kind: string;
  readonly duration: number;
  readonly context: BenchContext;
}): Promise<number> {
  const { wrk, url, kind, duration, context } = how;
  const script = join(context.directory, 'post.lua');
  await writeFile(script, `wrk.method = "POST"\nwrk.body = ${JSON.stringify(BODY)}\n`);
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', String(duration)];
  const { stdout } = await promisify(execFile)(wrk, [...args, ...(kind === 'POST' ? ['-s', script] : []), url]);
  const perSecond = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1]);
  if (!(perSecond > 0) || /Non-2xx|Socket errors/.test(stdout)) {
    throw new ParleyError('bench-failed', `wrk met errors at ${url}: ${stdout.slice(-500)}`);
  }
  return perSecond;
}

async function byAutocannon(url: string, method: (typeof KINDS)[number], duration: number): Promise<number> {
  const { default: autocannon } = await import('autocannon');
  const body = method === 'POST' ? { body: BODY } : {};
  const result = await autocannon({ url, method, connections: CONNECTIONS, duration, ...body });
  if (result.non2xx > 0 || result.errors > 0) throw new ParleyError('bench-failed', `autocannon met errors at ${url}.`);
  return result.requests.average;
}
