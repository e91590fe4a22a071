/**
 * What a transaction costs as more and more of them lie behind: CPU time and
 * wall clock of one after 10,000 and after 1,000,000, on one cluster that runs
 * all the while, its checkpoints included, and the memory of its processes.
 *
 * With --quick there are fewer, so that it takes a minute: that shows a cost
 * which grows fast, not one that grows slowly, and is no figure for the target.
 */
import type { BenchContext, Subject } from './bench-context.ts';
import type { CommitSample } from './commit-competitor.ts';
import { startParley } from './commit-parley.ts';
import type { ProcessUse } from './process-use.ts';
import type { Point, SubjectResult } from './report.ts';
import { spreadOf } from './statistics.ts';

/** See the header. */
export const growthSubject: Subject = { name: 'growth', title: 'Cost of a transaction as they add up', run };

/**
 * Marks in transactions, and how many are measured behind each: several checkpoints of every process. What comes before
 * the first mark is not counted, and long enough that compilers and caches are warm by then.
 */
const MARKS = { at: [10_000, 100_000, 1_000_000], stretch: 50_000 } as const;
const MARKS_QUICK = { at: [10_000, 60_000], stretch: 20_000 } as const;
const CLIENTS = 64;
/** One question to the load. */
const PIECE_MS = 2000;
const LOAD = { clients: CLIENTS, warmMs: 0, measureMs: PIECE_MS, protocol: '2pc', hot: false, spread: 2 } as const;

/** All that was used and done over a stretch. */
interface Stretch {
  readonly committed: number;
  readonly notCommitted: number;
  readonly elapsedMs: number;
  readonly processes: readonly ProcessUse[];
}

async function run(context: BenchContext): Promise<SubjectResult> {
  const { directory, command, quick } = context;
  const { at, stretch } = quick ? MARKS_QUICK : MARKS;
  const last = (at.at(-1) ?? 0) + stretch;
  const parley = await startParley({ name: 'parley', directory, command, participants: 2 });
  const points: Point[] = [];
  let done = 0;
  const until = async (target: number): Promise<Stretch> => {
    let sum: Stretch = { committed: 0, notCommitted: 0, elapsedMs: 0, processes: [] };
    while (done < target) {
      context.progress(`${done} transactions`, done / last);
      const piece = await parley.measure(LOAD);
      done += piece.committed;
      sum = added(sum, piece);
    }
    return sum;
  };
  try {
    for (const mark of at) {
      await until(mark);
      points.push(pointOf(`after ${mark} transactions`, await until(done + stretch)));
    }
  } finally {
    await parley.end();
  }
  const series = [{ name: `2PC, ${CLIENTS} clients, all processes of the cluster`, unit: 'µs of CPU', points }];
  const [first, final] = [points[0]?.value.median, points.at(-1)?.value.median];
  const isMeasured = first !== undefined && final !== undefined && first > 0;
  const skipped = isMeasured ? [] : [{ what: 'growth', why: 'CPU time of processes is known on Linux only' }];
  const notes = quick
    ? [`With --quick the last stretch begins after ${at.at(-1)} transactions; the target is for 1,000,000.`]
    : [];
  return { series, ratios: isMeasured ? { growth: final / first } : {}, skipped, notes };
}

function added(sum: Stretch, piece: CommitSample): Stretch {
  const before = new Map(sum.processes.map(({ name, cpuMs }) => [name, cpuMs]));
  return {
    committed: sum.committed + piece.committed,
    notCommitted: sum.notCommitted + piece.notCommitted,
    elapsedMs: sum.elapsedMs + PIECE_MS,
    processes: piece.processes.map((used) => ({ ...used, cpuMs: used.cpuMs + (before.get(used.name) ?? 0) })),
  };
}

/** The clients are not what is measured. */
function pointOf(label: string, { committed, notCommitted, elapsedMs, processes }: Stretch): Point {
  const nodes = processes.filter(({ name }) => name !== 'clients');
  const cpuMs = nodes.reduce((sum, used) => sum + used.cpuMs, 0);
  const rssMiB = nodes.reduce((sum, used) => sum + used.rssMiB, 0);
  const cpuUs = committed === 0 ? 0 : (cpuMs * 1000) / committed;
  const wallUs = committed === 0 ? 0 : (elapsedMs * 1000) / committed;
  return { label, value: spreadOf([cpuUs]), details: { wallUs, rssMiB, notCommitted }, processes };
}
