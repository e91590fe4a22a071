/** The write-ahead log alone: appends a second by how many wait at a time, bytes of a record, and replay at a start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../base/canonical-json.ts';
import type { BenchContext, Subject } from './bench-context.ts';
import { benchModule, startTask } from './child-task.ts';
import type { AppendAnswer, LogQuestion, ReplayAnswer } from './log-task.ts';
import type { Point, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const logSubject: Subject = { name: 'log', title: 'The write-ahead log', run };

const WAITERS = [1, 16, 64, 512] as const;
/** Two records for each transaction. */
const REPLAYED = [5_000, 50_000, 500_000] as const;
const REPLAYED_QUICK = [5_000, 50_000] as const;
const MILLION = 1_000_000;

async function run(context: BenchContext): Promise<SubjectResult> {
  const appends = new Map<number, AppendAnswer[]>();
  const measureMs = context.quick ? 1000 : 4000;
  for (let round = 0; round < context.repeat; round += 1) {
    for (const [index, waiters] of WAITERS.entries()) {
      context.progress(`${waiters} appends at a time`, ((round + index / WAITERS.length) / context.repeat) * 0.5);
      const question = { measure: 'append', directory: context.directory, waiters, measureMs } as const;
      const answer = (await ask(question)) as unknown as AppendAnswer;
      appends.set(waiters, [...(appends.get(waiters) ?? []), answer]);
    }
  }
  const replays = await replayAll(context);
  const largest = replays.at(-1);
  const records = largest?.details['records'] ?? 0;
  const seconds = largest?.value.median ?? 0;
  const notes =
    records >= MILLION
      ? []
      : [`replayS is scaled up from ${records} records; without --quick a log of 1,000,000 is replayed.`];
  const series = [
    {
      name: 'forced appends, each waiting for its sync',
      unit: 'records/s',
      points: WAITERS.map((waiters) => appendPoint(waiters, appends.get(waiters) ?? [])),
    },
    { name: 'verify and replay at a start, no checkpoint', unit: 's', points: replays },
  ];
  return { series, ratios: { replayS: records === 0 ? 0 : (seconds / records) * MILLION }, skipped: [], notes };
}

async function replayAll(context: BenchContext): Promise<Point[]> {
  const points: Point[] = [];
  const sizes = context.quick ? REPLAYED_QUICK : REPLAYED;
  for (const [index, transactions] of sizes.entries()) {
    context.progress(`replay of ${transactions} transactions`, 0.5 + (index / sizes.length) * 0.5);
    const directory = await mkdtemp(join(context.directory, 'log-'));
    const log = join(directory, 'P2');
    await ask({ measure: 'write', directory: log, transactions });
    const answers: ReplayAnswer[] = [];
    for (let round = 0; round < context.repeat; round += 1) {
      answers.push((await ask({ measure: 'replay', directory: log })) as unknown as ReplayAnswer);
    }
    await rm(directory, { recursive: true });
    const [first] = answers;
    const details = { records: first?.records ?? 0, cpuMs: first?.cpuMs ?? 0, rssMiB: first?.rssMiB ?? 0 };
    const value = spreadOf(answers.map(({ elapsedMs }) => elapsedMs / 1000));
    points.push({ label: `${2 * transactions} records`, value, details, processes: [] });
  }
  return points;
}

function appendPoint(waiters: number, answers: readonly AppendAnswer[]): Point {
  const value = spreadOf(answers.map(({ records, elapsedMs }) => (records * 1000) / elapsedMs));
  const last = answers.at(-1);
  const records = last?.records ?? 1;
  const details = { recordsPerSync: records / (last?.syncs ?? 1), bytesPerRecord: (last?.bytes ?? 0) / records };
  return { label: `${waiters} at a time`, value, details, processes: [] };
}

/** One question to a process of its own. */
async function ask(question: LogQuestion): Promise<Json> {
  const task = await startTask({ name: 'log', module: benchModule('log-task'), run: 'runLogTask', options: null });
  try {
    return await task.ask({ ...question });
  } finally {
    await task.end();
  }
}
