/**
 * One limit of time at a time, by name: the same name again does not start it anew, so it counts in all.
 *
 * Limits come and go with every request and seldom run out. So a timer once
 * set stays until it is due, or an earlier one is needed; then it is looked at
 * what the limit is by now. None passes early.
 */
import { timerMs } from './timer-limit.ts';

/** See the header. */
export class Deadline<Name extends string> {
  readonly #onPassed: (what: Name) => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  /** When the timer calls, in milliseconds of the monotonic clock. */
  #calledAtMs = 0;
  #running: Name | undefined = undefined;
  #dueAtMs = 0;

  constructor(onPassed: (what: Name) => void) {
    this.#onPassed = onPassed;
  }

  /** Starts a limit unless it is the one that runs; another one is given up. */
  arm(what: Name, durationMs: number): void {
    if (this.#running === what) return;
    this.#running = what;
    const nowMs = performance.now();
    this.#dueAtMs = nowMs + durationMs;
    if (this.#timer !== undefined && this.#calledAtMs <= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#setTimer(nowMs);
  }

  /** Gives the limit up; another may follow. */
  disarm(): void {
    this.#running = undefined;
  }

  /** Gives the limit up for good: no timer is left. */
  end(): void {
    this.#running = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #setTimer(nowMs: number): void {
    const delayMs = timerMs(Math.max(1, Math.ceil(this.#dueAtMs - nowMs)));
    this.#calledAtMs = nowMs + delayMs;
    this.#timer = setTimeout(this.#look, delayMs);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const what = this.#running;
    if (what === undefined) return;
    const nowMs = performance.now();
    if (nowMs < this.#dueAtMs) this.#setTimer(nowMs);
    else this.#onPassed(what);
  };
}
