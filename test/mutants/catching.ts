/**
 * Plants bugs in a copy of the sources and lets the proofs look at it. The
 * checkout itself is never changed: a tree in the temporary folder has `src`,
 * `test` and the settings, and shares `node_modules`.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planted } from './patches.ts';
import type { Catcher, Mutant } from './patches.ts';

/** What a tree has of the checkout. */
const COPIED = ['src', 'test', 'package.json', 'tsconfig.json', 'tsconfig.test.json', '.mocharc.json'];

/** A catcher that takes longer has hung: some planted bugs make a loop endless. */
const CATCH_MS_MAX = 180_000;

/** Some planted bugs make a test wait for ever. */
const MOCHA = ['--reporter', 'dot', '--timeout', '10000'];

/** The end of an output is where the reason stands. */
const OUTPUT_CHARS_MAX = 1_000_000;

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly ms: number;
  readonly hung: boolean;
}

/** How one catcher met one mutant. */
export interface Catch {
  readonly command: string;
  readonly caught: boolean;
  /** What it saw, in a line: a seed, a number of steps, the title of a test; or why it does not count. */
  readonly seen: string;
  readonly ms: number;
}

/** A copy of the sources; see the header. */
export class Tree {
  readonly directory: string;

  /** @param root the checkout */
  constructor(root: string) {
    this.directory = mkdtempSync(join(tmpdir(), 'parley-mutants-'));
    for (const name of COPIED) cpSync(join(root, name), join(this.directory, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(this.directory, 'node_modules'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Runs with the mutant in place, and takes it out again. @throws Error when it does not apply */
  async with<T>(mutant: Mutant, use: () => Promise<T>): Promise<T> {
    const paths = [...mutant.hunks.keys()].map((path) => join(this.directory, path));
    const before = paths.map((path) => readFileSync(path, 'utf8'));
    const after = [...mutant.hunks.keys()].map((path, index) => planted(mutant, path, before[index] ?? ''));
    paths.forEach((path, index) => writeFileSync(path, after[index] ?? ''));
    try {
      return await use();
    } finally {
      paths.forEach((path, index) => writeFileSync(path, before[index] ?? ''));
    }
  }

  /** Runs the command of a catcher here, to its end or to its time limit. */
  run(command: string): Promise<Ran> {
    const startedMs = performance.now();
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
    const child = spawn(process.execPath, ['--import=tsx', ...programOf(command)], { cwd: this.directory, env });
    let output = '';
    let hung = false;
    const keep = (text: string): void => {
      output = (output + text).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const limit = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, CATCH_MS_MAX);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(limit);
        resolve({ code: code ?? 128, output, ms: performance.now() - startedMs, hung });
      });
    });
  }
}

/** The script and its arguments: mocha, or the command line of parley. */
function programOf(command: string): readonly string[] {
  const [program = '', ...args] = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((each) => each[1] ?? each[2] ?? '');
  // The reporter prints what failed and nothing else, so that a symptom cannot be found in the title of what passed.
  // A planted bug may leave a socket or a timer open, so mocha ends the process.
  if (program === 'mocha') return ['node_modules/mocha/bin/mocha.js', '--exit', ...MOCHA, ...args];
  return ['src/cli.ts', program, ...args];
}

/** How a run of a catcher on a tree with a mutant is to be taken. */
export function judgeCatch({ command, symptom }: Catcher, { code, output, ms, hung }: Ran): Catch {
  const said = (caught: boolean, seen: string): Catch => ({ command, caught, seen, ms });
  if (hung) return said(false, `it did not end within ${CATCH_MS_MAX} ms`);
  if (code === 0) return said(false, 'it noticed nothing');
  const match = symptom.exec(output);
  if (match === null) return said(false, `it failed (${code}) for another reason: ${lastLineOf(output)}`);
  const line = output.slice(output.lastIndexOf('\n', match.index) + 1, endOfLine(output, match.index));
  return said(true, line.trim().replace(/; to repeat:.*$/, ''));
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function lastLineOf(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
