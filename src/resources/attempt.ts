/**
 * One attempt as the resource manager holds it, from its arrival to its end,
 * split into one part per group, and the words in which it is shown.
 *
 * ```
 *   locking → (funds →) prepared → ended        a no, a timeout or an abort ends it from anywhere
 * ```
 */
import { digest } from '../base/canonical-json.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { GroupResources } from './group-resources.ts';
import { isRead } from './operations.ts';
import type { LockRequest, Operation, Prepared, Refusal, Resource } from './resource.ts';

/** An operation with its place in the transaction, which is the place of its result. */
export interface IndexedOperation {
  readonly index: number;
  readonly operation: Operation;
}

/** What one group of the attempt will change. */
export interface GroupEffect {
  readonly group: string;
  readonly effect: Json;
}

/** What a participant answers to a prepare. */
export type Outcome =
  | {
      readonly vote: 'yes';
      /** In the order of `index`. */
      readonly results: readonly { readonly index: number; readonly result: Json }[];
      /** Groups in which something will change; a group with nothing to change is left out. */
      readonly effects: readonly GroupEffect[];
      /** Group → digest of effect and results of its changing operations; equal on every replica that computes alike. */
      readonly hashes: Readonly<Record<string, string>>;
      /** True: nothing can change; the locks are free again and the attempt is forgotten. */
      readonly readOnly: boolean;
    }
  | { readonly vote: 'no'; readonly refusal: Refusal };

/** The operations of one group. */
export interface Part {
  readonly group: string;
  readonly resource: Resource;
  readonly operations: readonly Operation[];
  readonly indexes: readonly number[];
  prepared: { readonly results: readonly Json[]; readonly effect: Json } | undefined;
}

/** One attempt between its arrival and its end. */
export interface Attempt {
  readonly number: AttemptNumber;
  /** Grows with every arrival; who came first is served first. */
  readonly arrival: number;
  readonly done: (outcome: Outcome) => void;
  parts: readonly Part[];
  phase: 'locking' | 'funds' | 'prepared';
  /** In phase `funds`: the prefixed key it waits for, and what it says if it gives up. */
  wait: { readonly key: string; readonly refusal: Refusal } | undefined;
}

/** Keys of different groups are kept apart: a group's name has no slash. */
export function groupKey(group: string, key: string): string {
  return `${group}/${key}`;
}

/** The locks of all parts, prefixed with their groups. */
export function locksOf(parts: readonly Part[]): readonly LockRequest[] {
  return parts.flatMap(({ group, resource, operations }) =>
    resource.locks(operations).map(({ key, mode }) => ({ key: groupKey(group, key), mode })),
  );
}

/** The keys that a prepared attempt changes, prefixed with their groups. */
export function writesOf(parts: readonly Part[]): readonly string[] {
  return parts.flatMap(({ group, resource, prepared }) =>
    resource.writes(prepared?.effect ?? null).map((key) => groupKey(group, key)),
  );
}

/** The parts of a transaction, in the order in which its operations name the groups, or why it cannot be split. */
export function partsOf(
  resources: GroupResources,
  operations: readonly IndexedOperation[],
): { readonly parts: readonly Part[] } | { readonly refusal: Refusal } {
  const byGroup = new Map<string, IndexedOperation[]>();
  for (const entry of operations) {
    const { group } = entry.operation;
    const entries = byGroup.get(group);
    if (entries === undefined) byGroup.set(group, [entry]);
    else entries.push(entry);
  }
  const parts: Part[] = [];
  for (const [group, entries] of byGroup) {
    const resource = resources.find(group);
    if (resource === undefined) {
      return { refusal: { code: 'unknown-group', detail: `This participant is not a member of the group ${group}.` } };
    }
    const stray = entries.find(({ operation }) => operation.resource !== resource.kind);
    if (stray !== undefined) {
      const detail = `The group ${group} holds a ${resource.kind} here, not a ${stray.operation.resource}.`;
      return { refusal: { code: 'bad-operation', detail } };
    }
    const [own, indexes] = [entries.map(({ operation }) => operation), entries.map(({ index }) => index)];
    parts.push({ group, resource, operations: own, indexes, prepared: undefined });
  }
  return { parts };
}

/** The yes of an attempt whose parts are all prepared. */
export function yesOf(parts: readonly Part[]): Outcome & { readonly vote: 'yes' } {
  const hashes: Record<string, string> = {};
  const effects: GroupEffect[] = [];
  const results: { index: number; result: Json }[] = [];
  for (const { group, operations, indexes, prepared } of parts) {
    const [own, effect] = [prepared?.results ?? [], prepared?.effect ?? null];
    for (const [place, result] of own.entries()) results.push({ index: indexes[place] ?? 0, result });
    // A read goes to one member of a group only, so what it answers cannot be compared.
    const compared = operations.some(isRead) ? own.filter((_, place) => !isReadAt(operations, place)) : own;
    hashes[group] = digest({ effect, results: compared });
    if (effect !== null) effects.push({ group, effect });
  }
  results.sort((a, b) => a.index - b.index);
  const readOnly = parts.every(({ operations }) => operations.every(isRead));
  return { vote: 'yes', results, effects, hashes, readOnly };
}

function isReadAt(operations: readonly Operation[], place: number): boolean {
  const operation = operations[place];
  return operation !== undefined && isRead(operation);
}

/** Prepares every part that is not prepared yet; all are asked, so that each reserves or keeps its place in line. */
export function prepareParts(
  number: AttemptNumber,
  parts: readonly Part[],
): Exclude<Prepared, { readonly vote: 'yes' }> | undefined {
  let wait: Exclude<Prepared, { readonly vote: 'yes' }> | undefined;
  for (const part of parts) {
    if (part.prepared !== undefined) continue;
    const answer = part.resource.prepare(number, part.operations);
    if (answer.vote === 'no') return answer;
    if (answer.vote === 'yes') part.prepared = { results: answer.results, effect: answer.effect };
    else wait ??= { ...answer, key: groupKey(part.group, answer.key) };
  }
  return wait;
}
