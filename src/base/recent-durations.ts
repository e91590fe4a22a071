/** How long something took, the last so many times, and the percentiles of that. */

/** Percentiles by nearest rank, in milliseconds. */
export type Percentiles = { readonly p50: number; readonly p99: number; readonly most: number };

/** The last durations; older ones are pushed out. */
export class RecentDurations {
  readonly #kept: number[] = [];
  readonly #keptMax: number;
  #noted = 0;

  /** @param keptMax at least 1 */
  constructor(keptMax: number) {
    this.#keptMax = keptMax;
  }

  /** How many were noted so far, kept or not. */
  get noted(): number {
    return this.#noted;
  }

  /** Notes one more. */
  note(ms: number): void {
    this.#kept[this.#noted % this.#keptMax] = ms;
    this.#noted += 1;
  }

  /** Of those kept; null before the first. */
  percentiles(): Percentiles | null {
    const sorted = this.#kept.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
    return sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99), most: at(1) };
  }
}
