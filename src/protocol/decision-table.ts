/**
 * Labelled decision tables (the shape of TigerBeetle's recovery cases): rows of
 * evidence and what follows. A member that a row leaves out does not matter.
 * Exactly one row must fit; evidence that fits none is an impossible state.
 */
import { assert } from '../base/assert.ts';

/** Plain yes or no, by name. */
export type Evidence<Key extends string> = Readonly<Record<Key, boolean>>;

/** One case of a table. */
export type DecisionCase<Key extends string, Result extends object> = Readonly<Partial<Record<Key, boolean>>> &
  Result & { readonly label: string };

/** The one case that fits. */
export function fittingCase<Key extends string, Result extends object>(
  table: readonly DecisionCase<Key, Result>[],
  evidence: Evidence<Key>,
): DecisionCase<Key, Result> {
  const keys = Object.keys(evidence) as Key[];
  const fitting = table.filter((row) => keys.every((key) => row[key] === undefined || row[key] === evidence[key]));
  const [only] = fitting;
  assert(only !== undefined && fitting.length === 1, `exactly one case fits ${JSON.stringify(evidence)}`);
  return only;
}
