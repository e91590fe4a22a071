/**
 * One set-up at a time in one checkout. The lock is a directory that holds one
 * file, named after its owner; it is made elsewhere and renamed into place, so
 * it is never seen half made. POSIX renames a directory onto an empty one but
 * never onto a full one: taking over from a dead owner is to delete exactly
 * its file and rename again, and of several that try, one wins.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;
/** Longer than any install over a slow line; after it a person has to look. */
const WAIT_MS_MAX = 15 * 60_000;

/**
 * Waits until the lock is ours.
 * @param {string} directory where the lock lives; it exists
 * @param {(pid: number) => void} onWait called once, with the owner's pid, when there is something to wait for
 * @returns {Promise<() => void>} gives the lock back; safe to call twice
 * @throws Error when another process keeps it for WAIT_MS_MAX
 */
export async function takeSetupLock(directory, onWait) {
  const lock = join(directory, 'setup.lock');
  const mine = `owner-${process.pid}-${startOf(process.pid)}`;
  const end = performance.now() + WAIT_MS_MAX;
  let told = false;
  while (!tryToTake(directory, lock, mine)) {
    const owner = liveOwner(lock);
    if (owner === undefined) continue;
    if (!told) onWait(owner.pid);
    told = true;
    if (performance.now() > end) {
      throw new Error(`Process ${owner.pid} has been setting up for too long. If it is not, remove ${lock}.`);
    }
    await delay(POLL_MS);
  }
  const giveBack = () => {
    process.off('exit', giveBack);
    rmSync(join(lock, mine), { force: true });
    removeIfEmpty(lock);
  };
  process.on('exit', giveBack);
  return giveBack;
}

function tryToTake(directory, lock, mine) {
  const prepared = join(directory, `setup.lock.${process.pid}`);
  mkdirSync(prepared, { recursive: true });
  writeFileSync(join(prepared, mine), '');
  try {
    renameSync(prepared, lock);
    return true;
  } catch (error) {
    rmSync(prepared, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(error.code)) return false;
    throw error;
  }
}

/** The owner if it is alive; a dead one's mark is removed, and so is a lock that has none. */
function liveOwner(lock) {
  for (const name of namesIn(lock)) {
    const [, pid, start] = /^owner-(\d+)-(\d+)$/.exec(name) ?? [];
    if (pid === undefined) continue;
    if (isAlive(Number(pid)) && (start === '0' || startOf(Number(pid)) === start)) return { pid: Number(pid) };
    rmSync(join(lock, name), { force: true });
  }
  // Windows renames onto no directory, not even an empty one.
  removeIfEmpty(lock);
  return undefined;
}

function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function removeIfEmpty(directory) {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** When a process began, in clock ticks since boot, so that a reused pid is another owner; `0` where /proc is absent. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}
