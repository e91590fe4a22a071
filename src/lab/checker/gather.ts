/**
 * Reads what the checker needs from a run directory, or from a bare directory
 * of data directories (`logs/`) with no run.json. Only reads, and takes no
 * lock, so a cluster may be running; then every log is read twice, and only
 * what the first reading saw is held against other logs (NodeLog.settledSeq).
 *
 * Damage is a fault of that log, never an error: what can be read is checked.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ParleyError } from '../../base/errors.ts';
import type { Json } from '../../base/canonical-json.ts';
import { openCheckpointStore } from '../../wal/checkpoint.ts';
import type { Checkpoint, CheckpointStore } from '../../wal/checkpoint.ts';
import { segmentFile } from '../../wal/directory-layout.ts';
import { realDisk } from '../../wal/disk.ts';
import { readLines } from '../../wal/line-reader.ts';
import { firstNeeded, listSegments, readable, scanLog } from '../../wal/log-scanner.ts';
import { decodeRecord } from '../../wal/record-codec.ts';
import { readRunDirectory } from '../run-directory.ts';
import type { RunDescription } from '../run-directory.ts';
import type { CheckedCheckpoint, CheckedRecord, CheckInput, LogFault, NodeLog } from './input.ts';

/** Where a node's log is, and whose it is said to be. */
interface NodeDirectory {
  readonly name: string;
  readonly role: NodeLog['role'] | undefined;
  readonly directory: string;
}

/**
 * Reads a run.
 * @throws ParleyError `directory-unusable` when there is nothing to read at all
 */
export async function gatherRun(directory: string): Promise<CheckInput> {
  const { run, history, final, faults } = await readRunDirectory(directory);
  const found = await nodeDirectories(directory, run);
  const missing = (run?.nodes ?? [])
    .filter(({ role, name }) => role !== 'server' && !found.some((node) => node.name === name))
    .map(({ name }) => ({ file: name, what: 'there is no log of this node' }));
  if (found.length === 0 && run === undefined) {
    throw new ParleyError('directory-unusable', `${directory} holds no run and no log of a node.`, {
      remedy: 'Give a run directory, or one that holds data directories such as logs/.',
    });
  }
  const settled = new Map<string, number>();
  for (const node of found) settled.set(node.directory, await lastSeqOf(node.directory));
  const nodes: NodeLog[] = [];
  for (const node of found) nodes.push({ ...(await readNode(node)), settledSeq: settled.get(node.directory) ?? 0 });
  return { nodes, history, final, run, faults: [...faults, ...missing] };
}

/** Directories with a log in them: those that run.json names, else every one below (or the directory itself). */
async function nodeDirectories(directory: string, run: RunDescription | undefined): Promise<readonly NodeDirectory[]> {
  const candidates: NodeDirectory[] =
    run?.nodes.map(({ name, role, directory: own }) => ({ name, role, directory: join(directory, own) })) ??
    [directory, ...(await subdirectories(directory))].map((path) => ({
      name: basename(path),
      role: undefined,
      directory: path,
    }));
  const found: NodeDirectory[] = [];
  for (const candidate of candidates) if (await hasLog(candidate.directory)) found.push(candidate);
  return found;
}

async function subdirectories(directory: string): Promise<string[]> {
  const entries = await readable(directory, () => readdir(directory, { withFileTypes: true }));
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .sort();
}

async function hasLog(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    return names.includes('checkpoint.json') || (await listSegments(realDisk, directory)).length > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return false;
    throw error;
  }
}

async function lastSeqOf(directory: string): Promise<number> {
  const { checkpoint } = await readCheckpoint(directory);
  const { last } = await scanLog({ disk: realDisk, directory, checkpoint, onRecord: () => undefined });
  return last.seq;
}

async function readNode({ name, role, directory }: NodeDirectory): Promise<NodeLog> {
  const faults: LogFault[] = [];
  const { checkpoint, store, fault } = await readCheckpoint(directory);
  if (fault !== undefined) faults.push({ what: fault, file: 'checkpoint.json' });
  const { verdict } = await scanLog({ disk: realDisk, directory, checkpoint, onRecord: () => undefined });
  // What a kill leaves, or the line that a running node is writing, is no fault.
  const tornAt = verdict.kind === 'torn' ? verdict : undefined;
  if (verdict.kind === 'corrupt') {
    const { file, seq, reason } = verdict;
    faults.push({ what: reason, file, seq });
  }
  const records: CheckedRecord[] = [];
  const all = await listSegments(realDisk, directory);
  for (const firstSeq of all.slice(firstNeeded(all, checkpoint?.seq ?? 0))) {
    await readSegment(directory, segmentFile(firstSeq), tornAt, records);
  }
  const contents =
    checkpoint === undefined || store === undefined ? undefined : await contentsOf(checkpoint, store, faults);
  const whose = whoseLog(records, checkpoint);
  return {
    name: whose?.name ?? name,
    role: roleOf(role ?? whose?.role),
    records,
    ...(contents === undefined ? {} : { checkpoint: contents }),
    ...(faults.length === 0 ? {} : { faults }),
  };
}

async function readSegment(
  directory: string,
  file: string,
  torn: { readonly file: string; readonly offset: number } | undefined,
  records: CheckedRecord[],
): Promise<void> {
  const path = join(directory, file);
  let line = 0;
  await readable(path, () =>
    readLines(realDisk, path, (bytes, offset) => {
      line += 1;
      if (torn?.file === file && torn.offset === offset) return 'stop';
      const decoded = decodeRecord(bytes);
      if (decoded.outcome === 'record') {
        const { seq, epoch, prev, checksum, record } = decoded;
        records.push({ seq, epoch, prev, checksum, record, file, line });
      }
      return 'next';
    }),
  );
}

async function readCheckpoint(directory: string): Promise<{
  readonly checkpoint: Checkpoint | undefined;
  readonly store?: CheckpointStore;
  readonly fault?: string;
}> {
  try {
    const store = await openCheckpointStore(realDisk, directory);
    return { checkpoint: store.current, store };
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== 'checkpoint-corrupt') throw error;
    return { checkpoint: undefined, fault: error.message };
  }
}

/** The lines of the data files by kind, those of the resources by group (src/host/resource-lines.ts says how they stand). */
async function contentsOf(
  checkpoint: Checkpoint,
  store: CheckpointStore,
  faults: LogFault[],
): Promise<CheckedCheckpoint> {
  const lines = new Map<string, Json[]>();
  for (const entry of checkpoint.dataFiles) {
    const own = lines.get(entry.kind) ?? [];
    lines.set(entry.kind, own);
    try {
      await store.readDataFile(entry, (line) => own.push(line));
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      faults.push({ what: error.message, file: entry.name });
    }
  }
  const { seq, epoch, incarnation, checksum } = checkpoint;
  const protocol = (lines.get('protocol') ?? []).filter(isRecord);
  return {
    seq,
    epoch,
    incarnation,
    checksum,
    protocol,
    outcomes: [...(lines.get('outcomes') ?? []), ...(lines.get('labels') ?? [])],
    resources: groupedLines(lines.get('resources') ?? []),
  };
}

function isRecord(line: Json): line is Json & { readonly type: string } {
  return typeof line === 'object' && line !== null && 'type' in line && typeof line['type'] === 'string';
}

function groupedLines(lines: readonly Json[]): CheckedCheckpoint['resources'] {
  const groups: { readonly group: string; readonly kind: string; readonly lines: Json[] }[] = [];
  for (const line of lines) {
    if (typeof line !== 'object' || line === null || Array.isArray(line)) continue;
    const { group, kind, line: own } = line as Readonly<Record<string, Json>>;
    if (typeof group === 'string' && typeof kind === 'string') groups.push({ group, kind, lines: [] });
    else if (own !== undefined) groups.at(-1)?.lines.push(own);
  }
  return groups;
}

function whoseLog(
  records: readonly CheckedRecord[],
  checkpoint: Checkpoint | undefined,
): { readonly name: string; readonly role: string } | undefined {
  const start = records.find(({ record }) => record.type === 'start')?.record as
    { readonly name?: unknown; readonly role?: unknown } | undefined;
  if (typeof start?.name === 'string' && typeof start.role === 'string') return { name: start.name, role: start.role };
  return checkpoint;
}

function roleOf(role: string | undefined): NodeLog['role'] {
  return role === 'coordinator' || role === 'server' ? role : 'participant';
}
