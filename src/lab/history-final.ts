/**
 * The end of a run: all nodes are back, nobody begins anything new; wait until
 * nothing is open, look at what must be true of every such moment, and write
 * down what each node holds.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { canonicalJson } from '../base/canonical-json.ts';
import { COORDINATOR, PARTICIPANTS, freshId } from './history-cluster.ts';
import { ACCOUNTS, CONSTANT_SUMS, HISTORY_GROUPS, ROOMS } from './history-workload.ts';
import type { Json } from '../base/canonical-json.ts';
import type { HistoryCluster } from './history-cluster.ts';
import type { FinalState, NodeFinal } from './run-directory.ts';

/** How long anything may be undecided once all are back (correctness of the product, not patience of this code). */
export const SETTLE_MS_MAX = 5_000;
/** Joining copies whole groups and repeats: no promise of the protocol, but it must come. */
const JOINED_MS_MAX = 15_000;
const LOOK_MS = 20;

/** Something that is open somewhere. */
export interface OpenThing {
  readonly node: string;
  readonly number: string;
  readonly id?: string;
  readonly state?: string;
}

/**
 * Waits until no participant is in doubt, the coordinator has no open attempt,
 * and `isIdle`. Resolves with the milliseconds it took; or with what is still
 * open after SETTLE_MS_MAX.
 */
export async function untilSettled(
  cluster: HistoryCluster,
  isIdle: () => boolean,
): Promise<{ readonly ms: number } | { readonly open: readonly OpenThing[] }> {
  const from = performance.now();
  for (;;) {
    const open = await openThings(cluster);
    const ms = performance.now() - from;
    if (open.length === 0 && isIdle()) return { ms };
    if (ms > SETTLE_MS_MAX) return { open };
    await delay(LOOK_MS);
  }
}

/** What is in doubt at the participants and open at the coordinator; a node that does not answer counts as open. */
async function openThings(cluster: HistoryCluster): Promise<readonly OpenThing[]> {
  const places = [[COORDINATOR, 'open'], ...PARTICIPANTS.map((name) => [name, 'in-doubt'])] as const;
  const lists = await Promise.all(
    places.map(async ([node = '', state = '']) => {
      const answer = await cluster.tryAsk(node, 'GET', `/transactions?state=${state}`);
      const listed = answer?.body['transactions'];
      if (!Array.isArray(listed)) return [{ node, number: 'it does not answer' }];
      return (listed as readonly Json[]).map((one) => ({ node, ...openThing(one) }));
    }),
  );
  return lists.flat();
}

function openThing(value: Json): Omit<OpenThing, 'node'> {
  const { number, id, state } = value as Readonly<Record<string, Json>>;
  return {
    number: typeof number === 'string' ? number : JSON.stringify(number),
    ...(typeof id === 'string' ? { id } : {}),
    ...(typeof state === 'string' ? { state } : {}),
  };
}

/** Waits until every member of every group is in its view; resolves with those that are not in time. */
export async function untilJoined(cluster: HistoryCluster): Promise<readonly string[]> {
  const end = performance.now() + JOINED_MS_MAX;
  for (;;) {
    const missing = (await viewsOf(cluster))?.flatMap(({ group, view, members }) =>
      members.filter((name) => !view.includes(name)).map((name) => `${name} is not in the view of ${group}`),
    ) ?? ['the coordinator does not answer'];
    if (missing.length === 0 || performance.now() > end) return missing;
    await delay(LOOK_MS);
  }
}

interface View {
  readonly group: string;
  readonly version: number;
  readonly members: readonly string[];
  readonly view: readonly string[];
}

async function viewsOf(cluster: HistoryCluster): Promise<readonly View[] | undefined> {
  const answer = await cluster.tryAsk(COORDINATOR, 'GET', '/views');
  const views = answer?.body['views'] as Readonly<Record<string, Omit<View, 'group'>>> | undefined;
  return views === undefined ? undefined : Object.entries(views).map(([group, view]) => ({ group, ...view }));
}

/**
 * What must be true whenever nothing is open and all are in the view: no money
 * was made or lost, replicas are equal, a room's lines are numbered without a
 * gap. Answers what is not; the whole state is only compared with `whole`.
 */
export async function cheapInvariants(cluster: HistoryCluster): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { groups, sum } of CONSTANT_SUMS) {
    const members = HISTORY_GROUPS[groups[0]].members;
    // Of a partitioned bank each half has one member; of a replicated group each member has all.
    const rows =
      groups.length > 1
        ? [groups.map((group) => [group, HISTORY_GROUPS[group].members[0]] as const)]
        : members.map((member) => [[groups[0], member] as const]);
    for (const row of rows) {
      const totals = await Promise.all(row.map(([group, node]) => totalAt(cluster, node ?? '', group)));
      const found = totals.reduce((total, one) => total + one, 0);
      if (found !== sum)
        wrong.push(`${row.map(([group, node]) => `${group} at ${node}`).join(' and ')} hold ${found}, not ${sum}`);
    }
  }
  for (const room of ROOMS) {
    const lasts = await Promise.all(PARTICIPANTS.map((node) => lastLine(cluster, node, room)));
    if (new Set(lasts).size > 1)
      wrong.push(`the last lines of ${room} are ${lasts.join(', ')} at ${PARTICIPANTS.join(', ')}`);
  }
  return wrong;
}

async function totalAt(cluster: HistoryCluster, node: string, group: string): Promise<number> {
  const { body } = await cluster.ask(node, 'GET', `/ledger/total?group=${group}&stale=allow`);
  return Number(body['total']);
}

async function lastLine(cluster: HistoryCluster, node: string, room: string): Promise<number> {
  const { body } = await cluster.ask(node, 'GET', `/history/${room}?group=chat&stale=allow&limit=1`);
  return Number(body['last']);
}

/**
 * A transfer over every account, and how long it took: locks that were left behind would stop it. A client is told of
 * a commit before every participant is, so what they hold can be looked at only when it is nowhere open any more.
 */
export async function probe(cluster: HistoryCluster): Promise<NonNullable<FinalState['probe']>> {
  const from = performance.now();
  const operations = Array.from({ length: ACCOUNTS }, (_, index) => ({
    ...{ group: 'bank', resource: 'ledger', type: 'transfer', amount: 1 },
    ...{ from: index + 1, to: ((index + 1) % ACCOUNTS) + 1 },
  }));
  const answer = await cluster.tryAsk(COORDINATOR, 'POST', '/transactions', { id: freshId(), operations });
  const outcome = answer?.body['outcome'];
  const known = outcome === 'committed' || outcome === 'aborted' ? outcome : 'unknown';
  const ms = performance.now() - from;
  await untilSettled(cluster, () => true);
  return { outcome: known, ms };
}

/** Everything the nodes hold, for final.json. */
export async function finalState(
  cluster: HistoryCluster,
  told: Pick<FinalState, 'settledMs' | 'probe'>,
): Promise<FinalState> {
  const open = await openThings(cluster);
  const handles = await cluster.handles();
  const nodes: Record<string, NodeFinal> = {};
  for (const node of [COORDINATOR, ...PARTICIPANTS]) {
    const inDoubt = open.filter((one) => one.node === node).map(({ node: _, ...one }) => one);
    const reachable = (await cluster.tryAsk(node, 'GET', '/livez')) !== undefined;
    const counted = handles.get(node);
    nodes[node] = reachable
      ? { reachable, inDoubt, ...(await heldBy(cluster, node)), ...(counted === undefined ? {} : { handles: counted }) }
      : { reachable, inDoubt: [] };
  }
  const views = (await viewsOf(cluster))?.map(({ group, version, view }) => ({ group, version, members: view }));
  return { version: 1, nodes, ...(views === undefined ? {} : { views }), ...told };
}

async function heldBy(
  cluster: HistoryCluster,
  node: string,
): Promise<Pick<NodeFinal, 'groups' | 'locked' | 'waiting'>> {
  if (node === COORDINATOR) return {};
  const groups: Record<string, { resource: 'ledger' | 'history' | 'notebook'; lines: Json[] }> = {};
  for (const [group, { resource, members }] of Object.entries(HISTORY_GROUPS)) {
    if (!(members as readonly string[]).includes(node)) continue;
    const { body } = await cluster.ask(node, 'GET', `/feed/snapshot?group=${group}`);
    groups[group] = { resource, lines: body['lines'] as Json[] };
  }
  return { groups, ...leftAt((await cluster.ask(node, 'GET', '/debug/state')).body) };
}

/** What a participant's `GET /debug/state` tells of locks and of attempts that wait for one; nothing where it tells nothing. */
export function leftAt({ locked, waiting }: Readonly<Record<string, Json>>): Pick<NodeFinal, 'locked' | 'waiting'> {
  return {
    ...(typeof locked === 'number' ? { locked } : {}),
    ...(typeof waiting === 'number' ? { waiting } : {}),
  };
}

/** Groups of which two members hold different things, as canonical JSON has them. */
export function unequalReplicas({ nodes }: FinalState): readonly string[] {
  return Object.entries(HISTORY_GROUPS).flatMap(([group, { members }]) => {
    const held = members.map((name) => canonicalJson(nodes[name]?.groups?.[group]?.lines ?? []));
    return new Set(held).size > 1 ? [`members of ${group} hold different things at the end`] : [];
  });
}

/** What is still open, as the rest of a sentence. */
export function openText(open: readonly OpenThing[], busy: number): string {
  const places = open.map(({ node, number }) => `${number} at ${node}`).join(', ');
  return [
    ...(places === '' ? [] : [`open: ${places}`]),
    ...(busy === 0 ? [] : [`${busy} clients have no answer`]),
  ].join('; ');
}
