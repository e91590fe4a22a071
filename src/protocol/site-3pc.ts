/**
 * A site of three-phase commit between its yes and the decision: what a
 * participant and, once it has precommitted, the coordinator have in common.
 * Quorum termination with rounds (E3PC; Keidar & Dolev, PODS 1995 and JCSS
 * 57(3) 1998). The clauses named below are those of docs/protocols.md.
 *
 *   prepared ──accept e──→ precommitted ⇄ preaborted     (each accept a higher round)
 *
 * Durable: phase, lastElected (highest round promised), lastAttempt (round of
 * the last precommit or preabort accepted). lastAttempt ≤ lastElected, always.
 * `leading` is memory only: a restarted site leads nothing (clause 8).
 *
 * A timer starts a round and decides nothing. Deciding takes acknowledgements
 * of one round from a quorum.
 */
import { assert, assertNever } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import type { Outgoing } from './attempt.ts';
import { sendTo } from './attempt.ts';
import type { Message, NodeName, Round } from './messages.ts';
import { compareRounds, isQuorum } from './quorum.ts';
import type { Electorate } from './quorum.ts';
import { forced } from './records.ts';
import type { Append } from './records.ts';
import { terminationCase, terminationEvidence } from './termination.ts';
import type { SiteReport } from './termination.ts';

/** A round this site leads. One kind per round, ever. */
export type Leading =
  | { readonly stage: 'electing'; readonly round: Round; readonly replies: Readonly<Record<NodeName, SiteReport>> }
  | {
      readonly stage: 'proposing';
      readonly round: Round;
      readonly kind: 'precommit' | 'preabort';
      readonly accepted: readonly NodeName[];
    };

/** An undecided site. */
export interface Site3pc {
  readonly phase: 'prepared' | 'precommitted' | 'preaborted';
  readonly lastElected: Round;
  readonly lastAttempt: Round;
  /** Highest counter met in any message, so that a new round is above all it has seen. */
  readonly counterSeen: number;
  readonly leading?: Leading;
}

/** What can happen to an undecided site. */
export type Site3pcEvent =
  | { readonly type: 'precommit' | 'preabort'; readonly from: NodeName; readonly round: Round }
  | { readonly type: 'precommitted' | 'preaborted'; readonly from: NodeName; readonly round: Round }
  | { readonly type: 'refused'; readonly from: NodeName; readonly round: Round; readonly lastElected: Round }
  | { readonly type: 'state-request'; readonly from: NodeName; readonly round: Round }
  | ({ readonly type: 'state'; readonly from: NodeName; readonly round: Round } & SiteReport)
  | { readonly type: 'timeout' };

/** The event that a message is to a site; undefined when it is none of the rounds' messages. */
export function siteEventOf(from: NodeName, message: Message): Exclude<Site3pcEvent, { type: 'timeout' }> | undefined {
  switch (message.type) {
    case 'precommit':
    case 'preabort':
    case 'precommitted':
    case 'preaborted':
    case 'state-request':
      return { type: message.type, from, round: message.round };
    case 'refused':
      return { type: 'refused', from, round: message.round, lastElected: message.lastElected };
    case 'state':
      return { type: 'state', from, round: message.round, state: message.state, lastAttempt: message.lastAttempt };
    default:
      return undefined;
  }
}

/** Who this site is, in which attempt. */
export interface SiteContext {
  readonly number: AttemptNumber;
  readonly self: NodeName;
  readonly electorate: Electorate;
}

/** What an event does to an undecided site; `decision` is set when a quorum of this leader's round is complete. */
export interface Site3pcMove {
  readonly site: Site3pc;
  readonly records: readonly Append[];
  readonly send: readonly Outgoing[];
  readonly decision?: 'commit' | 'abort';
}

/** One event into one undecided site. */
export function stepSite3pc(context: SiteContext, before: Site3pc, event: Site3pcEvent): Site3pcMove {
  assert(compareRounds(before.lastAttempt, before.lastElected) <= 0, 'lastAttempt <= lastElected');
  const site = sawRounds(before, event);
  switch (event.type) {
    case 'precommit':
    case 'preabort':
      return accept(context, site, event.type, event.from, event.round);
    case 'precommitted':
    case 'preaborted':
      return count(context, site, event);
    case 'refused':
      return { site: stepDown(site, event), records: [], send: [] };
    case 'state-request':
      return promise(context, site, event.from, event.round);
    case 'state':
      return collect(context, site, event);
    case 'timeout':
      return elect(context, site);
    default:
      return assertNever(event, 'event');
  }
}

/** Clause 4: accept a proposal of round e when undecided, e ≥ lastElected and e > lastAttempt; force, then acknowledge. */
function accept(
  context: SiteContext,
  site: Site3pc,
  kind: 'precommit' | 'preabort',
  leader: NodeName,
  round: Round,
): Site3pcMove {
  const phase = kind === 'precommit' ? 'precommitted' : 'preaborted';
  const answer = { to: leader, message: { type: phase, number: context.number, round } } as const;
  const versusAttempt = compareRounds(round, site.lastAttempt);
  if (compareRounds(round, site.lastElected) >= 0 && versusAttempt > 0) {
    // Also when already in that phase from a lower round: the new round's quorum must find its own records.
    return {
      site: stopElecting({ ...site, phase, lastElected: round, lastAttempt: round }),
      records: [forced({ type: phase, number: context.number, round })],
      send: [answer],
    };
  }
  if (versusAttempt === 0 && site.phase === phase) return { site, records: [], send: [answer] };
  return { site, records: [], send: [refusal(context, site, leader, round)] };
}

/** Clause 5, receiver: promise a higher round, force it, then report; else refuse. */
function promise(context: SiteContext, site: Site3pc, leader: NodeName, round: Round): Site3pcMove {
  if (compareRounds(round, site.lastElected) <= 0) {
    return { site, records: [], send: [refusal(context, site, leader, round)] };
  }
  const { phase: state, lastAttempt } = site;
  return {
    site: stopElecting({ ...site, lastElected: round }),
    records: [forced({ type: 'promised', number: context.number, round })],
    send: [{ to: leader, message: { type: 'state', number: context.number, round, state, lastAttempt } }],
  };
}

/** Clause 5, leader: a round above all it has seen, promised to itself first, then asked of everyone. */
function elect(context: SiteContext, site: Site3pc): Site3pcMove {
  const round = { counter: site.counterSeen + 1, site: context.self };
  const own: SiteReport = { state: site.phase, lastAttempt: site.lastAttempt };
  const elected: Site3pc = {
    ...NO_MEMBERS,
    ...site,
    lastElected: round,
    counterSeen: round.counter,
    leading: { stage: 'electing', round, replies: { [context.self]: own } },
  };
  const asked = propose(context, elected);
  return {
    ...asked,
    records: [forced({ type: 'promised', number: context.number, round }), ...asked.records],
    send: [...sendTo(otherSites(context), { type: 'state-request', number: context.number, round }), ...asked.send],
  };
}

/** Clause 6, collecting: replies count only while this site still leads that round. */
function collect(context: SiteContext, site: Site3pc, event: Extract<Site3pcEvent, { type: 'state' }>): Site3pcMove {
  const { leading } = site;
  if (leading?.stage !== 'electing' || compareRounds(event.round, leading.round) !== 0)
    return { site, records: [], send: [] };
  const report: SiteReport = { state: event.state, lastAttempt: event.lastAttempt };
  const replies = { ...NO_MEMBERS, ...leading.replies, [event.from]: report };
  return propose(context, { ...NO_MEMBERS, ...site, leading: { ...leading, replies } });
}

/** Clause 6, choosing: by the table of termination.ts. The leader accepts its own proposal first. */
function propose(context: SiteContext, site: Site3pc): Site3pcMove {
  const { leading } = site;
  assert(leading?.stage === 'electing', 'only an electing leader proposes');
  const { choice } = terminationCase(terminationEvidence(leading.replies, context.electorate));
  switch (choice) {
    case 'wait':
      return { site, records: [], send: [] };
    case 'commit':
    case 'abort':
      return { site, records: [], send: [], decision: choice };
    case 'precommit':
    case 'preabort':
      return lead(context, site, choice, leading.round);
    default:
      return assertNever(choice, 'choice');
  }
}

/** Opens a proposal: own record first, then everyone's. Also the coordinator's way into round (1, C). */
export function lead(context: SiteContext, site: Site3pc, kind: 'precommit' | 'preabort', round: Round): Site3pcMove {
  const phase = kind === 'precommit' ? 'precommitted' : 'preaborted';
  const leading: Leading = { stage: 'proposing', round, kind, accepted: [context.self] };
  const move: Site3pcMove = {
    site: { ...NO_MEMBERS, ...site, phase, lastElected: round, lastAttempt: round, leading },
    records: [forced({ type: phase, number: context.number, round })],
    send: sendTo(otherSites(context), { type: kind, number: context.number, round }),
  };
  return decideByQuorum(context, move, leading);
}

/** Clause 7, counting: acknowledgements of the same round and kind, own record included. */
function count(
  context: SiteContext,
  site: Site3pc,
  event: Extract<Site3pcEvent, { type: 'precommitted' | 'preaborted' }>,
): Site3pcMove {
  const { leading } = site;
  const kind = event.type === 'precommitted' ? 'precommit' : 'preabort';
  if (leading?.stage !== 'proposing' || leading.kind !== kind || compareRounds(event.round, leading.round) !== 0) {
    return { site, records: [], send: [] };
  }
  const counted: Leading = { ...leading, accepted: [...new Set([...leading.accepted, event.from])] };
  return decideByQuorum(
    context,
    { site: { ...NO_MEMBERS, ...site, leading: counted }, records: [], send: [] },
    counted,
  );
}

/** Clause 7, deciding: a quorum of one round; the silent are not presumed anything. */
function decideByQuorum(context: SiteContext, move: Site3pcMove, leading: Leading): Site3pcMove {
  if (leading.stage !== 'proposing' || !isQuorum(leading.accepted, context.electorate)) return move;
  return { ...NO_MEMBERS, ...move, decision: leading.kind === 'precommit' ? 'commit' : 'abort' };
}

/** The proposal again, for those that have not accepted it (a link came back). */
export function proposalFor(context: SiteContext, site: Site3pc, to: NodeName): readonly Outgoing[] {
  const { leading } = site;
  if (leading?.stage !== 'proposing' || leading.accepted.includes(to)) return [];
  // One that only read is no site: it never promised anything.
  if (!otherSites(context).includes(to)) return [];
  return [{ to, message: { type: leading.kind, number: context.number, round: leading.round } }];
}

/** The decision of the round this site leads, for everyone else. */
export function tellDecision(context: SiteContext, site: Site3pc, decision: 'commit' | 'abort'): readonly Outgoing[] {
  assert(site.leading !== undefined, 'only a leader tells a decision of its round');
  const message = { type: decision, number: context.number, round: site.leading.round } as const;
  return sendTo(otherSites(context), message);
}

/** Every site but this one. */
export function otherSites({ electorate, self }: SiteContext): readonly NodeName[] {
  return [electorate.coordinator, ...electorate.participants].filter((name) => name !== self);
}

function refusal(context: SiteContext, site: Site3pc, to: NodeName, round: Round): Outgoing {
  const { number } = context;
  return { to, message: { type: 'refused', number, round, lastElected: site.lastElected } };
}

/** A leader that promised a higher round no longer collects replies; acknowledgements it may still count (clause 7). */
function stopElecting(site: Site3pc): Site3pc {
  if (site.leading?.stage !== 'electing') return site;
  const { leading: _given, ...rest } = site;
  return rest;
}

/** A site that promised a higher round than ours makes us stop; a repeated request that it refuses does not. */
function stepDown(site: Site3pc, { round, lastElected }: Extract<Site3pcEvent, { type: 'refused' }>): Site3pc {
  const isOurs = site.leading !== undefined && compareRounds(site.leading.round, round) === 0;
  return isOurs && compareRounds(lastElected, round) > 0 ? stopElecting(site) : site;
}

function sawRounds(site: Site3pc, event: Site3pcEvent): Site3pc {
  const counters = [site.counterSeen, site.lastElected.counter];
  if (event.type !== 'timeout') counters.push(event.round.counter);
  if (event.type === 'refused') counters.push(event.lastElected.counter);
  return { ...site, counterSeen: Math.max(...counters) };
}
