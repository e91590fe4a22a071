/** The log of a floor node: bytes and syncs as group commit makes them, and nothing in the bytes. */
import { promisify } from 'node:util';
import * as fs from 'node:fs';

const write = promisify(fs.write);
const sync = promisify(fs.fdatasync);

/** Appends bytes; one sync for all that was appended before it started, the next gathers meanwhile. */
export class FloorLog {
  readonly #fd: number;
  #position = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];
  #flushing = false;

  constructor(path: string) {
    this.#fd = fs.openSync(path, 'w', 0o600);
  }

  /** Bytes that go with the next sync. */
  lazy(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes that somebody waits for. */
  forced(bytes: number, run: () => void): void {
    this.#bytes += bytes;
    this.#waiting.push(run);
    if (this.#flushing) return;
    this.#flushing = true;
    // As the log that ships: what one turn appends shares its sync.
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      const batch = Buffer.alloc(this.#bytes, 'x');
      this.#waiting = [];
      this.#bytes = 0;
      await write(this.#fd, batch, 0, batch.length, this.#position);
      await sync(this.#fd);
      this.#position += batch.length;
      for (const run of waiting) run();
    }
    this.#flushing = false;
  }
}
