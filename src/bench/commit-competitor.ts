/** What moves money in the subject `commit`: Parley, the floor, databases. Each is started once and measured in turn. */
import type { Json } from '../base/canonical-json.ts';
import type { Task } from './child-task.ts';
import type { ProcessUse, Watched } from './process-use.ts';
import { watchProcesses } from './process-use.ts';
import type { LoadAnswer, LoadQuestion } from './transfer-load.ts';

/** One measurement. */
export interface CommitSample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Neither committed nor aborted, or aborted: transfers that are funded should commit. */
  readonly notCommitted: number;
  readonly committed: number;
  readonly processes: readonly ProcessUse[];
}

/** One of them, running. */
export interface Competitor {
  readonly name: string;
  readonly measure: (question: LoadQuestion) => Promise<CommitSample>;
  readonly end: () => Promise<void>;
}

/** Asks a load task to run, and watches the processes meanwhile. */
export async function measureLoad(
  load: Task,
  question: LoadQuestion,
  watched: readonly Watched[],
): Promise<CommitSample> {
  const stop = watchProcesses([{ name: 'clients', pid: load.pid }, ...watched]);
  const asked: Json = { ...question };
  const answer = (await load.ask(asked)) as unknown as LoadAnswer;
  return sampleOf(answer, stop());
}

function sampleOf(answer: LoadAnswer, processes: readonly ProcessUse[]): CommitSample {
  const { committed, aborted, others, elapsedMs, p50Ms, p99Ms } = answer;
  const perSecond = (committed * 1000) / elapsedMs;
  return { perSecond, p50Ms, p99Ms, notCommitted: aborted + others, committed, processes };
}
