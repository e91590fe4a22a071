/** A node's directory for tests: opened with what the test cares for, the rest filled in. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openNodeDirectory } from '../../src/wal/node-directory.ts';
import type { NodeDirectory, NodeDirectoryOptions } from '../../src/wal/node-directory.ts';
import type { Note } from './record-builder.ts';

/** A directory that was opened, and what was seen meanwhile. */
export interface OpenedNode extends NodeDirectory<Note> {
  /** Texts of the notes replayed, in order. */
  readonly replayed: readonly string[];
  /** The last durable seq told. */
  told(): number;
}

/** Opens the directory of participant P1, without a reserve unless the options say so. */
export async function openNode(
  directory: string,
  options: Partial<NodeDirectoryOptions<Note>> = {},
): Promise<OpenedNode> {
  const replayed: string[] = [];
  let told = 0;
  const node = await openNodeDirectory<Note>({
    directory,
    name: 'P1',
    role: 'participant',
    version: '0.0.0',
    onCheckpoint: () => undefined,
    replay: ({ record }) => replayed.push(record.text),
    onDurable: (seq) => (told = seq),
    onFatal: (error) => {
      throw error;
    },
    ...options,
    limits: { reserveBytes: 0, ...options.limits },
  });
  return { ...node, replayed, told: () => told };
}

/** For directories that live on a disk in memory. */
export const noLock = (): Promise<{ release: () => Promise<void> }> =>
  Promise.resolve({ release: () => Promise.resolve() });

/** The names in a directory and the SHA-256 of each file. */
export async function fingerprint(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory)).sort();
  const sums = await Promise.all(
    names.map(async (name) =>
      createHash('sha256')
        .update(await readFile(join(directory, name)))
        .digest('hex'),
    ),
  );
  return Object.fromEntries(names.map((name, index) => [name, sums[index] ?? '']));
}

/** What a promise was rejected with; throws when it was not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not rejected');
}
