/**
 * What every writer here does with a file: write all of it in spite of short
 * writes, and put a new file in place so that after a power cut it is there
 * whole or not at all: temporary name, sync, rename, sync the directory.
 */
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { TEMPORARY_SUFFIX } from './directory-layout.ts';
import type { Disk, OpenMode } from './disk.ts';

const ERRNO = /^E[A-Z0-9]+$/;

/** The errno name of a file-system error, for example `ENOSPC`; `unknown` for anything else. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && ERRNO.test(code) ? code : 'unknown';
}

/** True when the disk or the user's share of it is full. */
export function isDiskFull(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

/** Writes all bytes; a short write is gone on with, and shows its cause by the next one. */
export async function writeFully(disk: Disk, fd: number, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const count = await disk.write(fd, bytes.subarray(written), position + written);
    // A disk that takes nothing and names no error would be asked for ever.
    if (count === 0) throw Object.assign(new Error('EIO: the disk took no byte'), { code: 'EIO' });
    written += count;
  }
}

/** Opens, uses, closes. */
export async function withFile<T>(
  disk: Disk,
  path: string,
  mode: OpenMode,
  use: (fd: number) => Promise<T>,
): Promise<T> {
  const fd = await disk.open(path, mode);
  try {
    return await use(fd);
  } finally {
    await disk.close(fd);
  }
}

/** Length and CRC-32 of a file that was written. */
export interface WrittenFile {
  readonly bytes: number;
  readonly crc: number;
}

/** Writes a whole new file, in place of an older one of that name if there is one. */
export async function writeFileDurably(
  disk: Disk,
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<WrittenFile> {
  const temporary = `${path}${TEMPORARY_SUFFIX}`;
  let written: WrittenFile;
  try {
    written = await withFile(disk, temporary, 'create', (fd) => writeChunks(disk, fd, chunks));
  } catch (error) {
    // On a full disk the part that was written must not keep its space.
    if (isDiskFull(error)) await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  await disk.rename(temporary, path);
  await syncedDirectory(disk, dirname(path));
  return written;
}

/**
 * A file that has its name already can be undone no more. So a full disk says something else here than before: nobody
 * knows whether the new file or the old one will be there, which is a failed sync.
 */
async function syncedDirectory(disk: Disk, directory: string): Promise<void> {
  try {
    await disk.syncDirectory(directory);
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    throw Object.assign(new Error(`EIO: the directory is not synced (${errnoOf(cause)})`, { cause }), { code: 'EIO' });
  }
}

async function writeChunks(
  disk: Disk,
  fd: number,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<WrittenFile> {
  let bytes = 0;
  let crc = 0;
  for await (const chunk of chunks) {
    await writeFully(disk, fd, chunk, bytes);
    bytes += chunk.byteLength;
    crc = crc32(chunk, crc);
  }
  await disk.sync(fd);
  return { bytes, crc };
}

const COPY_BYTES = 1_048_576;

/** The bytes of an open file from `start` to `end`, a piece at a time; each piece is the caller's to keep. */
export async function* readRange(disk: Disk, fd: number, start: number, end: number): AsyncGenerator<Buffer> {
  let position = start;
  while (position < end) {
    const into = Buffer.allocUnsafe(Math.min(COPY_BYTES, end - position));
    const count = await disk.read(fd, into, position);
    if (count === 0) return;
    yield into.subarray(0, count);
    position += count;
  }
}
