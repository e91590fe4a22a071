/**
 * What must hold of every cluster, whatever was killed, once all its nodes are
 * back: everything is decided, every member is up to date, replicas are equal
 * to the last posting, and no money was made or lost.
 */
import { expect } from 'chai';
import { eventually } from './eventually.ts';
import type { Json } from '../../src/base/canonical-json.ts';
import type { TestCluster } from './cluster.ts';

/** How long anything may stay undecided once everyone is back. */
const DECIDED_MS = 20_000;
/** Joining copies whole groups; a busy machine takes its time. */
const JOINED_MS = 60_000;

/** Node, time, level. */
const ALARM = /^\S+ \| \d\d:\d\d:\d\d\S* error /;

/** What a test knows of the money in its cluster. */
export interface Expectations {
  /** The sum over all ledger groups; default 2000, the two accounts of withCluster. */
  readonly total?: number;
}

/** Asserts the invariants; every node must be running. Resolves with the balances by group and account. */
export async function expectAllWell(
  cluster: TestCluster,
  expectations: Expectations = {},
): Promise<Readonly<Record<string, ReadonlyMap<number, number>>>> {
  expect(cluster.nodes.running(), 'nodes that run').to.have.members([...cluster.nodes.names]);
  await allDecided(cluster);
  await allInView(cluster);
  const balances: Record<string, ReadonlyMap<number, number>> = {};
  let total = 0;
  for (const [group, { members, resource }] of Object.entries(cluster.config.groups)) {
    const lines = await equalSnapshots(cluster, group, members);
    if (resource !== 'ledger') continue;
    const accounts = lines.filter(isAccount).map(({ account, balance }) => [account, balance] as const);
    balances[group] = new Map(accounts);
    for (const [, balance] of accounts) total += balance;
  }
  expect(total, 'money in all accounts').to.equal(expectations.total ?? 2000);
  // A daemon says `error` of a bug or of something that must not happen; what it does not expect to see, nor do we.
  expect(
    cluster.lines.filter((line) => ALARM.test(line)),
    'alarms',
  ).to.deep.equal([]);
  return balances;
}

/** Nothing is open at the coordinator and nobody is in doubt. */
export async function allDecided(cluster: TestCluster): Promise<void> {
  const places = [
    ['coordinator', 'open'],
    ...cluster.nodes.namesOfRole('participant').map((name) => [name, 'in-doubt'] as const),
  ] as const;
  for (const [node, state] of places) {
    await eventually(
      `nothing is ${state} at ${node}`,
      async () => {
        const { body } = await cluster.ask(node, 'GET', `/transactions?state=${state}`);
        return Array.isArray(body['transactions']) && body['transactions'].length === 0;
      },
      { deadlineMs: DECIDED_MS },
    );
  }
}

/** Every configured member of every group is up to date. */
export async function allInView(cluster: TestCluster): Promise<void> {
  for (const [group, { members }] of Object.entries(cluster.config.groups)) await inView(cluster, group, members);
}

/** Exactly these members of a group are up to date, as the coordinator and each of them see it. */
export async function inView(cluster: TestCluster, group: string, members: readonly string[]): Promise<void> {
  const isExactly = (seen: unknown): boolean =>
    Array.isArray(seen) && seen.length === members.length && members.every((name) => seen.includes(name));
  const options = { deadlineMs: JOINED_MS };
  await eventually(
    `the view of ${group} is ${members.join(', ')}`,
    async () => {
      const { body } = await cluster.ask('coordinator', 'GET', '/groups');
      return isExactly((body['groups'] as Record<string, { view: Json }>)[group]?.view);
    },
    options,
  );
  for (const name of members) {
    await eventually(
      `${name} knows that the view of ${group} is ${members.join(', ')}`,
      async () => {
        const { body } = await cluster.ask(name, 'GET', '/debug/state');
        const views = body['views'] as readonly { readonly group: string; readonly members: Json }[];
        return isExactly(views.find((view) => view.group === group)?.members);
      },
      options,
    );
  }
}

/** The snapshot of a group, which all its members must give alike. */
export async function equalSnapshots(
  cluster: TestCluster,
  group: string,
  members: readonly string[],
): Promise<readonly Json[]> {
  let first: readonly Json[] | undefined;
  for (const name of members) {
    const { status, body } = await cluster.ask(name, 'GET', `/feed/snapshot?group=${group}`);
    expect(status, `status of the snapshot of ${group} at ${name}`).to.equal(200);
    const lines = body['lines'] as readonly Json[];
    first ??= lines;
    expect(lines, `${group} at ${name} beside ${members[0]}`).to.deep.equal(first);
  }
  return first ?? [];
}

interface AccountLine {
  readonly line: 'account';
  readonly account: number;
  readonly balance: number;
}

function isAccount(line: Json): line is Json & AccountLine {
  return typeof line === 'object' && line !== null && 'line' in line && line['line'] === 'account';
}
