/** Some seeds, one after the other: what one worker does at a time. */
import { RunDigest } from './run-digest.ts';
import type { FailedSeed, SimulateResult } from './simulate.ts';
import { World } from './world.ts';
import { FAULTS_MIN } from './world-options.ts';
import { checkWorld } from './world-checker.ts';
import type { WorldOptions } from './world-options.ts';

/** Seeds and what their worlds are made from. Plain data: it is sent to workers. */
export interface SimulateWork extends Omit<WorldOptions, 'seed'> {
  readonly seed: number;
  readonly seeds: number;
}

/** What a slice came to, in the shape of the whole. Plain data: it comes back from workers. */
export type SliceResult = SimulateResult;

/** A seed counts with at least this many transactions asked for. */
const TRANSACTIONS_MIN = 20;

/** Every so many seeds the checker of real runs looks at the logs, too; it takes longer than the run. */
const CHECKED_EVERY = 50;

/** Runs a slice. A world that throws has failed, too: an assert of the code that ships is a broken promise. */
export async function runSlice({ seed: first, seeds, ...options }: SimulateWork): Promise<SliceResult> {
  const digest = new RunDigest();
  const faults: Record<string, number> = {};
  const failed: FailedSeed[] = [];
  const sums = { counted: 0, committed: 0, aborted: 0, faultsHit: 0, events: 0, outputsChecked: 0, tailsRead: 0 };
  let restMsMax = 0;
  for (let seed = first; seed < first + seeds; seed += 1) {
    const world = new World({ seed, ...options });
    try {
      const report = world.run();
      const violations = [...(await world.audit()), ...(seed % CHECKED_EVERY === 0 ? checkWorld(world) : [])];
      if (violations.length > 0) failed.push({ seed, violations });
      digest.add(report.events, report.digest, '', seed);
      if (options.transactions >= TRANSACTIONS_MIN && report.faultsHit >= FAULTS_MIN) sums.counted += 1;
      sums.committed += report.committed;
      sums.aborted += report.aborted;
      sums.faultsHit += report.faultsHit;
      sums.events += report.events;
      sums.outputsChecked += report.outputsChecked;
      sums.tailsRead += world.tailsRead;
      restMsMax = Math.max(restMsMax, report.restMs);
      for (const [kind, count] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failed.push({ seed, violations: [`it threw: ${text}`] });
    }
  }
  return { seeds, ...sums, faults, restMsMax, digest: digest.text, failed };
}
