/**
 * A transaction of the bank as the third source system traces it: what the
 * accounts held before, the votes, the decision, what they hold after, and
 * whether it is all or none. Everything is worked out from the logs, as the
 * checker reads them; a step that no log shows is not claimed.
 *
 * ```
 * TX001 (c7f3a9b2.1.3)
 * BEFORE    1000/1000: Node6001 account 1, Node6002 account 2
 * VOTES     Node6001 READY, Node6002 READY
 * DECISION: ALL 2/2 READY → COMMIT
 * DEBIT     Node6001 account 1: 1000 - 100 = $900
 * CREDIT    Node6002 account 2: 1000 + 100 = $1100
 * AFTER     900/1100: Node6001 account 1, Node6002 account 2
 * ATOMIC: both sides or none: committed at Node6001, Node6002, coordinator
 * ```
 *
 * Before and after are those of the record by which a node committed or
 * aborted, so other transactions may lie between the vote and them.
 */
import type { Json } from '../../base/canonical-json.ts';
import { nameOf, sidesOf } from '../checker/atomicity.ts';
import type { AttemptStory, Entry, NodeStory, SiteStory } from '../checker/attempt-story.ts';
import type { CheckInput } from '../checker/input.ts';
import { ParticipantReplay } from '../checker/participant-replay.ts';
import { Story } from '../checker/story.ts';
import { Findings } from '../checker/verdict.ts';
import { atomicLine, attemptsNamed } from './timeline.ts';

/** Of a node that promised nothing, so that its log names no account, at most so many are shown. */
const ACCOUNTS_SHOWN = 3;

type Balances = ReadonlyMap<number, Json>;

/**
 * The lines of every attempt of a transaction, in order.
 * @param id the client's id, or the number of one attempt
 * @throws ParleyError `not-seen` when no log names it
 */
export function bankTraceLines(input: CheckInput, id: string): readonly string[] {
  const story = new Story(input, new Findings());
  return attemptsNamed(story, id).flatMap((attempt, index) => [
    ...(index === 0 ? [] : ['']),
    ...attemptLines(story, attempt),
  ]);
}

function attemptLines(story: Story, attempt: AttemptStory): readonly string[] {
  const sites = [...attempt.sites].filter(([name]) => story.node(name)?.role === 'participant').sort(byName);
  const states = sites.map(([name, site]) => ({ name, ...statesOf(story.node(name), site) }));
  const votes = sites.map(([name, site]) => `${name} ${voteOf(site, attempt.onePhase)}`);
  return [
    nameOf(attempt),
    `BEFORE    ${balancesText(states.map(({ name, before }) => [name, before]))}`,
    `VOTES     ${votes.join(', ') || 'not in these logs'}`,
    decisionLine(attempt, sites),
    ...states.flatMap(changeLines),
    `AFTER     ${balancesText(states.map(({ name, after }) => [name, after]))}`,
    atomicLine(attempt),
  ];
}

function byName(a: readonly [string, SiteStory], b: readonly [string, SiteStory]): number {
  return a[0] < b[0] ? -1 : 1;
}

function voteOf({ prepared, aborted, committed }: SiteStory, onePhase: boolean): string {
  if (prepared !== undefined) return 'READY';
  const reason = aborted[0]?.record.reason;
  if (reason !== undefined) return `ABORT (${reason.code}: ${reason.detail})`;
  return onePhase && committed.length > 0 ? 'decided alone' : 'no vote in its log';
}

function decisionLine(attempt: AttemptStory, sites: readonly (readonly [string, SiteStory])[]): string {
  const { committed, aborted } = sidesOf(attempt);
  const ready = sites.filter(([, { prepared }]) => prepared !== undefined).length;
  const of = attempt.listed?.length ?? sites.length;
  const share = `${ready === of ? 'ALL ' : ''}${ready}/${of} READY`;
  if (attempt.onePhase) return `DECISION: one participant alone → ${committed.length > 0 ? 'COMMIT' : 'ROLLBACK'}`;
  if (committed.length > 0) return `DECISION: ${share} → COMMIT`;
  return aborted.length > 0 ? `DECISION: ${share} → ROLLBACK` : `DECISION: none yet, ${share}`;
}

/** What the accounts of a transaction held just before and just after a node decided it; undefined: not known. */
function statesOf(
  node: NodeStory | undefined,
  site: SiteStory,
): { readonly before: Balances | undefined; readonly after: Balances | undefined } {
  const decided: Entry | undefined = site.committed[0] ?? site.aborted[0];
  const last = decided ?? site.prepared;
  if (node === undefined || last === undefined || last.inCheckpoint) return { before: undefined, after: undefined };
  const accounts = accountsOf(site);
  const upTo = (wanted: (entry: Entry) => boolean): Balances =>
    balancesOf({ ...node, entries: node.entries.filter((entry) => entry.inCheckpoint || wanted(entry)) }, accounts);
  const before = upTo(({ seq }) => seq < last.seq);
  return { before, after: decided === undefined ? undefined : upTo(({ seq }) => seq <= last.seq) };
}

/** The accounts that a node promised something about, or that its commit changed; undefined: its log names none. */
function accountsOf({ prepared, committed }: SiteStory): ReadonlySet<number> | undefined {
  const named = new Set<number>();
  for (const { operation } of prepared?.record.operations ?? []) {
    for (const field of ['account', 'from', 'to']) addAccount(named, operation[field]);
  }
  for (const { effect } of committed[0]?.record.effects ?? prepared?.record.effects ?? []) {
    if (typeof effect !== 'object' || effect === null || Array.isArray(effect)) continue;
    for (const list of Object.values(effect)) {
      for (const one of Array.isArray(list) ? (list as readonly Json[]) : []) {
        if (typeof one === 'object' && one !== null && 'account' in one) addAccount(named, one['account']);
      }
    }
  }
  return named.size === 0 ? undefined : named;
}

function addAccount(accounts: Set<number>, value: Json | undefined): void {
  if (typeof value === 'number') accounts.add(value);
}

function balancesOf(node: NodeStory, accounts: ReadonlySet<number> | undefined): Balances {
  const replay = new ParticipantReplay(node, new Map(), () => [], new Findings());
  const balances = new Map<number, Json>();
  for (const { kind, versions } of replay.groups.values()) {
    if (kind !== 'ledger') continue;
    for (const [key, values] of versions) {
      const account = Number(/^account\/(\d+)$/.exec(key)?.[1]);
      const balance = values.at(-1)?.value;
      if (Number.isNaN(account) || balance === undefined || accounts?.has(account) === false) continue;
      balances.set(account, balance);
    }
  }
  if (accounts === undefined && balances.size > ACCOUNTS_SHOWN) return new Map();
  return balances;
}

/** `1000/1000: Node6001 account 1, Node6002 account 2` */
function balancesText(states: readonly (readonly [name: string, balances: Balances | undefined])[]): string {
  const all = states.flatMap(([name, balances]) =>
    inOrder(balances).map(([account, balance]) => ({ name, account, balance })),
  );
  if (all.length === 0) return 'not in these logs';
  const names = all.map(({ name, account }) => `${name} account ${account}`);
  return `${all.map(({ balance }) => String(balance as number)).join('/')}: ${names.join(', ')}`;
}

/** `DEBIT     Node6001 account 1: 1000 - 100 = $900` for each account that holds another amount than before. */
function changeLines(state: {
  readonly name: string;
  readonly before: Balances | undefined;
  readonly after: Balances | undefined;
}): readonly string[] {
  return inOrder(state.after).flatMap(([account, now]) => {
    const before = state.before?.get(account);
    if (typeof now !== 'number' || typeof before !== 'number' || now === before) return [];
    const [word, sign] = now < before ? ['DEBIT ', '-'] : ['CREDIT', '+'];
    return [`${word}    ${state.name} account ${account}: ${before} ${sign} ${Math.abs(now - before)} = $${now}`];
  });
}

function inOrder(balances: Balances | undefined): readonly (readonly [account: number, balance: Json])[] {
  return [...(balances ?? [])].sort(([a], [b]) => a - b);
}
