/** The Date field of every frame (RFC 9110 §5.6.7). */

/** The time as HTTP says it, formatted once a second however often it is asked for. */
export class HttpDate {
  readonly #nowMs: () => number;
  #second = -1;
  #text = '';

  /** @param nowMs milliseconds since 1970 */
  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  /** For example `Sat, 21 Nov 2026 01:55:26 GMT`. */
  now(): string {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
