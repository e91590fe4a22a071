/** What the parts of a scenario run share, and how one of them says that something expected did not come. */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { LabCluster } from './lab-cluster.ts';
import type { Scenario } from './scenario-shape.ts';

/** What a client was told; `no-answer` when the connection broke or could not be made. */
export interface Told {
  readonly outcome: 'committed' | 'aborted' | 'unknown' | 'no-answer' | 'refused';
  /** Code of the reason, or of the refusal. */
  readonly reason: string | undefined;
  readonly body: Readonly<Record<string, Json>>;
}

/** One run under way. */
export interface ScenarioContext {
  readonly scenario: Scenario;
  readonly cluster: LabCluster;
  /** A line for people. */
  readonly say: (line: string) => void;
  /** Answers that steps did not wait for, by id. */
  readonly answers: Map<string, Promise<Told>>;
  /** Clients in the background. */
  readonly loads: Promise<void>[];
  /** Nodes that stand still because a step paused them. */
  readonly paused: Set<string>;
}

/** Something a scenario says must be, and is not. */
export class Unfulfilled extends Error {}

/** A list of operations as given, or by its name, with `$id` in texts replaced. */
export function operationsOf(
  { transactions }: Scenario,
  wanted: string | readonly Readonly<Record<string, Json>>[],
  id: string,
): Json {
  const operations = typeof wanted === 'string' ? transactions[wanted] : wanted;
  if (operations === undefined) {
    const known = Object.keys(transactions).join(', ');
    throw new ParleyError('usage', `The scenario has no transaction ${JSON.stringify(wanted)}; it has: ${known}.`);
  }
  return filled(operations, id);
}

function filled(value: Json, id: string): Json {
  if (typeof value === 'string') return value.replaceAll('$id', id);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: Json) => filled(one, id));
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Json>>).map(([key, one]) => [key, filled(one, id)]),
  );
}
