/**
 * The figures of a bank as a report, in the form of the third source system.
 *
 * ```
 * === CONCURRENT EXECUTION RESULTS ===
 * Transactions attempted: 25
 * Committed:              15 (60%)
 * Rolled back:            10 (40%)
 *
 * Failure breakdown:
 *   Node crashes:         4 (16%)
 *   Insufficient funds:   3 (12%)
 * ```
 *
 * Where participants have measured it, the time until an attempt had its locks
 * is a row of its own. Shares are of all that were attempted, so those of the causes add up to that
 * of the rollbacks.
 */
import { CAUSES } from '../bank/bank-statistics.ts';
import { columnLines } from './columns.ts';
import { counted, objectAt, textAt } from './transaction-text.ts';
import type { Cause } from '../bank/bank-statistics.ts';
import type { JsonObject } from './transaction-text.ts';

const CAUSE_NAMES: Readonly<Record<Cause, string>> = {
  crashes: 'Node crashes',
  funds: 'Insufficient funds',
  network: 'Network failures',
  conflicts: 'Conflicts',
  other: 'Other',
};

/** @param statistics as `GET /bank/statistics` answers them */
export function statisticsLines(statistics: JsonObject): readonly string[] {
  const attempted = count(statistics, 'attempted');
  const share = (of: number): string => (attempted === 0 ? '' : ` (${Math.round((100 * of) / attempted)}%)`);
  const row = (name: string, of: number): string[] => [`${name}:`, `${of}${share(of)}`];
  const unknown = count(statistics, 'unknown');
  const causes = objectAt(statistics, 'causes');
  const broken = CAUSES.filter((cause) => cause !== 'other' || count(causes, cause) > 0);
  const ms = objectAt(statistics, 'ms');
  const times = ['p50', 'p99', 'most'].map((name) => `${name} ${count(ms, name).toFixed(1)} ms`).join(', ');
  const locks = lockRow(objectAt(statistics, 'locks'));
  const rows = [
    ['Transactions attempted:', String(attempted)],
    row('Committed', count(statistics, 'committed')),
    row('Rolled back', count(statistics, 'rolledBack')),
    ...(unknown === 0 ? [] : [row('Outcome not known yet', unknown)]),
    ...(Object.keys(ms).length === 0 ? [] : [['Time of a transaction:', times]]),
    ...(locks === undefined ? [] : [locks]),
    ...broken.map((cause) => row(`  ${CAUSE_NAMES[cause]}`, count(causes, cause))),
  ];
  const lines = columnLines(rows, ['left', 'left']);
  const figures = lines.length - broken.length;
  return [
    '=== CONCURRENT EXECUTION RESULTS ===',
    ...lines.slice(0, figures),
    '',
    'Failure breakdown:',
    ...lines.slice(figures),
  ];
}

/**
 * The row about locks, undefined when nothing is known. They are taken in memory, so their times need more digits than
 * those of transactions.
 * @param locks as `locks` of `GET /bank/statistics`
 */
export function lockRow(locks: JsonObject): readonly [name: string, figures: string] | undefined {
  const ms = objectAt(locks, 'ms');
  if (Object.keys(ms).length === 0) return undefined;
  const times = ['p50', 'p99', 'most'].map((name) => `${name} ${count(ms, name).toFixed(3)} ms`).join(', ');
  return [
    'Lock acquisition:',
    `${times}; ${textAt(locks, 'taken')} taken at ${counted(count(locks, 'nodes'), 'node')}`,
  ];
}

function count(from: JsonObject, name: string): number {
  return typeof from[name] === 'number' ? from[name] : 0;
}
