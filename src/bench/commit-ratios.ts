/** The ratios of the subject `commit`, from what was measured in one run. Pure. */
import type { MeasuredPoint } from './commit-subject.ts';
import type { Skipped } from './report.ts';
import { spreadOf } from './statistics.ts';

/** What could be computed, and what could not. */
export interface CommitRatios {
  readonly ratios: Readonly<Record<string, number>>;
  readonly missing: readonly Skipped[];
}

const DATABASES = ['postgresql', 'mariadb'];

/** Medians by competitor, series and clients; `undefined` where nothing was measured. */
export function commitRatios(measured: readonly MeasuredPoint[]): CommitRatios {
  const rate = (competitor: string, series: string, clients: number): number | undefined =>
    medianOf(measured, competitor, series, clients, ({ perSecond }) => perSecond);
  const p50 = (series: string): number | undefined => medianOf(measured, 'parley', series, 1, ({ p50Ms }) => p50Ms);
  const database = (upTo: number): number | undefined => {
    const found = measured.filter(
      ({ competitor, planned }) => DATABASES.includes(competitor) && planned.load.clients <= upTo,
    );
    if (found.length === 0) return undefined;
    return Math.max(...found.map(({ samples }) => spreadOf(samples.map(({ perSecond }) => perSecond)).median));
  };
  const late = measured.find(({ competitor, planned }) => competitor === 'parley' && planned.rateOfPeak !== undefined);
  const p99 = late === undefined ? undefined : spreadOf(late.samples.map(({ p99Ms }) => p99Ms)).median;
  const wanted: Readonly<Record<string, readonly [number | undefined, number | undefined]>> = {
    floor1: [rate('parley', '2pc', 1), rate('floor', '2pc', 1)],
    floor64: [rate('parley', '2pc', 64), rate('floor', '2pc', 64)],
    floor512: [rate('parley', '2pc', 512), rate('floor', '2pc', 512)],
    parallelFloor1: [rate('parley', 'parallel', 1), rate('floor of parallel', 'parallel', 1)],
    commit1: [rate('parley', '2pc', 1), database(1)],
    commit64: [rate('parley', '2pc', 64), database(64)],
    commit512: [rate('parley', '2pc', 512), database(512)],
    parallel1: [rate('parley', 'parallel', 1), database(1)],
    hot64: [rate('parley', '2pc, one hot account', 64), rate('parley', '2pc', 64)],
    latency3pc: [p50('3pc'), p50('2pc')],
    p99: [p99, p50('2pc')],
    beside1: [rate('parley', '2pc', 1), rate('parley beside', '2pc', 1)],
    beside64: [rate('parley', '2pc', 64), rate('parley beside', '2pc', 64)],
    beside512: [rate('parley', '2pc', 512), rate('parley beside', '2pc', 512)],
  };
  const ratios: Record<string, number> = {};
  const missing: Skipped[] = [];
  for (const [name, [above, below]] of Object.entries(wanted)) {
    if (above !== undefined && below !== undefined && below > 0) ratios[name] = above / below;
    else if (!name.startsWith('beside')) {
      missing.push({ what: `ratio ${name}`, why: 'one of its two figures was not measured in this run.' });
    }
  }
  return { ratios, missing };
}

function medianOf(
  measured: readonly MeasuredPoint[],
  competitor: string,
  series: string,
  clients: number,
  figure: (sample: MeasuredPoint['samples'][number]) => number,
): number | undefined {
  const found = measured.find(
    (one) => one.competitor === competitor && one.planned.series === series && one.planned.load.clients === clients,
  );
  return found === undefined || found.samples.length === 0 ? undefined : spreadOf(found.samples.map(figure)).median;
}
