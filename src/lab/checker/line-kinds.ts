/** What lines and effects are of, told by their members: a copy brings both, and names no resource. */
import type { Json } from '../../base/canonical-json.ts';
import { textIn } from './group-model.ts';

/** The kind of resource that an effect is of, where the operations are not known; empty of none. */
export function kindOfEffect(effect: Json): string {
  if (typeof effect !== 'object' || effect === null) return '';
  if ('appends' in effect) return 'history';
  return 'strings' in effect ? 'notebook' : 'postings' in effect ? 'ledger' : '';
}

/** A change that a copy brings behind its snapshot. */
export interface CopiedChange {
  readonly number: string;
  readonly id: string;
  readonly effect: Json;
}

/** The change in a line of a copy; undefined for a line of a snapshot. */
export function changeIn(line: Json): CopiedChange | undefined {
  if (typeof line !== 'object' || line === null || !('change' in line)) return undefined;
  const { change } = line;
  const effect = (change as { readonly data?: Json } | undefined)?.data ?? null;
  return { number: textIn(change, 'number'), id: textIn(change, 'id'), effect };
}

/** The kind of resource that a snapshot is of, by its first line; undefined of none. */
export function kindOfLines(lines: readonly Json[]): string | undefined {
  const [first] = lines;
  if (typeof first !== 'object' || first === null) return undefined;
  if ('line' in first) return 'ledger';
  return 'room' in first ? 'history' : 'string' in first ? 'notebook' : undefined;
}
