/**
 * What a power cut leaves of a log, made on the real disk: the lab ends a
 * process in this state where `kill -9` alone would leave every byte that was
 * written. Bytes that no sync covered are gone, but for a torn part at the end;
 * a segment whose name no sync of the directory covered is gone too.
 *
 * It is for the process that has the directory locked, in its last moment: all
 * calls are synchronous, and nothing of the log may be used after it.
 */
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { segmentFirstSeq, TEMPORARY_SUFFIX } from './directory-layout.ts';
import type { OpenSegment } from './segment-writer.ts';

/**
 * Takes out of the log in `directory` what was not synced.
 * @param synced how much of the last segment is synced; undefined when nothing ever was
 */
export function cutPower(directory: string, synced: OpenSegment | undefined): void {
  for (const name of readdirSync(directory)) {
    const isTemporary = name.startsWith('wal-') && name.endsWith(TEMPORARY_SUFFIX);
    // Names of segments have one length, so their order is that of their first records.
    const isNewer = segmentFirstSeq(name) !== undefined && (synced === undefined || name > synced.file);
    if (isTemporary || isNewer) rmSync(join(directory, name));
  }
  if (synced === undefined) return;
  const path = join(directory, synced.file);
  const unsyncedBytes = statSync(path).size - synced.bytes;
  // Half of what was under way: a whole record may be there, and the next begun.
  if (unsyncedBytes > 0) truncateSync(path, synced.bytes + Math.floor(unsyncedBytes / 2));
}
