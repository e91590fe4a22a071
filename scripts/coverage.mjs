/**
 * `npm run coverage`: which branches of src/protocol, src/wal and src/wire the
 * tests of these folders take. Fails when a folder is below BRANCHES_MIN.
 *
 *   npm run coverage
 *   npm run coverage -- --lines    also prints every line with a branch not taken
 *
 * Measured on what tsc makes of sources and tests, in a copy: through the
 * loader that tests usually run in, branches are counted that nobody wrote.
 * Source maps lead back to the lines of src. The last branch of a switch that
 * the compiler has proved cannot be reached (`assertNever`) is not counted.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './child.mjs';
import { setUpOrExit } from './setup.mjs';

/** Percent of the branches of each folder. */
const BRANCHES_MIN = 95;
const FOLDERS = ['protocol', 'wal', 'wire'];
/** What the tests need beside their own folders. */
const COPIED = ['src', 'test', 'docs', 'package.json', 'tsconfig.json', 'tsconfig.test.json'];

await setUpOrExit();
const copy = mkdtempSync(join(tmpdir(), 'parley-coverage-'));
try {
  process.exitCode = (await measure()) ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

async function measure() {
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const compiled = await runThere('typescript/bin/tsc', ['-p', settings()]);
  if (compiled !== 0) return false;
  const c8 = ['--all', '--include=src/**', '--exclude-after-remap', '--reporter=json', '--reports-dir=coverage'];
  const mocha = [join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'), '--no-config', '--timeout=60000'];
  const tests = FOLDERS.map((folder) => `test/${folder}/**/*.test.js`);
  const code = await runThere('c8/bin/c8.js', [...c8, process.execPath, ...mocha, '--reporter=dot', ...tests]);
  if (code !== 0) return false;
  return report(JSON.parse(readFileSync(join(copy, 'coverage', 'coverage-final.json'), 'utf8')));
}

/** Compiled files stand beside their sources, so that every relative path in a test still leads where it led. */
function settings() {
  const file = join(copy, 'tsconfig.coverage.json');
  const compilerOptions = { noEmit: false, rootDir: '.', outDir: '.', sourceMap: true, declaration: false };
  const include = FOLDERS.flatMap((folder) => [`src/${folder}/**/*.ts`, `test/${folder}/**/*.ts`]);
  writeFileSync(file, JSON.stringify({ extends: './tsconfig.test.json', compilerOptions, include, exclude: [] }));
  return file;
}

async function runThere(script, args) {
  const { code } = await run(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: copy });
  return code;
}

/** Prints a row a folder; true when each is at BRANCHES_MIN or above. */
function report(files) {
  let reached = true;
  for (const folder of FOLDERS) {
    let [taken, all] = [0, 0];
    for (const [path, { branchMap, b }] of Object.entries(files)) {
      if (!path.startsWith(join(copy, 'src', folder))) continue;
      const lines = readFileSync(path, 'utf8').split('\n');
      for (const [id, { loc }] of Object.entries(branchMap)) {
        if (isUnreachable(lines, loc.start.line - 1)) continue;
        for (const count of b[id]) {
          all += 1;
          if (count > 0) taken += 1;
          else if (process.argv.includes('--lines')) say(`not taken  ${path.slice(copy.length + 1)}:${loc.start.line}`);
        }
      }
    }
    const percent = all === 0 ? 0 : (100 * taken) / all;
    if (percent < BRANCHES_MIN) reached = false;
    const verdict = percent < BRANCHES_MIN ? `, below ${BRANCHES_MIN} %` : '';
    say(`${folder.padEnd(8)}  ${taken} of ${all} branches taken: ${percent.toFixed(1)} %${verdict}`);
  }
  return reached;
}

/** `default: return assertNever(…)`. */
function isUnreachable(lines, index) {
  return /^\s*default:/.test(lines[index] ?? '') && /\bassertNever\(/.test(lines[index + 1] ?? '');
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
