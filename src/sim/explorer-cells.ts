/**
 * A cell is one place of a world: where the site stands, and which messages are
 * on their way to it. A world is one cell for each place, by number, so that a
 * step of a world is a handful of look-ups.
 */
import { ABORT, COMMIT } from './explorer-effects.ts';
import type { Effect, Effects } from './explorer-effects.ts';
import type { SiteInput } from './explorer-sites.ts';
import { PairTable } from './explorer-table.ts';

/** One way on from a cell. */
export interface CellStep {
  readonly input: SiteInput;
  /** The cell after it, without what it sent to itself. */
  readonly cell: number;
  /** What it sent: the place, then the number of the bundle for it; and so on. */
  readonly bundles: readonly number[];
  readonly elects: boolean;
  readonly fault?: string;
}

interface Cell {
  readonly site: number;
  /** Ascending. */
  readonly inbox: readonly number[];
  readonly place: number;
  steps?: readonly CellStep[];
  /** The cell once the decisions of these bits are told by settled sites. */
  readonly told: (number | undefined)[];
}

/** Lists of numbers by number. */
class Lists {
  private readonly numbers = new Map<string, number>();
  private readonly lists: (readonly number[])[] = [];

  numberOf(list: readonly number[]): number {
    const key = list.join();
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.lists.length);
    return this.lists.push(list) - 1;
  }

  at(id: number): readonly number[] {
    return this.lists[id] ?? [];
  }
}

/** See the header. */
export class Cells {
  private readonly effects: Effects;
  /** Readers are told nothing but the coordinator's own abort. */
  private readonly toldPlaces: number;
  private readonly cells: Cell[] = [];
  private readonly inboxes = new Lists();
  private readonly bundles = new Lists();
  private readonly numbers = new PairTable();
  private readonly added = new PairTable();
  private readonly relinked = new PairTable();
  private readonly hasLinks: boolean;

  /** `hasLinks`: a coordinator that starts again hears nothing that was sent to it before. */
  constructor(effects: Effects, toldPlaces: number, hasLinks: boolean) {
    this.effects = effects;
    this.toldPlaces = toldPlaces;
    this.hasLinks = hasLinks;
  }

  /** The cell of a site with messages on their way; what can do nothing any more is left out. */
  numberOf(site: number, messages: readonly number[]): number {
    const kept = messages.filter((message) => !this.effects.isGone(site, message));
    const inbox = [...new Set(kept)].sort((a, b) => a - b);
    const list = this.inboxes.numberOf(inbox);
    const known = this.numbers.get(site, list);
    if (known !== undefined) return known;
    const { place } = this.effects.facts(site);
    this.numbers.set(site, list, this.cells.length);
    return this.cells.push({ site, inbox: this.inboxes.at(list), place, told: [] }) - 1;
  }

  siteOf(cell: number): number {
    return this.at(cell).site;
  }

  inboxOf(cell: number): readonly number[] {
    return this.at(cell).inbox;
  }

  /** Every step of the site that may change something. */
  stepsOf(cell: number): readonly CellStep[] {
    const found = this.at(cell);
    found.steps ??= this.findSteps(found);
    return found.steps;
  }

  /** The cell with more messages on their way to it. */
  add(cell: number, bundle: number): number {
    const known = this.added.get(cell, bundle);
    if (known !== undefined) return known;
    const { site, inbox } = this.at(cell);
    const after = this.numberOf(site, [...inbox, ...this.bundles.at(bundle)]);
    this.added.set(cell, bundle, after);
    return after;
  }

  /** The cell once the link that carried what `from` had sent to it is gone. */
  without(cell: number, from: number): number {
    const known = this.relinked.get(cell, from);
    if (known !== undefined) return known;
    const { site, inbox } = this.at(cell);
    const left = inbox.filter((message) => this.effects.senderOf(message) !== from);
    const after = this.numberOf(site, left);
    this.relinked.set(cell, from, after);
    return after;
  }

  /** The cell in a world where settled sites tell these decisions: one message stands for all that say the same. */
  told(cell: number, bits: number): number {
    const found = this.at(cell);
    const known = found.told[bits];
    if (known !== undefined) return known;
    const { site, inbox, place } = found;
    const others = inbox.filter((message) => (this.effects.toldBy(message) & bits) === 0);
    const hears = place < this.toldPlaces && this.effects.facts(site).settled === 0;
    const heard = [COMMIT, ABORT].filter((bit) => hears && (bits & bit) !== 0);
    const after = this.numberOf(site, [...others, ...heard.map((bit) => this.effects.decisionFor(place, bit))]);
    found.told[bits] = after;
    return after;
  }

  private at(id: number): Cell {
    const cell = this.cells[id];
    if (cell === undefined) throw new RangeError(`no cell ${id}`);
    return cell;
  }

  private findSteps({ site, inbox }: Cell): readonly CellStep[] {
    const steps: CellStep[] = [];
    const take = (input: SiteInput, effect: Effect): void => {
      const isNothing = effect.site === site && effect.sent.length === 0 && effect.fault === undefined;
      if (isNothing && input.type !== 'link' && !(input.type === 'restart' && this.hasLinks)) return;
      steps.push(this.stepBy(input, effect, inbox));
    };
    for (const message of inbox) take(this.effects.inputOf(message), this.effects.deliver(site, message));
    for (const input of this.effects.facts(site).inputs) take(input, this.effects.act(site, input));
    return steps;
  }

  private stepBy(input: SiteInput, { site, sent, elects, fault }: Effect, inbox: readonly number[]): CellStep {
    const places = [...new Set(sent.map((message) => this.effects.placeOf(message)))];
    const bundles = places.flatMap((place) => {
      const messages = sent.filter((message) => this.effects.placeOf(message) === place);
      return [place, this.bundles.numberOf([...new Set(messages)].sort((a, b) => a - b))];
    });
    const isCut = this.hasLinks && input.type === 'restart' && this.effects.facts(site).place === 0;
    const step = { input, cell: this.numberOf(site, isCut ? [] : inbox), bundles, elects };
    return fault === undefined ? step : { ...step, fault };
  }
}
