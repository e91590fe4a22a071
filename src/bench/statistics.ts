/** Figures from samples: medians with their spread, percentiles of latencies. Pure. */
import { assert } from '../base/assert.ts';

/** One figure that was measured several times, in the order of measuring. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly samples: readonly number[];
}

/** The median of samples with what lies around it; of an even number the mean of the middle two. */
export function spreadOf(samples: readonly number[]): Spread {
  assert(samples.length > 0, 'a figure was measured at least once');
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return { median: (upper + lower) / 2, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0, samples };
}

/**
 * The smallest sample that at least `share` of all samples do not exceed (nearest rank).
 * @param sorted ascending
 * @param share more than 0, at most 1
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  assert(sorted.length > 0 && share > 0 && share <= 1, 'a percentile of at least one sample');
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

/** Latencies as the reports show them, in milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

/** The latencies of a run; sorts a copy. */
export function latencyOf(samplesMs: ArrayLike<number>): Latency {
  const sorted = Float64Array.from(samplesMs).sort();
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99), mostMs: sorted.at(-1) ?? 0 };
}
