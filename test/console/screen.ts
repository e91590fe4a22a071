/** As much of a terminal as readline draws on: text that wraps, and the few cursor movements it uses. */
import { Writable } from 'node:stream';

/** A screen of `columns`; `rows` are what a person sees, without blanks at the end. */
export class Screen extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  /** All bytes that were written. */
  raw = '';
  readonly #cells: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    super();
    this.columns = columns;
  }

  get rows(): readonly string[] {
    const texts = this.#cells.map((cells) =>
      Array.from(cells, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    );
    while (texts.at(-1) === '') texts.pop();
    return texts;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const text = chunk.toString('utf8');
    this.raw += text;
    const token = /\u001b\[(\d*)([A-HJK])|\r|\n|[^\u001b\r\n]/gu;
    for (const [whole, count, command] of text.matchAll(token)) {
      if (command !== undefined)
        this.#control(command, count === '' || count === undefined ? undefined : Number(count));
      else if (whole === '\r') this.#column = 0;
      else if (whole === '\n') this.#down();
      else this.#put(whole);
    }
    done();
  }

  #down(): void {
    this.#row += 1;
    this.#column = 0;
    this.#cells[this.#row] ??= [];
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#down();
    (this.#cells[this.#row] ??= [])[this.#column] = character;
    this.#column += 1;
  }

  #control(command: string, count: number | undefined): void {
    const cells = this.#cells[this.#row] ?? [];
    if (command === 'A') this.#row = Math.max(0, this.#row - (count ?? 1));
    else if (command === 'B') this.#row += count ?? 1;
    else if (command === 'C') this.#column += count ?? 1;
    else if (command === 'D') this.#column = Math.max(0, this.#column - (count ?? 1));
    else if (command === 'G') this.#column = (count ?? 1) - 1;
    else if (command === 'K') cells.length = Math.min(cells.length, count === 2 ? 0 : this.#column);
    else if (command === 'J') {
      cells.length = Math.min(cells.length, this.#column);
      this.#cells.length = this.#row + 1;
    } else throw new Error(`the screen does not know ${command}`);
  }
}
