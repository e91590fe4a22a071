/**
 * Durable transfers between two ledgers in two processes: Parley beside
 * databases that are asked to do the same, and beside the floor. All of them
 * run for the whole subject and are measured in turn; who is not measured does
 * nothing meanwhile.
 */
import type { BenchContext, Subject } from './bench-context.ts';
import type { CommitSample, Competitor } from './commit-competitor.ts';
import { startFloor } from './commit-floor.ts';
import { startMariadb } from './commit-mariadb.ts';
import { startParley } from './commit-parley.ts';
import { startPostgres } from './commit-postgres.ts';
import { commitPlan } from './commit-plan.ts';
import type { PlannedPoint } from './commit-plan.ts';
import { commitRatios } from './commit-ratios.ts';
import type { Point, Series, Skipped, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const commitSubject: Subject = { name: 'commit', title: 'Durable transfers between two processes', run };

/** All samples of one planned point of one competitor, in the order of measuring. */
export interface MeasuredPoint {
  readonly competitor: string;
  readonly planned: PlannedPoint;
  readonly samples: CommitSample[];
}

async function run(context: BenchContext): Promise<SubjectResult> {
  const competitors: Competitor[] = [];
  const skipped: Skipped[] = [];
  try {
    await startAll(context, competitors, skipped);
    const measured = await measureAll(context, competitors);
    const { ratios, missing } = commitRatios(measured);
    return { series: seriesOf(measured), ratios, skipped: [...skipped, ...missing], notes: NOTES };
  } finally {
    for (const competitor of competitors) await competitor.end();
  }
}

/** Servers run for days: what is measured is not their first second, in which compilers and caches are cold. */
const FIRST_WORK_MS = 4000;

const NOTES = [
  'Each of them first works for four seconds, with 16 clients, which is not counted.',
  'Every transaction is on the disk of both sides before its client is answered; the databases are driven by a coordinator ' +
    'that syncs its decision to a log of its own before the second phase.',
  'The floor is the same processes, sockets, bytes and syncs without any protocol: nothing is read, kept or recoverable.',
  'The clients of Parley and of the floor are one process, counted as `clients`; the databases are driven by one process ' +
    'too, which is client and coordinator in one.',
];

async function startAll(context: BenchContext, started: Competitor[], skipped: Skipped[]): Promise<void> {
  const { directory, command, beside } = context;
  const participants = context.quick ? 2 : 8;
  context.progress('starting', 0);
  started.push(await startParley({ name: 'parley', directory, command, participants }));
  if (beside !== undefined) {
    started.push(await startParley({ name: 'parley beside', directory, command: beside, participants }));
  }
  started.push(await startFloor({ name: 'floor', directory, parallel: false }));
  if (beside !== undefined) return;
  started.push(await startFloor({ name: 'floor of parallel', directory, parallel: true }));
  for (const start of [startPostgres, startMariadb]) {
    const outcome = await start(directory);
    if ('skipped' in outcome) skipped.push(outcome.skipped);
    else started.push(outcome);
  }
}

async function measureAll(context: BenchContext, competitors: readonly Competitor[]): Promise<MeasuredPoint[]> {
  const measured = competitors.flatMap(({ name }) =>
    commitPlan(name, context.quick).map((planned): MeasuredPoint => ({ competitor: name, planned, samples: [] })),
  );
  // Points of the same load stand together, so that competitors are measured right after each other.
  measured.sort((a, b) => a.planned.order - b.planned.order);
  for (const { name, measure } of competitors) {
    context.progress(`${name}, working for a while first`, 0);
    await measure({ clients: 16, warmMs: 0, measureMs: FIRST_WORK_MS, protocol: '2pc', hot: false, spread: 2 });
  }
  const total = context.repeat * measured.length;
  for (let round = 0; round < context.repeat; round += 1) {
    for (const [index, { competitor, planned, samples }] of measured.entries()) {
      context.progress(`${competitor}, ${planned.series}, ${planned.label}`, (round * measured.length + index) / total);
      const found = competitors.find(({ name }) => name === competitor);
      const peak = Math.max(0, ...measured.filter((one) => one.competitor === competitor).flatMap(peaksOf));
      const rate = planned.rateOfPeak === undefined ? {} : { rate: peak * planned.rateOfPeak };
      if (found !== undefined) samples.push(await found.measure({ ...planned.load, ...rate }));
    }
  }
  return measured;
}

/** What may count as the peak: what was measured as fast as it would go. */
function peaksOf({ planned, samples }: MeasuredPoint): number[] {
  return planned.rateOfPeak === undefined ? samples.map(({ perSecond }) => perSecond) : [];
}

function seriesOf(measured: readonly MeasuredPoint[]): Series[] {
  const names = [...new Set(measured.map(({ competitor, planned }) => `${competitor}, ${planned.series}`))];
  return names.map((name) => ({
    name,
    unit: 'transactions/s',
    points: measured.flatMap((one) => (`${one.competitor}, ${one.planned.series}` === name ? [pointOf(one)] : [])),
  }));
}

function pointOf({ planned, samples }: MeasuredPoint): Point {
  const value = spreadOf(samples.map(({ perSecond }) => perSecond));
  const distance = (sample: CommitSample): number => Math.abs(sample.perSecond - value.median);
  const typical = samples.reduce((best, sample) => (distance(sample) < distance(best) ? sample : best));
  const { p50Ms, p99Ms, notCommitted, committed, processes } = typical;
  const cpuMs = processes.reduce((sum, used) => sum + used.cpuMs, 0);
  // Warm-up is in the CPU time and not in the count, so it is scaled to the measured part.
  const { warmMs, measureMs } = planned.load;
  const cpuUs = committed === 0 ? 0 : (cpuMs * 1000 * (measureMs / (warmMs + measureMs))) / committed;
  return {
    label: planned.label,
    value,
    details: { p50Ms, p99Ms, cpuUsPerTransaction: cpuUs, notCommitted },
    processes,
  };
}
