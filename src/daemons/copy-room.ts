/**
 * Whether the disk can hold a copied group: it goes through the log, and later
 * into a checkpoint. A copy that does not fit would fill the disk and end the
 * process in the middle of forcing it, at every start again. How large it is
 * shows only as it comes; so it is given up while what there is of it would
 * still fit a checkpoint, and not begun again before there is room for twice
 * that.
 */
import { statfsSync } from 'node:fs';

/** Bytes that may still be written below a directory; without end where the system does not say. */
export function freeBytesOf(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    // Better to try, and to learn it from the write, than never to join.
    return Number.POSITIVE_INFINITY;
  }
}

/** The room of the copies of one learner, by group. */
export class CopyRoom {
  private readonly freeBytes: () => number;
  private readonly written = new Map<string, number>();
  /** Where the last copy of a group was given up. */
  private readonly refusedAt = new Map<string, number>();

  constructor(freeBytes: () => number) {
    this.freeBytes = freeBytes;
  }

  /**
   * Counts the next bytes of a copy; false when there is no room for them, and the copy is to be given up.
   * @param first it begins, or begins again
   */
  take(group: string, more: number, first: boolean): boolean {
    const written = first ? 0 : (this.written.get(group) ?? 0);
    const free = this.freeBytes();
    // Once into the log, and all of it into a checkpoint.
    if (written + 2 * more > free || 2 * (this.refusedAt.get(group) ?? 0) > free) {
      this.refusedAt.set(group, Math.max(this.refusedAt.get(group) ?? 0, written + more));
      return false;
    }
    this.written.set(group, written + more);
    if (written + more > (this.refusedAt.get(group) ?? 0)) this.refusedAt.delete(group);
    return true;
  }
}
