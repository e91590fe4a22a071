/**
 * Attempts that hold their locks but wait for something that earlier ones
 * reserved: one line per key, in the order of arrival. When an attempt that
 * used the key has ended, the line is tried from its head; the first that
 * still waits there ends the try, since those behind it want more of the same
 * and find less.
 */
import type { Attempt } from './attempt.ts';

/** The lines of one participant, by prefixed key. */
export class WaitLines {
  readonly #lines = new Map<string, Attempt[]>();

  /** Puts an attempt into the line of the key it waits for. */
  add(key: string, attempt: Attempt): void {
    const line = this.#lines.get(key) ?? [];
    this.#lines.set(key, line);
    let place = line.length;
    while (place > 0 && (line[place - 1]?.arrival ?? 0) > attempt.arrival) place -= 1;
    line.splice(place, 0, attempt);
  }

  /** True when nobody waits. */
  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  head(key: string): Attempt | undefined {
    return this.#lines.get(key)?.[0];
  }

  remove(key: string, attempt: Attempt): void {
    const line = this.#lines.get(key) ?? [];
    const place = line.indexOf(attempt);
    if (place >= 0) line.splice(place, 1);
    if (line.length === 0) this.#lines.delete(key);
  }
}
