/**
 * Conditions of a scenario: what is waited for, and what must stay so. Each
 * look asks the processes; a look that gets no answer has not seen it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import { COORDINATOR } from './lab-cluster.ts';
import type { LabCluster } from './lab-cluster.ts';
import { Unfulfilled } from './scenario-context.ts';
import type { ScenarioContext } from './scenario-context.ts';
import type { Condition } from './scenario-shape.ts';

const LOOK_MS = 15;
const LOOK_MS_MAX = 2_000;

/** Why a condition does not hold now, as a clause; undefined when it does. */
type Look = string | undefined;

/** Waits for a condition, or until it cannot come any more. @throws Unfulfilled, saying what was still missing */
export async function waitUntil(
  context: ScenarioContext,
  condition: Condition,
  withinMs: number,
  isVain: () => boolean = () => false,
): Promise<void> {
  const start = performance.now();
  for (;;) {
    const missing = await look(context, condition);
    if (missing === undefined) return;
    const spentMs = performance.now() - start;
    if (spentMs > withinMs || isVain()) throw new Unfulfilled(`after ${Math.round(spentMs)} ms, ${missing}`);
    await delay(LOOK_MS);
  }
}

/** Looks again and again. @throws Unfulfilled when the condition does not hold */
export async function watch(context: ScenarioContext, condition: Condition, forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  do {
    const missing = await look(context, condition);
    if (missing !== undefined) throw new Unfulfilled(`while it was watched, ${missing}`);
    await delay(LOOK_MS);
  } while (performance.now() < end);
}

async function look(context: ScenarioContext, condition: Condition): Promise<Look> {
  const { cluster } = context;
  const nodes = condition.nodes ?? cluster.participants;
  const looks: (() => Look | Promise<Look>)[] = [];
  const { dead, ready, state, decided, inDoubt, view, held, hit, votesWaiting, id = '', total } = condition;
  if (dead !== undefined)
    looks.push(() =>
      missingOf(
        dead.filter((name) => cluster.isRunning(name)),
        'still run',
      ),
    );
  if (ready !== undefined) looks.push(() => readyAt(cluster, ready));
  if (state !== undefined) looks.push(() => statesAt(cluster, nodes, id, (found) => found === state, state));
  if (decided !== undefined) looks.push(() => decidedAt(cluster, nodes, id, decided));
  if (inDoubt !== undefined) looks.push(() => inDoubtAt(cluster, nodes, inDoubt));
  if (view !== undefined) looks.push(() => viewIs(cluster, view.group, view.members));
  if (condition.wholeViews === true) looks.push(() => wholeViews(context));
  if (held !== undefined)
    looks.push(() =>
      cluster.proxy.held().some(({ message }) => message.type === held) ? undefined : `no ${held} is held`,
    );
  if (hit !== undefined) looks.push(() => (cluster.faults.hasHit(hit) ? undefined : `the fault "${hit}" has not hit`));
  if (votesWaiting !== undefined) looks.push(() => votesAt(cluster, votesWaiting));
  if (total !== undefined) looks.push(() => totalIs(context, total.groups, total.sum));
  for (const one of looks) {
    const missing = await one();
    if (missing !== undefined) return missing;
  }
  return undefined;
}

function missingOf(names: readonly string[], what: string): Look {
  return names.length === 0 ? undefined : `${names.join(', ')} ${what}`;
}

/** The body of an answer 200; undefined otherwise. */
export async function bodyOf(
  cluster: LabCluster,
  node: string,
  path: string,
): Promise<Readonly<Record<string, Json>> | undefined> {
  if (!cluster.isRunning(node)) return undefined;
  const answer = await cluster.tryAsk(node, 'GET', path, { timeoutMs: LOOK_MS_MAX });
  return answer?.status === 200 ? answer.body : undefined;
}

async function readyAt(cluster: LabCluster, nodes: readonly string[]): Promise<Look> {
  const missing: string[] = [];
  for (const name of nodes) {
    const answer = cluster.isRunning(name)
      ? await cluster.tryAsk(name, 'GET', '/readyz', { timeoutMs: LOOK_MS_MAX })
      : undefined;
    if (answer?.status !== 200) missing.push(name);
  }
  if (missing.length > 0) return missingOf(missing, 'not ready');
  return registered(
    cluster,
    nodes.filter((name) => name !== COORDINATOR),
  );
}

/** Those of these that the coordinator does not have a link with. */
export async function registered(cluster: LabCluster, nodes: readonly string[]): Promise<Look> {
  if (!cluster.isRunning(COORDINATOR)) return undefined;
  const peers = (await bodyOf(cluster, COORDINATOR, '/debug/state'))?.['peers'];
  if (!Array.isArray(peers)) return 'the coordinator does not answer';
  const there = (peers as readonly { readonly name: string; readonly registered: boolean }[])
    .filter((peer) => peer.registered)
    .map(({ name }) => name);
  return missingOf(
    nodes.filter((name) => !there.includes(name)),
    'not registered',
  );
}

/** How a transaction stands at a participant: its state, or `none` or `no answer`. */
async function stateAt(cluster: LabCluster, node: string, id: string): Promise<string> {
  if (!cluster.isRunning(node)) return 'no answer';
  const answer = await cluster.tryAsk(node, 'GET', `/transactions/${id}`, { timeoutMs: LOOK_MS_MAX });
  if (answer?.status === 404) return 'none';
  const state = answer?.body['state'];
  return typeof state === 'string' ? state : 'no answer';
}

async function statesAt(
  cluster: LabCluster,
  nodes: readonly string[],
  id: string,
  fits: (state: string) => boolean,
  wanted: string,
): Promise<Look> {
  const states = await Promise.all(nodes.map((name) => stateAt(cluster, name, id)));
  if (states.every(fits)) return undefined;
  return `${id} is ${nodes.map((name, index) => `${states[index]} at ${name}`).join(', ')}, and not ${wanted}`;
}

async function decidedAt(cluster: LabCluster, nodes: readonly string[], id: string, decided: string): Promise<Look> {
  if (decided !== 'alike') return statesAt(cluster, nodes, id, (state) => state === decided, decided);
  const isDecision = (state: string): boolean => state === 'committed' || state === 'aborted';
  const missing = await statesAt(cluster, nodes, id, isDecision, 'decided');
  if (missing !== undefined) return missing;
  const first = await stateAt(cluster, nodes[0] ?? '', id);
  return statesAt(cluster, nodes, id, (state) => state === first, `alike`);
}

async function inDoubtAt(cluster: LabCluster, nodes: readonly string[], wanted: number): Promise<Look> {
  for (const name of nodes) {
    const listed = (await bodyOf(cluster, name, '/transactions?state=in-doubt'))?.['transactions'];
    const count = Array.isArray(listed) ? listed.length : undefined;
    if (count !== wanted) return `${name} is in doubt about ${count ?? '(no answer)'}, not ${wanted}`;
  }
  return undefined;
}

async function viewsNow(cluster: LabCluster) {
  const views = (await bodyOf(cluster, COORDINATOR, '/views'))?.['views'];
  return views as Readonly<Record<string, { readonly view: readonly string[] }>> | undefined;
}

async function viewIs(cluster: LabCluster, group: string, members: readonly string[]): Promise<Look> {
  const view = (await viewsNow(cluster))?.[group]?.view;
  const fits = view?.length === members.length && members.every((name) => view.includes(name));
  return fits ? undefined : `the view of ${group} is ${view?.join(', ') ?? 'not known'}, and not ${members.join(', ')}`;
}

/** Every member of every group is up to date, as the coordinator and each of them see it. */
async function wholeViews({ cluster, scenario }: ScenarioContext): Promise<Look> {
  for (const [group, { members }] of Object.entries(scenario.cluster.groups)) {
    const missing = await viewIs(cluster, group, members);
    if (missing !== undefined) return missing;
    for (const name of members) {
      const views = (await bodyOf(cluster, name, '/debug/state'))?.['views'] as
        readonly { readonly group: string; readonly members: readonly string[] }[] | undefined;
      const known = views?.find((view) => view.group === group)?.members;
      if (known?.length !== members.length) return `${name} does not know that the view of ${group} is whole`;
    }
  }
  return undefined;
}

async function votesAt(cluster: LabCluster, nodes: readonly string[]): Promise<Look> {
  for (const name of nodes) {
    const waiting = (await bodyOf(cluster, name, '/debug/state'))?.['votesWaiting'];
    if (!Array.isArray(waiting) || waiting.length === 0) return `no vote waits at ${name}`;
  }
  return undefined;
}

async function totalIs({ cluster, scenario }: ScenarioContext, groups: readonly string[], sum: number): Promise<Look> {
  let found = 0;
  for (const group of groups) {
    const member = scenario.cluster.groups[group]?.members.find((name) => cluster.isRunning(name)) ?? '';
    const total = (await bodyOf(cluster, member, `/ledger/total?group=${group}`))?.['total'];
    if (typeof total !== 'number') return `${group} cannot be read at ${member === '' ? 'any member' : member}`;
    found += total;
  }
  return found === sum ? undefined : `${groups.join(' and ')} hold ${found}, not ${sum}`;
}
