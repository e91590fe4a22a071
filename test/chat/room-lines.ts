/** Lines of a room as a history numbers them, made by hand. */
import type { HistoryLine } from '../../src/resources/history.ts';

/** Line `seq` of the one list that all replicas hold. */
export function lineNumber(seq: number): HistoryLine {
  return { seq, key: `k${seq}`, author: 'ann', text: `text ${seq}`, at: '2018-03-03T22:34:52.180Z' };
}

/** Lines from … to, both included. */
export function linesFrom(from: number, to: number): readonly HistoryLine[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => lineNumber(from + index));
}
