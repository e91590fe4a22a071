/**
 * `npm test [-- <mocha options> | <files and folders>]`: set-up, then mocha.
 *
 *   npm test
 *   npm test -- --grep "torn tail"
 *   npm test -- test/wal
 *
 * Exits with mocha's code. Its last line is always, and only once,
 * `N passed, N failed, N skipped`: CI reads it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './child.mjs';
import { say } from './progress.mjs';
import { setUpOrExit } from './setup.mjs';

const ALL_TESTS = 'test/**/*.test.ts';
/** A process that lives on after its last test has left a socket, timer or child open. */
const LINGER_MS_MAX = 15_000;
const POLL_MS = 200;

await setUpOrExit();
const directory = mkdtempSync(join(tmpdir(), 'parley-test-run-'));
const countsFile = join(directory, 'counts.json');
try {
  process.exitCode = await runMocha(process.argv.slice(2));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function runMocha(given) {
  const files = given.filter(isPath).map(asPattern);
  const mochaArgs = [
    ...['--reporter', 'scripts/counting-reporter.cjs', '--reporter-option', `countsFile=${countsFile}`],
    ...given.filter((arg) => !isPath(arg)),
    ...(files.length > 0 ? files : [ALL_TESTS]),
  ];
  say(`> mocha ${[...given.filter((arg) => !isPath(arg)), ...(files.length > 0 ? files : [ALL_TESTS])].join(' ')}`);
  const mocha = join(root, 'node_modules', 'mocha', 'lib', 'cli', 'cli.js');
  let watch;
  const { code } = await run(process.execPath, ['--import=tsx', mocha, ...mochaArgs], {
    onStart: (child) => {
      watch = endLingering(child);
    },
  });
  clearInterval(watch.timer);
  const counts = readCounts();
  if (counts === undefined) say('The tests did not come to their end; see above.');
  if (watch.lingered) say('The tests ended but their process did not: one of them left a socket, timer or child open.');
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 1, skipped: 0 };
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  if (watch.lingered) return 1;
  return code === 0 && failed > 0 ? 1 : code;
}

/** Kills a mocha that has written its counts and does not end. */
function endLingering(child) {
  const watch = { lingered: false, timer: undefined };
  let endedAt;
  watch.timer = setInterval(() => {
    if (endedAt === undefined && readCounts() !== undefined) endedAt = performance.now();
    if (endedAt !== undefined && performance.now() - endedAt > LINGER_MS_MAX) {
      watch.lingered = true;
      child.kill('SIGKILL');
    }
  }, POLL_MS);
  return watch;
}

function readCounts() {
  try {
    return JSON.parse(readFileSync(countsFile, 'utf8'));
  } catch {
    // Not there yet, or half written: mocha is still at it.
    return undefined;
  }
}

/** An option's value can look like anything, so only what exists, or is a pattern of test files, counts as a path. */
function isPath(arg) {
  return !arg.startsWith('-') && (arg.includes('.test.ts') || existsSync(join(root, arg)));
}

function asPattern(path) {
  const isFolder = existsSync(join(root, path)) && statSync(join(root, path)).isDirectory();
  return isFolder ? `${path.replace(/\/+$/, '')}/**/*.test.ts` : path;
}
