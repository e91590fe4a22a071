/** `parley up` as people start it, for tests: a process that is ended with all that it started. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterFileText } from '../../src/daemons/cluster-file.ts';
import { launchCommand } from './cluster.ts';
import { eventually } from './eventually.ts';
import { daemonEnvironment } from './processes.ts';
import type { ChildProcess } from 'node:child_process';
import type { ClusterConfig } from '../../src/daemons/cluster-file.ts';

/** A `parley up` that has said all that it says at its start. */
export interface UpProcess {
  readonly process: ChildProcess;
  /** All that it and its daemons wrote so far. */
  readonly text: () => string;
  /** Ports by node, from the table it prints. */
  readonly ports: () => Readonly<Record<string, number>>;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly credentialsFile: string;
  readonly dataDir: string;
}

/** Many times what an idle machine takes. */
const UP_DEADLINE = { deadlineMs: 60_000 };

/**
 * Runs `parley up` in a directory until it has said all, then `use`, and leaves no process.
 * @param options.config the cluster, whose ports are all replaced by free ones, so that two runs of the tests do not meet
 * @param options.args further arguments
 * @returns the pids of its daemons
 */
export async function withUpProcess(
  directory: string,
  { config, args }: { readonly config: ClusterConfig; readonly args: readonly string[] },
  use: (up: UpProcess) => Promise<void>,
): Promise<readonly number[]> {
  const [program = '', ...first] = launchCommand();
  const [dataDir, credentialsFile] = [join(directory, 'logs'), join(directory, 'cluster.key')];
  const files = ['--config', writeClusterFile(directory, config), '--data-dir', dataDir];
  const up = spawn(program, [...first, 'up', ...args, ...files, '--credentials', credentialsFile], {
    env: daemonEnvironment(),
  });
  let text = '';
  for (const stream of [up.stdout, up.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  const ended = new Promise<number | null>((resolve) => {
    up.once('close', (code) => resolve(code));
  });
  const rows = (): readonly RegExpMatchArray[] => [...text.matchAll(/^ {2}(\S+) +127\.0\.0\.1:(\d+) +\d+ +kill -9 /gm)];
  const ports = () => Object.fromEntries(rows().map(([, name = '', port]): [string, number] => [name, Number(port)]));
  try {
    const isUp = (): boolean => text.includes('Ctrl-C stops the cluster') || up.exitCode !== null;
    await eventually('the cluster is up', isUp, UP_DEADLINE);
    await use({ process: up, text: () => text, ports, ended, credentialsFile, dataDir });
  } catch (error) {
    if (error instanceof Error) error.message += `\n\nparley up said:\n${text}`;
    throw error;
  } finally {
    up.kill('SIGKILL');
    await ended;
  }
  return [...text.matchAll(/kill -9 (\d+)$/gm)].map(([, pid]) => Number(pid));
}

function writeClusterFile(directory: string, config: ClusterConfig): string {
  const nodes = Object.entries(config.nodes).map(([name, node]): [string, typeof node] => [name, { ...node, port: 0 }]);
  const path = join(directory, 'free-ports.json');
  writeFileSync(path, clusterFileText({ ...config, nodes: Object.fromEntries(nodes) }));
  return path;
}
