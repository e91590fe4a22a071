/**
 * Planted bugs, one a file: `test/mutants/<name>.patch`. A header says what is
 * broken and what must notice; a unified diff against `src` breaks it.
 *
 * ```
 *   Name: yes-unforced-2pc
 *   Breaks: A participant of 2PC says yes before its prepared record is forced.
 *   Invariant: I1, I11
 *   Caught by: explore --protocol 2pc --participants 2 --rounds 1
 *   Symptom: VIOLATED in \d+ steps
 *
 *   --- a/src/protocol/participant-2pc.ts
 *   +++ b/src/protocol/participant-2pc.ts
 *   @@ -84,5 +84,5 @@
 * ```
 * `Caught by` is a subcommand of parley or `mocha <file> [--grep "title"]`, and
 * is followed by its `Symptom`, a regular expression that its output must
 * match; several pairs may stand there, and each must notice.
 *
 * A diff is applied by content, never by guess: the old lines of a hunk must
 * stand in the file exactly once. Line numbers are for the reader.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One command that must notice a planted bug. */
export interface Catcher {
  /** As typed, without the program: `explore …`, `simulate …`, `mocha <file> …`. */
  readonly command: string;
  /** What its output must match. */
  readonly symptom: RegExp;
}

/** One stretch of lines, as they stand and as they are to stand. */
interface Hunk {
  readonly before: string;
  readonly after: string;
}

/** One planted bug. */
export interface Mutant {
  readonly name: string;
  /** One sentence. */
  readonly breaks: string;
  /** Invariants of the checker or rules of the design that it offends. */
  readonly invariant: string;
  readonly catchers: readonly Catcher[];
  /** Path below the root of the checkout to its hunks, in order. */
  readonly hunks: ReadonlyMap<string, readonly Hunk[]>;
}

/** Every planted bug of a folder, by name. @throws Error naming the file of a patch that is not one */
export function readMutants(directory: string): Mutant[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.patch'));
  return names.sort().map((name) => parseMutant(name, readFileSync(join(directory, name), 'utf8')));
}

/** One patch file. @throws Error naming the file and what is wrong with it */
export function parseMutant(file: string, text: string): Mutant {
  const at = text.indexOf('\n--- a/');
  if (at === -1) throw new Error(`${file} has no diff.`);
  const fields = new Map<string, string>();
  const catchers: Catcher[] = [];
  let command: string | undefined;
  for (const line of text.slice(0, at).split('\n').filter(Boolean)) {
    const [, name = '', value = ''] = /^([A-Z][a-z ]*): (.+)$/.exec(line) ?? [];
    if (name === 'Symptom' && command !== undefined) {
      catchers.push({ command, symptom: new RegExp(value) });
      command = undefined;
    } else if (name === 'Caught by' && command === undefined) command = value;
    else if (['Name', 'Breaks', 'Invariant'].includes(name)) fields.set(name, value);
    else throw new Error(`${file}: this line of the header is not understood: ${line}`);
  }
  const needed = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw new Error(`${file} does not say: ${name}.`);
    return value;
  };
  if (command !== undefined || catchers.length === 0) throw new Error(`${file} names no catcher with its symptom.`);
  if (needed('Name') !== file.replace(/\.patch$/, '')) throw new Error(`${file} has another name than its file.`);
  const hunks = hunksOf(file, text.slice(at + 1));
  return { name: needed('Name'), breaks: needed('Breaks'), invariant: needed('Invariant'), catchers, hunks };
}

function hunksOf(file: string, diff: string): Map<string, Hunk[]> {
  const found = new Map<string, Hunk[]>();
  let current: Hunk[] | undefined;
  for (const part of diff.split(/^(?=--- a\/|@@ )/m)) {
    const path = /^--- a\/(src\/\S+)\n\+\+\+ b\/\1\n$/.exec(part)?.[1];
    if (path !== undefined) {
      current = [];
      found.set(path, current);
      continue;
    }
    if (current === undefined || !part.startsWith('@@ ')) throw new Error(`${file}: a part of its diff is none.`);
    const lines = part.split('\n').slice(1, -1);
    const side = (marks: string): string =>
      lines
        .filter((line) => marks.includes(line.charAt(0)))
        .map((line) => `${line.slice(1)}\n`)
        .join('');
    current.push({ before: side(' -'), after: side(' +') });
  }
  return found;
}

/** The text of a file with a mutant planted in it. @throws Error when a hunk does not fit, or fits in several places */
export function planted(mutant: Mutant, path: string, text: string): string {
  let changed = text;
  for (const { before, after } of mutant.hunks.get(path) ?? []) {
    const places = placesOf(`\n${before}`, `\n${changed}`);
    if (places !== 1) {
      const lines = before.split('\n').slice(0, 3).join('\n');
      throw new Error(
        `${mutant.name}.patch no longer applies: ${path} has these lines ${places} times, not once:\n${lines}\n` +
          'Bring the patch up to date with the code, so that it breaks the same rule again.',
      );
    }
    changed = `\n${changed}`.replace(`\n${before}`, () => `\n${after}`).slice(1);
  }
  return changed;
}

/** How often one text stands in another, also where two places share a character. */
function placesOf(wanted: string, text: string): number {
  let places = 0;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) places += 1;
  return places;
}
