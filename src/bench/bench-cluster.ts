/**
 * Clusters to be measured: real daemons as `parley up` would start them, with
 * the default timings, in a directory of their own on free ports, with logs on
 * the disk and nothing of the lab.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { NodePlan } from '../cluster/cluster-plan.ts';
import { openCredentials } from '../net/credentials.ts';
import { parseCluster } from '../daemons/cluster-file.ts';
import type { ClusterConfig, ClusterGroup } from '../daemons/cluster-file.ts';
import type { Watched } from './process-use.ts';

/** Which cluster. */
export interface BenchClusterOptions {
  /** Directory of the run; the cluster makes one of its own in it. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly participants: number;
  /** Groups by name; P1, P2, … are the participants. */
  readonly groups: Readonly<Record<string, ClusterGroup>>;
  readonly server?: boolean;
  /** Protocol by group, as in a cluster file; 2PC when absent. */
  readonly protocol?: ClusterConfig['protocol'];
  readonly env?: Readonly<Record<string, string>>;
}

/** A cluster that runs. */
export interface BenchCluster {
  readonly config: ClusterConfig;
  readonly nodes: Cluster;
  readonly directory: string;
  /** Value of the Authorization header. */
  readonly authorization: string;
  /** Its processes, for their CPU time and memory. */
  readonly watched: readonly Watched[];
  /** Stops it and removes its directory. */
  readonly end: () => Promise<void>;
}

/** The configuration of such a cluster: every port is 0. */
export function benchConfig(
  options: Pick<BenchClusterOptions, 'participants' | 'groups' | 'server' | 'protocol'>,
): ClusterConfig {
  const node = (role: NodePlan['role']): NodePlan => ({ role, host: '127.0.0.1', port: 0 });
  const names = Array.from({ length: options.participants }, (_, index) => `P${index + 1}`);
  const nodes = {
    ...(options.server === true ? { server: node('server') } : {}),
    coordinator: node('coordinator'),
    ...Object.fromEntries(names.map((name) => [name, node('participant')])),
  };
  const protocol = options.protocol ?? { default: '2pc' };
  return parseCluster({ nodes, groups: options.groups, protocol }, 'the cluster of a benchmark');
}

/** One group for each participant, each a ledger of its own: money that moves between them moves between processes. */
export function partitionedGroups(participants: number): Readonly<Record<string, ClusterGroup>> {
  return Object.fromEntries(
    Array.from({ length: participants }, (_, index) => [
      `bank${index + 1}`,
      { resource: 'ledger', members: [`P${index + 1}`] } satisfies ClusterGroup,
    ]),
  );
}

/** Starts it and waits until every node is ready. @throws ParleyError of startCluster */
export async function startBenchCluster(options: BenchClusterOptions): Promise<BenchCluster> {
  const directory = await mkdtemp(join(options.directory, 'cluster-'));
  const credentials = join(directory, 'cluster.key');
  const { header } = openCredentials(credentials);
  const config = benchConfig(options);
  const nodes = await startCluster({
    config,
    dataDir: join(directory, 'logs'),
    command: options.command,
    env: { ...cleanEnvironment(), ...options.env },
    // What it narrates would be work that no user of a quiet cluster pays for.
    extraArgs: ['--credentials', credentials, '--log-level', 'warn'],
  });
  const watched = nodes.names.map((name) => ({ name, pid: nodes.node(name).pid }));
  const end = async (): Promise<void> => {
    await nodes.stop();
    await rm(directory, { recursive: true, force: true });
  };
  return { config, nodes, directory, authorization: header, watched, end };
}

/** This environment without the settings of whoever runs the bench. */
export function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')));
}
