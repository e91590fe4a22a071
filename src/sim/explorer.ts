/**
 * Explores every interleaving of one transaction, breadth first, on the machines
 * that ship: a coordinator and n participants, 2PC, 3PC or parallel commit. Every message ever
 * sent may arrive at any time, any number of times, or never; timers ring when
 * they like; every site may crash and come back at every step, with any part of
 * what it had written but not synced. Rounds are bounded by their counter.
 *
 * In every world: no commit beside an abort; commit only after every yes; no
 * alarm and no broken assertion; and a run without faults decides
 * (explorer-live.ts). The first violation found is a shortest one.
 *
 * Not explored: views and several transactions (the simulator has them). Worlds
 * that differ only in names are not merged: names break the ties between rounds, so
 * such worlds may go on differently.
 */
import { AssertionFailed } from '../base/assert.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import type { UnsafeRule } from '../protocol/participant-attempts.ts';
import type { QuorumRule } from '../protocol/quorum.ts';
import { ABORT, COMMIT } from './explorer-effects.ts';
import { exploredAttempt, shippedMachines } from './explorer-machines.ts';
import type { ExplorerMachines } from './explorer-machines.ts';
import { FaultFreeRuns } from './explorer-live.ts';
import type { LiveFault } from './explorer-live.ts';
import type { Setting } from './explorer-sites.ts';
import { outlineOf } from './explorer-standing.ts';
import { RowTable } from './explorer-table.ts';
import { transcriptOf } from './explorer-transcript.ts';
import type { RunStep } from './explorer-transcript.ts';
import { Worlds } from './explorer-world.ts';
import type { WorldRow } from './explorer-world.ts';

/** What to explore, and how far. */
export interface ExploreOptions {
  readonly protocol: ProtocolName;
  /** Those that may write. 1 and no reader: one-phase, whatever the protocol. */
  readonly participants: number;
  /** Those that only read; 0 when absent. */
  readonly readers?: number;
  /** Highest counter of a termination round (3PC); the coordinator's own attempt is round 1. */
  readonly roundsMax: number;
  /** Termination rounds begun in one run; absent: as many as the counters allow. */
  readonly electionsMax?: number;
  /** Another rule of quorums than the one that ships. */
  readonly quorumRule?: QuorumRule;
  /** Stops there, without a verdict on the rest. */
  readonly statesMax?: number;
  readonly onProgress?: (progress: ExploreProgress) => void;
  /** Keeps messages that can do nothing any more: many more states, and must give the same verdict. */
  readonly keepsAll?: boolean;
  /** Every world once, as one line for each site; for tests. */
  readonly onWorld?: (sites: readonly string[]) => void;
  /** A shortest run to every nth world, to play it again elsewhere; for tests. */
  readonly sample?: { readonly every: number; readonly take: (run: readonly RunStep[]) => void };
  /** False: messages outlive the links they were sent on, which parallel commit does not stand; for tests. */
  readonly hasLinks?: boolean;
  /** A rule of the lab under which the shipped machines run. */
  readonly unsafe?: UnsafeRule;
  /** Broken machines, to see them caught; absent: those that ship. */
  readonly machines?: ExplorerMachines;
}

/** How far an exploration is. */
export interface ExploreProgress {
  readonly states: number;
  readonly transitions: number;
  /** Worlds found and not yet gone on from. */
  readonly waiting: number;
  /** Steps from the start to the worlds that are looked at now. */
  readonly steps: number;
}

/** What must not be, and how it comes about. */
export interface Violation {
  readonly what: string;
  /** The shortest run to it, one line each. */
  readonly transcript: readonly string[];
  /** The same run as data. */
  readonly run: readonly RunStep[];
  /** Where the fault is that a run without further faults goes wrong: that run. */
  readonly after: readonly RunStep[];
  /** How many steps that run has. */
  readonly steps: number;
}

/** What was seen; no violation and `complete`: within these bounds there is none. */
export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** Steps of the longest of all shortest runs. */
  readonly depth: number;
  /** False when `statesMax` or a violation stopped it. */
  readonly complete: boolean;
  readonly violation?: Violation;
}

const PROGRESS_EVERY = 10_000;

/** Explores until all is seen, a violation is found, or `statesMax` worlds are known. */
export function explore(options: ExploreOptions): Explored {
  return new Exploration(options).run();
}

class Exploration {
  private readonly options: ExploreOptions;
  private readonly setting: Setting;
  private readonly worlds: Worlds;
  private readonly live: FaultFreeRuns;
  private readonly found: RowTable;
  private readonly judgesLive: boolean;
  private transitions = 0;
  private depth = 0;
  private violation: Violation | undefined;

  constructor(options: ExploreOptions) {
    const { protocol, participants, readers = 0, roundsMax, electionsMax = Number.POSITIVE_INFINITY } = options;
    const { unsafe, machines = shippedMachines(unsafe), keepsAll = false, quorumRule, hasLinks } = options;
    this.options = options;
    const attempt = exploredAttempt(protocol, participants, readers, quorumRule);
    const links = hasLinks === undefined ? {} : { hasLinks };
    this.setting = { attempt, machines, roundsMax, electionsMax, keepsAll, ...links };
    this.worlds = new Worlds(this.setting);
    this.live = new FaultFreeRuns(this.setting, this.worlds.effects);
    this.found = new RowTable(this.worlds.width);
    // Where a timer decides, no run in which timers ring is without faults.
    this.judgesLive = protocol !== '3pc-textbook' && unsafe === undefined;
  }

  run(): Explored {
    const { statesMax = Number.POSITIVE_INFINITY, onWorld, sample } = this.options;
    const { worlds, found } = this;
    const world = worlds.first();
    found.add(world, 0);
    let levelEnd = 1;
    for (let index = 0; index < found.size; index += 1) {
      if (index === levelEnd) {
        this.depth += 1;
        levelEnd = found.size;
      }
      found.read(index, world);
      if (sample !== undefined && index % sample.every === 0) sample.take(this.runTo(index));
      onWorld?.(worlds.sitesOf(world).map((id) => outlineOf(worlds.effects.site(id))));
      worlds.expand(world, (after, place, step) => {
        const before = found.size;
        const what = this.visit(after, index, step.fault);
        if (what !== undefined) this.violation = this.violationOf(index, { place, input: step.input }, what);
        if (found.size > before && found.size % PROGRESS_EVERY === 0) this.progress(index);
        return what !== undefined;
      });
      if (this.violation !== undefined || found.size >= statesMax) return this.report(false);
    }
    return this.report(true);
  }

  /** What is wrong with the step or with the world it leads to; undefined: nothing, or seen before. */
  private visit(after: WorldRow, from: number, fault: string | undefined): LiveFault | undefined {
    this.transitions += 1;
    const isNew = this.found.add(after, from);
    if (fault !== undefined) return { what: fault, run: [] };
    return isNew ? this.faultOf(after) : undefined;
  }

  private faultOf(world: WorldRow): LiveFault | undefined {
    const decided = this.worlds.decidedIn(world);
    if (decided === (COMMIT | ABORT)) return { what: 'commit and abort were both decided', run: [] };
    if ((decided & COMMIT) !== 0) {
      const missing = this.worlds.missingYes(world);
      if (missing !== undefined) return { what: `commit was decided without a yes of ${missing}`, run: [] };
    }
    if (!this.judgesLive) return undefined;
    return this.live.fault(this.worlds.sitesOf(world), decided);
  }

  private violationOf(index: number, last: RunStep, { what, run: after }: LiveFault): Violation {
    const run = [...this.runTo(index), last];
    const transcript = [...transcriptOf(this.setting, run, after), `=> ${what}`];
    return { what, transcript, run, after, steps: run.length };
  }

  /** The steps of the shortest run to a world; only worlds were kept, so each step is looked for again. */
  private runTo(index: number): readonly RunStep[] {
    const path = this.found.pathTo(index);
    const world = this.worlds.first();
    const wanted = this.worlds.first();
    return path.slice(1).map((to, step) => {
      this.found.read(path[step] ?? 0, world);
      this.found.read(to, wanted);
      let taken: RunStep | undefined;
      this.worlds.expand(world, (after, place, { input }) => {
        if (!after.every((word, at) => word === wanted[at])) return false;
        taken = { place, input };
        return true;
      });
      if (taken === undefined) throw new AssertionFailed('a world is reached from the one it was found from');
      return taken;
    });
  }

  private progress(index: number): void {
    const { transitions, depth, found } = this;
    this.options.onProgress?.({ states: found.size, transitions, waiting: found.size - index, steps: depth });
  }

  private report(complete: boolean): Explored {
    const { found, transitions, depth, violation } = this;
    const seen = { states: found.size, transitions, depth, complete };
    return violation === undefined ? seen : { ...seen, violation };
  }
}
