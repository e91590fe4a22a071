/**
 * Many seeds, on all cores: each worker takes a slice of seeds, runs one world
 * after the other, and reports. The result depends on the options alone, never
 * on how many workers there were or which was quicker: slices are put together
 * in the order of their seeds.
 *
 * A seed counts with at least 20 transactions asked for, 3 faults that hit, a
 * heal and a drain; how many counted is part of the result.
 */
import { assert } from '../base/assert.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import { RunDigest } from './run-digest.ts';
import type { SimulateWork, SliceResult } from './simulate-slice.ts';
import { runSlice } from './simulate-slice.ts';
import { startWorkers } from './simulate-workers.ts';

/** Which protocols the transactions of a world use. */
export type ProtocolChoice = '2pc' | '3pc' | 'parallel' | 'mixed' | '3pc-textbook';

/** The protocols that a choice stands for. */
export function protocolsOf(choice: ProtocolChoice): readonly ProtocolName[] {
  return choice === 'mixed' ? ['2pc', '3pc', 'parallel'] : [choice];
}

/** What `parley simulate` is told; all of it is printed. */
export interface SimulateOptions {
  readonly seed: number;
  readonly seeds: number;
  readonly protocol: ProtocolChoice;
  readonly participants: number;
  readonly transactions: number;
  readonly faults: number;
  /** Threads; 0: none, everything runs in this one. */
  readonly workers: number;
}

/** A seed that broke a promise. */
export interface FailedSeed {
  readonly seed: number;
  readonly violations: readonly string[];
}

/** What all seeds came to. */
export interface SimulateResult {
  readonly seeds: number;
  /** Seeds that count, see the header. */
  readonly counted: number;
  readonly committed: number;
  readonly aborted: number;
  readonly faultsHit: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly events: number;
  /** Outputs that were held against a synced record. */
  readonly outputsChecked: number;
  /** Logs that were damaged by a power cut and read again. */
  readonly tailsRead: number;
  /** Longest virtual time from the heal to rest. */
  readonly restMsMax: number;
  /** Equal digests: every seed did the same. */
  readonly digest: string;
  readonly failed: readonly FailedSeed[];
}

/** Where a run stands. */
export interface SimulateProgress {
  readonly done: number;
  readonly of: number;
  readonly counted: number;
  readonly failed: number;
}

/** Few enough that all workers end at nearly the same time, many enough that handing out costs nothing. */
const SLICE_SEEDS = 50;

/** Runs the seeds; `onProgress` is called now and then, the failures so far with it. */
export async function simulate(
  options: SimulateOptions,
  onProgress: (progress: SimulateProgress) => void = () => undefined,
): Promise<SimulateResult> {
  const [result] = await simulateAll([options], options.workers, onProgress);
  assert(result !== undefined, 'one result for each run');
  return result;
}

/**
 * Runs of several kinds on the same workers: a worker that has loaded the code and grown warm is worth keeping. One
 * result for each, in their order; how many `workers` each asks for by itself does not matter.
 */
export async function simulateAll(
  runs: readonly SimulateOptions[],
  workers: number,
  onProgress: (progress: SimulateProgress) => void = () => undefined,
): Promise<readonly SimulateResult[]> {
  const ofRun: number[] = [];
  const slices = runs.flatMap((options, run) => {
    const own = slicesOf(options);
    ofRun.push(...own.map(() => run));
    return own;
  });
  const results: (SliceResult | undefined)[] = slices.map(() => undefined);
  const progress = { done: 0, of: runs.reduce((total, { seeds }) => total + seeds, 0), counted: 0, failed: 0 };
  const take = (index: number, result: SliceResult): void => {
    results[index] = result;
    progress.done += result.seeds;
    progress.counted += result.counted;
    progress.failed += result.failed.length;
    onProgress({ ...progress });
  };
  if (workers === 0) {
    for (const [index, slice] of slices.entries()) take(index, await runSlice(slice));
  } else {
    await startWorkers(Math.min(workers, slices.length), slices, take);
  }
  return runs.map((_, run) =>
    together(results.flatMap((result, index) => (result !== undefined && ofRun[index] === run ? [result] : []))),
  );
}

function slicesOf({ seed, seeds, protocol, transactions, faults, participants }: SimulateOptions): SimulateWork[] {
  const world = { transactions, faults, participants, protocols: protocolsOf(protocol) };
  const slices: SimulateWork[] = [];
  for (let from = 0; from < seeds; from += SLICE_SEEDS) {
    slices.push({ ...world, seed: seed + from, seeds: Math.min(SLICE_SEEDS, seeds - from) });
  }
  return slices;
}

function together(results: readonly SliceResult[]): SimulateResult {
  const digest = new RunDigest();
  const faults: Record<string, number> = {};
  for (const result of results) {
    digest.add(result.seeds, result.digest, '', result.events);
    for (const [kind, count] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + count;
  }
  const sum = (of: (result: SliceResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  return {
    seeds: sum((one) => one.seeds),
    counted: sum((one) => one.counted),
    committed: sum((one) => one.committed),
    aborted: sum((one) => one.aborted),
    faultsHit: sum((one) => one.faultsHit),
    faults: Object.fromEntries(Object.entries(faults).sort(([a], [b]) => (a < b ? -1 : 1))),
    events: sum((one) => one.events),
    outputsChecked: sum((one) => one.outputsChecked),
    tailsRead: sum((one) => one.tailsRead),
    restMsMax: Math.max(0, ...results.map((one) => one.restMsMax)),
    digest: digest.text,
    failed: results.flatMap(({ failed }) => failed),
  };
}
