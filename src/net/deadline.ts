/** One limit of time at a time, by name: the same name again does not start it anew, so it counts in all. */
import { timerMs } from './timer-limit.ts';

/** See the header. */
export class Deadline<Name extends string> {
  readonly #onPassed: (what: Name) => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #running: Name | undefined = undefined;

  constructor(onPassed: (what: Name) => void) {
    this.#onPassed = onPassed;
  }

  /** Starts a limit unless it is the one that runs; another one is given up. */
  arm(what: Name, durationMs: number): void {
    if (this.#running === what) return;
    clearTimeout(this.#timer);
    this.#running = what;
    this.#timer = setTimeout(() => this.#onPassed(what), timerMs(durationMs));
  }

  disarm(): void {
    clearTimeout(this.#timer);
    this.#running = undefined;
  }
}
