/** One line that says how far a long run is; nothing at all where no terminal is. */
import type { Writable } from 'node:stream';

const WIDTH = 24;
/** Before this share is done, the time left cannot be told. */
const TELLING_SHARE_MIN = 0.03;

/** See the header. */
export class ProgressBar {
  readonly #output: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #isShown = false;

  constructor(output: Writable & { readonly isTTY?: boolean; readonly columns?: number }, nowMs: () => number) {
    this.#output = output;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  /** @param done from 0 to 1 */
  show(doing: string, done: number): void {
    if (this.#output.isTTY !== true) return;
    const filled = Math.round(Math.max(0, Math.min(1, done)) * WIDTH);
    const bar = `${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}`;
    const line = `[${bar}] ${String(Math.floor(done * 100)).padStart(3)} %${this.#timeLeft(done)}  ${doing}`;
    this.#output.write(`\r\u001b[K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    this.#isShown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isShown) this.#output.write('\r\u001b[K');
    this.#isShown = false;
  }

  #timeLeft(done: number): string {
    if (done < TELLING_SHARE_MIN) return '';
    const leftS = Math.round((((this.#nowMs() - this.#startedMs) / done) * (1 - done)) / 1000);
    return leftS < 60 ? `, ${leftS} s left` : `, ${Math.ceil(leftS / 60)} min left`;
  }
}
