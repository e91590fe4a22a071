/**
 * Explores every interleaving of one transaction, breadth first, on the machines
 * that ship: a coordinator and n participants, 2PC or 3PC. Every message ever
 * sent may arrive at any time, any number of times, or never; timers ring when
 * they like; every site may crash and come back at every step, with any part of
 * what it had written but not synced. Rounds are bounded by their counter.
 *
 * In every world: no commit beside an abort; commit only after every yes; no
 * alarm and no broken assertion; and a run without faults decides
 * (explorer-live.ts). The first violation found is a shortest one.
 *
 * Not explored: views, several transactions (the simulator
 * has them). Worlds that differ only in names are not merged: names break the
 * ties between rounds, so such worlds may go on differently.
 */
import { AssertionFailed } from '../base/assert.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import { exploredAttempt, placesOf, SHIPPED_MACHINES } from './explorer-machines.ts';
import type { ExplorerMachines } from './explorer-machines.ts';
import { FaultFreeRuns } from './explorer-live.ts';
import { transcriptOf } from './explorer-transcript.ts';
import { outlineOf } from './explorer-sites.ts';
import type { Setting } from './explorer-sites.ts';
import { ABORT, COMMIT, textOf, worldOf, Worlds } from './explorer-world.ts';
import type { Move, World } from './explorer-world.ts';

/** What to explore, and how far. */
export interface ExploreOptions {
  readonly protocol: ProtocolName;
  /** Those that may write. 1 and no reader: one-phase, whatever the protocol. */
  readonly participants: number;
  /** Those that only read; 0 when absent. */
  readonly readers?: number;
  /** Highest counter of a termination round (3PC); the coordinator's own attempt is round 1. */
  readonly roundsMax: number;
  /** Stops there, without a verdict on the rest. */
  readonly statesMax?: number;
  readonly onProgress?: (progress: {
    readonly states: number;
    readonly transitions: number;
    readonly steps: number;
  }) => void;
  /** Keeps messages that can do nothing any more: many more states, and must give the same verdict. */
  readonly keepsAll?: boolean;
  /** Every world once, as one line for each site; for tests. */
  readonly onWorld?: (sites: readonly string[]) => void;
  /** Broken machines, to see them caught; absent: those that ship. */
  readonly machines?: ExplorerMachines;
}

/** What must not be, and how it comes about. */
export interface Violation {
  readonly what: string;
  /** The shortest run to it, one line each. */
  readonly transcript: readonly string[];
  /** How many steps that run has. */
  readonly steps: number;
}

/** What was seen; no violation and `complete`: within these bounds there is none. */
export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** False when `statesMax` stopped it. */
  readonly complete: boolean;
  readonly violation?: Violation;
}

const PROGRESS_EVERY = 10_000;

/** The worlds found so far, in the order of their shortest runs, and which world each was first reached from. */
class Found {
  readonly texts: string[] = [];
  private readonly parents: number[] = [];
  private readonly known = new Set<string>();

  /** False when it was known before. */
  add(text: string, parent: number): boolean {
    if (this.known.has(text)) return false;
    this.known.add(text);
    this.texts.push(text);
    this.parents.push(parent);
    return true;
  }

  /** The texts from the first world to this one. */
  pathTo(index: number): readonly string[] {
    const path: string[] = [];
    for (let at = index; at >= 0; at = this.parents[at] ?? -1) path.unshift(this.texts[at] ?? '');
    return path;
  }
}

/** Explores until all is seen, a violation is found, or `statesMax` worlds are known. */
export function explore(options: ExploreOptions): Explored {
  const { protocol, participants, readers = 0, roundsMax, statesMax = Number.POSITIVE_INFINITY } = options;
  const { machines = SHIPPED_MACHINES, keepsAll = false, onProgress, onWorld } = options;
  const attempt = exploredAttempt(protocol, participants, readers);
  const setting: Setting = { attempt, machines, roundsMax, keepsAll };
  const places = placesOf(attempt).length;
  const worlds = new Worlds(setting);
  const live = new FaultFreeRuns(setting, worlds);
  const found = new Found();
  found.add(textOf(worlds.first()), -1);
  let transitions = 0;
  for (let index = 0; index < found.texts.length; index += 1) {
    const world = worldOf(found.texts[index] ?? '', places);
    onWorld?.(world.sites.map((id) => outlineOf(worlds.site(id))));
    for (const move of worlds.moves(world)) {
      transitions += 1;
      const isNew = found.add(textOf(move.world), index);
      const what = move.fault ?? (isNew ? faultOf(worlds, live, move.world) : undefined);
      const states = found.texts.length;
      if (what !== undefined) {
        const path = [...movesAlong(worlds, found.pathTo(index), places), move];
        const transcript = [...transcriptOf(setting, path), `=> ${what}`];
        return { states, transitions, complete: false, violation: { what, transcript, steps: path.length } };
      }
      if (isNew && states % PROGRESS_EVERY === 0) {
        onProgress?.({ states, transitions, steps: found.pathTo(index).length });
      }
    }
    if (found.texts.length >= statesMax) return { states: found.texts.length, transitions, complete: false };
  }
  return { states: found.texts.length, transitions, complete: true };
}

/** What is wrong with a world; undefined when nothing is. */
function faultOf(worlds: Worlds, live: FaultFreeRuns, world: World): string | undefined {
  if (world.decided === (COMMIT | ABORT)) return 'commit and abort were both decided';
  if ((world.decided & COMMIT) !== 0) {
    const missing = worlds.missingYes(world);
    if (missing !== undefined) return `commit was decided without a yes of ${missing}`;
  }
  return live.fault(world);
}

/** The moves between these worlds; only texts were kept, so each is looked for again. */
function movesAlong(worlds: Worlds, texts: readonly string[], places: number): readonly Move[] {
  return texts.slice(1).map((text, index) => {
    for (const move of worlds.moves(worldOf(texts[index] ?? '', places))) {
      if (textOf(move.world) === text) return move;
    }
    throw new AssertionFailed('a world is reached from the one it was found from');
  });
}
