/** The low-water mark: every number below it is decided, and acknowledged or presumed aborted. */
import { compareNumbers, numberParts } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';

/** True when the number is of the same coordinator log and older than the mark. */
export function isBelow(number: AttemptNumber, lowWater: AttemptNumber | undefined): boolean {
  const mark = lowWater === undefined ? undefined : numberParts(lowWater);
  const parts = numberParts(number);
  if (mark === undefined || parts === undefined || mark.incarnation !== parts.incarnation) return false;
  return compareNumbers(parts, mark) < 0;
}
