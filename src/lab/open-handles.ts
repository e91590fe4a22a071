/**
 * How much a process of a run holds open: files and sockets, as Linux lists
 * them. A run compares what each node held at first with what it holds when all
 * is over; what stays open would be there for ever (I10).
 */
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** What a process held open before the run and after it, for final.json. */
export interface Handles {
  readonly before: number;
  readonly after: number;
}

/** What was asked of a connection is closed within moments of the asker's end of it. */
const CLOSED_MS_MAX = 5_000;
const LOOK_MS = 20;
/** Nearer than this to what it was, and nobody waits for it to become less. */
const NEAR = 3;

/** Open files and sockets of a process; undefined where the system does not list them, or the process is gone. */
export function openHandles(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** Counts again until it is about as before, or a while is over. `look` counts, undefined: it cannot. */
export async function handlesSince(
  before: number | undefined,
  look: () => number | undefined,
): Promise<Handles | undefined> {
  const end = performance.now() + CLOSED_MS_MAX;
  for (;;) {
    const after = look();
    if (before === undefined || after === undefined) return undefined;
    if (after <= before + NEAR || performance.now() > end) return { before, after };
    await delay(LOOK_MS);
  }
}
