/**
 * Worlds of one transaction: a cell for each place (explorer-cells.ts), which
 * decisions were made by anyone so far, and how many termination rounds were
 * begun. A world is a row of numbers: the cells by place, C first, then one
 * word of bits.
 *
 * Parallel commit: who starts again has no link, and hears nothing that was said
 * to it on the old one; what it had said there may still be heard, until the new
 * link stands (peer-links.ts). Before that neither hears what the other says now.
 * It matters here only, where one number is asked about in more than one life of
 * the coordinator. Links between participants may outlive them, which allows more.
 */
import { Cells } from './explorer-cells.ts';
import type { CellStep } from './explorer-cells.ts';
import { Effects } from './explorer-effects.ts';
import { firstSites } from './explorer-sites.ts';
import type { Setting, SiteInput } from './explorer-sites.ts';
import { isParallel } from './explorer-standing.ts';

/** A world as a row. */
export type WorldRow = Uint32Array;

/** One way on from a world: which site, what happens to it. */
export interface Move {
  readonly place: number;
  readonly input: SiteInput;
  readonly fault?: string;
}

/** Bits of the last word that hold the decisions made. */
const DECIDED_BITS = 2;
const DECIDED_MASK = 2 ** DECIDED_BITS - 1;
/** Then one for each place that is not linked with the coordinator; the count of rounds is above them. */
const PLACES_MAX = 12;
const ROUNDS_SHIFT = DECIDED_BITS + PLACES_MAX;
const UNLINKED_MASK = (2 ** PLACES_MAX - 1) << DECIDED_BITS;

function unlinkedBit(place: number): number {
  return 1 << (DECIDED_BITS + place);
}

/** The worlds of one setting, and the ways between them. */
export class Worlds {
  readonly effects: Effects;
  /** Words of a row. */
  readonly width: number;
  private readonly cells: Cells;
  private readonly setting: Setting;
  private readonly places: number;
  /** Bits of those whose link ends when the site of a place starts again; none where links do not matter. */
  private readonly unlinkedByRestart: readonly number[];
  private readonly next: WorldRow;

  constructor(setting: Setting) {
    this.setting = setting;
    this.effects = new Effects(setting);
    const hasLinks = setting.hasLinks ?? isParallel(setting.attempt);
    this.cells = new Cells(this.effects, setting.attempt.participants.length + 1, hasLinks);
    this.places = this.effects.names.length;
    const others = Array.from({ length: this.places - 1 }, (_, index) => unlinkedBit(index + 1));
    this.unlinkedByRestart = hasLinks ? [others.reduce((bits, bit) => bits | bit, 0), ...others] : [];
    this.width = this.places + 1;
    this.next = new Uint32Array(this.width);
  }

  first(): WorldRow {
    const { sites, send } = firstSites(this.setting);
    const from = this.setting.attempt.self.name;
    const messages = send.map((one) => this.effects.interner.message({ from, ...one }));
    const cells = sites.map((site, place) =>
      this.cells.numberOf(
        this.effects.numberOf(site),
        messages.filter((message) => this.effects.placeOf(message) === place),
      ),
    );
    return Uint32Array.from([...cells, 0]);
  }

  /**
   * Every step of every site that leads to another world, or is a fault. `visit` gets the world after it, in a row that
   * the next call overwrites, and returns true to stop.
   */
  expand(world: WorldRow, visit: (after: WorldRow, place: number, step: CellStep) => boolean): void {
    for (let place = 0; place < this.places; place += 1) {
      for (const step of this.cells.stepsOf(world[place] ?? 0)) {
        const isNext = this.follow(world, place, step);
        if ((isNext || step.fault !== undefined) && visit(this.next, place, step)) return;
      }
    }
  }

  /** Bits of the decisions made so far. */
  decidedIn(world: WorldRow): number {
    return (world[this.places] ?? 0) & DECIDED_MASK;
  }

  /** Where each site stands, by number. */
  sitesOf(world: WorldRow): readonly number[] {
    return Array.from({ length: this.places }, (_, place) => this.siteAt(world, place));
  }

  siteAt(world: WorldRow, place: number): number {
    return this.cells.siteOf(world[place] ?? 0);
  }

  /** Of a world where commit was decided: a listed participant without a yes on its disk. */
  missingYes(world: WorldRow): string | undefined {
    const { attempt, machines } = this.setting;
    for (let place = 1; place <= attempt.participants.length; place += 1) {
      const name = this.effects.names[place] ?? '';
      if (machines.votesWithoutYes?.includes(name)) continue;
      if (!this.effects.facts(this.siteAt(world, place)).saidYes) return name;
    }
    return undefined;
  }

  /** Writes the world after a step into `next`; false when it is the same world, or past the bound of rounds. */
  private follow(world: WorldRow, place: number, step: CellStep): boolean {
    const { next, places, cells } = this;
    const { cell, bundles, elects } = step;
    const before = world[places] ?? 0;
    const rounds = (before >>> ROUNDS_SHIFT) + (elects ? 1 : 0);
    if (rounds > this.setting.electionsMax) return false;
    next.set(world);
    next[place] = cell;
    const unlinked = this.linked(before & UNLINKED_MASK, place, step.input);
    if (unlinked === undefined) return false;
    for (let at = 0; at < bundles.length; at += 2) {
      const to = bundles[at] ?? 0;
      const isLost = (place === 0 || to === 0) && (unlinked & unlinkedBit(place === 0 ? to : place)) !== 0;
      if (!isLost) next[to] = cells.add(next[to] ?? 0, bundles[at + 1] ?? 0);
    }
    let told = 0;
    for (let at = 0; at < places; at += 1) told |= this.effects.facts(cells.siteOf(next[at] ?? 0)).settled;
    if (told !== 0) for (let at = 0; at < places; at += 1) next[at] = cells.told(next[at] ?? 0, told);
    const { made } = this.effects.facts(cells.siteOf(next[place] ?? 0));
    // Counted only where there is a bound: it would tell worlds apart that go on alike.
    const counted = Number.isFinite(this.setting.electionsMax) ? rounds : 0;
    next[places] = (counted << ROUNDS_SHIFT) | unlinked | (before & DECIDED_MASK) | made;
    for (let at = 0; at <= places; at += 1) if (next[at] !== world[at]) return true;
    return false;
  }

  /** Who is not linked after the step; undefined when it makes a link that stands. */
  private linked(unlinked: number, place: number, input: SiteInput): number | undefined {
    if (input.type === 'restart') {
      const ended = this.unlinkedByRestart[place] ?? 0;
      // The cell of a coordinator has lost all that was sent to it already.
      if (ended !== 0 && place > 0) this.next[place] = this.cells.without(this.next[place] ?? 0, 0);
      return unlinked | ended;
    }
    if (input.type !== 'link') return unlinked;
    const peer = this.effects.names.indexOf(input.peer);
    if ((unlinked & unlinkedBit(peer)) === 0) return undefined;
    this.next[peer] = this.cells.without(this.next[peer] ?? 0, 0);
    return unlinked & ~unlinkedBit(peer);
  }
}
