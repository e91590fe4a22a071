/**
 * cluster.json: which nodes there are, which groups they hold, what is opened
 * at the first start, how transactions commit by default, and every duration.
 *
 * The file is checked in two passes: its shape (unknown keys are errors, with
 * a suggestion), then what the shape cannot say: exactly one coordinator,
 * members exist and are participants, no address twice. An error names the
 * file, the key and what is allowed there.
 */
import { readFileSync } from 'node:fs';
import { ParleyError } from '../base/errors.ts';
import { clusterFault } from './cluster-rules.ts';
import { clusterShape, jsonFault, shapeFault } from './cluster-shape.ts';
import type { LimitName } from './config-limits.ts';
import type { NodeName, ProtocolName } from '../protocol/messages.ts';
import type { ResourceKind } from '../resources/resource.ts';

/** What a node does. */
export type Role = 'server' | 'coordinator' | 'participant';

/** A node as the cluster file names it. Port 0 asks for any free port (tests). */
export interface ClusterNode {
  readonly role: Role;
  readonly host: string;
  readonly port: number;
}

/** A group: its members hold the same resource. */
export interface ClusterGroup {
  readonly resource: ResourceKind;
  readonly members: readonly NodeName[];
}

/** An account opened by a transaction with a fixed id at the first start. */
export interface OpeningAccount {
  readonly account: number;
  readonly balance: number;
}

/** Every duration, in milliseconds. */
export interface Timings {
  /** How long the coordinator waits for votes; a transaction's `timeoutMs` defaults to it. */
  readonly voteTimeoutMs: number;
  /** How long a participant waits for locks before it votes no. */
  readonly lockWaitMs: number;
  /** Between two heartbeats on a link. */
  readonly heartbeatMs: number;
  /** A link without any byte for this long is dead. */
  readonly deadMs: number;
  /** Longest pause before a link is dialled again (full jitter). */
  readonly redialMsMax: number;
  /** How long a replica may answer reads, from when it sent the answered heartbeat. */
  readonly leaseMs: number;
  /** How long the coordinator waits before it takes a member out of a view; longer than the lease. */
  readonly leaseWaitMs: number;
  /** Between two sendings of a message that was not answered. */
  readonly resendMs: number;
  /** Between two questions of a participant in doubt. */
  readonly askMs: number;
  /** Before a participant starts a termination round. */
  readonly electMs: number;
  /** How long new work is held while a member joins a group. */
  readonly barrierMs: number;
  /** How long a graceful stop may take. */
  readonly drainMs: number;
  /** Between two looks at timers that need no precision. */
  readonly tickMs: number;
}

/** A checked cluster. Look nodes and groups up with nodeNamed and groupNamed, never by a bare index. */
export interface ClusterConfig {
  readonly nodes: Readonly<Record<NodeName, ClusterNode>>;
  readonly groups: Readonly<Record<string, ClusterGroup>>;
  /** Accounts to open, by group. */
  readonly opening: Readonly<Record<string, readonly OpeningAccount[]>>;
  /** Protocol by group; `default` is for all others. */
  readonly protocol: { readonly default: ProtocolName; readonly [group: string]: ProtocolName };
  readonly timings: Timings;
  /** Limits of the HTTP servers; those of LIMITS where it names none. */
  readonly limits?: { readonly [Name in LimitName]?: number | undefined } | undefined;
  /** Fault rules by node, set at every start; there, if only as an empty list, nodes take more while they run. */
  readonly faults?: readonly (Readonly<Record<string, string | number>> & { readonly node: NodeName })[] | undefined;
  /** Paths of PEM files, by which every listener and link speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string } | undefined;
}

/** Timings where the file names none. */
export const TIMINGS_DEFAULT: Timings = {
  voteTimeoutMs: 6000,
  lockWaitMs: 3000,
  heartbeatMs: 500,
  deadMs: 2000,
  redialMsMax: 1000,
  leaseMs: 1000,
  leaseWaitMs: 1500,
  resendMs: 1000,
  askMs: 1000,
  electMs: 2000,
  barrierMs: 200,
  drainMs: 10_000,
  tickMs: 250,
};

/** A cluster with which of its timings the file named itself (the rest are defaults). */
export interface ClusterFile {
  readonly config: ClusterConfig;
  readonly timingsGiven: ReadonlySet<string>;
}

/**
 * Reads and checks a cluster file.
 * @throws ParleyError `bad-config`, naming the file, the key and what is allowed
 */
export function parseClusterFile(path: string): ClusterConfig {
  return readClusterFile(path).config;
}

/** As parseClusterFile, with what `config print` wants to know beside. */
export function readClusterFile(path: string): ClusterFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ParleyError('bad-config', `The cluster file ${path} cannot be read (${why}).`, {
      cause,
      remedy: 'Give an existing file with --config, or none to use the built-in cluster.',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ParleyError('bad-config', `${path}: ${jsonFault(text, cause)}`, {
      cause,
      remedy: 'Mend the JSON there.',
    });
  }
  const config = parseCluster(value, path);
  const timings: unknown = (value as { timings?: unknown }).timings;
  return { config, timingsGiven: new Set(Object.keys(timings ?? {})) };
}

/**
 * Checks a cluster given as a JSON value.
 * @param where names the source in errors, for example the path
 * @throws ParleyError `bad-config`
 */
export function parseCluster(value: unknown, where: string): ClusterConfig {
  const parsed = clusterShape(TIMINGS_DEFAULT).safeParse(value);
  if (!parsed.success) throw new ParleyError('bad-config', `${where}: ${shapeFault(parsed.error.issues, value)}`);
  const config: ClusterConfig = parsed.data;
  const fault = clusterFault(config);
  if (fault !== undefined) throw new ParleyError('bad-config', `${where}: ${fault}`);
  return config;
}

/** The cluster that runs when there is no file: three participants, each with all three resources. */
export function defaultCluster(): ClusterConfig {
  const member = (port: number): ClusterNode => ({ role: 'participant', host: '127.0.0.1', port });
  const members = ['P1', 'P2', 'P3'];
  return {
    nodes: {
      server: { role: 'server', host: '127.0.0.1', port: 7000 },
      coordinator: { role: 'coordinator', host: '127.0.0.1', port: 7100 },
      P1: member(7201),
      P2: member(7202),
      P3: member(7203),
    },
    groups: {
      bank: { resource: 'ledger', members },
      chat: { resource: 'history', members },
      notes: { resource: 'notebook', members },
    },
    opening: {
      bank: [
        { account: 1, balance: 1000 },
        { account: 2, balance: 1000 },
      ],
    },
    protocol: { default: '2pc', chat: '3pc' },
    timings: TIMINGS_DEFAULT,
  };
}

/** The text of a cluster file that reads back as this cluster: `parley up` gives it to its children. */
export function clusterFileText(config: ClusterConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

/**
 * The same cluster with `count` participants P1, P2, … on consecutive ports,
 * each a member of every group (`parley up --backends N`).
 */
export function withBackends(config: ClusterConfig, count: number): ClusterConfig {
  const first = namesOfRole(config, 'participant').map((name) => nodeNamed(config, name))[0];
  const { host, port } = first ?? { host: '127.0.0.1', port: 7201 };
  const others = Object.entries(config.nodes).filter(([, node]) => node.role !== 'participant');
  const members = Array.from({ length: count }, (_, index) => `P${index + 1}`);
  const participants = members.map((name, index): [string, ClusterNode] => [
    name,
    { role: 'participant', host, port: port === 0 ? 0 : port + index },
  ]);
  const groups = Object.entries(config.groups).map(([name, group]): [string, ClusterGroup] => [
    name,
    { ...group, members },
  ]);
  return parseCluster(
    { ...config, nodes: Object.fromEntries([...others, ...participants]), groups: Object.fromEntries(groups) },
    `the cluster with ${count} backends`,
  );
}

/** The same cluster with one protocol for every group (`parley up --protocol P`). */
export function withProtocol(config: ClusterConfig, protocol: ProtocolName): ClusterConfig {
  return { ...config, protocol: { default: protocol } };
}

/** The node of this name, or undefined; a name such as `constructor` finds nothing. */
export function nodeNamed(config: ClusterConfig, name: NodeName): ClusterNode | undefined {
  return Object.hasOwn(config.nodes, name) ? config.nodes[name] : undefined;
}

/** The group of this name, or undefined. */
export function groupNamed(config: ClusterConfig, name: string): ClusterGroup | undefined {
  return Object.hasOwn(config.groups, name) ? config.groups[name] : undefined;
}

/** Names of the nodes of a role, in the file's order. */
export function namesOfRole(config: ClusterConfig, role: Role): readonly NodeName[] {
  return Object.entries(config.nodes).flatMap(([name, node]) => (node.role === role ? [name] : []));
}
