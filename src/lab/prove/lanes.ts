/**
 * Several slices of the long proof at once. A slice that keeps the processors
 * busy runs beside others that mostly wait (for processes to die, to come back,
 * to be slow), never beside another of its kind; one that measures how long
 * something takes runs alone, so it comes last.
 */

/** What a slice does to the machine. */
export type SliceLoad =
  /** Computes all the time, on one processor or all. */
  | 'works'
  /** Real processes, which mostly wait. */
  | 'waits'
  /** Measures how long something takes. */
  | 'alone';

/** One of them may begin now: the first in the list that does; undefined: wait until one has ended. */
export function nextToRun<Work extends { readonly load: SliceLoad }>(
  todo: readonly Work[],
  running: readonly Work[],
  jobs: number,
): Work | undefined {
  const count = (load: SliceLoad): number => running.filter((one) => one.load === load).length;
  if (running.length >= jobs || count('alone') > 0) return undefined;
  if (running.length === 0) return jobs === 1 ? todo[0] : (todo.find(({ load }) => load !== 'alone') ?? todo[0]);
  return todo.find(({ load }) => {
    if (load === 'alone') return false;
    // A place is kept for what works, as long as there is any of it.
    return load === 'works' ? count('works') === 0 : count('waits') < jobs - 1;
  });
}

/** Runs all, at most `jobs` at once; none is begun any more once the signal came. Rejects with the first failure, when no other is under way. */
export async function runInLanes<Work extends { readonly load: SliceLoad }>(
  all: readonly Work[],
  options: { readonly jobs: number; readonly signal: AbortSignal; readonly run: (work: Work) => Promise<void> },
): Promise<void> {
  const { jobs, signal, run } = options;
  const todo = [...all];
  const running = new Map<Work, Promise<void>>();
  while ((todo.length > 0 && !signal.aborted) || running.size > 0) {
    const next = signal.aborted ? undefined : nextToRun(todo, [...running.keys()], jobs);
    if (next === undefined) {
      await Promise.race(running.values()).catch(async (error: unknown) => {
        await Promise.allSettled(running.values());
        throw error;
      });
      continue;
    }
    todo.splice(todo.indexOf(next), 1);
    running.set(
      next,
      run(next).finally(() => running.delete(next)),
    );
  }
}

/** How long these may take together, when each alone takes so many seconds. */
export function secondsInLanes(
  left: readonly { readonly load: SliceLoad; readonly seconds: number }[],
  jobs: number,
): number {
  const sum = (load: SliceLoad): number =>
    left.filter((one) => one.load === load).reduce((total, { seconds }) => total + seconds, 0);
  if (jobs === 1) return sum('works') + sum('waits') + sum('alone');
  return Math.max(sum('works'), sum('waits') / (jobs - 1)) + sum('alone');
}
