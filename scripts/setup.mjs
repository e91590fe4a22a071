/**
 * Makes a checkout ready: dependencies, build, the command `parley`. Needs
 * Node and nothing installed. What is up to date is not repeated, and then it
 * says nothing. Two at once are safe: the second waits and finds it done.
 *
 *   node scripts/setup.mjs [--verbose] [--quiet] [--rebuild]
 *
 * Exit codes: 0 ready, 1 an install or a build failed, 2 usage or a Node that
 * is too old.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run } from './child.mjs';
import { say, step } from './progress.mjs';
import { takeSetupLock } from './setup-lock.mjs';
import { buildIsCurrent, dependenciesAreCurrent, sourcesHash, stampBuild, stampDependencies } from './setup-stamps.mjs';

/** The oldest Node this runs on, as in package.json `engines`. */
const NODE_OLDEST = { major: 20, minor: 19 };
const OUTPUT_LINES_SHOWN = 30;

/** Why set-up ended, in words for a person, and the exit code of the script. */
export class SetupFailure extends Error {
  constructor(exitCode, message) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Does what is missing.
 * @param {{quiet?: boolean, verbose?: boolean, rebuild?: boolean}} [options]
 *   `quiet` shows failures only; `verbose` also says that nothing was to do; `rebuild` builds in any case
 * @returns {Promise<{installed: boolean, built: boolean}>}
 * @throws SetupFailure
 */
export async function setUp({ quiet = false, verbose = false, rebuild = false } = {}) {
  requireNode();
  if (!rebuild && dependenciesAreCurrent() && buildIsCurrent()) {
    linkCommand();
    if (verbose) say('setup: dependencies, build and command are up to date');
    return { installed: false, built: false };
  }
  // Credentials live here too, so it is for its owner only.
  mkdirSync(join(root, '.parley'), { recursive: true, mode: 0o700 });
  const giveBack = await takeSetupLock(join(root, '.parley'), (pid) => {
    if (!quiet) say(`setup: process ${pid} is setting up this checkout; waiting for it`);
  });
  try {
    // The one we waited for may have done it all.
    const installed = !dependenciesAreCurrent();
    if (installed) await install({ quiet });
    linkCommand();
    const built = rebuild || !buildIsCurrent();
    if (built) await build({ quiet });
    return { installed, built };
  } finally {
    giveBack();
  }
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_OLDEST.major || (major === NODE_OLDEST.major && minor >= NODE_OLDEST.minor)) return;
  const wanted = `${NODE_OLDEST.major}.${NODE_OLDEST.minor}`;
  throw new SetupFailure(2, `Parley needs Node ${wanted} or newer; this is ${process.versions.node}. See nodejs.org.`);
}

async function install({ quiet }) {
  requireOwnPackages();
  rmSync(join(root, 'node_modules', '.parley-setup.json'), { force: true });
  // NODE_ENV=production would leave out the compiler and the tests.
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const npm = npmCommand();
  const { code, output } = await step(
    {
      doing: 'setup: installing dependencies (npm ci)',
      done: (result) => (result.code === 0 ? 'setup: dependencies installed' : undefined),
      quiet,
    },
    () => run(npm.command, [...npm.args, ...args], { capture: true, shell: npm.shell }),
  );
  if (code !== 0) {
    throw new SetupFailure(
      1,
      `npm ci failed with exit code ${code}. It said last:\n${lastLines(output)}\n` +
        'See that the registry can be reached (npm ping) and that package.json and package-lock.json agree, ' +
        'then run: npm run setup',
    );
  }
  stampDependencies();
}

/** npm ci empties node_modules before it fills it; through a link it would empty that of another checkout. */
function requireOwnPackages() {
  const packages = join(root, 'node_modules');
  if (lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new SetupFailure(
    1,
    `${packages} is a link to ${realpathSync(packages)}, which does not fit this package-lock.json. ` +
      'Installing would delete what is there. Remove the link, or bring the checkout that it leads to up to date.',
  );
}

/** Under `npm start` npm says where it is; beside a Node of nodejs.org it is in a known place; else the shell finds it. */
function npmCommand() {
  const beside = dirname(process.execPath);
  const places = [
    process.env.npm_execpath ?? '',
    join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(beside, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const cli = places.find((place) => basename(place) === 'npm-cli.js' && existsSync(place));
  if (cli !== undefined) return { command: process.execPath, args: [cli], shell: false };
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/** Compiles beside dist and swaps when all is there, so that a crash leaves the old build or none, never a mixed one. */
async function build({ quiet }) {
  const [dist, next, old] = ['dist', 'dist.next', 'dist.old'].map((name) => join(root, name));
  const sources = sourcesHash();
  rmSync(next, { recursive: true, force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'lib', 'tsc.js');
  const { code, output } = await step(
    {
      doing: 'setup: building (tsc)',
      done: (result) => (result.code === 0 ? 'setup: built' : undefined),
      quiet,
    },
    () => run(process.execPath, [compiler, '-p', 'tsconfig.json', '--outDir', next], { capture: true }),
  );
  if (code !== 0) {
    rmSync(next, { recursive: true, force: true });
    throw new SetupFailure(
      1,
      `The compiler refused src. It said:\n${lastLines(output)}\n` +
        'Mend these lines, or go back to a version that builds (git status shows what changed), then run: npm run setup',
    );
  }
  // Loaded here, since it needs what may only just have been installed.
  await (await import('./bundle.mjs')).bundle(next);
  stampBuild(next, sources);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
}

/** npm links the commands of dependencies but not a package's own; `npx parley` looks in node_modules/.bin. */
function linkCommand() {
  const bin = join(root, 'node_modules', '.bin');
  const link = join(bin, process.platform === 'win32' ? 'parley.cmd' : 'parley');
  if (existsSync(link)) return;
  mkdirSync(bin, { recursive: true });
  if (process.platform === 'win32') {
    writeFileSync(link, '@node "%~dp0\\..\\..\\bin\\parley.mjs" %*\r\n');
    return;
  }
  try {
    symlinkSync(join('..', '..', 'bin', 'parley.mjs'), link);
  } catch (error) {
    // Another set-up made it a moment ago.
    if (error.code !== 'EEXIST') throw error;
  }
}

function lastLines(output) {
  const lines = output.trimEnd().split('\n').slice(-OUTPUT_LINES_SHOWN);
  return lines.map((line) => `  ${line}`).join('\n');
}

/** Runs set-up for another script; a failure is told and ends the process with its exit code. */
export async function setUpOrExit(options) {
  try {
    return await setUp(options);
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    say(`setup: ${error.message}`);
    process.exit(error.exitCode);
  }
}

function optionsOf(args) {
  const options = { quiet: false, verbose: false, rebuild: false };
  for (const arg of args) {
    const name = arg.replace(/^--/, '');
    if (!arg.startsWith('--') || !Object.hasOwn(options, name)) {
      say(`setup: it does not take ${arg}. Usage: node scripts/setup.mjs [--verbose] [--quiet] [--rebuild]`);
      process.exit(2);
    }
    options[name] = true;
  }
  return options;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await setUpOrExit(optionsOf(process.argv.slice(2)));
}
