/**
 * One process per directory. The lock is a listening socket, because the
 * kernel takes it back the moment its process dies, however it dies: there is
 * no stale lock to reason about, and no pid that may have been given to
 * somebody else. Whoever connects is told the pid of the holder.
 *
 * On Linux it is an abstract unix socket named by device and inode of the
 * directory, so it does not matter by which path the directory is reached.
 * Abstract names belong to a network namespace: two containers that share a
 * directory but not a network are not kept apart by it.
 *
 * Elsewhere it is a socket file in the directory. Such a file outlives its
 * process; it is stale when nobody answers on it.
 */
import { promises as fs } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { errnoOf } from './durable-file.ts';
import type { Server } from 'node:net';

/** A lock that is held. */
export interface DirectoryLock {
  release(): Promise<void>;
}

const SOCKET_FILE = 'lock.sock';
/** The holder may be stopped or busy; the error must come within a second with or without its pid. */
const ANSWER_WITHIN_MS = 300;

/**
 * Takes the lock of an existing directory.
 * @param platform as process.platform; chooses the kind of socket
 * @throws ParleyError `directory-busy` naming the holder's pid when it tells it
 */
export async function lockDirectory(directory: string, platform: NodeJS.Platform): Promise<DirectoryLock> {
  const abstract = platform === 'linux';
  const address = abstract ? await abstractName(directory) : join(directory, SOCKET_FILE);
  const server = (await listen(address)) ?? (abstract ? undefined : await replaceStale(address));
  if (server === undefined) throw await busy(directory, address);
  // The lock alone must not keep a process alive that has nothing else to do.
  server.unref();
  return { release: () => new Promise((released) => server.close(() => released())) };
}

async function abstractName(directory: string): Promise<string> {
  const { dev, ino } = await fs.stat(directory, { bigint: true });
  return `\0parley-${dev}-${ino}`;
}

/** Undefined when somebody else has the address. */
function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`${process.pid}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (errnoOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}

async function replaceStale(address: string): Promise<Server | undefined> {
  if ((await askHolder(address)) !== 'nobody') return undefined;
  await fs.rm(address, { force: true });
  const server = await listen(address);
  // Another process may have found the same stale file: the one whose file stands is the holder.
  if (server === undefined || (await askHolder(address)) === String(process.pid)) return server;
  await new Promise((closed) => server.close(closed));
  return undefined;
}

/** The pid that the holder tells; `silent` when it does not in time; `nobody` when none listens. */
function askHolder(address: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(address);
    socket.setTimeout(ANSWER_WITHIN_MS, () => finish('silent'));
    const finish = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      if (answer.includes('\n')) finish(/^\d{1,10}\n/.test(answer) ? answer.trim() : 'silent');
    });
    socket.on('error', (error) => finish(['ECONNREFUSED', 'ENOENT'].includes(errnoOf(error)) ? 'nobody' : 'silent'));
    socket.on('close', () => resolve('silent'));
  });
}

async function busy(directory: string, address: string): Promise<ParleyError> {
  const pid = await askHolder(address);
  const holder = /^\d+$/.test(pid) ? `process ${pid}` : 'a process that does not tell its pid';
  return new ParleyError('directory-busy', `${directory} is in use by ${holder}.`);
}
