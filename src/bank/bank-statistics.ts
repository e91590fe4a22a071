/**
 * What a front end counts of the changes it was asked for, and why those that
 * were rolled back were. An id is counted once, however often it is sent, as
 * long as it is among the last 10,000 that ended, or 10,000 without an outcome.
 *
 *   attempted = committed + rolledBack + unknown,  rolledBack = the sum of its causes
 *
 * From outside a dead node and a slow one look alike, so a cause says what the
 * coordinator saw, by the code of its reason:
 *
 * | cause | codes |
 * | --- | --- |
 * | crashes | no vote in time; the survivors decided without the coordinator |
 * | funds | too little, or more than an account can hold |
 * | network | a lost link took a node out, or a node could not be reached; a message came too late |
 * | conflicts | another transaction held what was needed |
 * | other | the rest: no such account, a no by hand, a full disk |
 */
import { RecentDurations } from '../base/recent-durations.ts';
import type { Json } from '../base/canonical-json.ts';
import type { Percentiles } from '../base/recent-durations.ts';

/** Why a transaction was rolled back. */
export type Cause = 'crashes' | 'funds' | 'network' | 'conflicts' | 'other';

/** The causes in the order of reports. */
export const CAUSES: readonly Cause[] = ['crashes', 'funds', 'network', 'conflicts', 'other'];

/** The figures so far. */
export type Statistics = {
  readonly attempted: number;
  readonly committed: number;
  readonly rolledBack: number;
  /** No outcome is known yet. */
  readonly unknown: number;
  readonly causes: Readonly<Record<Cause, number>>;
  /** Durations of the last transactions with an outcome, in milliseconds; null before the first. */
  readonly ms: Percentiles | null;
};

/** What became of one transaction. */
export type Counted = 'committed' | 'unknown' | Cause;

const CODES: Readonly<Record<string, Cause>> = {
  'vote-timeout': 'crashes',
  'terminated': 'crashes',
  'insufficient-funds': 'funds',
  'balance-overflow': 'funds',
  'node-unreachable': 'network',
  'not-in-view': 'network',
  'refused-number': 'network',
  'lock-timeout': 'conflicts',
};

/** Ids kept so that one that is sent again is not counted again, of those that ended and of those that have not. */
const IDS_MAX = 10_000;
/** Durations kept for the percentiles, when it is not said how many. */
const DURATIONS_MAX = 1_000;

/** What an answer of `POST /transactions` counts as. */
export function countedAs(outcome: Json | undefined, reasonCode: Json | undefined): Counted {
  if (outcome === 'committed') return 'committed';
  if (outcome !== 'aborted') return 'unknown';
  return typeof reasonCode === 'string' && Object.hasOwn(CODES, reasonCode) ? (CODES[reasonCode] ?? 'other') : 'other';
}

/** See the header. */
export class BankStatistics {
  readonly #counts = new Map<Counted, number>();
  /** Oldest first. An unknown id is not pushed out by those that ended: its outcome is still to be counted. */
  readonly #ended = new Set<string>();
  readonly #unknown = new Set<string>();
  readonly #durations: RecentDurations;

  /** @param durationsMax the last so many durations are kept for the percentiles */
  constructor(durationsMax = DURATIONS_MAX) {
    this.#durations = new RecentDurations(durationsMax);
  }

  /** Counts a transaction, or what became of one whose outcome was unknown. */
  note(id: string, counted: Counted, tookMs: number): void {
    // An outcome never changes; only what was unknown becomes known.
    if (this.#ended.has(id)) return;
    if (this.#unknown.delete(id)) this.#add('unknown', -1);
    this.#add(counted, 1);
    const ids = counted === 'unknown' ? this.#unknown : this.#ended;
    ids.add(id);
    if (ids.size > IDS_MAX) ids.delete(ids.values().next().value ?? id);
    if (counted === 'unknown') return;
    this.#durations.note(tookMs);
  }

  /** The figures now. */
  read(): Statistics {
    const count = (counted: Counted): number => this.#counts.get(counted) ?? 0;
    const causes = Object.fromEntries(CAUSES.map((cause) => [cause, count(cause)])) as Record<Cause, number>;
    const rolledBack = CAUSES.reduce((sum, cause) => sum + causes[cause], 0);
    const [committed, unknown] = [count('committed'), count('unknown')];
    const attempted = committed + rolledBack + unknown;
    return { attempted, committed, rolledBack, unknown, causes, ms: this.#durations.percentiles() };
  }

  #add(counted: Counted, by: number): void {
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + by);
  }
}
