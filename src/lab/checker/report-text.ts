/** The checker's report as people read it: the verdict first, each violation in words with the lines that show it. */
import { INVARIANTS } from './verdict.ts';
import type { CheckReport, Evidence, Verdict } from './verdict.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  'ok': 'OK: no invariant is violated',
  'violated': 'VIOLATED',
  'blocked-legally': 'BLOCKED LEGALLY: somebody is in doubt, as the protocol says it must be',
  'inconclusive': 'INCONCLUSIVE: nothing was found, but the run shows too little',
};

/** Lines without their ends. */
export function reportLines(report: CheckReport): readonly string[] {
  const { verdict, violations, more, notChecked, inconclusive, blocked, counts } = report;
  const { nodes, records, attempts, committed, aborted, undecided, clientEvents, reads } = counts;
  const lines = [
    VERDICTS[verdict],
    `  ${nodes} logs, ${records} records, ${attempts} attempts: ${committed} committed, ${aborted} aborted, ${undecided} undecided`,
    `  ${clientEvents} client events, ${reads} reads compared`,
  ];
  for (const { invariant, what, evidence } of violations) {
    lines.push('', `${invariant} ${INVARIANTS[invariant]}`, `  ${what}`, ...evidence.map(evidenceLine));
  }
  if (more > 0) lines.push('', `and ${more} more violations`);
  if (inconclusive.length > 0) lines.push('', 'Why inconclusive:', ...inconclusive.map((why) => `  ${why}`));
  if (blocked.length > 0) lines.push('', 'Why in doubt:', ...blocked.map((why) => `  ${why}`));
  if (notChecked.length > 0) {
    const rows = notChecked.map(
      ({ invariant, why, times }) => `  ${invariant} ${why}${times > 1 ? ` (${times} times)` : ''}`,
    );
    lines.push('', 'Not checked:', ...rows);
  }
  return lines;
}

function evidenceLine({ node, file, line, text }: Evidence): string {
  const place = file === undefined ? node : `${node}/${file}${line === undefined ? '' : `:${line}`}`;
  return `    ${place}  ${text}`;
}
