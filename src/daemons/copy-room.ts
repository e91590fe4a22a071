/**
 * Whether the disk can hold a copied group: it goes through the log, and later
 * into a checkpoint. A copy that does not fit would fill the disk and end the
 * process in the middle of forcing it, at every start again; so it is refused
 * before its first record, and the coordinator asks again later.
 */
import { statfsSync } from 'node:fs';
import type { Json } from '../base/canonical-json.ts';

/** What the node is told of a copy that is whole. */
export type CopyEnd =
  | {
      readonly type: 'copy-finished';
      readonly group: string;
      readonly attempt: number;
      readonly lines: readonly Json[];
    }
  | { readonly type: 'copy-failed'; readonly group: string; readonly attempt: number };

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

/** The end of a copy: finished when there is room for it in the log and in a checkpoint. */
export function copyEnd(group: string, attempt: number, lines: readonly Json[], freeBytes: number): CopyEnd {
  const bytes = lines.reduce((sum: number, line) => sum + Buffer.byteLength(JSON.stringify(line)), 0);
  return 2 * bytes <= freeBytes
    ? { type: 'copy-finished', group, attempt, lines }
    : { type: 'copy-failed', group, attempt };
}
