/**
 * A whole cluster as child processes of this one: for `parley up`, the lab,
 * the benchmarks and the tests.
 *
 * ```
 *   start: coordinator listens → participants listen → servers listen → all ready
 *   stop:  servers → participants → coordinator, each by SIGTERM, by SIGKILL when it takes too long
 * ```
 *
 * People go first, so that no new work comes; participants before the
 * coordinator, so that what they still ask finds an answer. A node that is
 * started again keeps the port it had, since others know it by it. Nobody is
 * started again unless `restart` is called.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import { Daemon, parleyCommand } from './spawn.ts';
import type { ClusterOptions, NodePlan, StopReport } from './cluster-plan.ts';
import type { Exit, Listening, Stopped } from './spawn.ts';

/** Recovery of a long log takes its time; what hangs is found by a person before this. */
const READY_MS_DEFAULT = 30_000;
/** A little more than the daemons give themselves (timings.drainMs). */
const STOP_MS_DEFAULT = 12_000;
/** Whoever is dialled listens before those that dial: nobody is refused and waits to try again. */
const START_ORDER = ['coordinator', 'participant', 'server'] as const satisfies readonly NodePlan['role'][];
const STOP_ORDER = ['server', 'participant', 'coordinator'] as const satisfies readonly NodePlan['role'][];

interface Member {
  readonly name: string;
  readonly plan: NodePlan;
  starts: number;
  startedAtMs: number;
  daemon: Daemon | undefined;
  address: Listening | undefined;
  asked: boolean;
  /** Settles when the last restart that was asked for has its process, or failed; never rejects. */
  replaced: Promise<unknown>;
}

/** Makes a cluster and starts it. If a node fails, those that run are stopped and its error is thrown. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster(options);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** The nodes of one cluster. Make it, `start`, and always `stop` or `killAll`. */
export class Cluster {
  /** Names of the nodes this cluster starts, in the file's order. */
  readonly names: readonly string[];
  readonly #options: ClusterOptions;
  readonly #members = new Map<string, Member>();
  #configFile: string | undefined;
  #stopping = false;

  /** @throws ParleyError `usage` when `only` names no node */
  constructor(options: ClusterOptions) {
    const { nodes } = options.config;
    const stranger = options.only?.find((name) => !Object.hasOwn(nodes, name));
    if (stranger !== undefined) throw new ParleyError('usage', `The cluster has no node ${stranger}.`);
    this.#options = options;
    this.#configFile = options.configFile;
    for (const [name, plan] of Object.entries(nodes)) {
      if (options.only?.includes(name) === false) continue;
      const fresh = { starts: 0, startedAtMs: 0, daemon: undefined, address: undefined, asked: false };
      this.#members.set(name, { name, plan, ...fresh, replaced: Promise.resolve() });
    }
    this.names = [...this.#members.keys()];
  }

  /**
   * Starts all nodes and waits until each is ready.
   * @throws ParleyError `daemon-failed` or `daemon-not-ready` of the first that fails; the others go on
   */
  async start(): Promise<void> {
    this.#configFile ??= await this.#writeConfig();
    const readyMs = this.#options.readyMs ?? READY_MS_DEFAULT;
    for (const role of START_ORDER) {
      const members = [...this.#members.values()].filter(({ plan }) => plan.role === role);
      if (this.#stopping) return;
      const daemons = members.map((member) => this.#spawn(member));
      // Their ports are needed, not their readiness: they may become ready only with the others.
      const addresses = await Promise.all(daemons.map((daemon) => daemon.listening(readyMs)));
      members.forEach((member, index) => (member.address = addresses[index]));
    }
    await Promise.all([...this.#members.values()].map((member) => this.#untilReady(member, readyMs)));
  }

  /** The daemon of this name; the newest, when it was started again. */
  node(name: string): Daemon {
    const { daemon } = this.#member(name);
    assert(daemon !== undefined, `${name} was started`);
    return daemon;
  }

  /** Where the cluster file for the daemons is written when none was given. */
  get writtenConfigFile(): string {
    return join(this.#options.dataDir, 'cluster.json');
  }

  /** Where a node listens, or listened when it ended. */
  address(name: string): Listening {
    const { address } = this.#member(name);
    assert(address !== undefined, `${name} has announced its port`);
    return address;
  }

  /** As address(), or undefined when the node never announced one. */
  addressIfKnown(name: string): Listening | undefined {
    return this.#member(name).address;
  }

  /** Names of the nodes of a role that this cluster starts. */
  namesOfRole(role: NodePlan['role']): readonly string[] {
    return this.names.filter((name) => this.#member(name).plan.role === role);
  }

  /** Names of the nodes that run now. */
  running(): readonly string[] {
    return this.names.filter((name) => isRunning(this.#member(name).daemon));
  }

  /** Sends SIGKILL to a node; resolves when it is gone. */
  kill9(name: string): Promise<Exit> {
    const member = this.#member(name);
    member.asked = true;
    return this.node(name).kill9();
  }

  /**
   * Starts a node again, on the port it had, and waits until it is ready; one
   * that still runs is stopped first. Of several at the same time each replaces
   * the process of the one before, so that never two processes have the node's
   * directory; only the last finds its process ready.
   * @param options.elsewhere gives up the port it had, for the one of the cluster file
   * @throws ParleyError as start(), and `draining` when the cluster is stopping
   */
  async restart(
    name: string,
    options: { readonly args?: readonly string[]; readonly elsewhere?: boolean } = {},
  ): Promise<Listening> {
    const member = this.#member(name);
    const replacing = member.replaced.then(() => this.#replace(member, options));
    member.replaced = replacing.catch(() => undefined);
    const { ready } = await replacing;
    return ready;
  }

  /** Stops all nodes in order. May be called at any time, also while they start; then start() rejects. */
  async stop(): Promise<StopReport> {
    this.#stopping = true;
    const nodes: (Stopped & { readonly name: string })[] = [];
    for (const role of STOP_ORDER) {
      const running = this.namesOfRole(role).filter((name) => isRunning(this.#member(name).daemon));
      nodes.push(...(await Promise.all(running.map((name) => this.#stopNode(name)))));
    }
    return { complete: nodes.every(endedAsAsked), nodes };
  }

  /** Sends SIGKILL to all nodes; resolves when all are gone. */
  async killAll(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.running().map((name) => this.kill9(name)));
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    throw new ParleyError('usage', `There is no node ${name} here.`, { remedy: `Nodes: ${this.names.join(', ')}.` });
  }

  async #stopNode(name: string): Promise<Stopped & { readonly name: string }> {
    this.#member(name).asked = true;
    return { name, ...(await this.node(name).stop(this.#options.stopMs ?? STOP_MS_DEFAULT)) };
  }

  /** Ends the process of a node, if it runs, and starts another; `ready` is pending then. */
  async #replace(
    member: Member,
    { args, elsewhere }: { readonly args?: readonly string[]; readonly elsewhere?: boolean },
  ): Promise<{ readonly ready: Promise<Listening> }> {
    const { name } = member;
    if (isRunning(member.daemon)) await this.#stopNode(name);
    if (this.#stopping) throw new ParleyError('draining', `The cluster is stopping; ${name} is not started again.`);
    if (elsewhere === true) member.address = undefined;
    this.#spawn(member, args);
    return { ready: this.#untilReady(member, this.#options.readyMs ?? READY_MS_DEFAULT) };
  }

  async #untilReady(member: Member, readyMs: number): Promise<Listening> {
    member.address = await this.node(member.name).ready(readyMs);
    return member.address;
  }

  #spawn(member: Member, args: readonly string[] = []): Daemon {
    const { name } = member;
    const { command, env, onLine, onEnd, overrides, tls } = this.#options;
    const override = overrides !== undefined && Object.hasOwn(overrides, name) ? overrides[name] : undefined;
    const once = member.starts === 0 ? (override?.firstArgs ?? []) : [];
    member.starts += 1;
    member.startedAtMs = performance.now();
    member.asked = false;
    const daemon = new Daemon({
      name,
      command: command ?? parleyCommand(),
      args: [...this.#argsOf(member), ...(override?.args ?? []), ...once, ...args],
      env: { ...(env ?? process.env), ...override?.env },
      onLine: onLine ?? (() => undefined),
      tls,
    });
    member.daemon = daemon;
    const { startedAtMs } = member;
    void daemon.exited.then((exit) => {
      const ranMs = performance.now() - startedAtMs;
      onEnd?.({ name, exit, asked: member.asked, ranMs });
    });
    return daemon;
  }

  #argsOf(member: Member): readonly string[] {
    const { name, plan, address } = member;
    const { advertise, dataDir, lab, extraArgs } = this.#options;
    const told = plan.role === 'server' ? undefined : advertise?.[name];
    return [
      ...[plan.role, '--name', name, '--host', plan.host, '--port', String(address?.port ?? plan.port)],
      ...['--data-dir', join(dataDir, name), '--config', this.#configFile ?? this.writtenConfigFile],
      ...['--announce', '--exit-with-parent'],
      ...(told === undefined ? [] : ['--advertise', told]),
      ...(plan.role === 'coordinator' ? [] : this.#coordinatorArgs()),
      ...(lab === true ? ['--lab'] : []),
      ...(extraArgs ?? []),
    ];
  }

  /** The coordinator's real port, once it is known; before, the daemons find it in their cluster file. */
  #coordinatorArgs(): readonly string[] {
    const coordinator = [...this.#members.values()].find(({ plan }) => plan.role === 'coordinator');
    if (coordinator?.address === undefined) return [];
    const told = this.#options.advertise?.[coordinator.name];
    if (told !== undefined) return ['--coordinator', told];
    const { host, port } = coordinator.address;
    return ['--coordinator', `${host.includes(':') ? `[${host}]` : host}:${port}`];
  }

  async #writeConfig(): Promise<string> {
    const { config, dataDir } = this.#options;
    await mkdir(dataDir, { recursive: true });
    const path = this.writtenConfigFile;
    // Renamed into place, so that a daemon of an earlier start never reads half of it.
    await writeFile(`${path}.new`, `${JSON.stringify(config, null, 2)}\n`);
    await rename(`${path}.new`, path);
    return path;
  }
}

/** Exit code 0; or by SIGTERM itself, when it was still too young to have begun anything. */
export function endedAsAsked({ exit, forced }: Stopped): boolean {
  return !forced && (exit.code === 0 || exit.signal === 'SIGTERM');
}

function isRunning(daemon: Daemon | undefined): boolean {
  return daemon !== undefined && daemon.exit === undefined;
}
