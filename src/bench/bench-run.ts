/** One run of the bench: its subjects one after the other, in a directory that is gone afterwards. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parleyVersion } from '../daemons/version.ts';
import { thisMachine } from './bench-context.ts';
import type { Subject } from './bench-context.ts';
import type { BenchReport, SubjectReport } from './report.ts';

/** What to measure. */
export interface BenchOptions {
  readonly subjects: readonly Subject[];
  readonly quick: boolean;
  readonly repeat: number;
  readonly command: readonly string[];
  readonly beside: readonly string[] | undefined;
  /** Told what is being done, and how much of the whole run is done (0 to 1). */
  readonly onProgress: (doing: string, done: number) => void;
}

/** Runs them in order. Rejects with the first error; nothing is left behind in any case. */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const { subjects, quick, repeat, command, beside, onProgress } = options;
  const startedAt = new Date().toISOString();
  const machine = thisMachine();
  const directory = await mkdtemp(join(tmpdir(), 'parley-bench-'));
  // Servers that run as another user must reach what is theirs below it.
  await chmod(directory, 0o711);
  const reports: SubjectReport[] = [];
  try {
    for (const [index, { name, title, run }] of subjects.entries()) {
      const startedMs = performance.now();
      const progress = (doing: string, done: number): void =>
        onProgress(`${name}: ${doing}`, (index + Math.min(1, done)) / subjects.length);
      const result = await run({ quick, repeat, directory, command, beside, progress });
      reports.push({ subject: name, title, tookMs: Math.round(performance.now() - startedMs), ...result });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return {
    version: 1,
    parley: parleyVersion(),
    startedAt,
    quick,
    repeat,
    machine,
    subjects: reports,
    ratios: Object.assign({}, ...reports.map(({ ratios }) => ratios)) as Record<string, number>,
    skipped: reports.flatMap(({ skipped }) => skipped),
  };
}
