/** What came of a load, in lines, and whether money was conserved. */
import { statisticsLines } from './statistics-text.ts';
import { counted } from './transaction-text.ts';
import type { LoadPlan, LoadResult } from './bank-load.ts';

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

/** The report. */
export function loadLines(plan: LoadPlan, result: LoadResult): readonly string[] {
  const { statistics, elapsedMs, totalBefore, totalAfter, accounts, wrong, contradicted, refused } = result;
  const perSecond = (1000 * statistics.attempted) / Math.max(1, elapsedMs);
  const verdict = loadVerdict(result);
  return [
    ...statisticsLines(statistics),
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
