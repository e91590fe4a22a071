/** The parts of the proof that the lab runs itself, each as one result. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runKillCycles } from '../kill-cycles.ts';
import { runHistory } from '../history-run.ts';
import { judgeRun } from './judge-run.ts';
import { flipBits, writeLog } from './bit-flips.ts';
import { matrixCases, runCrashMatrix, sliceOfCases } from './crash-matrix.ts';
import { losePower } from './power-loss.ts';
import type { Json } from '../../base/canonical-json.ts';
import type { DrawnProtocol, WorkloadProtocol } from '../history-workload.ts';
import type { PartResult } from './part-result.ts';

/** Told what happens, for a person. */
export type Say = (line: string) => void;

/** Options of kills and histories. */
export interface RunOptions {
  readonly seed: number;
  readonly protocol: WorkloadProtocol;
  readonly clients: number;
  /** Where the run directory goes; a temporary one, removed unless something is wrong, when absent. */
  readonly directory: string | undefined;
  readonly say: Say;
}

/** Runs `run` in a directory; one that was made for it is removed again, unless the run shows something. */
async function inRunDirectory(
  directory: string | undefined,
  run: (directory: string) => Promise<PartResult>,
): Promise<PartResult> {
  if (directory !== undefined) return run(directory);
  const made = await mkdtemp(join(await realpath(tmpdir()), 'parley-prove-'));
  const result = await run(made);
  if (result.verdict === 'ok') await rm(made, { recursive: true, force: true });
  return result.verdict === 'ok' ? result : { ...result, more: { ...asObject(result.more), kept: made } };
}

/** kill -9 under work; then the checker. */
export function killsPart(
  options: RunOptions & { readonly cycles: number; readonly committed: number },
): Promise<PartResult> {
  const { seed, protocol, clients, cycles, committed, say } = options;
  return inRunDirectory(options.directory, async (directory) => {
    const report = await runKillCycles({
      directory,
      cycles,
      seed,
      protocol,
      clients,
      committedPerCycle: committed,
      thinkMs: 0,
      say,
    });
    const judged = await judgeRun(directory);
    const violations = [...report.violations, ...judged.violations];
    const enough = report.cycles >= cycles && judged.verdict !== 'inconclusive';
    const { told, kinds } = report;
    return {
      part: 'kills',
      verdict: violations.length > 0 ? 'violated' : enough ? 'ok' : 'inconclusive',
      counts: {
        ...{ cycles: report.cycles, notCounted: report.notCounted, late: report.late, kills: report.kills },
        ...{ one: kinds.one, two: kinds.two, all: kinds.all, point: kinds.point },
        ...{
          committed: told.committed,
          aborted: told.aborted,
          lines: told.lines,
          reads: told.reads,
          unknown: told.unknown,
        },
        checkpoints: report.checkpoints.taken,
        startsFromCheckpoint: report.checkpoints.starts,
        acknowledged: told.committed + told.aborted + told.lines,
      },
      settledMs: report.settledMs.map(Math.round),
      violations,
      more: { seed, protocol, inconclusive: judged.inconclusive },
    };
  });
}

/** From here on faults come as far apart as the correctness page wants them: one in 5 to 10 s. */
const LONG_HISTORY_MS = 45_000;

/** One black-box history; then the checker. */
export function historyPart(options: RunOptions & { readonly forMs: number }): Promise<PartResult> {
  const { seed, protocol, clients, forMs, say } = options;
  // Faults last up to some seconds themselves; a short history has them closer together.
  const faultEveryMs = forMs >= LONG_HISTORY_MS ? ([2_000, 6_000] as const) : ([300, 1_200] as const);
  return inRunDirectory(options.directory, async (directory) => {
    const report = await runHistory({ directory, forMs, seed, protocol, clients, faultEveryMs, thinkMs: 5, say });
    const judged = await judgeRun(directory);
    const violations = [...report.violations, ...judged.violations];
    const { told, events, faults } = report;
    const hits = Object.values(faults).reduce((sum, one) => sum + one, 0);
    return {
      part: 'histories',
      verdict: violations.length > 0 ? 'violated' : judged.verdict === 'inconclusive' ? 'inconclusive' : 'ok',
      counts: {
        ...{ histories: 1, seconds: Math.round(forMs / 1000), faults: hits, operations: events.invoked },
        ...{ ok: events.ok, fail: events.fail, info: events.info, committed: told.committed, lines: told.lines },
        ...{ checkpoints: report.checkpoints.taken, startsFromCheckpoint: report.checkpoints.starts },
      },
      settledMs: report.settledMs === null ? [] : [Math.round(report.settledMs)],
      violations,
      more: { seed, protocol, faults, inconclusive: judged.inconclusive },
    };
  });
}

/** Of the cases of a slice so many have to act: below it nobody looked at most of what it is for. */
const HIT_SHARE_MIN = 0.5;

/** Why a slice of the matrix shows too little; empty when enough of its points acted. */
export function tooFewHits(hit: number, cases: number): readonly string[] {
  const least = Math.ceil(cases * HIT_SHARE_MIN);
  return hit >= least ? [] : [`${hit} of ${cases} crash points acted; a slice is worth something from ${least}`];
}

/** Crash points on real processes; then the checker. */
export function matrixPart(options: {
  readonly protocol: DrawnProtocol;
  readonly slice: number;
  readonly of: number;
  readonly directory: string | undefined;
  readonly say: Say;
}): Promise<PartResult> {
  const { protocol, slice, of, say } = options;
  return inRunDirectory(options.directory, async (directory) => {
    const cases = sliceOfCases(matrixCases(protocol), slice, of);
    const report = await runCrashMatrix({ directory, protocol, cases, seed: slice, say });
    const judged = await judgeRun(directory);
    const violations = [...report.violations, ...judged.violations];
    const inconclusive = [...judged.inconclusive, ...tooFewHits(report.hit, cases.length)];
    return {
      part: 'matrix',
      verdict: violations.length > 0 ? 'violated' : inconclusive.length > 0 ? 'inconclusive' : 'ok',
      counts: { cases: cases.length, hit: report.hit, notReached: report.notReached.length },
      settledMs: report.settledMs.map(Math.round),
      violations,
      more: { protocol, slice, of, notReached: report.notReached, inconclusive },
    };
  });
}

/** Power cuts, and both controls. */
export async function powerPart(options: { readonly states: number; readonly say: Say }): Promise<PartResult> {
  const { states, say } = options;
  const report = await losePower({ statesMax: states, onProgress: (done) => say(`${done} of ${states} states`) });
  const violations = [...report.violations];
  const controls: Record<string, number> = {};
  for (const lying of ['sync', 'sync-directory'] as const) {
    const control = await losePower({ statesMax: CONTROL_STATES, lying });
    controls[lying] = control.violated;
    if (control.violated === 0)
      violations.push(`with ${lying} doing nothing, nothing was noticed: the check cannot fail`);
  }
  return {
    part: 'power',
    verdict: report.violated > 0 || violations.length > 0 ? 'violated' : 'ok',
    counts: { states: report.states, refusedReordered: report.refusedReordered, lives: report.lives },
    violations,
    more: { controls, controlStates: CONTROL_STATES },
  };
}

/** With a sync that lies, so many states must be enough to notice. */
const CONTROL_STATES = 1_000;

/** Single bits of a log of so many records: `first`, `first + step`, …. */
export async function flipsPart(options: {
  readonly records: number;
  readonly first: number;
  readonly step: number;
  readonly say: Say;
}): Promise<PartResult> {
  const { records, first, step, say } = options;
  const log = await writeLog(records);
  const report = await flipBits({ log, first, step, onProgress: (done, of) => say(`${done} of ${of} flips`) });
  const { flips, refused, cut, silent, refusedTails, violations } = report;
  return {
    part: 'flips',
    verdict: violations.length === 0 && refused + cut === flips ? 'ok' : 'violated',
    counts: { flips, refused, cut, silent, refusedTails },
    violations,
    more: { records, bits: log.bytes.length * 8 },
  };
}

function asObject(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};
}
