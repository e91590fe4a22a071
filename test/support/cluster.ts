/**
 * Whole clusters of real processes for tests: a data directory of their own,
 * port 0 everywhere, timings at a quarter, and every process ended at the end,
 * whatever happened. When a test fails, the last lines of its daemons are part
 * of the failure.
 *
 * ```ts
 *   await withCluster({ crashAt: { P1: 'participant.vote.before-send' } }, async (cluster) => {
 *     const { body } = await transact(cluster, { operations: [transfer(1, 2, 100)] });
 * ```
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../../src/cluster/cluster.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { httpTransport } from '../../src/console/http-transport.ts';
import { newId } from '../../src/console/new-id.ts';
import {
  defaultCluster,
  parseCluster,
  TIMINGS_DEFAULT,
  withBackends,
  withProtocol,
} from '../../src/daemons/cluster-file.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { openAccounts } from '../../src/daemons/up-first-steps.ts';
import { HttpClient } from '../../src/net/http-client.ts';
import { openCredentials } from '../../src/net/credentials.ts';
import { eventually } from './eventually.ts';
import { childrenOfThisProcess, daemonEnvironment } from './processes.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { JsonObject } from '../../src/console/transaction-text.ts';
import type { ClusterConfig, ClusterGroup, OpeningAccount, Timings } from '../../src/daemons/cluster-file.ts';
import type { ProtocolName } from '../../src/protocol/messages.ts';
import type { NodeOverride } from '../../src/cluster/cluster-plan.ts';

/** What differs from one server, one coordinator, three participants with every group. */
export interface TestClusterOptions {
  /** Participants P1, P2, …; default 3. */
  readonly participants?: number;
  /** `server`, `server2`, …; default 1. */
  readonly servers?: number;
  /** Replaces the groups, for example to partition the ledger. */
  readonly groups?: Readonly<Record<string, ClusterGroup>>;
  /** Protocol of every group; default that of the built-in cluster (bank 2pc, chat 3pc). */
  readonly protocol?: ProtocolName;
  readonly timings?: Partial<Timings>;
  /** Nodes to start; default all. */
  readonly only?: readonly string[];
  /** Crash points of the first start, by node. */
  readonly crashAt?: Readonly<Record<string, string | readonly string[]>>;
  /** Fault rules of the cluster file. */
  readonly faults?: ClusterConfig['faults'];
  /** Further arguments, by node. */
  readonly args?: Readonly<Record<string, readonly string[]>>;
  /** Balances of accounts 1, 2, … in group bank, opened before the test; or accounts by group. Default 1000 and 1000, `[]` for none. */
  readonly opening?: readonly number[] | Readonly<Record<string, readonly OpeningAccount[]>>;
}

/** An answer of a daemon, of any status. */
export interface TestAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

/** A cluster under test. */
export interface TestCluster {
  readonly nodes: Cluster;
  readonly config: ClusterConfig;
  readonly dataDir: string;
  /** What the daemons wrote so far, each line as `P1 | text`. */
  readonly lines: readonly string[];
  /** One request with the cluster's credentials. Throws ParleyError when no answer comes. */
  ask(node: string, method: string, path: string, json?: Json): Promise<TestAnswer>;
}

/** A transaction to send. */
export interface TestTransaction {
  readonly id?: string;
  readonly protocol?: ProtocolName;
  readonly timeoutMs?: number;
  readonly operations: readonly JsonObject[];
}

/** Tests run at a quarter of the real durations: the order of events is the same, the waiting is not. */
const QUICKER = 4;
const READY_MS = 60_000;
const STOP_MS = 30_000;
const SETTLE_MS = 60_000;
/** Lines of the daemons shown with a failure. */
const LINES_SHOWN = 60;
const ROOT = join(import.meta.dirname, '..', '..');

let clustersUp = 0;
let childrenBefore: ReadonlySet<number> = new Set();

/** Starts a cluster, waits until all are ready and the accounts open, runs the test, ends every process. */
export async function withCluster<T>(
  options: TestClusterOptions,
  run: (cluster: TestCluster) => Promise<T>,
): Promise<T> {
  // With several clusters at once, the last to end looks for what all of them left.
  if (clustersUp === 0) childrenBefore = new Set(childrenOfThisProcess());
  clustersUp += 1;
  const result = await withTemporaryDirectory(async (dataDir) => {
    const config = configOf(options);
    const lines: string[] = [];
    const credentials = openCredentials(join(dataDir, 'cluster.key'));
    const nodes = new Cluster({
      config,
      dataDir,
      lab: true,
      only: options.only ?? Object.keys(config.nodes),
      overrides: overridesOf(options),
      extraArgs: ['--credentials', join(dataDir, 'cluster.key')],
      command: launchCommand(),
      env: daemonEnvironment(),
      onLine: ({ node, text }) => lines.push(`${node} | ${text}`),
      onEnd: ({ name, exit }) => lines.push(`${name} | (ended: ${JSON.stringify(exit)})`),
      readyMs: READY_MS,
      stopMs: STOP_MS,
    });
    const clients = new Map<string, HttpClient>();
    const clientOf = (name: string): HttpClient => {
      const { host, port } = nodes.address(name);
      const key = `${host}:${port}`;
      const client = clients.get(key) ?? new HttpClient({ host, port });
      clients.set(key, client);
      return client;
    };
    const headers = { authorization: credentials.header };
    const ask: TestCluster['ask'] = async (node, method, path, json) => {
      const answer = await clientOf(node).request({ method, path, headers, json });
      const text = answer.body.toString('utf8');
      return { status: answer.status, body: readObject(text) };
    };
    try {
      await nodes.start();
      if (nodes.names.includes('coordinator')) {
        const coordinator = new ApiClient(httpTransport(nodes.address('coordinator')), headers);
        await openAccounts({ cluster: config, coordinator, say: (line) => lines.push(`opening | ${line}`) });
        coordinator.close();
      }
      return await run({ nodes, config, dataDir, lines, ask });
    } catch (error) {
      throw withLines(error, lines);
    } finally {
      for (const client of clients.values()) client.close();
      await nodes.killAll();
    }
  }).finally(() => (clustersUp -= 1));
  const left = clustersUp > 0 ? [] : childrenOfThisProcess().filter((pid) => !childrenBefore.has(pid));
  if (left.length > 0) throw new Error(`The test left processes behind: ${left.join(', ')}.`);
  return result;
}

/** Sends a transaction to the coordinator; without an id it gets a fresh one. */
export function transact(cluster: TestCluster, transaction: TestTransaction): Promise<TestAnswer> {
  const { id = newId(), ...rest } = transaction;
  return cluster.ask('coordinator', 'POST', '/transactions', { id, ...rest });
}

/** As transact(); undefined when the connection broke or could not be made: nothing is known then. */
export async function tryTransact(cluster: TestCluster, transaction: TestTransaction): Promise<TestAnswer | undefined> {
  try {
    return await transact(cluster, transaction);
  } catch (error) {
    if (error instanceof ParleyError) return undefined;
    throw error;
  }
}

/** Sends a transaction with an id again and again until its outcome is definite; resolves with the stored answer. */
export function settle(
  cluster: TestCluster,
  transaction: TestTransaction & { readonly id: string },
): Promise<JsonObject> {
  return eventually(
    `${transaction.id} has a definite outcome`,
    async () => {
      const { status, body } = await transact(cluster, transaction);
      return status === 200 && body;
    },
    { deadlineMs: SETTLE_MS },
  );
}

/** Starts a node again with crash points armed, and waits until every participant that runs is registered. */
export async function arm(cluster: TestCluster, node: string, ...points: readonly string[]): Promise<void> {
  await cluster.nodes.restart(node, { args: points.flatMap((point) => ['--crash-at', point]) });
  const running = cluster.nodes.namesOfRole('participant').filter((name) => cluster.nodes.running().includes(name));
  await eventually(`${running.join(', ')} are registered`, async () => {
    const { body } = await cluster.ask('coordinator', 'GET', '/debug/state');
    const peers = body['peers'] as readonly { readonly name: string; readonly registered: boolean }[];
    return running.every((name) => peers.some((peer) => peer.name === name && peer.registered));
  });
}

/** Starts a node again with a crash point that its recovery passes, and waits until it has died there. */
export async function restartToDie(cluster: TestCluster, node: string, point: string): Promise<void> {
  // It may or may not have become ready before.
  await cluster.nodes.restart(node, { args: ['--crash-at', point] }).catch(() => undefined);
  await crashed(cluster, node);
}

/**
 * Runs a long list of cases on two clusters at once, every other case on each:
 * most of a case is waiting. Both run to their end; then the first failure is thrown.
 */
export async function inTwoLanes<T>(
  cases: readonly T[],
  run: (cases: readonly (readonly [index: number, one: T])[]) => Promise<void>,
): Promise<void> {
  const numbered = cases.map((one, index) => [index, one] as const);
  const lanes = [0, 1].map((lane) => run(numbered.filter(([index]) => index % 2 === lane)));
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
}

/** Waits until a node has ended by an armed crash point. */
export async function crashed(cluster: TestCluster, node: string): Promise<void> {
  const exit = await eventually(`${node} has crashed`, () => cluster.nodes.node(node).exit, { deadlineMs: SETTLE_MS });
  if (exit.signal !== 'SIGKILL') throw new Error(`${node} ended otherwise: ${JSON.stringify(exit)}`);
}

/** The operation that moves an amount within group bank. */
export function transfer(from: number, to: number, amount: number): JsonObject {
  return { group: 'bank', resource: 'ledger', type: 'transfer', from, to, amount };
}

/** An account as one participant has it, not waiting for what is undecided. */
export async function balanceAt(
  cluster: TestCluster,
  participant: string,
  account: number,
): Promise<number | undefined> {
  const { status, body } = await cluster.ask(participant, 'GET', `/ledger/accounts/${account}?stale=allow`);
  return status === 200 && typeof body['balance'] === 'number' ? body['balance'] : undefined;
}

function configOf(options: TestClusterOptions): ClusterConfig {
  const built = defaultCluster();
  const nodes = Object.entries(built.nodes).map(([name, node]) => [name, { ...node, port: 0 }] as const);
  const [server] = nodes.filter(([, { role }]) => role === 'server').map(([, node]) => node);
  for (let count = 2; server !== undefined && count <= (options.servers ?? 1); count += 1) {
    nodes.push([`server${count}`, server]);
  }
  const timings = Object.entries<number>({ ...TIMINGS_DEFAULT }).map(([name, ms]) => [name, Math.ceil(ms / QUICKER)]);
  const base: ClusterConfig = {
    ...built,
    nodes: Object.fromEntries(nodes),
    opening: {},
    timings: { ...(Object.fromEntries(timings) as unknown as Timings), ...options.timings },
  };
  const sized = withBackends(base, options.participants ?? 3);
  const grouped: ClusterConfig =
    options.groups === undefined ? sized : { ...sized, groups: options.groups, protocol: { default: '2pc' } };
  const config = options.protocol === undefined ? grouped : withProtocol(grouped, options.protocol);
  const opening = openingOf(options.opening ?? [1000, 1000]);
  const { faults } = options;
  return parseCluster({ ...config, opening, ...(faults === undefined ? {} : { faults }) }, 'the cluster of a test');
}

function openingOf(opening: NonNullable<TestClusterOptions['opening']>): ClusterConfig['opening'] {
  if (!isList(opening)) return opening;
  if (opening.length === 0) return {};
  return { bank: opening.map((balance, index) => ({ account: index + 1, balance })) };
}

function isList(opening: NonNullable<TestClusterOptions['opening']>): opening is readonly number[] {
  return Array.isArray(opening);
}

function overridesOf({ crashAt = {}, args = {} }: TestClusterOptions): Readonly<Record<string, NodeOverride>> {
  const names = [...new Set([...Object.keys(crashAt), ...Object.keys(args)])];
  return Object.fromEntries(
    names.map((name): [string, NodeOverride] => [
      name,
      { args: args[name] ?? [], firstArgs: [crashAt[name] ?? []].flat().flatMap((point) => ['--crash-at', point]) },
    ]),
  );
}

/** Program and first arguments of `parley`: the built command when it is not older than the sources, else the sources themselves. */
export function launchCommand(): readonly string[] {
  const stamp = join(ROOT, 'dist', '.parley-build.json');
  const builtAtMs = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const isCurrent = sources.every((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs <= builtAtMs);
  return isCurrent
    ? [process.execPath, join(ROOT, 'bin', 'parley.mjs')]
    : [process.execPath, '--import=tsx', join(ROOT, 'src', 'cli.ts')];
}

function readObject(text: string): JsonObject {
  const value: unknown = text.startsWith('{') ? JSON.parse(text) : { text };
  return value as JsonObject;
}

/** The same error, with what the daemons said last. */
function withLines(error: unknown, lines: readonly string[]): unknown {
  if (error instanceof Error) {
    error.message = [error.message, '', 'The daemons said last:', ...lines.slice(-LINES_SHOWN)].join('\n');
  }
  return error;
}
