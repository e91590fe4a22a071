/** Processes by their pid: is one there, which are children of this one, and how to end what a test left. */
import { readdirSync, readFileSync } from 'node:fs';

/** True when no process has this pid any more; a zombie nobody waited for counts as gone. */
export function processIsGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  return statOf(pid)?.state === 'Z';
}

/** Pids of the children of this process that run now (Linux; elsewhere none are seen). */
export function childrenOfThisProcess(): readonly number[] {
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  return entries.map(Number).filter((pid) => {
    if (!Number.isInteger(pid) || pid <= 0) return false;
    const stat = statOf(pid);
    return stat?.parent === process.pid && stat.state !== 'Z';
  });
}

/** This environment without what Parley would read from it: a shell's settings must not reach a test. */
export function daemonEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')));
}

/** State letter and parent from /proc/<pid>/stat; the name before them may hold anything, so it is cut off. */
function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    // It ended while we looked.
    return undefined;
  }
}
