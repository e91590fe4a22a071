/**
 * `npm test [-- <mocha options> | <files and folders>]`: set-up, then mocha.
 *
 *   npm test
 *   npm test -- --grep "torn tail"
 *   npm test -- test/wal
 *
 * Without files the tests run in two lanes at once: those that start real
 * processes mostly wait, the others compute. The output of the second lane is
 * shown when the first is through, so that what is read is in one piece.
 *
 * What failed is said once more at the end, so that it is not to be looked for
 * among thousands of lines. Exits with mocha's code. Its last line is always, and only once,
 * `N passed, N failed, N skipped`: CI reads it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, run } from './child.mjs';
import { say } from './progress.mjs';
import { setUpOrExit } from './setup.mjs';

const ALL_TESTS = 'test/**/*.test.ts';
/** Folders whose tests start real processes and wait for them. */
const WAITING = ['test/processes', 'test/lab', 'test/cluster'];
/** A process that lives on after its last test has left a socket, timer or child open. */
const LINGER_MS_MAX = 15_000;
const POLL_MS = 200;

await setUpOrExit();
const directory = mkdtempSync(join(tmpdir(), 'parley-test-run-'));
try {
  process.exitCode = await runTests(process.argv.slice(2));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function runTests(given) {
  const files = given.filter(isPath).map(asPattern);
  const options = given.filter((arg) => !isPath(arg));
  const lanes = files.length > 0 ? [[...options, ...files]] : lanesOf(options);
  const held = holdBack();
  const results = await Promise.all(
    lanes.map((args, lane) =>
      runLane(args, join(directory, `counts-${lane}.json`), lane === 0 ? undefined : held.hold).finally(() => {
        if (lane === 0) held.release();
      }),
    ),
  );
  const sums = { passed: 0, failed: 0, skipped: 0 };
  for (const { counts } of results) for (const key of Object.keys(sums)) sums[key] += counts[key];
  const { passed, failed, skipped } = sums;
  for (const { counts } of results) for (const failure of counts.failures) sayFailure(failure);
  for (const { faults } of results) for (const fault of faults) say(fault);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  const code = results.find((result) => result.code !== 0)?.code ?? 0;
  return code === 0 && failed > 0 ? 1 : code;
}

/** The waiting lane is the longer one, so it is the one that is shown as it goes. */
function lanesOf(options) {
  const patterns = WAITING.filter((folder) => existsSync(join(root, folder))).map((folder) => asPattern(folder));
  if (patterns.length === 0) return [[...options, ALL_TESTS]];
  return [
    [...options, ...patterns],
    [...options, ...patterns.flatMap((pattern) => ['--ignore', pattern]), ALL_TESTS],
  ];
}

/** Keeps text until it may be shown, and passes on what comes later. */
function holdBack() {
  let waiting = '';
  let isReleased = false;
  return {
    hold: (text) => {
      if (isReleased) process.stdout.write(text);
      else waiting += text;
    },
    release: () => {
      isReleased = true;
      process.stdout.write(waiting);
      waiting = '';
    },
  };
}

/** One mocha over some tests. */
async function runLane(args, countsFile, onOutput) {
  const mochaArgs = [
    ...['--reporter', 'scripts/counting-reporter.cjs', '--reporter-option', `countsFile=${countsFile}`],
    ...(onOutput !== undefined && process.stdout.isTTY ? ['--color'] : []),
    ...args,
  ];
  const announce = `> mocha ${args.join(' ')}`;
  if (onOutput === undefined) say(announce);
  else onOutput(`${announce}\n`);
  const mocha = join(root, 'node_modules', 'mocha', 'lib', 'cli', 'cli.js');
  let watch;
  const { code } = await run(process.execPath, ['--import=tsx', mocha, ...mochaArgs], {
    onOutput,
    onStart: (child) => {
      watch = endLingering(child, countsFile);
    },
  });
  clearInterval(watch.timer);
  const counts = readCounts(countsFile);
  const faults = [];
  if (counts === undefined) faults.push(`The tests did not come to their end (${announce}); see their output.`);
  else if (watch.lingered) {
    faults.push('The tests ended but their process did not: one of them left a socket, timer or child open.');
  } else if (code !== Math.min(counts.failed, 255))
    faults.push(`The tests ended with ${counts.failed} failed and code ${code}.`);
  return {
    code: watch.lingered ? 1 : code,
    counts: counts ?? { passed: 0, failed: 1, skipped: 0, failures: [] },
    faults,
  };
}

function sayFailure({ title, file, message }) {
  const indented = message.replaceAll('\n', '\n  ');
  process.stdout.write(`FAILED ${title}\n  ${relative(root, file)}\n  ${indented}\n\n`);
}

/** Kills a mocha that has written its counts and does not end. */
function endLingering(child, countsFile) {
  const watch = { lingered: false, timer: undefined };
  let endedAt;
  watch.timer = setInterval(() => {
    if (endedAt === undefined && readCounts(countsFile) !== undefined) endedAt = performance.now();
    if (endedAt !== undefined && performance.now() - endedAt > LINGER_MS_MAX) {
      watch.lingered = true;
      child.kill('SIGKILL');
    }
  }, POLL_MS);
  return watch;
}

function readCounts(countsFile) {
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
