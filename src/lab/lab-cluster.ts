/**
 * A cluster of real processes under a scenario: started from the scenario's
 * description, reached over HTTP, with the proxy between its nodes when it
 * asks for one. Its data directories make up the run directory, and all that
 * clients ask and are told goes into the history there.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { uuidV7 } from '../base/ids.ts';
import { Cluster } from '../cluster/cluster.ts';
import { exitText } from '../cluster/spawn.ts';
import { openCredentials } from '../net/credentials.ts';
import { HttpClient } from '../net/http-client.ts';
import { FaultList } from './fault-list.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { openLabNetwork } from './proxy.ts';
import type { LabNetwork } from './proxy.ts';
import { HistoryWriter } from './run-directory.ts';
import type { Scenario } from './scenario-shape.ts';

/** The one coordinator of every scenario. */
export const COORDINATOR = 'coordinator';

/**
 * A quarter of the defaults (docs/flags.md), rounded up: the order of events is
 * the same, the waiting is not. A link may be silent for longer: on a busy
 * machine a process stands still for a while, and that is not the fault meant.
 */
const TIMINGS = {
  ...{ voteTimeoutMs: 1500, lockWaitMs: 750, heartbeatMs: 125, deadMs: 1000, redialMsMax: 250, leaseMs: 250 },
  ...{ leaseWaitMs: 375, resendMs: 250, askMs: 250, electMs: 500, barrierMs: 50, drainMs: 2500, tickMs: 63 },
};
const READY_MS = 20_000;
const STOP_MS = 5_000;
const ASK_MS = 10_000;
/** Node, time, level: a daemon says `error` of a bug or of something that must not happen. */
const ALARM = /^\d\d:\d\d:\d\d\S* error /;

/** Where and how. */
export interface LabClusterOptions {
  readonly scenario: Scenario;
  /** The run directory; each node's data goes to `<directory>/<node>`. */
  readonly directory: string;
  /** Program and first arguments of `parley`; this installation when absent. */
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Told what the daemons say, line by line, as `P1 | text`. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** An answer of any status. */
export interface LabAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, Json>>;
}

/** Makes the cluster, starts it and waits until it is ready. Always `end` it. */
export async function startLabCluster(options: LabClusterOptions): Promise<LabCluster> {
  const { cluster } = options.scenario;
  const started: { cluster?: LabCluster } = {};
  const names = [COORDINATOR, ...participantsOf(options.scenario)];
  const placeOf = (node: string) => started.cluster?.nodes.addressIfKnown(node);
  const network = cluster.proxied ? await openLabNetwork(names, { random: Math.random, placeOf }) : undefined;
  const made = new LabCluster(options, network);
  started.cluster = made;
  try {
    await made.nodes.start();
    return made;
  } catch (error) {
    await made.end();
    throw error;
  }
}

/** P1, P2, … */
export function participantsOf({ cluster }: Scenario): readonly string[] {
  return Array.from({ length: cluster.participants }, (_, index) => `P${index + 1}`);
}

/** See the header. */
export class LabCluster {
  readonly nodes: Cluster;
  readonly directory: string;
  readonly network: LabNetwork | undefined;
  readonly participants: readonly string[];
  readonly recorder: HistoryRecorder;
  readonly faults = new FaultList();
  /** Lines at level error, and ends that nobody asked for: violations by themselves. */
  readonly alarms: string[] = [];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #clients = new Map<string, HttpClient>();
  #processes = 0;

  constructor({ scenario, directory, command, env, onLine }: LabClusterOptions, network: LabNetwork | undefined) {
    const key = join(directory, 'cluster.key');
    this.directory = directory;
    this.network = network;
    this.participants = participantsOf(scenario);
    const writer = new HistoryWriter(directory);
    this.recorder = new HistoryRecorder((event) => writer.add(event));
    this.#headers = { authorization: openCredentials(key).header };
    this.nodes = new Cluster({
      config: clusterFile(scenario),
      dataDir: directory,
      lab: true,
      overrides: Object.fromEntries(Object.entries(scenario.cluster.args).map(([name, args]) => [name, { args }])),
      extraArgs: ['--credentials', key],
      ...(network === undefined ? {} : { advertise: network.advertise }),
      command,
      env: withoutSettings(env ?? process.env),
      onLine: ({ node, text }) => {
        if (ALARM.test(text)) this.alarms.push(`${node} said: ${text}`);
        onLine?.(`${node} | ${text}`);
      },
      onEnd: ({ name, exit, asked }) => {
        onLine?.(`${name} | (ended ${exitText(exit)})`);
        if (asked || (exit.signal === 'SIGKILL' && this.faults.died(name))) return;
        this.alarms.push(`${name} ended ${exitText(exit)}, and nobody had asked for it`);
      },
      readyMs: READY_MS,
      stopMs: STOP_MS,
    });
  }

  /** The proxy. @throws ParleyError `usage` when the scenario has none */
  get proxy(): LabNetwork {
    if (this.network !== undefined) return this.network;
    throw new ParleyError('usage', 'A step needs the proxy.', { remedy: 'Say "proxied": true in the cluster.' });
  }

  /** A name for one client of the history: each asks once, so that none goes on after an end nobody knows. */
  nextProcess(): string {
    this.#processes += 1;
    return `c${this.#processes}`;
  }

  /** One request with the credentials. @throws ParleyError as HttpClient */
  async ask(node: string, method: string, path: string, more: AskMore = {}): Promise<LabAnswer> {
    const headers = { ...this.#headers, ...more.headers };
    const request = { method, path, headers, json: more.json, timeoutMs: more.timeoutMs ?? ASK_MS };
    const { status, body } = await this.#client(node).request(request);
    const text = body.toString('utf8');
    const value: Json = text.startsWith('{') ? (JSON.parse(text) as Json) : { text };
    return { status, body: value as LabAnswer['body'] };
  }

  /** As ask; undefined when no answer came. */
  async tryAsk(node: string, method: string, path: string, more: AskMore = {}): Promise<LabAnswer | undefined> {
    try {
      return await this.ask(node, method, path, more);
    } catch (error) {
      if (error instanceof ParleyError) return undefined;
      throw error;
    }
  }

  /** True when the process runs, paused or not. */
  isRunning(node: string): boolean {
    return this.nodes.running().includes(node);
  }

  /** Ends every process and closes every connection. */
  async end(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    await this.nodes.killAll();
    await this.network?.close();
  }

  #client(node: string): HttpClient {
    const known = this.#clients.get(node);
    if (known !== undefined) return known;
    const { host, port } = this.nodes.address(node);
    const client = new HttpClient({ host, port });
    this.#clients.set(node, client);
    return client;
  }
}

/** What a request may carry. */
export interface AskMore {
  readonly json?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** A fresh UUIDv7. */
export function freshId(): string {
  return uuidV7(Date.now(), randomBytes(10));
}

/** The timings a scenario runs with. */
export function timingsOf({ cluster }: Scenario): typeof TIMINGS {
  return { ...TIMINGS, ...cluster.timings };
}

function clusterFile(scenario: Scenario) {
  const { groups, protocol } = scenario.cluster;
  const node = (role: 'coordinator' | 'participant') => ({ role, host: '127.0.0.1', port: 0 });
  return {
    nodes: {
      [COORDINATOR]: node('coordinator'),
      ...Object.fromEntries(participantsOf(scenario).map((name) => [name, node('participant')])),
    },
    groups,
    opening: {},
    protocol: { default: protocol },
    timings: timingsOf(scenario),
  };
}

/** A shell's settings of Parley must not reach the daemons of a run. */
function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PARLEY_')));
}
