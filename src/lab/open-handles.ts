/**
 * How much a process of a run holds open: files and sockets, as Linux lists
 * them. A run compares what each node held at first with what it holds when all
 * is over; what stays open would be there for ever (I10).
 */
import { readdirSync, readlinkSync } from 'node:fs';
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

/**
 * A data file of a checkpoint, still there: outcomes are read from those, so each is kept open as long as a checkpoint
 * lists it. One that was removed and is open all the same has ` (deleted)` behind its name.
 */
const DATA_FILE = /\/data-[a-z-]+-\d+\.jsonl$/;

/** Open files and sockets of a process, without data files that are there; undefined where the system does not list them, or the process is gone. */
export function openHandles(pid: number): number | undefined {
  try {
    const directory = `/proc/${pid}/fd`;
    return readdirSync(directory).filter((fd) => !DATA_FILE.test(targetOf(`${directory}/${fd}`))).length;
  } catch {
    return undefined;
  }
}

/** What a descriptor stands for; one that was closed meanwhile counts as some file, until it is looked at again. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
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
