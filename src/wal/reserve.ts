/**
 * Space kept back for a full disk: a file of real bytes beside the log. When a
 * write finds the disk full, the file is emptied and the write is done in the
 * space that came free, so that what was promised can still be finished. Until
 * the file could be filled again, the log takes no new work.
 *
 * ```
 *   full --release()--> empty --fill()--> full
 *                         ^______________ | (still no space: empty again)
 * ```
 */
import { randomBytes } from 'node:crypto';
import { withFile, writeFully } from './durable-file.ts';
import type { Disk } from './disk.ts';

/** Small pieces, so that a release does not wait long for a fill under way. */
const PIECE_BYTES = 262_144;

/** The reserve of one directory. */
export class Reserve {
  private readonly disk: Disk;
  private readonly path: string;
  private readonly bytes: number;
  private state: 'empty' | 'filling' | 'full' = 'empty';
  private filling: Promise<void> = Promise.resolve();

  constructor(options: { readonly disk: Disk; readonly path: string; readonly bytes: number }) {
    this.disk = options.disk;
    this.path = options.path;
    this.bytes = options.bytes;
  }

  get full(): boolean {
    return this.state === 'full';
  }

  /** Makes the space free. False when there was none to free. */
  async release(): Promise<boolean> {
    const had = this.state !== 'empty';
    this.state = 'empty';
    await this.filling;
    if (had) await this.empty();
    return had;
  }

  /** Takes the space again if it can be had; never throws. */
  async fill(): Promise<void> {
    if (this.state !== 'empty') return;
    this.state = 'filling';
    this.filling = this.fillOnce();
    await this.filling;
  }

  private async fillOnce(): Promise<void> {
    try {
      if ((await this.isThere()) || (await this.writeAll())) this.state = 'full';
    } catch {
      // No space, or a disk in trouble: either way there is no reserve, and the log will meet the trouble itself.
      await this.empty();
      this.state = 'empty';
    }
  }

  /** Resolves when no fill is under way. */
  settled(): Promise<void> {
    return this.filling;
  }

  /** True when an earlier process left it full. */
  private async isThere(): Promise<boolean> {
    try {
      const size = await withFile(this.disk, this.path, 'read', (fd) => this.disk.size(fd));
      return size === this.bytes && this.state === 'filling';
    } catch {
      return false; // Not there, which is what was asked.
    }
  }

  /** False when a release came between. */
  private async writeAll(): Promise<boolean> {
    // Random, so that no file system can store it in less; written, since a hole takes no space.
    const piece = randomBytes(Math.min(PIECE_BYTES, this.bytes));
    await withFile(this.disk, this.path, 'create', async (fd) => {
      for (let position = 0; position < this.bytes && this.state === 'filling'; position += PIECE_BYTES) {
        await writeFully(this.disk, fd, piece.subarray(0, this.bytes - position), position);
      }
      if (this.state === 'filling') await this.disk.sync(fd);
    });
    return this.state === 'filling';
  }

  private async empty(): Promise<void> {
    try {
      await withFile(this.disk, this.path, 'create', (fd) => this.disk.sync(fd));
    } catch {
      // Nothing more can be freed; the write that needed the space will say so.
    }
  }
}
