/**
 * Makes a log fit to be appended to, after log-scanner.ts has read it and found
 * nothing corrupt. Nothing is thrown away: a torn tail is copied aside, and the
 * copy is on disk, before the cut.
 *
 * After a sync that failed, the kernel may have marked pages clean that never
 * reached the disk: a later sync of the same file would report success and
 * write nothing. So then the valid records of the last segment go into a new
 * file (the marker `sync-failed` in the directory says so). The marker needs no
 * sync of its own: it matters only as long as this page cache lives.
 */
import { join } from 'node:path';
import { SYNC_FAILED_FILE, isTemporary } from './directory-layout.ts';
import { readRange, withFile, writeFileDurably } from './durable-file.ts';
import type { Disk } from './disk.ts';
import type { Segment, Verdict } from './log-scanner.ts';

/** A tail that was cut, for one line of warning. */
export interface RepairedTail {
  readonly file: string;
  readonly offset: number;
  /** The record that would have stood there. It never happened: no sync covered it, so nobody was told. */
  readonly seq: number;
  readonly bytes: number;
  readonly reason: string;
  /** Where the bytes are kept. */
  readonly keptAs: string;
}

/** What the scan found, and where. */
export interface RepairOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly verdict: Exclude<Verdict, { kind: 'corrupt' }>;
  readonly segments: readonly Segment[];
  /** For the name of the copy. */
  readonly now: Date;
}

/**
 * Removes half-written files, cuts the torn tail if there is one, and syncs
 * what was read, so that no decision is taken on bytes that a power cut could
 * still undo.
 * @throws the disk's own error when a write or a sync fails
 */
export async function repairLog(options: RepairOptions): Promise<RepairedTail | undefined> {
  const { disk, directory, verdict } = options;
  const names = await disk.list(directory);
  // First of all, since what follows makes files of such names itself.
  for (const name of names.filter(isTemporary)) await disk.remove(join(directory, name));
  const tail = verdict.kind === 'torn' ? await keepTail(options, verdict, names) : undefined;
  const last = options.segments.at(-1);
  if (last !== undefined) {
    if (names.includes(SYNC_FAILED_FILE)) await rewriteSegment(disk, directory, last);
    else await cutAndSync(disk, join(directory, last.file), last.bytes);
  }
  if (names.includes(SYNC_FAILED_FILE)) await disk.remove(join(directory, SYNC_FAILED_FILE));
  await disk.syncDirectory(directory);
  return tail;
}

async function keepTail(
  { disk, directory, now }: RepairOptions,
  torn: Extract<Verdict, { kind: 'torn' }>,
  names: readonly string[],
): Promise<RepairedTail> {
  const { file, offset, seq, reason, suspectBytes } = torn;
  const keptAs = freeName(`${file}.torn-${now.toISOString().replaceAll(/[-:.]/g, '')}`, names);
  await withFile(disk, join(directory, file), 'read', (fd) =>
    writeFileDurably(disk, join(directory, keptAs), readRange(disk, fd, offset, offset + suspectBytes)),
  );
  return { file, offset, seq, reason, bytes: suspectBytes, keptAs };
}

function freeName(wanted: string, names: readonly string[]): string {
  let name = wanted;
  for (let copy = 2; names.includes(name); copy += 1) name = `${wanted}-${copy}`;
  return name;
}

async function cutAndSync(disk: Disk, path: string, bytes: number): Promise<void> {
  await withFile(disk, path, 'write', async (fd) => {
    if ((await disk.size(fd)) > bytes) await disk.truncate(fd, bytes);
    await disk.sync(fd);
  });
}

async function rewriteSegment(disk: Disk, directory: string, segment: Segment): Promise<void> {
  const path = join(directory, segment.file);
  await withFile(disk, path, 'read', (fd) => writeFileDurably(disk, path, readRange(disk, fd, 0, segment.bytes)));
}
