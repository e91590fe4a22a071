/**
 * Every crash point, and every ordered pair of them. A clean run of one
 * transaction (crash-subjects.ts) lists every pass of every point in order:
 * before and after each force and each send of each node, every other call
 * through a port, every step of a start. Then, for each pass, a run that is the
 * same up to there and in which the node's life ends exactly there; it comes
 * back, everything heals, and the world judges it as it judges every world. A second crash
 * may come at any later pass, those of the recovery from the first included.
 */
import type { NodeName } from '../protocol/messages.ts';
import type { CrashSubject } from './crash-subjects.ts';
import { DIED } from './sim-ports.ts';
import type { CrashPlace, Ending } from './sim-ports.ts';
import { World } from './world.ts';

/** What stays of what was written and not synced: all of it, none, a damaged part. */
export const CRASH_ENDINGS = ['whole', 'power', 'torn'] as const satisfies readonly Ending[];

/** One of them. */
export type CrashEnding = (typeof CRASH_ENDINGS)[number];

/** One pass of a crash point. */
export interface CrashPass {
  readonly node: NodeName;
  readonly what: string;
  readonly where: CrashPlace;
}

/** A run and what it passed, in order. `violations` is empty when all holds. */
export interface CrashRun {
  readonly passes: readonly CrashPass[];
  readonly violations: readonly string[];
}

/** What a whole matrix came to. */
export interface CrashMatrixResult {
  /** Passes of forces and sends in the clean run of each subject. */
  readonly points: Readonly<Record<string, number>>;
  readonly runs: number;
  /** Runs in which every crash that was asked for happened. */
  readonly hit: number;
  readonly failed: readonly { readonly run: string; readonly violations: readonly string[] }[];
}

/** Long enough for the others to elect a leader, ask each other, or change the view; or hardly a moment. */
const DOWN_MS = [450, 20] as const;
/** The same, the short one first. */
const SHORT_FIRST: readonly number[] = [...DOWN_MS].reverse();
const LOOK_MS = 50;
/** A clean run takes a few looks; one with crashes waits for votes, leases and pauses between tries to join. */
const LOOKS_MAX = 200;
const AWAY_MS = 1_000;
const TICK_MS = 450;

const FORCES_AND_SENDS: ReadonlySet<CrashPlace> = new Set(['before-force', 'forced', 'before-send', 'sent']);

/**
 * One run.
 * @param crashes numbers of passes, from 0, ascending
 * @param downMs how long who crashed stays down: after the first crash, after the second, and so on again
 */
export async function crashRun(
  subject: CrashSubject,
  crashes: readonly number[],
  ending: CrashEnding,
  downMs: readonly number[] = DOWN_MS,
): Promise<CrashRun> {
  const passes: CrashPass[] = [];
  let isListing = false;
  const world: World = new World(
    { seed: 1, participants: 3, protocols: [subject.protocol], transactions: 0, faults: 0, special: 'none' },
    {
      replays: true,
      onCrashPoint: (name, what, where) => {
        if (!isListing) return;
        passes.push({ node: name, what, where });
        const nth = crashes.indexOf(passes.length - 1);
        if (nth < 0) return;
        world.crash(name, ending, downMs[nth % downMs.length] ?? 0);
        throw DIED;
      },
    },
  );
  world.boot();
  const learner = world.participants[2];
  if (subject.joins) {
    learner?.die('power');
    world.runFor(AWAY_MS);
  }
  isListing = true;
  if (subject.joins) learner?.start();
  world.clients.begin('subject', subject.wanted, subject.protocol);
  for (let looks = 0; looks < LOOKS_MAX && !world.isAtRest(); looks += 1) world.runFor(LOOK_MS);
  // The low-water mark moves with the next tick.
  world.runFor(TICK_MS);
  isListing = false;
  world.rest();
  world.judge();
  return { passes, violations: await world.audit() };
}

/** Passes of a clean run that stand before or after a force or a send. */
export function forcesAndSends(passes: readonly CrashPass[]): number {
  return passes.filter(({ where }) => FORCES_AND_SENDS.has(where)).length;
}

/** One part of a matrix: every `of`-th first crash, from `index` on. */
export interface MatrixSlice {
  readonly index: number;
  readonly of: number;
}

/**
 * Every first crash of every subject under every ending, its node down for long
 * and, as `shortUnder` says, hardly at all; with `pairs`, every later second crash for each that was
 * down for long.
 */
export async function crashMatrix(
  options: {
    readonly subjects: readonly CrashSubject[];
    readonly endings: readonly CrashEnding[];
    /** Of the endings those under which a single crash is also tried with hardly a moment down. */
    readonly shortUnder: readonly CrashEnding[];
    readonly pairs: boolean;
    readonly slice: MatrixSlice;
  },
  onRun: (runs: number) => void = () => undefined,
): Promise<CrashMatrixResult> {
  const { subjects, endings, shortUnder, pairs, slice } = options;
  const failed: { run: string; violations: readonly string[] }[] = [];
  const points: Record<string, number> = {};
  let [runs, hit, firsts] = [0, 0, 0];
  const take = async (
    subject: CrashSubject,
    crashes: readonly number[],
    ending: CrashEnding,
    downMs: readonly number[] = DOWN_MS,
  ): Promise<CrashRun> => {
    const run = await attempt(subject, crashes, ending, downMs);
    runs += 1;
    if ((crashes.at(-1) ?? -1) < run.passes.length) hit += 1;
    if (run.violations.length > 0) failed.push({ run: runName({ subject, crashes, ending, downMs }, run), ...run });
    onRun(runs);
    return run;
  };
  for (const subject of subjects) {
    const clean = await attempt(subject, [], 'power', DOWN_MS);
    points[subject.name] = forcesAndSends(clean.passes);
    if (clean.violations.length > 0) failed.push({ run: `${subject.name}, nothing crashed`, ...clean });
    for (const ending of endings) {
      for (let first = 0; first < clean.passes.length; first += 1) {
        firsts += 1;
        if (firsts % slice.of !== slice.index) continue;
        if (shortUnder.includes(ending)) await take(subject, [first], ending, SHORT_FIRST);
        const single = await take(subject, [first], ending);
        if (!pairs) continue;
        for (let second = first + 1; second < single.passes.length; second += 1) {
          await take(subject, [first, second], ending);
        }
      }
    }
  }
  return { points, runs, hit, failed: failed.map(({ run, violations }) => ({ run, violations })) };
}

/** A run that throws has failed, too: an assert of the code that ships is a broken promise. */
async function attempt(
  subject: CrashSubject,
  crashes: readonly number[],
  ending: CrashEnding,
  downMs: readonly number[],
): Promise<CrashRun> {
  try {
    return await crashRun(subject, crashes, ending, downMs);
  } catch (error) {
    return {
      passes: [],
      violations: [`it threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
    };
  }
}

function runName(
  run: {
    readonly subject: CrashSubject;
    readonly crashes: readonly number[];
    readonly ending: CrashEnding;
    readonly downMs: readonly number[];
  },
  { passes }: CrashRun,
): string {
  const { subject, crashes, ending, downMs } = run;
  const points = crashes.map((at, nth) => {
    const pass = passes[at];
    const where = pass === undefined ? '' : ` (${pass.node} ${pass.what} ${pass.where})`;
    return `pass ${at}${where}, down ${downMs[nth % downMs.length] ?? 0} ms`;
  });
  return `${subject.name}, ${ending} at ${points.join(', then at ')}`;
}
