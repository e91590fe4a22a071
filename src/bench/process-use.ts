/**
 * What a process has used, from /proc (Linux). Elsewhere nothing is known and
 * the reports show no processes; no figure is made up.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time and memory of one process over a stretch of a run. */
export interface ProcessUse {
  readonly name: string;
  readonly cpuMs: number;
  /** Resident memory at the end of the stretch. */
  readonly rssMiB: number;
}

/** Counts of the kernel are in clock ticks; USER_HZ is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const BYTES_PER_MIB = 1024 * 1024;
const KIB_PER_MIB = 1024;

/** CPU time since the start of a process, user and system together, or undefined when it is not known. */
export function cpuMsOf(pid: number): number | undefined {
  const fields = statFields(pid);
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Resident memory of a process in MiB, or undefined when it is not known. */
export function rssMiBOf(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / KIB_PER_MIB;
  } catch {
    return undefined;
  }
}

/** Resident memory of this process in MiB. */
export function ownRssMiB(): number {
  return process.memoryUsage.rss() / BYTES_PER_MIB;
}

/** A process, or a program of several (a server with a process for each connection), under one name. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
  /** Its children count with it. */
  readonly withChildren?: boolean;
}

/** Starts to watch; the returned function ends the stretch and says what each process used in it. */
export function watchProcesses(processes: readonly Watched[]): () => readonly ProcessUse[] {
  const before = processes.map((watched) => totalCpuMs(watched));
  return () =>
    processes.flatMap((watched, index) => {
      const [start, end] = [before[index], totalCpuMs(watched)];
      if (start === undefined || end === undefined) return [];
      const rssMiB = pidsOf(watched).reduce((sum, pid) => sum + (rssMiBOf(pid) ?? 0), 0);
      return [{ name: watched.name, cpuMs: end - start, rssMiB: Math.round(rssMiB * 10) / 10 }];
    });
}

/** A child that ended meanwhile is counted by the kernel in its parent's own row of children. */
function totalCpuMs(watched: Watched): number | undefined {
  if (cpuMsOf(watched.pid) === undefined) return undefined;
  const running = pidsOf(watched).reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0);
  return running + (watched.withChildren === true ? endedChildrenCpuMs(watched.pid) : 0);
}

function endedChildrenCpuMs(pid: number): number {
  const fields = statFields(pid);
  return fields === undefined ? 0 : (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
}

function pidsOf({ pid, withChildren }: Watched): readonly number[] {
  if (withChildren !== true) return [pid];
  const children = readdirSync('/proc').flatMap((entry) => {
    const child = Number(entry);
    return Number.isInteger(child) && Number(statFields(child)?.[1]) === pid ? [child] : [];
  });
  return [pid, ...children];
}

/** The fields behind the name in /proc/<pid>/stat (proc(5)): [0] is the state, [1] the parent. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, closing brackets too, so it is cut off at the last one.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
