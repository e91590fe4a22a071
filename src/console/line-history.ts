/**
 * The lines a person typed, kept for the next session in a file only this user
 * can read (0600, its directory 0700). A line that begins with a blank is not
 * kept. History is a convenience: a file that cannot be used is no error.
 */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Lines offered again; the file is cut back to this when it holds twice as many. */
export const HISTORY_LINES_MAX = 1000;

/** Where a console keeps its history (XDG base directories: a relative path there is ignored). */
export function historyPath(console: string, env: Readonly<Record<string, string | undefined>>): string {
  const given = env['XDG_STATE_HOME'];
  const state = given !== undefined && isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  return join(state, 'parley', `${console}-history`);
}

/** A history file. */
export interface LineHistory {
  /** Newest first, as node:readline wants it. */
  readonly lines: readonly string[];
  /** Keeps a line, unless it begins with a blank or repeats the one before. */
  add(line: string): void;
}

/** Reads the history at `path`; undefined gives one that is kept nowhere. */
export function openHistory(path: string | undefined): LineHistory {
  const lines = path === undefined ? [] : readLines(path);
  let last = lines.at(-1);
  return {
    lines: lines.slice(-HISTORY_LINES_MAX).reverse(),
    add: (line) => {
      if (/^\s/.test(line) || line === '' || line === last) return;
      last = line;
      if (path !== undefined) tolerant(() => appendFileSync(path, `${line}\n`, { mode: 0o600 }));
    },
  };
}

function readLines(path: string): readonly string[] {
  let lines: readonly string[] = [];
  tolerant(() => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Appending nothing makes the file, and chmod mends one that others could read.
    appendFileSync(path, '', { mode: 0o600 });
    chmodSync(path, 0o600);
    lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    if (lines.length < 2 * HISTORY_LINES_MAX) return;
    lines = lines.slice(-HISTORY_LINES_MAX);
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(temporary, path);
  });
  return lines;
}

function tolerant(work: () => void): void {
  try {
    work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
