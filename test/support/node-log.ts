/** The write-ahead log of a node as a test reads it: by `parley log --json`, as a person would. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launchCommand } from './cluster.ts';
import { daemonEnvironment } from './processes.ts';
import type { TestCluster } from './cluster.ts';

/** One record; `type`, and mostly `number`. */
export interface LoggedRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly record: { readonly type: string; readonly number?: string; readonly [member: string]: unknown };
}

/** Every record of a node, in order. Reads only; the node may be running. */
export async function recordsOf(cluster: TestCluster, node: string): Promise<readonly LoggedRecord[]> {
  const [program = '', ...first] = launchCommand();
  const args = [...first, 'log', join(cluster.dataDir, node), '--json'];
  const { stdout } = await promisify(execFile)(program, args, { env: daemonEnvironment(), maxBuffer: 64 << 20 });
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"seq"'));
  return lines.map((line) => JSON.parse(line) as LoggedRecord);
}

/** The types of a number's records, in order; a low-water mark at it is not about it. */
export function typesOf(records: readonly LoggedRecord[], number: string): readonly string[] {
  return records
    .map(({ record }) => record)
    .flatMap(({ type, number: about }) => (about === number && type !== 'low-water' ? [type] : []));
}
