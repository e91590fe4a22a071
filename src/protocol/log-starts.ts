/**
 * Is a log the one that was seen before, and has it lost nothing since? Peers
 * remember of each other's log how far it was synced, and in which start. An
 * older copy of that log (a restored snapshot) must not pass for it.
 *
 * It is not enough that the newest start begins behind what was seen: a log
 * that was cut short grows again by its own starts, and counts their epochs
 * again, before any peer has looked. So it tells its earlier starts too. In the
 * log that was seen, the start that was seen has its own mark, and the next one
 * begins behind all that was seen.
 */
import type { LogSeen, LogStart } from './messages.ts';

/** What a log says of itself. */
export interface LogOfNow {
  readonly epoch: number;
  readonly start: string;
  readonly startSeq: number;
  /** Oldest first, without the current one; absent or cut off: nothing is known before. */
  readonly earlierStarts?: readonly LogStart[];
}

/** True when nothing speaks against it. The incarnation was compared before. */
export function hasGoneOn(seen: Pick<LogSeen, 'epoch' | 'start' | 'seq'>, log: LogOfNow): boolean {
  const { epoch, start, startSeq: seq, earlierStarts = [] } = log;
  const starts: readonly LogStart[] = [...earlierStarts, { epoch, start, seq }];
  const same = starts.find((one) => one.epoch === seen.epoch);
  // An old start record has no mark to compare.
  if (same !== undefined && same.start !== '' && same.start !== seen.start) return false;
  const next = starts.find((one) => one.epoch > seen.epoch);
  return next === undefined ? same !== undefined : seen.seq < next.seq;
}
