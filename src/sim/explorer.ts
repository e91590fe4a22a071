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
 * Not explored: readers, one-phase, views, several transactions (the simulator
 * has them). Worlds that differ only in names are not merged: names break the
 * ties between rounds, so such worlds may go on differently.
 */
import type { ProtocolName } from '../protocol/messages.ts';
import { exploredAttempt, SHIPPED_MACHINES } from './explorer-machines.ts';
import type { ExplorerMachines } from './explorer-machines.ts';
import { FaultFreeRuns } from './explorer-live.ts';
import { transcriptOf } from './explorer-transcript.ts';
import type { Setting, SiteInput } from './explorer-sites.ts';
import { ABORT, COMMIT, textOf, worldOf, Worlds } from './explorer-world.ts';
import type { Move, World } from './explorer-world.ts';

export interface ExploreOptions {
  readonly protocol: ProtocolName;
  /** 2 or more: one participant is one-phase, another protocol. */
  readonly participants: number;
  /** Highest counter of a termination round (3PC); the coordinator's own attempt is round 1. */
  readonly roundsMax: number;
  /** Stops there, without a verdict on the rest. */
  readonly statesMax?: number;
  readonly onProgress?: (progress: {
    readonly states: number;
    readonly transitions: number;
    readonly steps: number;
  }) => void;
  /** Broken machines, to see them caught; absent: those that ship. */
  readonly machines?: ExplorerMachines;
}

export interface Violation {
  readonly what: string;
  /** The shortest run to it, one line each. */
  readonly transcript: readonly string[];
  /** How many steps that run has. */
  readonly steps: number;
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** False when `statesMax` stopped it. */
  readonly complete: boolean;
  readonly violation?: Violation;
}

/** How a world was first reached. */
interface Reached {
  readonly from: number;
  readonly place: number;
  readonly input: SiteInput;
}

const PROGRESS_EVERY = 10_000;

/** Explores until all is seen, a violation is found, or `statesMax` worlds are known. */
export function explore(options: ExploreOptions): Explored {
  const { protocol, participants, roundsMax, statesMax = Number.POSITIVE_INFINITY } = options;
  const attempt = exploredAttempt(protocol, participants);
  const setting: Setting = { attempt, machines: options.machines ?? SHIPPED_MACHINES, roundsMax };
  const worlds = new Worlds(setting);
  const live = new FaultFreeRuns(setting, worlds);
  const first = textOf(worlds.first());
  const known = new Map<string, number>([[first, 0]]);
  const texts: string[] = [first];
  const reached: (Reached | undefined)[] = [undefined];
  let transitions = 0;
  for (let index = 0; index < texts.length; index += 1) {
    const world = worldOf(texts[index] ?? '', participants + 1);
    for (const move of worlds.moves(world)) {
      transitions += 1;
      const text = textOf(move.world);
      const isNew = !known.has(text);
      if (!isNew && move.fault === undefined) continue;
      const here = { from: index, place: move.place, input: move.input };
      const what = move.fault ?? faultOf(worlds, live, move.world);
      if (what !== undefined) {
        const path = pathTo(reached, here);
        const transcript = [...transcriptOf(setting, path), `=> ${what}`];
        return {
          states: texts.length,
          transitions,
          complete: false,
          violation: { what, transcript, steps: path.length },
        };
      }
      if (!isNew) continue;
      known.set(text, texts.length);
      texts.push(text);
      reached.push(here);
      if (texts.length % PROGRESS_EVERY === 0) {
        options.onProgress?.({ states: texts.length, transitions, steps: pathTo(reached, here).length });
      }
    }
    if (texts.length >= statesMax) return { states: texts.length, transitions, complete: false };
  }
  return { states: texts.length, transitions, complete: true };
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

function pathTo(reached: readonly (Reached | undefined)[], last: Reached): readonly Pick<Move, 'place' | 'input'>[] {
  const path: Reached[] = [last];
  for (let step = reached[last.from]; step !== undefined; step = reached[step.from]) path.unshift(step);
  return path;
}
