/**
 * Words that do not belong in a file. The words are written here in pieces, so
 * that this file passes its own rules and a search for them.
 */
import type { TextFile } from './source-tree.ts';

const CODE = /^(?:src|test|scripts|bin)\//;
const UNFINISHED = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`);
const UNTYPED = new RegExp(
  [
    `\\bas an${'y'}\\b`,
    `<an${'y'}>`,
    ...['ignore', 'nocheck'].map((word) => `@ts${'-'}${word}`),
    `eslint${'-'}disable`,
  ].join('|'),
);
const FOCUSED = new RegExp(`\\b(?:describe|it|context)\\.${'only'}\\(`);
/** Absolute paths of a machine on which Parley was once built. */
const MACHINE_PATH = /\/(?:work|farm)\//;
const REGISTRY = /"resolved":\s*"https?:/;

/** Notes of work left undone. */
export function unfinishedWork(files: readonly TextFile[]): string[] {
  return matches(files, CODE, UNFINISHED, 'work left undone; do it, or open an issue');
}

/** Ways around the type checker and the linter. */
export function waysAroundTheChecks(files: readonly TextFile[]): string[] {
  return matches(files, CODE, UNTYPED, 'a way around the checks; mend what they found');
}

/** Tests that keep all others from running. */
export function focusedTests(files: readonly TextFile[]): string[] {
  return matches(files, /^test\//, FOCUSED, 'a focused test keeps the others from running');
}

/** Paths that exist on one machine only. */
export function machinePaths(files: readonly TextFile[]): string[] {
  return matches(files, /./, MACHINE_PATH, 'a path of one machine');
}

/** Download addresses in the lockfile: npm must use the registry of whoever installs. */
export function registryHosts(files: readonly TextFile[]): string[] {
  return matches(files, /^package-lock\.json$/, REGISTRY, 'a download address in the lockfile');
}

/** What the README does not show of the two commands. */
export function missingFromReadme(files: readonly TextFile[]): string[] {
  const readme = files.find(({ path }) => path === 'README.md')?.text ?? '';
  return ['npm start', 'npm test']
    .filter((command) => !readme.includes(command))
    .map((command) => `README.md: ${command}`);
}

function matches(files: readonly TextFile[], where: RegExp, what: RegExp, why: string): string[] {
  return files
    .filter(({ path }) => where.test(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        const found = what.exec(line);
        return found === null ? [] : [`${path}:${index + 1}: "${found[0].trim()}": ${why}`];
      }),
    );
}
