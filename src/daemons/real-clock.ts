/** The real clock of the host: monotonic milliseconds, Node's timers, Math.random. */
import type { Clock } from '../host/host.ts';

/** Longer delays make Node fire at once (its timers hold 31 bits); they are cut to this. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** One for the process. */
export const realClock: Clock = {
  // Whole milliseconds: durations travel in messages, and every number there is an integer.
  nowMs: () => Math.floor(performance.now()),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(delayMs, DELAY_MS_MAX));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
