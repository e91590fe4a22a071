/**
 * One total order of attempt numbers, for lists that must be the same on
 * every replica whatever the order of arrival was. Within one incarnation it
 * is the order in which the coordinator began the attempts; between
 * incarnations it is only an order, not a time.
 */
import { compareNumbers, numberParts } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';

/** Negative when `a` comes first. Texts that are no numbers are ordered by their characters. */
export function compareAttempts(a: AttemptNumber, b: AttemptNumber): number {
  const left = numberParts(a);
  const right = numberParts(b);
  if (left !== undefined && right !== undefined && left.incarnation === right.incarnation) {
    return compareNumbers(left, right);
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
