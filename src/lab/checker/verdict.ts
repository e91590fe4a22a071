/**
 * What the checker says: findings with their evidence, what could not be
 * shown, and the verdict over all of it.
 *
 * ```
 *   violated          an invariant does not hold; the log lines are the evidence
 *   inconclusive      nothing was found, but the run shows too little
 *   blocked-legally   somebody is still in doubt, and the protocol says so
 *   ok                none of these
 * ```
 */
import type { NodeName } from '../../protocol/messages.ts';

/** The invariants, by number, in words (docs/checker.md). */
export const INVARIANTS = {
  I1: 'all or none: no transaction is committed in one place and aborted in another',
  I2: 'clients were told the truth, and only one',
  I3: 'commit only when every listed participant had promised it; a no means abort',
  I4: 'a decision is final; rounds, epochs, views and numbers only go up',
  I5: 'what was acknowledged is still there',
  I6: 'no money is made or lost, in any read; every balance is its opening and its postings',
  I7: 'conflicting transactions have one order everywhere, and an independent model gives the same answers',
  I8: 'every chat line once, in one list that all readers see a beginning of',
  I9: 'replaying the log gives the live state, and gives it again',
  I10: 'nothing is left over: no lock, no doubt, no open handle',
  I11: 'a record is on disk before anything that relies on it',
  I12: 'what was done was asked for, as it was asked for',
} as const;

/** I1 to I12. */
export type Invariant = keyof typeof INVARIANTS;

/** One record (or line of a run's other files) that shows what is said. `file` is relative to the node's directory. */
export interface Evidence {
  readonly node: NodeName;
  readonly file?: string;
  readonly line?: number;
  readonly seq?: number;
  readonly text: string;
}

/** An invariant that does not hold. */
export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
  readonly evidence: readonly Evidence[];
}

/** What this run could not show, and how often that was met. */
export interface NotChecked {
  readonly invariant: Invariant;
  readonly why: string;
  readonly times: number;
}

/** How much was looked at. */
export interface Counts {
  readonly nodes: number;
  readonly records: number;
  readonly attempts: number;
  readonly committed: number;
  readonly aborted: number;
  readonly undecided: number;
  readonly clientEvents: number;
  readonly reads: number;
}

/** See the header. */
export type Verdict = 'ok' | 'violated' | 'blocked-legally' | 'inconclusive';

/** The checker's answer. */
export interface CheckReport {
  readonly verdict: Verdict;
  readonly violations: readonly Violation[];
  /** Violations beyond those listed. */
  readonly more: number;
  readonly notChecked: readonly NotChecked[];
  /** Why the verdict is `inconclusive`. */
  readonly inconclusive: readonly string[];
  /** Why being in doubt is right, one sentence a transaction. */
  readonly blocked: readonly string[];
  readonly counts: Counts;
}

/** Violations that are listed one by one; a broken run repeats itself. */
export const VIOLATIONS_MAX = 100;
/** Lines of evidence with one violation. */
export const EVIDENCE_MAX = 20;

/** Gathers findings while the invariants are walked through. */
export class Findings {
  readonly violations: Violation[] = [];
  readonly inconclusive: string[] = [];
  readonly blocked: string[] = [];
  more = 0;
  /** Reads of clients that were compared with something. */
  reads = 0;
  readonly #notChecked = new Map<string, { readonly invariant: Invariant; readonly why: string; times: number }>();

  violate(invariant: Invariant, what: string, evidence: readonly Evidence[]): void {
    if (this.violations.length >= VIOLATIONS_MAX) this.more += 1;
    else this.violations.push({ invariant, what, evidence: evidence.slice(0, EVIDENCE_MAX) });
  }

  notChecked(invariant: Invariant, why: string): void {
    const key = `${invariant} ${why}`;
    const found = this.#notChecked.get(key);
    if (found === undefined) this.#notChecked.set(key, { invariant, why, times: 1 });
    else found.times += 1;
  }

  notCheckedList(): readonly NotChecked[] {
    return [...this.#notChecked.values()];
  }
}
