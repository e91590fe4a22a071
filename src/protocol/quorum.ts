/**
 * Rounds, their order, and quorums of 3PC (Skeen 1982; Keidar & Dolev,
 * JCSS 57(3) 1998). A quorum is more than half the weight of the sites named in
 * `prepare`; a view never changes it. Every site weighs 1; with an even number
 * of sites the coordinator weighs 2, so that a tie cannot be.
 */
import type { NodeName, Round, Site } from './messages.ts';

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

/** How sites are weighed: every participant 1. Data, so that the explorer can try another rule. */
export interface QuorumRule {
  readonly coordinatorWeight: number;
  /** So much weight makes a quorum; two quorums must share a site. */
  readonly quorumWeight: number;
}

/** The sites of an attempt: its coordinator and its listed participants. */
export interface Electorate {
  readonly coordinator: NodeName;
  readonly participants: readonly NodeName[];
  /** Absent, as in every daemon: the rule of the header. */
  readonly rule?: QuorumRule;
}

/** The electorate of an attempt, as either side knows it. */
export function electorateOf(
  coordinator: NodeName,
  { participants, quorumRule }: { readonly participants: readonly Site[]; readonly quorumRule?: QuorumRule },
): Electorate {
  const sites = { coordinator, participants: participants.map(({ name }) => name) };
  return quorumRule === undefined ? sites : { ...sites, rule: quorumRule };
}

/** The rule of the header, for so many listed participants. */
export function quorumRuleOf(participants: number): QuorumRule {
  const coordinatorWeight = (participants + 1) % 2 === 0 ? 2 : 1;
  return { coordinatorWeight, quorumWeight: Math.floor((participants + coordinatorWeight) / 2) + 1 };
}

/** What one site's record weighs. */
export function weightOf(site: NodeName, { coordinator, participants, rule }: Electorate): number {
  if (site !== coordinator) return participants.includes(site) ? 1 : 0;
  return (rule ?? quorumRuleOf(participants.length)).coordinatorWeight;
}

/** True when these sites hold more than half of all weight. */
export function isQuorum(sites: readonly NodeName[], electorate: Electorate): boolean {
  const { quorumWeight } = electorate.rule ?? quorumRuleOf(electorate.participants.length);
  const weight = [...new Set(sites)].reduce((sum, name) => sum + weightOf(name, electorate), 0);
  return weight >= quorumWeight;
}
