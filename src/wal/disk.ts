/**
 * The file system as the log needs it, and nothing more: a port, so that a
 * test can make a write short, a disk full, a sync slow or failing. Paths are
 * whole paths; files are made 0600 and directories 0700; errors are Node's own,
 * with their `code` (ENOSPC, EIO…).
 */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** `read` and `write` need the file to exist; `create` makes it or empties it. */
export type OpenMode = 'read' | 'write' | 'create';

/** The port. `realDisk` below is the one that ships. */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<number>;
  /** Reads into the whole of `into` or less; 0 at the end of the file. */
  read(fd: number, into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` or less, and says how many. */
  write(fd: number, bytes: Uint8Array, position: number): Promise<number>;
  /** Data and size reach the disk (fdatasync). */
  sync(fd: number): Promise<void>;
  truncate(fd: number, bytes: number): Promise<void>;
  size(fd: number): Promise<number>;
  close(fd: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  /** Makes the directory and what is missing above it; answers the topmost one made. */
  makeDirectory(path: string): Promise<string | undefined>;
  /** Names in the directory reach the disk (fsync of the directory). */
  syncDirectory(path: string): Promise<void>;
  /** Makes an empty file at once, without waiting: for the last moment of a process. */
  touchNow(path: string): void;
}

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC,
};
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

const open = promisify(fs.open);
const close = promisify(fs.close);
const read = promisify(fs.read);
const write = promisify(fs.write);
const fsync = promisify(fs.fsync);

/** The disk of this machine. */
export const realDisk: Disk = {
  open: (path, mode) => open(path, FLAGS[mode], FILE_MODE),
  read: async (fd, into, position) => (await read(fd, into, 0, into.byteLength, position)).bytesRead,
  write: async (fd, bytes, position) => (await write(fd, bytes, 0, bytes.byteLength, position)).bytesWritten,
  sync: promisify(fs.fdatasync),
  truncate: promisify(fs.ftruncate),
  size: async (fd) => (await promisify(fs.fstat)(fd)).size,
  close,
  rename: fs.promises.rename,
  remove: fs.promises.unlink,
  list: (directory) => fs.promises.readdir(directory),
  makeDirectory: makeDirectories,
  syncDirectory: async (path) => {
    const fd = await open(path, fs.constants.O_RDONLY);
    try {
      await fsync(fd);
    } finally {
      await close(fd);
    }
  },
  touchNow: (path) => {
    fs.closeSync(fs.openSync(path, FLAGS.create, FILE_MODE));
  },
};

/**
 * `mkdir -p`. Node's own, `recursive: true`, never returns where the directory
 * above is there and the system still answers ENOENT, as below /proc.
 */
async function makeDirectories(path: string): Promise<string | undefined> {
  try {
    return (await makeOne(path)) ? path : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
  }
  const above = await makeDirectories(dirname(path));
  return (await makeOne(path)) ? (above ?? path) : above;
}

/** False when the directory was there already. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await fs.promises.mkdir(path, DIRECTORY_MODE);
    return true;
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (isThere && (await fs.promises.stat(path)).isDirectory()) return false;
    throw error;
  }
}
