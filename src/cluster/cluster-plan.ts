/**
 * What a cluster of child processes is made from, and what it reports. Of a
 * cluster file only the nodes are known here; daemons read the rest themselves.
 */
import type { ClientTls } from '../net/tls.ts';
import type { DaemonLine, Exit, Stopped } from './spawn.ts';

/** A node to start; port 0 takes any free port. */
export interface NodePlan {
  readonly role: 'server' | 'coordinator' | 'participant';
  readonly host: string;
  readonly port: number;
}

/** What is known here of a cluster file: its nodes. The daemons read the rest themselves. */
export interface ClusterPlan {
  readonly nodes: Readonly<Record<string, NodePlan>>;
}

/** What differs for one node. */
export interface NodeOverride {
  /** Arguments of every start. */
  readonly args?: readonly string[];
  /** Arguments of the first start only, such as a crash point that must not be armed again. */
  readonly firstArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A node that ended; `asked` when this cluster told it to. */
export interface NodeEnd {
  readonly name: string;
  readonly exit: Exit;
  readonly asked: boolean;
  /** How long it ran. */
  readonly ranMs: number;
}

/** How to start a cluster. */
export interface ClusterOptions {
  readonly config: ClusterPlan;
  /** Cluster file for the daemons; without one, `config` is written to `<dataDir>/cluster.json`. */
  readonly configFile?: string | undefined;
  /** Each node keeps its data in `<dataDir>/<name>`. */
  readonly dataDir: string;
  readonly lab?: boolean;
  /** Nodes to start; all when absent. */
  readonly only?: readonly string[];
  readonly overrides?: Readonly<Record<string, NodeOverride>>;
  /** What nodes tell others instead of where they listen: `host:port` of a proxy in front of them. Not for servers. */
  readonly advertise?: Readonly<Record<string, string>>;
  /** Whom to trust when a node is asked whether it is ready; absent: plain TCP. The nodes are told by `extraArgs`. */
  readonly tls?: ClientTls | undefined;
  /** Arguments for every node. */
  readonly extraArgs?: readonly string[];
  /** Program and first arguments; `parley` of this installation when absent. */
  readonly command?: readonly string[] | undefined;
  /** Environment of the children; this process's when absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onLine?: (line: DaemonLine) => void;
  readonly onEnd?: (end: NodeEnd) => void;
  /** How long a node may take until it is ready. */
  readonly readyMs?: number;
  /** How long a graceful stop may take, per node. */
  readonly stopMs?: number;
}

/** How a stop went, by node; `complete` when every node that ran ended by itself as it was asked. */
export interface StopReport {
  readonly complete: boolean;
  readonly nodes: readonly (Stopped & { readonly name: string })[];
}
