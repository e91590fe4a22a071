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
  let only: DecisionCase<Key, Result> | undefined;
  let fitting = 0;
  for (const row of table) {
    if (!fits(row, evidence)) continue;
    only ??= row;
    fitting += 1;
  }
  // The text is made when it is needed: a replay comes here once for every number of the log.
  if (only === undefined || fitting !== 1) assert(false, `exactly one case fits ${JSON.stringify(evidence)}`);
  return only;
}

function fits<Key extends string>(row: Readonly<Partial<Record<Key, boolean>>>, evidence: Evidence<Key>): boolean {
  for (const key in evidence) if (row[key] !== undefined && row[key] !== evidence[key]) return false;
  return true;
}
