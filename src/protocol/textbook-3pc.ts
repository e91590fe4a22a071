/**
 * What both machines of `3pc-textbook` share: the rule of termination, and its
 * table. Only for the lab.
 *
 * Skeen's three-phase commit (SIGMOD 1981) with the termination protocol of
 * Bernstein, Hadzilacos & Goodman 1987, 7.5. Silence counts as a crash: whoever
 * does not answer in time is left out. That never blocks while one site lives,
 * and it is safe only where silence is a crash: processes stop and start again,
 * no message is lost, no link is cut, nobody is only slow. On a partition, or
 * after a pause longer than the timeouts, one side commits and the other
 * aborts. The 3PC that ships (site-3pc.ts) asks a quorum instead.
 *
 *                                  TR1 TR2 TR3 TR4
 *   a site that answers aborted     1   0   0   0
 *   one committed                   0   1   0   0
 *   one is precommitted             -   -   0   1
 *   ────────────────────────────────────────────────
 *   choice                      abort commit abort precommit
 *
 *   TR1, TR2  A decision was made: adopt it.
 *   TR3  All that live are uncertain: by the rule of the middle phase nobody
 *        has committed, and those that crashed will ask before they do anything.
 *   TR4  Someone may have committed: everyone that lives is precommitted first.
 */
import { fittingCase } from './decision-table.ts';
import type { DecisionCase } from './decision-table.ts';
import type { NodeName, Round } from './messages.ts';
import { ROUND_ZERO } from './quorum.ts';
import type { SiteReport } from './termination.ts';

/** A round this site leads. */
export type TextbookLeading =
  /** Asks everyone where they stand, until all have answered or the timer rings. */
  | { readonly stage: 'electing'; readonly round: Round; readonly replies: Readonly<Record<NodeName, SiteReport>> }
  /** Has precommitted those that were uncertain: waits for `waiting`, or the timer. */
  | {
      readonly stage: 'proposing';
      readonly round: Round;
      readonly kind: 'precommit';
      readonly accepted: readonly NodeName[];
      readonly waiting: readonly NodeName[];
    };

/** An undecided site. */
export interface TextbookSite {
  readonly phase: 'prepared' | 'precommitted';
  /** Highest round of a leader obeyed so far: lower ones are ignored. */
  readonly lastElected: Round;
  readonly lastAttempt: Round;
  readonly counterSeen: number;
  readonly leading?: TextbookLeading;
  /** It has been down meanwhile: silence tells it nothing any more, so it asks until one knows, or all have answered. */
  readonly recovered?: true;
}

/** A participant that leads asks this of everyone. */
export interface TextbookRequest {
  readonly type: 'precommit' | 'state-request';
  readonly from: NodeName;
  readonly round: Round;
}

/** The evidence of one election. */
export type TextbookFact = 'aborted' | 'committed' | 'precommitted';

/** The table of the header, as data. */
// prettier-ignore
export const TEXTBOOK_TERMINATION = [
  { label: 'TR1', aborted: true,  committed: false, choice: 'abort' },
  { label: 'TR2', aborted: false, committed: true, choice: 'commit' },
  { label: 'TR3', aborted: false, committed: false, precommitted: false, choice: 'abort' },
  { label: 'TR4', aborted: false, committed: false, precommitted: true, choice: 'precommit' },
] as const satisfies readonly DecisionCase<TextbookFact, { readonly choice: string }>[];

/** What a leader does next. */
export type TextbookChoice = (typeof TEXTBOOK_TERMINATION)[number]['choice'];

/** What follows from the answers of those that live, the leader's own among them. */
export function textbookChoice(replies: Readonly<Record<NodeName, SiteReport>>): TextbookChoice {
  const states = Object.values(replies).map(({ state }) => state);
  const evidence = {
    aborted: states.includes('aborted'),
    committed: states.includes('committed'),
    precommitted: states.includes('precommitted'),
  };
  return fittingCase<TextbookFact, { readonly choice: TextbookChoice }>(TEXTBOOK_TERMINATION, evidence).choice;
}

/** Just voted yes. */
export const TEXTBOOK_UNCERTAIN: TextbookSite = {
  phase: 'prepared',
  lastElected: ROUND_ZERO,
  lastAttempt: ROUND_ZERO,
  counterSeen: 1,
};
