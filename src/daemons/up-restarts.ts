/** How long `parley up --restart` waits before it starts a dead daemon again. */

/** Doubled while a daemon keeps dying soon after its start. */
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 10_000;
/** A daemon that ran this long was well. */
const WELL_MS = 5000;

/** Remembers of each node how often in a row it died soon after its start. */
export class RestartPauses {
  readonly #quickDeaths = new Map<string, number>();

  /** The pause in milliseconds after a death. @param ranMs how long the process had run */
  afterDeath(name: string, ranMs: number): number {
    const quick = ranMs < WELL_MS ? (this.#quickDeaths.get(name) ?? 0) + 1 : 0;
    this.#quickDeaths.set(name, quick);
    return Math.min(PAUSE_MS_MIN * 2 ** Math.max(0, quick - 1), PAUSE_MS_MAX);
  }
}
