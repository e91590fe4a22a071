/**
 * The end of a scenario run: heal, wait until nothing is open, and write down
 * what each node holds. What the scenario leaves down stays down.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import { leftAt } from './history-final.ts';
import { COORDINATOR, freshId } from './lab-cluster.ts';
import { bodyOf, waitUntil } from './scenario-conditions.ts';
import { send } from './scenario-clients.ts';
import { Unfulfilled } from './scenario-context.ts';
import type { ScenarioContext } from './scenario-context.ts';
import { learnOfStops, startNode } from './scenario-steps.ts';
import type { FinalState, NodeFinal } from './run-directory.ts';

/** How long anything may be undecided once all are back. */
const SETTLE_MS_MAX = 5_000;
/** Joining copies whole groups and repeats: no promise of the protocol, but it must come. */
const JOINED_MS_MAX = 15_000;
/** Where somebody is left down, that long what is in doubt has to stay so. */
const BLOCKED_MS = 1_000;
const LOOK_MS = 20;

/** Everyone who is to be there is there, and the links are whole. */
export async function heal(context: ScenarioContext): Promise<void> {
  const { cluster, paused, scenario } = context;
  cluster.network?.heal();
  for (const name of paused) cluster.nodes.node(name).resume();
  paused.clear();
  await learnOfStops(context);
  for (const name of cluster.nodes.names) {
    if (!cluster.isRunning(name) && !scenario.holds.down.includes(name)) await startNode(context, name);
  }
}

/**
 * Waits until nothing is open, everyone is up to date and a probe has passed.
 * @returns what final.json says of it; `settledMs` null: something stayed open
 */
export async function settled(context: ScenarioContext): Promise<Pick<FinalState, 'settledMs' | 'probe'>> {
  const { scenario, say } = context;
  const from = performance.now();
  // A rule that is known to break what it must keep leaves things open for ever.
  const patienceMs = scenario.expectedUnsafe ? BLOCKED_MS : SETTLE_MS_MAX;
  if (scenario.holds.down.length > 0) {
    // It is to stay as it is: nobody decides alone, whatever time passes.
    await delay(BLOCKED_MS);
    return { settledMs: null };
  }
  const open = await untilNothingIsOpen(context, patienceMs);
  const settledMs = performance.now() - from;
  if (open !== undefined) {
    say(`still open: ${open}`);
    return { settledMs: null };
  }
  say(`nothing is open, ${Math.round(settledMs)} ms after the heal`);
  await Promise.all(context.loads);
  await waitUntil(context, { wholeViews: true }, JOINED_MS_MAX);
  const probed = await probe(context);
  // A client is told of a commit before every participant is; what they hold is looked at when all are.
  await untilNothingIsOpen(context, patienceMs);
  return { settledMs, ...probed };
}

/** Resolves with what is still open when the time is up. */
async function untilNothingIsOpen(context: ScenarioContext, patienceMs: number): Promise<string | undefined> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const open = await openAnywhere(context);
    if (open === undefined || performance.now() > end) return open;
    await delay(LOOK_MS);
  }
}

async function openAnywhere({ cluster }: ScenarioContext): Promise<string | undefined> {
  const places = [[COORDINATOR, 'open'], ...cluster.participants.map((name) => [name, 'in-doubt'])] as const;
  for (const [node = '', state = ''] of places) {
    const listed = (await bodyOf(cluster, node, `/transactions?state=${state}`))?.['transactions'];
    if (!Array.isArray(listed) || listed.length > 0) return `${JSON.stringify(listed ?? 'no answer')} at ${node}`;
  }
  return undefined;
}

/** A transfer over every account of each ledger with several: locks that were left behind would stop it. */
async function probe(context: ScenarioContext): Promise<Pick<FinalState, 'probe'>> {
  const operations: Json[] = [];
  for (const [group, opened] of Object.entries(context.scenario.cluster.opening)) {
    const accounts = opened.filter(({ balance }) => balance > 0).map(({ account }) => account);
    if (accounts.length < 2) continue;
    for (const [index, from] of accounts.entries()) {
      const to = accounts[(index + 1) % accounts.length] ?? from;
      operations.push({ group, resource: 'ledger', type: 'transfer', from, to, amount: 1 });
    }
  }
  if (operations.length === 0) return {};
  const from = performance.now();
  const { outcome, reason } = await send(context, { id: freshId(), operations });
  // Poor accounts are no locks.
  if (reason === 'insufficient-funds') return {};
  const known = outcome === 'committed' || outcome === 'aborted' ? outcome : 'unknown';
  return { probe: { outcome: known, ms: performance.now() - from } };
}

/** Everything the nodes hold, for final.json. */
export async function finalState(
  { cluster, scenario }: ScenarioContext,
  told: Pick<FinalState, 'settledMs' | 'probe'>,
): Promise<FinalState> {
  const nodes: Record<string, NodeFinal> = {};
  for (const name of cluster.nodes.names) {
    const state = name === COORDINATOR ? 'open' : 'in-doubt';
    const listed = (await bodyOf(cluster, name, `/transactions?state=${state}`))?.['transactions'];
    const reachable = Array.isArray(listed);
    const inDoubt = reachable ? (listed as readonly Json[]).map(openThing) : [];
    nodes[name] = { reachable, inDoubt, ...(reachable && name !== COORDINATOR ? await heldBy(name) : {}) };
  }
  const views = await viewList();
  return { version: 1, nodes, ...(views === undefined ? {} : { views }), ...told };

  async function heldBy(name: string): Promise<Pick<NodeFinal, 'groups' | 'locked' | 'waiting'>> {
    const groups: NonNullable<NodeFinal['groups']> = {};
    for (const [group, { resource, members }] of Object.entries(scenario.cluster.groups)) {
      if (!members.includes(name)) continue;
      const lines = (await bodyOf(cluster, name, `/feed/snapshot?group=${group}`))?.['lines'];
      if (!Array.isArray(lines)) throw new Unfulfilled(`${name} does not tell what it has of ${group}`);
      groups[group] = { resource, lines: lines as Json[] };
    }
    return { groups, ...leftAt((await bodyOf(cluster, name, '/debug/state')) ?? {}) };
  }

  async function viewList(): Promise<FinalState['views']> {
    const views = (await bodyOf(cluster, COORDINATOR, '/views'))?.['views'] as
      Readonly<Record<string, { readonly version: number; readonly view: readonly string[] }>> | undefined;
    if (views === undefined) return undefined;
    return Object.entries(views).map(([group, { version, view }]) => ({ group, version, members: view }));
  }
}

function openThing(value: Json): NodeFinal['inDoubt'][number] {
  const { number, id, state } = value as Readonly<Record<string, Json>>;
  return {
    number: typeof number === 'string' ? number : JSON.stringify(number),
    ...(typeof id === 'string' ? { id } : {}),
    ...(typeof state === 'string' ? { state } : {}),
  };
}
