/** A run directory before the checker, as the parts of the proof want to know it. */
import { check } from '../checker/check.ts';
import { gatherRun } from '../checker/gather.ts';
import type { CheckReport } from '../checker/verdict.ts';

/** What the checker says, in lines. */
export interface JudgedRun {
  readonly verdict: CheckReport['verdict'];
  /** `I5 …`, with the log lines behind it. */
  readonly violations: readonly string[];
  readonly inconclusive: readonly string[];
}

const EVIDENCE_SHOWN = 6;

/** Checks a finished run. A run with nobody dead may not be blocked: that counts as a violation here. */
export async function judgeRun(directory: string): Promise<JudgedRun> {
  const { verdict, violations, inconclusive, blocked } = check(await gatherRun(directory));
  const lines = violations.map(({ invariant, what, evidence }) => {
    const shown = evidence
      .slice(0, EVIDENCE_SHOWN)
      .map(({ node, file, line }) => `${node} ${file ?? ''}:${line ?? ''}`);
    return `${invariant} ${what} (${shown.join(', ')})`;
  });
  const stuck =
    verdict === 'blocked-legally'
      ? blocked.map((one) => `blocked: ${typeof one === 'string' ? one : JSON.stringify(one)}`)
      : [];
  return { verdict, violations: [...lines, ...stuck], inconclusive: [...inconclusive] };
}
