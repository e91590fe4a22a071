/**
 * How many connections a process may hold so that it can still open files. A
 * node that gets no descriptor for the next file of its log must end, and
 * whoever can reach its port could otherwise bring that about, with no key.
 */
import { readFileSync } from 'node:fs';

/** Kept for the log, data files, links and clients of our own; where there are few, half of all. */
const KEPT_FOR_FILES = 512;
/** Linux, proc(5): the soft limit is the first number. Node has raised it as far as it may. */
const LIMITS_FILE = '/proc/self/limits';
const OPEN_FILES = /^Max open files +(\d+)/m;

/**
 * Connections that leave enough descriptors; Infinity where the limit is not known or there is none.
 * @param limits text of proc(5) limits
 */
export function connectionsWithin(limits: string): number {
  const descriptors = OPEN_FILES.exec(limits)?.[1];
  if (descriptors === undefined) return Infinity;
  const most = Number(descriptors);
  return most - Math.min(KEPT_FOR_FILES, Math.ceil(most / 2));
}

/** The same for this process. */
export function connectionsAffordable(): number {
  try {
    return connectionsWithin(readFileSync(LIMITS_FILE, 'latin1'));
  } catch {
    // Another system, or no /proc: the connections have their own maximum.
    return Infinity;
  }
}
