/**
 * I7, the order: transactions that conflict met in the same order at every
 * participant. Each participant gives edges "before" between the commits that
 * touch one key in ways that may not change places; together they must have no
 * circle (the dependency graph of Adya 1999, as Elle uses it).
 *
 * Commits that may change places (two reads, two additions) form a cohort;
 * cohorts are nodes too, so that the number of edges stays that of the uses.
 */
import { evidenceOf } from './attempt-story.ts';
import type { Entry } from './attempt-story.ts';
import type { KeyUse } from './group-model.ts';
import { inOrder } from './participant-replay.ts';
import type { Applied, ParticipantReplay } from './participant-replay.ts';
import type { Findings } from './verdict.ts';

/** The uses of a key that may change places among themselves, by number. */
interface Cohort {
  readonly mode: 'read' | 'change' | 'exclusive';
  readonly numbers: Set<string>;
}

/** Looks for a circle in the order of commits over all participants. */
export function checkOrder(replays: ReadonlyMap<string, ParticipantReplay>, findings: Findings): void {
  const after = new Map<string, Set<string>>();
  const where = new Map<string, { readonly id: string; readonly entries: Entry[] }>();
  for (const [node, { groups }] of replays) {
    for (const [group, { applied }] of groups) {
      for (const { number, id, entry } of applied) {
        const found = where.get(number) ?? { id, entries: [] };
        where.set(number, found);
        if (!found.entries.includes(entry)) found.entries.push(entry);
      }
      for (const [key, own] of byKey(applied)) addEdges(after, own, `${node} ${group} ${key}`);
    }
  }
  const circle = findCircle(after)?.filter((name) => where.has(name));
  if (circle === undefined) return;
  const names = circle.map((number) => `${where.get(number)?.id ?? ''} (${number})`);
  const what = `${names.join(' and ')} conflict, and came in different orders at different participants.`;
  findings.violate('I7', what, circle.flatMap((number) => where.get(number)?.entries ?? []).map(evidenceOf));
}

/** The commits that use a key, in order; a copy begins a new list, since nobody knows what it held in which order. */
function byKey(applied: readonly Applied[]): ReadonlyMap<string, readonly (readonly [string, Cohort['mode']])[]> {
  const keys = new Map<string, (readonly [string, Cohort['mode']])[]>();
  for (const { number, segment, uses } of applied) {
    for (const [key, mode] of strongest(uses)) {
      const name = `${segment} ${key}`;
      const own = keys.get(name) ?? [];
      keys.set(name, own);
      own.push([number, mode]);
    }
  }
  return keys;
}

/** One mode a key: who reads and changes it, in either order, changes places with nobody. */
function strongest(uses: readonly KeyUse[]): ReadonlyMap<string, Cohort['mode']> {
  const modes = new Map<string, Cohort['mode']>();
  for (const { key, mode } of uses) modes.set(key, (modes.get(key) ?? mode) === mode ? mode : 'exclusive');
  return modes;
}

function addEdges(
  after: Map<string, Set<string>>,
  uses: readonly (readonly [string, Cohort['mode']])[],
  place: string,
): void {
  const cohorts: Cohort[] = [];
  for (const [number, mode] of uses) {
    const last = cohorts.at(-1);
    const joins = last !== undefined && !inOrder({ key: '', mode: last.mode }, { key: '', mode });
    if (joins) last.numbers.add(number);
    else cohorts.push({ mode, numbers: new Set([number]) });
  }
  for (const [index, { numbers }] of cohorts.entries()) {
    const [before, behind] = [`${place} ${index}`, `${place} ${index + 1}`];
    for (const number of numbers) {
      if (index > 0) edge(after, before, number);
      if (index < cohorts.length - 1) edge(after, number, behind);
    }
  }
}

function edge(after: Map<string, Set<string>>, from: string, to: string): void {
  after.set(from, (after.get(from) ?? new Set()).add(to));
}

/** The nodes of one circle, or undefined; depth first, without recursion since runs are long. */
function findCircle(after: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const done = new Set<string>();
  for (const root of after.keys()) {
    if (done.has(root)) continue;
    const path: string[] = [root];
    const onPath = new Set(path);
    const rest: Iterator<string>[] = [nextOf(after, root)];
    while (path.length > 0) {
      const next = rest.at(-1)?.next();
      if (next === undefined || next.done) {
        const left = path.pop() ?? '';
        rest.pop();
        onPath.delete(left);
        done.add(left);
      } else if (onPath.has(next.value)) {
        return path.slice(path.indexOf(next.value));
      } else if (!done.has(next.value)) {
        path.push(next.value);
        onPath.add(next.value);
        rest.push(nextOf(after, next.value));
      }
    }
  }
  return undefined;
}

function nextOf(after: ReadonlyMap<string, ReadonlySet<string>>, node: string): Iterator<string> {
  return (after.get(node) ?? new Set<string>()).values();
}
