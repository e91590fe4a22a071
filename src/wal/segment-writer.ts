/**
 * Puts one batch at a time at the end of the log and onto the disk. Knows of
 * bytes, segments and a full disk; not of records or waiters.
 *
 * A batch goes to the end of the current segment, or, when that is full, into
 * a new one: temporary name, write, sync, rename, sync the directory. So a
 * segment that has its name holds at least one batch, and the one before it
 * was complete and synced earlier.
 *
 * On a full disk the partial write is cut off, the reserve is released and the
 * batch is written once more. No error of a sync is ever followed by another
 * attempt: after it, nobody knows what the disk holds.
 */
import { join } from 'node:path';
import { TEMPORARY_SUFFIX, segmentFile } from './directory-layout.ts';
import { isDiskFull, writeFully } from './durable-file.ts';
import type { Disk } from './disk.ts';
import type { Reserve } from './reserve.ts';

/** The segment to go on with, as it was found at the start. */
export interface OpenSegment {
  readonly file: string;
  readonly bytes: number;
}

/** Where to write, and what to fall back on. */
export interface SegmentWriterOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly segmentBytesMax: number;
  readonly reserve: Reserve;
  /** Undefined in a fresh directory. */
  readonly segment: OpenSegment | undefined;
}

interface CurrentFile {
  readonly fd: number;
  readonly file: string;
  /** All of these bytes are synced. */
  bytes: number;
}

/** A batch of whole lines. */
export interface Batch {
  readonly bytes: Buffer;
  readonly firstSeq: number;
}

/** Writes batch after batch; never two at a time. */
export class SegmentWriter {
  private readonly options: SegmentWriterOptions;
  private current: CurrentFile | undefined;

  constructor(options: SegmentWriterOptions) {
    this.options = options;
  }

  /** The segment that is written to, or was last. */
  get file(): string {
    return this.current?.file ?? this.options.segment?.file ?? segmentFile(1);
  }

  /** How much of the last segment is synced, name and all; undefined before there is any. */
  get synced(): OpenSegment | undefined {
    return this.current ?? this.options.segment;
  }

  /**
   * Resolves when every byte of the batch is on the disk.
   * @param beforeSync called when all is written and nothing is synced
   * @throws the disk's error; the log must then end
   */
  async put(batch: Batch, beforeSync: () => void): Promise<void> {
    const current = this.current ?? (await this.openFound());
    const fits = current !== undefined && current.bytes + batch.bytes.length <= this.options.segmentBytesMax;
    if (current !== undefined && (fits || current.bytes === 0)) await this.extend(current, batch, beforeSync);
    else await this.begin(batch, beforeSync);
  }

  async close(): Promise<void> {
    const current = this.current;
    this.current = undefined;
    if (current !== undefined) await this.options.disk.close(current.fd);
  }

  private async openFound(): Promise<CurrentFile | undefined> {
    const { disk, directory, segment } = this.options;
    if (segment === undefined) return undefined;
    this.current = { fd: await disk.open(join(directory, segment.file), 'write'), ...segment };
    return this.current;
  }

  private async extend(current: CurrentFile, batch: Batch, beforeSync: () => void): Promise<void> {
    const { disk } = this.options;
    await this.writeOrRelease(
      () => writeFully(disk, current.fd, batch.bytes, current.bytes),
      () => disk.truncate(current.fd, current.bytes),
    );
    beforeSync();
    await disk.sync(current.fd);
    current.bytes += batch.bytes.length;
  }

  private async begin(batch: Batch, beforeSync: () => void): Promise<void> {
    const { disk, directory } = this.options;
    const file = segmentFile(batch.firstSeq);
    const temporary = join(directory, `${file}${TEMPORARY_SUFFIX}`);
    let fd: number | undefined;
    const write = async (): Promise<number> => {
      fd = await disk.open(temporary, 'create');
      await writeFully(disk, fd, batch.bytes, 0);
      return fd;
    };
    const undo = async (): Promise<void> => {
      if (fd === undefined) return;
      await disk.close(fd);
      await disk.remove(temporary);
    };
    const written = await this.writeOrRelease(write, undo);
    beforeSync();
    await disk.sync(written);
    await disk.rename(temporary, join(directory, file));
    await disk.syncDirectory(directory);
    await this.close();
    this.current = { fd: written, file, bytes: batch.bytes.length };
  }

  /** Writes; on a full disk undoes, releases the reserve, and writes once more. */
  private async writeOrRelease<T>(write: () => Promise<T>, undo: () => Promise<void>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // Never append behind a partial record: cut first, whatever comes next.
      await undo();
      if (!(await this.options.reserve.release())) throw error;
      return write();
    }
  }
}
