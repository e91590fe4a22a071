/**
 * Rounds, their order, and quorums of 3PC (Skeen 1982; Keidar & Dolev,
 * JCSS 57(3) 1998). A quorum is more than half the weight of the sites named in
 * `prepare`; a view never changes it. Every site weighs 1; with an even number
 * of sites the coordinator weighs 2, so that a tie cannot be.
 */
import type { NodeName, Round } from './messages.ts';

/** Before every round: nothing promised, nothing attempted. */
export const ROUND_ZERO: Round = { counter: 0, site: '' };

/** The round of the coordinator's own attempt. */
export function firstRound(coordinator: NodeName): Round {
  return { counter: 1, site: coordinator };
}

/**
 * Negative when `a` is lower. The site breaks ties: with counters alone two
 * leaders could share a round, and two kinds of proposal would meet in it.
 */
export function compareRounds(a: Round, b: Round): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  return a.site < b.site ? -1 : a.site > b.site ? 1 : 0;
}

/** The sites of an attempt: its coordinator and its listed participants. */
export interface Electorate {
  readonly coordinator: NodeName;
  readonly participants: readonly NodeName[];
}

/** What one site's record weighs. */
export function weightOf(site: NodeName, electorate: Electorate): number {
  if (site !== electorate.coordinator) return electorate.participants.includes(site) ? 1 : 0;
  return (electorate.participants.length + 1) % 2 === 0 ? 2 : 1;
}

/** True when these sites hold more than half of all weight. */
export function isQuorum(sites: readonly NodeName[], electorate: Electorate): boolean {
  const weigh = (names: readonly NodeName[]): number =>
    names.reduce((sum, name) => sum + weightOf(name, electorate), 0);
  return 2 * weigh([...new Set(sites)]) > weigh([electorate.coordinator, ...electorate.participants]);
}
