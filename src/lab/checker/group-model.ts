/**
 * What an independent model of a resource answers. The models know the
 * operations and what docs/guide.md says they do, and nothing of
 * src/resources: the same mistake would have to be made twice.
 */
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/canonical-json.ts';

/** An operation of a client. */
export type ModelOperation = { readonly group: string; readonly [field: string]: Json };

/** One result per operation, and what a commit would change; null: nothing. */
export interface Planned {
  readonly results: readonly Json[];
  readonly effect: Json;
}

/** As the locks of resources: reads go with reads, changes with changes, anything else is in order. */
export interface KeyUse {
  readonly key: string;
  readonly mode: 'read' | 'change' | 'exclusive';
}

/** A value that can be read, under its key, as it is after a commit. */
export type Reading = readonly [key: string, value: Json];

/** A model of what one group holds. */
export interface GroupModel {
  /** What the operations come to now; a sentence when they cannot be done; undefined when one is not known here. */
  plan(operations: readonly ModelOperation[]): Planned | string | undefined;
  /** What the operations touch. */
  uses(operations: readonly ModelOperation[]): readonly KeyUse[];
  /** What an effect touches, where the operations are not known. */
  usesOfEffect(effect: Json): readonly KeyUse[];
  /** Why this effect cannot be promised beside these undecided ones; undefined when it can. */
  short(effect: Json, undecided: readonly Json[]): string | undefined;
  /** Why the numbers that an effect takes from a counter cannot be right; undefined when they can. Absent: it has none. */
  misnumbered?(effect: Json): string | undefined;
  /** Applies a committed effect; sentences about what is wrong with it, and what can be read differently now. */
  apply(
    effect: Json,
    number: string,
    id: string,
  ): { readonly faults: readonly string[]; readonly readings: readonly Reading[] };
  /** Replaces everything by the lines of a snapshot. */
  load(lines: readonly Json[]): readonly Reading[];
  /** All that is held, as the lines of a snapshot in any order. */
  lines(): readonly Json[];
}

/** A member of a JSON object as a number, else 0; the checker meets damaged effects too. */
export function numberIn(value: Json | undefined, name: string): number {
  const member = memberIn(value, name);
  return typeof member === 'number' ? member : 0;
}

/** A member of a JSON object as a text, else ''. */
export function textIn(value: Json | undefined, name: string): string {
  const member = memberIn(value, name);
  return typeof member === 'string' ? member : '';
}

/** A member of a JSON object. */
export function memberIn(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, Json>>)[name];
}

/** A list in a JSON object, else an empty one. */
export function listIn(value: Json | undefined, name: string): readonly Json[] {
  const list = memberIn(value, name);
  return Array.isArray(list) ? (list as readonly Json[]) : [];
}

/** Two answers to an operation mean the same. A room answers more about a line it had; its place is what must agree. */
export function sameAnswer(kind: string, model: Json, real: Json): boolean {
  if (kind !== 'history') return canonicalJson(model) === canonicalJson(real);
  return canonicalJson(placesIn(model)) === canonicalJson(placesIn(real));
}

function placesIn(answer: Json): Json {
  if (typeof answer !== 'object' || answer === null || !('lines' in answer) || !Array.isArray(answer['lines']))
    return answer;
  const lines = (answer['lines'] as readonly Json[]).map((line) => [
    textIn(line, 'key'),
    (line as { seq?: Json }).seq ?? null,
  ]);
  return { ...(answer as Readonly<Record<string, Json>>), lines };
}
