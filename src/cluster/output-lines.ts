/**
 * The output of a child process as lines, whatever pieces it arrives in. A
 * character split between two pieces is joined again; a line that does not end
 * is delivered in parts of LINE_UNITS_MAX, so that a child gone wild cannot
 * fill the memory of its starter.
 */
import { StringDecoder } from 'node:string_decoder';

/** UTF-16 units of one delivered line; far above any line a daemon writes. */
export const LINE_UNITS_MAX = 64 * 1024;

/** Feeds lines, without their line feed, to a function. */
export class OutputLines {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes the next piece. */
  push(piece: Buffer): void {
    this.#take(this.#decoder.write(piece));
  }

  /** Delivers what stands behind the last line feed, if anything. */
  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== '') this.#onLine(this.#rest);
    this.#rest = '';
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#onLine(part.endsWith('\r') ? part.slice(0, -1) : part);
    while (this.#rest.length > LINE_UNITS_MAX) {
      this.#onLine(this.#rest.slice(0, LINE_UNITS_MAX));
      this.#rest = this.#rest.slice(LINE_UNITS_MAX);
    }
  }
}
