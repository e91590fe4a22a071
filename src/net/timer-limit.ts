/** Node fires a timer of 2^31 ms or more after 1 ms, so durations are cut to what it can count (24.8 days). */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** A duration that setTimeout keeps: whole, not negative, below 2^31. */
export function timerMs(durationMs: number): number {
  return Math.min(Math.max(0, Math.ceil(durationMs)), TIMER_MS_MAX);
}
