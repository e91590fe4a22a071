/**
 * Which attempts were applied to which groups, so that a second commit of one
 * changes nothing. The coordinator's low-water number says below which
 * everything is decided and acknowledged; nobody asks to commit those again,
 * so they are forgotten here.
 */
import { compareNumbers, numberParts } from '../base/ids.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { compareAttempts } from './attempt-order.ts';
import { storedList, storedObject, storedString } from './stored-json.ts';

/** Forgotten attempts are swept out when this many are remembered, then at twice what was left: O(1) each. */
const SWEEP_SIZE_MIN = 1024;

/** The applied attempts of one participant. */
export class AppliedNumbers {
  readonly #groups = new Map<AttemptNumber, readonly string[]>();
  /** Incarnation → its low-water number. */
  readonly #lowWater = new Map<string, AttemptNumber>();

  /** By group: the list that holds it alone. */
  readonly #single = new Map<string, readonly string[]>();
  #sweepSize = SWEEP_SIZE_MIN;

  /** Attempts that are remembered one by one. */
  get size(): number {
    return this.#groups.size;
  }

  add(number: AttemptNumber, groups: readonly string[]): void {
    const before = this.#groups.get(number);
    if (before === undefined) {
      this.#groups.set(number, this.#shared(groups));
      return;
    }
    this.#groups.set(number, [...before, ...groups.filter((group) => !before.includes(group))]);
  }

  /** Most attempts touch one group, and always one of a few: they share its list. */
  #shared(groups: readonly string[]): readonly string[] {
    const [only] = groups;
    if (only === undefined || groups.length > 1) return [...new Set(groups)];
    const known = this.#single.get(only);
    if (known !== undefined) return known;
    const made = [only];
    this.#single.set(only, made);
    return made;
  }

  /** True when this attempt was applied to this group, as far as is remembered. */
  has(number: AttemptNumber, group: string): boolean {
    return this.#groups.get(number)?.includes(group) ?? false;
  }

  /** True when the attempt was applied, or lies below the low-water number of its incarnation. */
  isPast(number: AttemptNumber): boolean {
    return this.#groups.has(number) || this.#isForgotten(number);
  }

  /** Forgets the attempts below `lowWater` of the same incarnation; others are left. An older low-water changes nothing. */
  forgetBelow(lowWater: AttemptNumber): void {
    const parts = numberParts(lowWater);
    if (parts === undefined || this.#isForgotten(lowWater)) return;
    this.#lowWater.set(parts.incarnation, lowWater);
    if (this.#groups.size < this.#sweepSize) return;
    this.#sweep();
    this.#sweepSize = Math.max(SWEEP_SIZE_MIN, 2 * this.#groups.size);
  }

  /** Takes every attempt's mark for this group away; the attempts stay known. */
  dropGroup(group: string): void {
    for (const [number, groups] of this.#groups) {
      if (groups.includes(group))
        this.#groups.set(
          number,
          groups.filter((name) => name !== group),
        );
    }
  }

  state(): { readonly numbers: readonly Json[]; readonly lowWater: readonly Json[] } {
    this.#sweep();
    const numbers = [...this.#groups.keys()].sort(compareAttempts);
    return {
      numbers: numbers.map((number) => ({ number, groups: [...(this.#groups.get(number) ?? [])].sort() })),
      lowWater: [...this.#lowWater.values()].sort(compareAttempts),
    };
  }

  /** @throws ParleyError `checkpoint-corrupt` */
  restore(state: Json | undefined): void {
    this.#groups.clear();
    this.#lowWater.clear();
    const { numbers, lowWater } = storedObject(state, 'Applied numbers');
    for (const stored of storedList(numbers, 'Applied numbers, numbers')) {
      const entry = storedObject(stored, 'An applied number');
      const groups = storedList(entry['groups'], 'Groups of an applied number');
      this.add(
        storedString(entry['number'], 'An applied number'),
        groups.map((group) => storedString(group, 'A group')),
      );
    }
    for (const stored of storedList(lowWater, 'Low-water numbers'))
      this.forgetBelow(storedString(stored, 'A low-water number'));
  }

  #sweep(): void {
    for (const number of this.#groups.keys()) if (this.#isForgotten(number)) this.#groups.delete(number);
  }

  #isForgotten(number: AttemptNumber): boolean {
    const parts = numberParts(number);
    const floor = parts === undefined ? undefined : numberParts(this.#lowWater.get(parts.incarnation) ?? '');
    return parts !== undefined && floor !== undefined && compareNumbers(parts, floor) < 0;
  }
}
