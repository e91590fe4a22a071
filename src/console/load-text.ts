/** What came of a load, in lines, and whether money was conserved. */
import { columnLines } from './columns.ts';
import { lockRow, statisticsLines } from './statistics-text.ts';
import { counted } from './transaction-text.ts';
import type { LoadPlan, LoadResult, TimedRounds } from './bank-load.ts';

/** `conserved`, `violated`, or `open` while the outcome of a transfer is unknown. */
export type LoadVerdict = 'conserved' | 'violated' | 'open';

/** Whether the money is right: the total, every account of the run, and what was told twice. */
export function loadVerdict({ statistics, totalBefore, totalAfter, wrong, contradicted }: LoadResult): LoadVerdict {
  if (totalBefore !== totalAfter || contradicted > 0) return 'violated';
  if (wrong.some(({ balance }) => balance < 0)) return 'violated';
  if (wrong.length === 0) return 'conserved';
  // A transfer without an outcome may explain any difference between accounts, but none in the total.
  return statistics.unknown > 0 ? 'open' : 'violated';
}

/**
 * Conflicting transfers that came out wrong: accounts that hold something else than the answers say, answers that were
 * others the second time, and a total that changed. Undefined while the outcome of a transfer could explain it.
 */
export function racesOf(result: LoadResult): number | undefined {
  const { wrong, contradicted, totalBefore, totalAfter } = result;
  if (loadVerdict(result) === 'open') return undefined;
  return wrong.length + contradicted + (totalBefore === totalAfter ? 0 : 1);
}

/** The figures the third source system reports, each as it was measured in this run. */
function figureLines(result: LoadResult): readonly string[] {
  const { single, three, accounts } = result;
  const rounds = ({ ms, committed }: TimedRounds, what: string): string =>
    ms === null ? 'not timed' : `${ms.p50.toFixed(1)} ms (p50 of ${committed}${what})`;
  const races = racesOf(result);
  const compared = `in ${accounts} accounts, the total, and what was sent twice`;
  return columnLines(
    [
      ['Single transaction:', rounds(single, '')],
      ['3 concurrent:', rounds(three, ', until all three had ended')],
      lockRow(result.locks) ?? ['Lock acquisition:', 'no node said'],
      ['Race conditions:', races === undefined ? 'not known while outcomes are unknown' : `${races} (${compared})`],
    ],
    ['left', 'left'],
  );
}

/** The report. */
export function loadLines(plan: LoadPlan, result: LoadResult): readonly string[] {
  const { statistics, elapsedMs, totalBefore, totalAfter, accounts, wrong, contradicted, refused } = result;
  const perSecond = (1000 * statistics.attempted) / Math.max(1, elapsedMs);
  const verdict = loadVerdict(result);
  return [
    ...statisticsLines(statistics),
    '',
    'Figures:',
    ...figureLines(result).map((line) => `  ${line}`),
    '',
    `${counted(plan.clients, 'client')}, ${(elapsedMs / 1000).toFixed(1)} s, ${perSecond.toFixed(1)} transfers a second`,
    ...(refused === 0 ? [] : [`${counted(refused, 'transfer')} refused before they became transactions`]),
    `total before ${totalBefore}, after ${totalAfter}${totalBefore === totalAfter ? '' : ': MONEY WAS MADE OR LOST'}`,
    wrong.length === 0
      ? `${accounts} accounts of this run hold their opening and what was moved, to the last unit`
      : `${wrong.length} of ${accounts} accounts of this run hold something else than the answers say:`,
    ...wrong.map(({ account, expected, balance }) => `  account ${account}: ${balance} instead of ${expected}`),
    ...(contradicted === 0 ? [] : [`${contradicted} transfers were answered otherwise the second time`]),
    verdict === 'open' ? 'verdict: open, since some outcomes are not known yet' : `verdict: ${verdict}`,
  ];
}
