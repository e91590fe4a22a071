/**
 * What a termination leader does with the replies of its round: the rule of
 * E3PC (Keidar & Dolev, JCSS 57(3) 1998), as a decision table.
 *
 *                                        @A  @B  @C  @D  @E
 *   a reporter is committed               1   0   0   0   0
 *   a reporter is aborted                 0   1   0   0   0
 *   the reporters are a quorum            -   -   0   1   1
 *   highest lastAttempt all precommitted  -   -   -   1   0
 *   ────────────────────────────────────────────────────────
 *   choice                           commit   │  wait  │  preabort
 *                                          abort   precommit
 *
 *   @A, @B  A decision was made: adopt it. Needs no quorum.
 *   @C      Another quorum may be deciding right now: wait.
 *   @D      The newest attempt that this quorum knows was a precommit: an older
 *           decision could only be commit. Carry it on in the new round.
 *   @E      No commit can have been decided before this round: abort is safe.
 *           "Any precommitted → precommit" (textbook rule TR4) is not: a
 *           precommit of an old round may have lost to a newer preabort.
 *   Committed beside aborted cannot happen (AC1), and is asserted.
 */
import { fittingCase } from './decision-table.ts';
import { compareRounds, isQuorum, ROUND_ZERO } from './quorum.ts';
import type { Electorate } from './quorum.ts';
import type { NodeName, Round } from './messages.ts';

/** Where a site stands, as it reports to a leader. */
export interface SiteReport {
  readonly state: 'prepared' | 'precommitted' | 'preaborted' | 'committed' | 'aborted';
  readonly lastAttempt: Round;
}

/** The evidence of one election, each a plain yes or no. */
export interface TerminationEvidence {
  readonly committed: boolean;
  readonly aborted: boolean;
  readonly quorum: boolean;
  readonly newestAllPrecommitted: boolean;
}

/** What a leader does next. */
export type TerminationChoice = 'commit' | 'abort' | 'wait' | 'precommit' | 'preabort';

/** One case; a member that is left out does not matter. */
export interface TerminationCase extends Partial<TerminationEvidence> {
  readonly label: string;
  readonly choice: TerminationChoice;
}

/** The table of the header, as data. */
// prettier-ignore
export const TERMINATION_CASES: readonly TerminationCase[] = [
  { label: '@A', committed: true,  aborted: false, choice: 'commit' },
  { label: '@B', committed: false, aborted: true, choice: 'abort' },
  { label: '@C', committed: false, aborted: false, quorum: false, choice: 'wait' },
  { label: '@D', committed: false, aborted: false, quorum: true, newestAllPrecommitted: true, choice: 'precommit' },
  { label: '@E', committed: false, aborted: false, quorum: true, newestAllPrecommitted: false, choice: 'preabort' },
];

/** The evidence in a leader's replies, its own included. */
export function terminationEvidence(
  replies: Readonly<Record<NodeName, SiteReport>>,
  electorate: Electorate,
): TerminationEvidence {
  const reports = Object.values(replies);
  const newest = reports.reduce(
    (highest, report) => (compareRounds(report.lastAttempt, highest) > 0 ? report.lastAttempt : highest),
    ROUND_ZERO,
  );
  const atNewest = reports.filter((report) => compareRounds(report.lastAttempt, newest) === 0);
  return {
    committed: reports.some((report) => report.state === 'committed'),
    aborted: reports.some((report) => report.state === 'aborted'),
    quorum: isQuorum(Object.keys(replies), electorate),
    newestAllPrecommitted: atNewest.length > 0 && atNewest.every((report) => report.state === 'precommitted'),
  };
}

/** The one case that fits the evidence. */
export function terminationCase(evidence: TerminationEvidence): TerminationCase {
  return fittingCase<keyof TerminationEvidence, { readonly choice: TerminationChoice }>(TERMINATION_CASES, {
    ...evidence,
  });
}
