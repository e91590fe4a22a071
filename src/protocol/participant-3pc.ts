/**
 * Three-phase commit at a participant, safe under partition: E3PC (Keidar &
 * Dolev, JCSS 57(3) 1998). Voting is that of 2PC; between the yes and the
 * decision it is a site like any other (site-3pc.ts) and may lead a
 * termination round itself.
 *
 *   initial → working → prepared ⇄ precommitted ⇄ preaborted
 *                          └───────────┴──────────────┴──→ committed | aborted
 */
import { assertNever } from '../base/assert.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import { goTo, inTable, namesOf, stay, timerOff, timerOn } from './attempt.ts';
import type { Outgoing, ParticipantAttempt, Prepared, Step, TimerChange, TransitionTable } from './attempt.ts';
import { acknowledge, DECIDED_ABORT, outcome, yesVote } from './participant-replies.ts';
import { stepDecided, stepVoting } from './participant-voting.ts';
import type { DecidedState, VotingEvent, VotingState } from './participant-voting.ts';
import { electorateOf, ROUND_ZERO } from './quorum.ts';
import { forced, forcedSoon } from './records.ts';
import { stepSite3pc, tellDecision } from './site-3pc.ts';
import type { Site3pc, Site3pcEvent, SiteContext } from './site-3pc.ts';

/** In doubt, with the site's durable fields and what the yes promised. */
export interface Undecided3pc extends Site3pc {
  readonly prepared: Prepared;
}

/** An attempt at a participant, by phase. */
export type Participant3pc = VotingState | Undecided3pc | DecidedState;

/** What can happen to it. */
export type Participant3pcEvent = VotingEvent | Exclude<Site3pcEvent, { type: 'timeout' }>;

/** What a leader's replies may lead to: its own proposal, which with enough weight decides at once. */
const MOVED = ['precommitted', 'preaborted', 'committed', 'aborted'] as const;

/** What may follow what; [] stays. A decision is final. */
// prettier-ignore
export const PARTICIPANT_3PC = {
  initial:      { prepare: ['working'], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [],
                  precommit: [], preabort: ['aborted'], 'state-request': ['aborted'],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  working:      { prepare: [], 'resource-yes': ['prepared', 'committed', 'read'], 'resource-no': ['aborted'],
                  commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [],
                  precommit: [], preabort: ['aborted'], 'state-request': ['aborted'],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  prepared:     { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: ['committed'], abort: ['aborted'], inquire: [], timeout: [], hasten: [],
                  precommit: ['precommitted'], preabort: ['preaborted'], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: MOVED },
  precommitted: { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: ['committed'], abort: ['aborted'], inquire: [], timeout: [], hasten: [],
                  precommit: [], preabort: ['preaborted'], 'state-request': [],
                  precommitted: ['committed'], preaborted: [], refused: [], state: MOVED },
  preaborted:   { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: ['committed'], abort: ['aborted'], inquire: [], timeout: [], hasten: [],
                  precommit: ['precommitted'], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: ['aborted'], refused: [], state: MOVED },
  committed:    { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: [], inquire: [], timeout: [], hasten: [],
                  precommit: [], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  aborted:      { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: [], inquire: [], timeout: [], hasten: [],
                  precommit: [], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  read:         { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: [], inquire: [], timeout: [], hasten: [],
                  precommit: [], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: [] },
} as const satisfies TransitionTable<Participant3pc['phase'], Participant3pcEvent['type']>;

type Result = Step<Participant3pc>;

/** One event into one attempt at one participant. */
export function stepParticipant3pc(
  attempt: ParticipantAttempt,
  state: Participant3pc,
  event: Participant3pcEvent,
): Result {
  return inTable(PARTICIPANT_3PC, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(attempt: ParticipantAttempt, state: Participant3pc, event: Participant3pcEvent): Result {
  switch (state.phase) {
    case 'initial':
    case 'working': {
      const asked = asVotingEvent(event);
      if (asked !== undefined) return stepVoting(attempt, state, asked, (prepared) => sayYes(attempt, prepared));
      return event.type === 'precommit'
        ? stay(state, { alarm: `precommit for ${attempt.number}, which has not voted yes here` })
        : stay(state);
    }
    case 'prepared':
    case 'precommitted':
    case 'preaborted':
      return inDoubt(attempt, state, event);
    case 'committed':
    case 'aborted':
    case 'read': {
      const asked = asVotingEvent(event);
      if (asked !== undefined) return stepDecided(attempt, state, asked);
      return event.type === 'precommit'
        ? stepDecided(attempt, state, { type: 'inquire', from: event.from })
        : stay(state);
    }
    default:
      return assertNever(state, 'phase');
  }
}

/** To a site that is not in doubt, a leader's request or preabort is a question for the outcome. */
function asVotingEvent(event: Participant3pcEvent): VotingEvent | undefined {
  switch (event.type) {
    case 'state-request':
    case 'preabort':
      return { type: 'inquire', from: event.from };
    case 'precommit':
    case 'precommitted':
    case 'preaborted':
    case 'refused':
    case 'state':
      return undefined;
    default:
      return event;
  }
}

/** Clause 1: the yes is forced, with sites and addresses, then sent. */
function sayYes(attempt: ParticipantAttempt, prepared: Prepared): Result {
  const { number, id, protocol, coordinator, participants, operations } = attempt;
  return goTo<Participant3pc>(
    { phase: 'prepared', prepared, lastElected: ROUND_ZERO, lastAttempt: ROUND_ZERO, counterSeen: 1 },
    {
      records: [forced({ type: 'prepared', number, id, protocol, coordinator, participants, operations, ...prepared })],
      send: [yesVote(attempt, prepared)],
      timers: [electLater(attempt, attempt.voteWithinMs)],
    },
  );
}

function inDoubt(attempt: ParticipantAttempt, state: Undecided3pc, event: Participant3pcEvent): Result {
  switch (event.type) {
    case 'prepare':
      return stay(state, { send: [yesVote(attempt, state.prepared)] });
    case 'commit':
      return commit(attempt, state, []);
    case 'abort':
      return abort(attempt, [], event.reason ?? DECIDED_ABORT);
    case 'inquire':
      return stay(state, { send: [outcome(attempt, event.from, 'unknown')] });
    case 'hasten':
      return stay(state, { timers: [electLater(attempt, 0)] });
    case 'resource-yes':
    case 'resource-no':
      return stay(state);
    default:
      return asSite(attempt, state, event);
  }
}

/** Everything else is the site's: proposals, promises, rounds of its own. */
function asSite(attempt: ParticipantAttempt, state: Undecided3pc, event: Site3pcEvent): Result {
  const context = siteContext(attempt);
  const move = stepSite3pc(context, state, event);
  const site: Undecided3pc = { ...NO_MEMBERS, ...move.site, prepared: state.prepared };
  // Any sign of a living leader puts the next round off; timers only start rounds.
  const timers =
    event.type === 'timeout' || move.records.length > 0 ? [electLater(attempt, attempt.timings.electMs)] : [];
  const { records, send } = move;
  if (move.decision === undefined) return { state: site, records, send, work: [], timers };
  const tell = tellDecision(context, site, move.decision);
  const decided = move.decision === 'commit' ? commit(attempt, site, tell) : abort(attempt, tell, DECIDED_ABORT);
  return { ...decided, records: [...records, ...decided.records], send: [...send, ...decided.send] };
}

/** Clause 7: everyone forces the decision before acknowledging, in any undecided phase, from any round. */
function commit(attempt: ParticipantAttempt, state: Undecided3pc, tell: readonly Outgoing[]): Result {
  return goTo<Participant3pc>(
    { phase: 'committed' },
    {
      // A quorum has the decision on its disks; others whom this site tells of it must not wait for long.
      records: [(tell.length === 0 ? forcedSoon : forced)({ type: 'committed', number: attempt.number })],
      work: [{ type: 'commit', effects: state.prepared.effects }],
      send: [...tell, acknowledge(attempt)],
      timers: [timerOff('elect')],
    },
  );
}

function abort(attempt: ParticipantAttempt, tell: readonly Outgoing[], reason: typeof DECIDED_ABORT): Result {
  return goTo<Participant3pc>(
    { phase: 'aborted', reason, durable: true },
    {
      // Forced: unlike in 2PC nobody can be asked who is sure to know.
      records: [forced({ type: 'aborted', number: attempt.number, reason })],
      send: tell,
      work: [{ type: 'abort' }],
      timers: [timerOff('elect')],
    },
  );
}

/** Rounds start in site order with a random part, so that leaders seldom meet. */
function electLater(attempt: ParticipantAttempt, afterMs: number): TimerChange {
  const { electMs } = attempt.timings;
  const place = namesOf(attempt.participants).indexOf(attempt.self);
  return timerOn('elect', afterMs + Math.floor((electMs * (place + 1)) / 4), Math.floor(electMs / 2));
}

function siteContext(attempt: ParticipantAttempt): SiteContext {
  return {
    number: attempt.number,
    self: attempt.self,
    electorate: electorateOf(attempt.coordinator.name, attempt),
  };
}
