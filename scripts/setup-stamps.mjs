/**
 * What is up to date. Two stamps, each inside the directory that it vouches
 * for, so that whatever removes the directory removes the stamp:
 * `node_modules/.parley-setup.json` {lock, platform} and
 * `dist/.parley-build.json` {sources}.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.mjs';

const MODULES_STAMP = join(root, 'node_modules', '.parley-setup.json');
const BUILD_STAMP = '.parley-build.json';
const PLATFORM = `${process.platform}-${process.arch}`;
/** The web page has a build of its own. */
const NOT_COMPILED = new Set(['web']);

/** True when node_modules holds what package-lock.json asks for, on this kind of machine. */
export function dependenciesAreCurrent() {
  const stamp = readJson(MODULES_STAMP);
  if (stamp !== undefined) return stamp.lock === lockHash() && stamp.platform === PLATFORM;
  if (!installedMatchesLock()) return false;
  // Somebody ran npm ci by hand, or a cache brought node_modules along: nothing to repeat.
  stampDependencies();
  return true;
}

/** Says that node_modules fits the lockfile as it is now. */
export function stampDependencies() {
  writeFileSync(MODULES_STAMP, `${JSON.stringify({ lock: lockHash(), platform: PLATFORM })}\n`);
}

/** True when dist was built from the sources as they are now. */
export function buildIsCurrent() {
  return readJson(join(root, 'dist', BUILD_STAMP))?.sources === sourcesHash();
}

/** Says, inside a finished build, what it was made from. */
export function stampBuild(directory, sources) {
  writeFileSync(join(directory, BUILD_STAMP), `${JSON.stringify({ sources })}\n`);
}

/** One hash over the path and bytes of all that a build is made from. */
export function sourcesHash() {
  const hash = createHash('sha256');
  for (const path of ['tsconfig.json', 'package-lock.json', 'scripts/bundle.mjs', ...filesUnder('src')]) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

function filesUnder(folder) {
  const found = [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !(folder === 'src' && NOT_COMPILED.has(entry.name))) found.push(...filesUnder(path));
    if (entry.isFile()) found.push(path);
  }
  return found;
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Compares the lockfile with npm's own record of what it installed, package by package. */
function installedMatchesLock() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  const known = Object.keys(installed).every((path) => path in wanted && existsSync(join(root, path)));
  return known && Object.entries(wanted).every(([path, entry]) => path === '' || fits(entry, installed[path]));
}

function fits(wanted, installed) {
  if (installed !== undefined) return wanted.version === installed.version && wanted.integrity === installed.integrity;
  return wanted.optional === true && !isForThisMachine(wanted);
}

/** A package with a choice of C library is left to npm: its absence proves nothing. */
function isForThisMachine({ os, cpu, libc }) {
  const takes = (list, value) => list === undefined || list.includes(value);
  return libc === undefined && takes(os, process.platform) && takes(cpu, process.arch);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Absent or cut short: either way it vouches for nothing.
    return undefined;
  }
}
