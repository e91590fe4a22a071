/**
 * A cluster of real processes whose data directories make up a run directory:
 * one coordinator, three participants, the groups of history-workload.ts,
 * every duration a quarter of the default, so that a run has more faults in
 * less time.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidV7 } from '../base/ids.ts';
import { ParleyError } from '../base/errors.ts';
import { Cluster } from '../cluster/cluster.ts';
import { exitText } from '../cluster/spawn.ts';
import { openCredentials } from '../net/credentials.ts';
import { HttpClient } from '../net/http-client.ts';
import { HISTORY_GROUPS, openingOperations } from './history-workload.ts';
import { handlesSince, openHandles } from './open-handles.ts';
import { openLabNetwork } from './proxy.ts';
import type { Json } from '../base/canonical-json.ts';
import type { SeededRandom } from '../base/seeded-random.ts';
import type { HistoryRecorder } from './history-recorder.ts';
import type { Handles } from './open-handles.ts';
import type { LabNetwork } from './proxy.ts';

/** The nodes, by role. */
export const COORDINATOR = 'coordinator';
/** Its participants. */
export const PARTICIPANTS = ['P1', 'P2', 'P3'] as const;
/** All nodes. */
export const NODES: readonly string[] = [COORDINATOR, ...PARTICIPANTS];

/** A quarter of the defaults (docs/flags.md), rounded up. */
const TIMINGS = {
  ...{ voteTimeoutMs: 1500, lockWaitMs: 750, heartbeatMs: 125, deadMs: 500, redialMsMax: 250, leaseMs: 250 },
  ...{ leaseWaitMs: 375, resendMs: 250, askMs: 250, electMs: 500, barrierMs: 50, drainMs: 2500, tickMs: 63 },
};

const CHECKPOINT_ARGS = ['--checkpoint-records', '300'];

const READY_MS = 20_000;
const OPEN_MS = 20_000;
/** An answer of a daemon that is there takes far less; of one that is gone it never comes. */
const ASK_MS = 4_000;
const AGAIN_MS = 20;
/** Node, time, level: a daemon says `error` of a bug or of something that must not happen. */
const ALARM = /^\d\d:\d\d:\d\d\S* error /;
const LINES_KEPT = 200;
/** What a daemon says when a checkpoint of its is durable. */
const CHECKPOINT = /A checkpoint up to record \d+ is durable/;

/** Of a run with this seed: all but one, which is another with each. */
export function checkpointedNodes(seed: number): readonly string[] {
  return NODES.filter((_, index) => index !== seed % NODES.length);
}

/** Where and how. */
export interface HistoryClusterOptions {
  /** The run directory; each node's data goes to `<directory>/<node>`. */
  readonly directory: string;
  /** Program and first arguments of `parley`; this installation when absent. */
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Nodes that take a checkpoint every few hundred records, and start from it. Their logs show the checker only the rest. */
  readonly checkpointed?: readonly string[] | undefined;
  /** Between all nodes, and before clients; none when absent. */
  readonly network?: LabNetwork | undefined;
}

/** A cluster whose links, those of clients too, pass the proxies of a network. Not started yet. Always `end` it. */
export async function proxiedHistoryCluster(
  options: Omit<HistoryClusterOptions, 'network'>,
  random: SeededRandom,
): Promise<HistoryCluster> {
  const made: { cluster?: HistoryCluster } = {};
  const network = await openLabNetwork(NODES, {
    random: () => random.next(),
    placeOf: (node) => made.cluster?.nodes.addressIfKnown(node),
  });
  made.cluster = new HistoryCluster({ ...options, network });
  return made.cluster;
}

/** An answer of any status. */
export interface NodeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, Json>>;
}

/** See the header. Always `end` it. */
export class HistoryCluster {
  readonly nodes: Cluster;
  /** Lines at level error, and ends that nobody asked for: violations by themselves. */
  readonly alarms: string[] = [];
  /** The last lines of the daemons, `P1 | text`. */
  readonly lines: string[] = [];
  /** Checkpoints that nodes have taken, and starts of nodes that had one. */
  readonly checkpoints = { taken: 0, starts: 0 };
  readonly #options: HistoryClusterOptions;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #clients = new Map<string, HttpClient>();
  readonly #mayDie = new Set<string>();
  readonly #handlesAtFirst = new Map<string, number>();
  readonly #hasCheckpoint = new Set<string>();
  #isOver = false;

  constructor(options: HistoryClusterOptions) {
    const { directory, command, env, network, checkpointed = [] } = options;
    const key = join(directory, 'cluster.key');
    this.#options = options;
    this.#headers = { authorization: openCredentials(key).header };
    this.nodes = new Cluster({
      config: clusterFile(),
      dataDir: directory,
      lab: true,
      overrides: Object.fromEntries(checkpointed.map((name) => [name, { args: CHECKPOINT_ARGS }])),
      extraArgs: ['--credentials', key],
      ...(network === undefined ? {} : { advertise: network.advertise }),
      command,
      env: withoutSettings(env ?? process.env),
      onLine: ({ node, text }) => this.#line(node, text),
      onEnd: ({ name, exit, asked }) => {
        this.#line(name, `(ended ${exitText(exit)})`);
        if (this.#hasCheckpoint.has(name) && !this.#isOver) this.checkpoints.starts += 1;
        // A crash point ends its process by SIGKILL; anything else that nobody asked for is a failure.
        const armed = this.#mayDie.has(name) && exit.signal === 'SIGKILL';
        if (!asked && !armed) this.alarms.push(`${name} ended ${exitText(exit)}, and nobody had asked for it`);
      },
      readyMs: READY_MS,
    });
  }

  /** Starts all nodes and opens the accounts, which is the first thing in the history. */
  async start(recorder: HistoryRecorder): Promise<void> {
    await this.nodes.start();
    const body = { id: 'opening', operations: openingOperations() as Json };
    const end = performance.now() + OPEN_MS;
    for (let attempt = 1; ; attempt += 1) {
      const asked = recorder.invoke({ process: `opening.${attempt}`, f: 'transaction', ...inputOf(body) });
      const answer = await this.tryAsk(COORDINATOR, 'POST', '/transactions', body);
      const { outcome } = answer?.body ?? {};
      if (outcome === 'committed') {
        asked.ok({ outcome, results: answer?.body['results'] ?? null });
        return this.#countHandles();
      }
      if (outcome === 'aborted') asked.fail({ outcome });
      else asked.info();
      if (performance.now() > end) throw new Error(`The accounts are not open: ${JSON.stringify(answer ?? null)}`);
      if (outcome === 'aborted') body.id = freshId();
      await delay(AGAIN_MS);
    }
  }

  /** The proxies. @throws RangeError when the cluster was made without */
  get network(): LabNetwork {
    if (this.#options.network === undefined) throw new RangeError('this cluster has no proxies');
    return this.#options.network;
  }

  /** One request with the credentials. @throws ParleyError as HttpClient */
  async ask(node: string, method: string, path: string, json?: Json): Promise<NodeAnswer> {
    const request = { method, path, headers: this.#headers, json, timeoutMs: ASK_MS };
    const { status, body } = await this.#client(node).request(request);
    const text = body.toString('utf8');
    const value: Json = text.startsWith('{') ? (JSON.parse(text) as Json) : { text };
    return { status, body: value as NodeAnswer['body'] };
  }

  /** As ask; undefined when no answer came. */
  async tryAsk(node: string, method: string, path: string, json?: Json): Promise<NodeAnswer | undefined> {
    try {
      return await this.ask(node, method, path, json);
    } catch (error) {
      if (error instanceof ParleyError) return undefined;
      throw error;
    }
  }

  /** From now on a SIGKILL of this node that comes from itself is no alarm: a crash point is armed there. */
  mayDie(node: string): void {
    this.#mayDie.add(node);
  }

  /**
   * Arms a crash point in a node that runs. The answer may be lost: the node may die of it at once.
   * @throws Error when the node refuses; a point that is not armed never acts, and the run would show nothing
   */
  async arm(node: string, point: string): Promise<void> {
    const answer = await this.tryAsk(node, 'POST', '/lab/crash-points', { point });
    if (answer === undefined || answer.status === 200) return;
    throw new Error(`${node} does not arm ${point}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  /** What each node that runs holds open, and held at first; nothing of those where nobody can count it. */
  async handles(): Promise<ReadonlyMap<string, Handles>> {
    this.#closeClients();
    const running = this.nodes.running();
    const counted = running.map(async (name) => {
      const look = (): number | undefined => openHandles(this.nodes.node(name).pid);
      return [name, await handlesSince(this.#handlesAtFirst.get(name), look)] as const;
    });
    const handles = await Promise.all(counted);
    return new Map(handles.flatMap(([name, found]) => (found === undefined ? [] : [[name, found] as const])));
  }

  /** Ends every process and closes every connection. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#closeClients();
    await this.nodes.killAll();
    await this.#options.network?.close();
  }

  #closeClients(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #countHandles(): void {
    for (const name of this.nodes.running()) {
      const held = openHandles(this.nodes.node(name).pid);
      if (held !== undefined) this.#handlesAtFirst.set(name, held);
    }
  }

  #client(node: string): HttpClient {
    const known = this.#clients.get(node);
    if (known !== undefined) return known;
    const front = this.#options.network?.advertise[node]?.split(':');
    const { host, port } =
      front === undefined ? this.nodes.address(node) : { host: front[0] ?? '', port: Number(front[1]) };
    const client = new HttpClient({ host, port });
    this.#clients.set(node, client);
    return client;
  }

  #line(node: string, text: string): void {
    this.lines.push(`${node} | ${text}`);
    if (this.lines.length > LINES_KEPT) this.lines.shift();
    if (CHECKPOINT.test(text)) {
      this.checkpoints.taken += 1;
      this.#hasCheckpoint.add(node);
    }
    if (ALARM.test(text)) this.alarms.push(`${node} said: ${text}`);
  }
}

/** A fresh UUIDv7. */
export function freshId(): string {
  return uuidV7(Date.now(), randomBytes(10));
}

function inputOf({ id, ...body }: { readonly id: string; readonly operations: Json }): { id: string; in: Json } {
  return { id, in: body };
}

function clusterFile() {
  const node = (role: 'coordinator' | 'participant') => ({ role, host: '127.0.0.1', port: 0 });
  return {
    nodes: {
      [COORDINATOR]: node('coordinator'),
      ...Object.fromEntries(PARTICIPANTS.map((name) => [name, node('participant')])),
    },
    groups: HISTORY_GROUPS,
    opening: {},
    protocol: { default: '2pc', chat: '3pc' },
    timings: TIMINGS,
  };
}

/** A shell's settings of Parley must not reach the daemons of a run. */
function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PARLEY_')));
}
