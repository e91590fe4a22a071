/**
 * Signals that stop a cluster: the first asks for a graceful stop, a second
 * for an end at once.
 *
 * Ctrl-C under npm arrives twice, from the terminal and forwarded by npm, at
 * almost the same time. No person presses that fast, so what comes within
 * SAME_PRESS_MS of the first is the first.
 */

/** Signals that stop; SIGHUP says that the terminal is gone. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A signal within so long of the first is the first once more. */
export const SAME_PRESS_MS = 300;

/** A signal that stops. */
export type StopSignal = (typeof SIGNALS)[number];

/** Listens from its making to dispose(). */
export class StopSignals {
  readonly #listener: (signal: NodeJS.Signals) => void;

  constructor(told: { readonly onFirst: (signal: StopSignal) => void; readonly onSecond: () => void }) {
    let firstAtMs: number | undefined;
    this.#listener = (signal) => {
      const atMs = performance.now();
      if (firstAtMs === undefined) {
        firstAtMs = atMs;
        told.onFirst(SIGNALS.find((known) => known === signal) ?? 'SIGTERM');
      } else if (atMs - firstAtMs > SAME_PRESS_MS) told.onSecond();
    };
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  /** Gives the signals back to whoever else listens. */
  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }
}
