/** What every subject of the bench is given, and what it is: a title and a function. */
import { cpus, loadavg, totalmem } from 'node:os';
import type { Machine, SubjectResult } from './report.ts';

/** The world of a subject. */
export interface BenchContext {
  /** Short: fewer configurations, each for a shorter time. */
  readonly quick: boolean;
  /** How often each configuration is measured; all are measured once before any is measured again. */
  readonly repeat: number;
  /** A directory of the run's own, removed after it. */
  readonly directory: string;
  /** Program and first arguments of the `parley` that is measured. */
  readonly command: readonly string[];
  /** Another `parley` that is measured in turn with it, to compare two builds in one run. */
  readonly beside: readonly string[] | undefined;
  /** Tells what is being done now, and how much of the subject is done (0 to 1). */
  readonly progress: (doing: string, done: number) => void;
}

/** One subject. */
export interface Subject {
  readonly name: string;
  readonly title: string;
  /** Measures. What is not installed is skipped in the result; anything else that fails rejects. */
  readonly run: (context: BenchContext) => Promise<SubjectResult>;
}

const BYTES_PER_MIB = 1024 * 1024;

/** The machine this process runs on. */
export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cpus: all.length,
    memoryMiB: Math.round(totalmem() / BYTES_PER_MIB),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
