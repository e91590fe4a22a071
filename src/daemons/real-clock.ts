/** The real clock of the host: monotonic milliseconds, Node's timers, Math.random. */
import type { Clock } from '../host/host.ts';

/** Longer delays make Node fire at once (its timers hold 31 bits); they are cut to this. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** Delays from here on are of timeouts that seldom run out: thousands of them share the timers of Node. */
const SHARED_DELAY_MS_MIN = 250;
/** What is due within so many milliseconds runs together, at the end of them: never early, and at most this late. */
const GRAIN_MS = 20;

/** What is due at one moment, in the order of arming. */
interface Moment {
  readonly timer: NodeJS.Timeout;
  readonly runs: Set<{ readonly run: () => void }>;
}

/** By the grain in which they are due. */
const moments = new Map<number, Moment>();

/** As setTimeout, a little later: arming and disarming, which every transaction does, are a look into a map. */
function afterShared(delayMs: number, run: () => void): () => void {
  const nowMs = performance.now();
  const grain = Math.ceil((nowMs + delayMs) / GRAIN_MS);
  let moment = moments.get(grain);
  if (moment === undefined) {
    const runs: Moment['runs'] = new Set();
    const timer = setTimeout(
      () => {
        moments.delete(grain);
        // One that an earlier one disarms has left the set by the time it would run.
        for (const one of runs) one.run();
      },
      grain * GRAIN_MS - nowMs + 1,
    );
    moment = { timer, runs };
    moments.set(grain, moment);
  }
  const { timer, runs } = moment;
  const entry = { run };
  runs.add(entry);
  return () => {
    if (!runs.delete(entry) || runs.size > 0 || moments.get(grain)?.runs !== runs) return;
    clearTimeout(timer);
    moments.delete(grain);
  };
}

/** One for the process. */
export const realClock: Clock = {
  // Whole milliseconds: durations travel in messages, and every number there is an integer.
  nowMs: () => Math.floor(performance.now()),
  after: (delayMs, run) => {
    if (delayMs >= SHARED_DELAY_MS_MIN && delayMs < DELAY_MS_MAX - GRAIN_MS) return afterShared(delayMs, run);
    const timer = setTimeout(run, Math.min(delayMs, DELAY_MS_MAX));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
