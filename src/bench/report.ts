/**
 * The report of `parley bench` as data: what `--json` writes, and what the
 * pages are made from. Version 1; members may be added, none changes its
 * meaning.
 *
 *   report = subjects, each of series, each of points; beside them `ratios` by name
 *
 * A ratio that could not be measured is absent from `ratios` and stands under
 * `skipped` with its reason, as does a competitor that is not installed.
 */
import type { ProcessUse } from './process-use.ts';
import type { Spread } from './statistics.ts';

/** One place of a series: one configuration, measured as often as the run repeats. */
export interface Point {
  /** For example `64 clients`. */
  readonly label: string;
  readonly value: Spread;
  /** Further figures of the repetition nearest the median, by name with their unit last (`p99Ms`). */
  readonly details: Readonly<Record<string, number>>;
  /** What each process used in that repetition. */
  readonly processes: readonly ProcessUse[];
}

/** Points that are compared with each other. */
export interface Series {
  /** For example `parley 2pc, uniform`. */
  readonly name: string;
  readonly unit: string;
  readonly points: readonly Point[];
}

/** Something that was not measured, and why. */
export interface Skipped {
  readonly what: string;
  readonly why: string;
}

/** What one subject came to. */
export interface SubjectResult {
  readonly series: readonly Series[];
  readonly ratios: Readonly<Record<string, number>>;
  readonly skipped: readonly Skipped[];
  /** Sentences that a reader of the figures needs. */
  readonly notes: readonly string[];
}

/** One subject of the report. */
export interface SubjectReport extends SubjectResult {
  readonly subject: string;
  readonly title: string;
  readonly tookMs: number;
}

/** Where the run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly platform: string;
  readonly node: string;
  /** Processes that wanted to run, averaged over the minute before the run; above 0.5 the machine was not idle. */
  readonly loadBefore: number;
}

/** The whole report. */
export interface BenchReport {
  readonly version: 1;
  readonly parley: string;
  readonly startedAt: string;
  readonly quick: boolean;
  readonly repeat: number;
  readonly machine: Machine;
  readonly subjects: readonly SubjectReport[];
  readonly ratios: Readonly<Record<string, number>>;
  readonly skipped: readonly Skipped[];
}

/** A result without anything; subjects spread it. */
export const NOTHING: SubjectResult = { series: [], ratios: {}, skipped: [], notes: [] };
