/**
 * What `parley up` shows: the lines of its daemons, each behind its node's
 * name, and its own. Lines of a daemon keep their stream; control characters
 * in them are shown, not obeyed.
 *
 * ```
 *   coordinator │ ready
 *   P1          │ ready
 * ```
 */
import { Chalk, supportsColor } from 'chalk';
import { printable } from '../console/printable.ts';
import type { ChalkInstance } from 'chalk';
import type { Writable } from 'node:stream';
import type { DaemonLine } from '../cluster/spawn.ts';

/** Neighbours in the list differ, also for people who see red and green alike. */
const COLOURS = ['cyan', 'yellow', 'magenta', 'blue', 'green'] as const;

/** The output of one `parley up`. */
export class UpScreen {
  readonly #output: Writable;
  readonly #errorOutput: Writable;
  readonly #chalk: ChalkInstance;
  readonly #prefixes: ReadonlyMap<string, string>;
  #silent = false;

  /** @param options.colours false for none; else as the terminal allows */
  constructor(options: {
    readonly output: Writable;
    readonly errorOutput: Writable;
    readonly names: readonly string[];
    readonly colours: boolean;
  }) {
    this.#output = options.output;
    this.#errorOutput = options.errorOutput;
    this.#chalk = new Chalk({ level: options.colours && supportsColor !== false ? supportsColor.level : 0 });
    const width = Math.max(...options.names.map((name) => name.length));
    this.#prefixes = new Map(
      options.names.map((name, index) => {
        const colour = COLOURS[index % COLOURS.length] ?? 'cyan';
        return [name, this.#chalk[colour](`${name.padEnd(width)} │ `)];
      }),
    );
  }

  /** A line a daemon wrote. */
  daemonLine({ node, stream, text }: DaemonLine): void {
    this.#write(stream === 'stdout' ? this.#output : this.#errorOutput, this.#prefix(node) + printable(text));
  }

  /** A line of this process about its cluster. */
  say(text = ''): void {
    this.#write(this.#output, text);
  }

  /** A line that a person should see first, with space above it. */
  heading(text: string): void {
    this.say();
    this.say(this.#chalk.bold(text));
  }

  /** Something that went wrong. */
  fault(text: string): void {
    this.#write(this.#errorOutput, this.#chalk.red(printable(text)));
  }

  /** Rows in columns, the first of them as head. */
  table(rows: readonly (readonly string[])[]): void {
    for (const line of tableLines(rows)) this.say(`  ${line}`);
  }

  /** Writes nothing from now on: the terminal is gone. */
  silence(): void {
    this.#silent = true;
  }

  #prefix(node: string): string {
    return this.#prefixes.get(node) ?? '';
  }

  #write(stream: Writable, line: string): void {
    if (!this.#silent) stream.write(`${line}\n`);
  }
}

/** Rows as lines whose columns stand below each other. */
export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
