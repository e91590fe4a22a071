/**
 * A participant of `3pc-textbook`; only for the lab (textbook-3pc.ts says why).
 *
 *   initial → working → prepared ─precommit→ precommitted
 *                          └──────────┴──→ committed | aborted
 *
 * The timer suspects whoever was to speak. The first time it rings this site
 * takes over: it asks where all stand. When it rings again, those that have not
 * answered are taken for crashed, and the rest decide by TR1 to TR4. So a
 * participant that hears nobody aborts when prepared, commits when precommitted.
 */
import { assertNever } from '../base/assert.ts';
import { goTo, inTable, namesOf, sendTo, stay, timerOff, timerOn } from './attempt.ts';
import type { Outgoing, ParticipantAttempt, Prepared, Step, TimerChange, TransitionTable } from './attempt.ts';
import type { NodeName, Reason, Round } from './messages.ts';
import { acknowledge, DECIDED_ABORT, othersOf, outcome, yesVote } from './participant-replies.ts';
import { stepDecided, stepVoting } from './participant-voting.ts';
import type { DecidedState, VotingEvent, VotingState } from './participant-voting.ts';
import { compareRounds } from './quorum.ts';
import { forced } from './records.ts';
import type { Append } from './records.ts';
import type { Site3pcEvent } from './site-3pc.ts';
import { TEXTBOOK_UNCERTAIN, textbookChoice } from './textbook-3pc.ts';
import type { TextbookLeading, TextbookRequest, TextbookSite } from './textbook-3pc.ts';

/** In doubt, with what the yes promised. */
export interface TextbookUndecided extends TextbookSite {
  readonly prepared: Prepared;
}

/** An attempt at a participant, by phase. */
export type TextbookParticipant = VotingState | TextbookUndecided | DecidedState;

type Led =
  | TextbookRequest
  | { readonly type: 'precommitted'; readonly from: NodeName; readonly round: Round }
  | Extract<Site3pcEvent, { readonly type: 'state' }>;

/** What can happen to it. */
export type TextbookParticipantEvent = VotingEvent | Led;

/** What the answers may lead to. */
const MOVED = ['precommitted', 'committed', 'aborted'] as const;

/** What may follow what; [] stays. */
// prettier-ignore
export const TEXTBOOK_PARTICIPANT = {
  initial:      { prepare: ['working'], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [],
                  precommit: [], precommitted: [], 'state-request': ['aborted'], state: [] },
  working:      { prepare: [], 'resource-yes': ['prepared', 'committed', 'read'], 'resource-no': ['aborted'],
                  commit: [], abort: ['aborted'], inquire: ['aborted'], timeout: [], hasten: [],
                  precommit: [], precommitted: [], 'state-request': ['aborted'], state: [] },
  prepared:     { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: ['committed'], abort: ['aborted'], inquire: [], timeout: MOVED, hasten: [],
                  precommit: ['precommitted'], precommitted: [], 'state-request': [], state: MOVED },
  precommitted: { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: ['committed'], abort: ['aborted'], inquire: [], timeout: ['committed', 'aborted'], hasten: [],
                  precommit: [], precommitted: ['committed'], 'state-request': [], state: ['committed', 'aborted'] },
  committed:    { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: [], inquire: [], timeout: [], hasten: [],
                  precommit: [], precommitted: [], 'state-request': [], state: [] },
  aborted:      { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: [], inquire: [], timeout: [], hasten: [],
                  precommit: [], precommitted: [], 'state-request': [], state: [] },
  read:         { prepare: [], 'resource-yes': [], 'resource-no': [],
                  commit: [], abort: [], inquire: [], timeout: [], hasten: [],
                  precommit: [], precommitted: [], 'state-request': [], state: [] },
} as const satisfies TransitionTable<TextbookParticipant['phase'], TextbookParticipantEvent['type']>;

type Result = Step<TextbookParticipant>;

/** One event into one attempt at one participant. */
export function stepTextbookParticipant(
  attempt: ParticipantAttempt,
  state: TextbookParticipant,
  event: TextbookParticipantEvent,
): Result {
  return inTable(TEXTBOOK_PARTICIPANT, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(attempt: ParticipantAttempt, state: TextbookParticipant, event: TextbookParticipantEvent): Result {
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
      return inDoubt(attempt, state, event);
    case 'committed':
    case 'aborted':
    case 'read': {
      const asked =
        event.type === 'precommit' ? ({ type: 'inquire', from: event.from } as const) : asVotingEvent(event);
      return asked === undefined ? stay(state) : stepDecided(attempt, state, asked);
    }
    default:
      return assertNever(state, 'phase');
  }
}

/** To a site that is not in doubt, a leader's request is a question for the outcome. */
function asVotingEvent(event: TextbookParticipantEvent): VotingEvent | undefined {
  switch (event.type) {
    case 'state-request':
      return { type: 'inquire', from: event.from };
    case 'precommit':
    case 'precommitted':
    case 'state':
      return undefined;
    default:
      return event;
  }
}

function sayYes(attempt: ParticipantAttempt, prepared: Prepared): Result {
  const { number, id, protocol, coordinator, participants, operations } = attempt;
  return goTo<TextbookParticipant>(
    { ...TEXTBOOK_UNCERTAIN, prepared },
    {
      records: [forced({ type: 'prepared', number, id, protocol, coordinator, participants, operations, ...prepared })],
      send: [yesVote(attempt, prepared)],
      timers: [suspectLater(attempt, attempt.voteWithinMs)],
    },
  );
}

function inDoubt(attempt: ParticipantAttempt, state: TextbookUndecided, event: TextbookParticipantEvent): Result {
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
      return stay(state, { timers: [suspectLater(attempt, 0)] });
    case 'timeout':
      return onSilence(attempt, state);
    case 'resource-yes':
    case 'resource-no':
      return stay(state);
    case 'precommit':
    case 'precommitted':
    case 'state-request':
    case 'state':
      return asSite(attempt, state, event);
    default:
      return assertNever(event, 'event');
  }
}

/** The timer: take over; then go on with those that answered. */
function onSilence(attempt: ParticipantAttempt, state: TextbookUndecided): Result {
  const { leading } = state;
  if (leading === undefined || state.recovered !== undefined) return takeOver(attempt, state);
  return leading.stage === 'electing'
    ? choose(attempt, state, leading)
    : commit(attempt, state, tell(attempt, state, 'commit'));
}

function takeOver(attempt: ParticipantAttempt, state: TextbookUndecided): Result {
  const { number, self, timings } = attempt;
  const round = { counter: state.counterSeen + 1, site: self };
  const replies = { [self]: { state: state.phase, lastAttempt: state.lastAttempt } };
  const leading: TextbookLeading = { stage: 'electing', round, replies };
  return goTo<TextbookParticipant>(
    { ...state, lastElected: round, counterSeen: round.counter, leading },
    {
      records: [forced({ type: 'promised', number, round })],
      send: sendTo(othersOf(attempt), { type: 'state-request', number, round }),
      timers: [timerOn('elect', timings.electMs, Math.floor(timings.electMs / 2))],
    },
  );
}

/** TR1 to TR4, over those that answered. */
function choose(
  attempt: ParticipantAttempt,
  state: TextbookUndecided,
  { round, replies }: Extract<TextbookLeading, { readonly stage: 'electing' }>,
): Result {
  const choice = textbookChoice(replies);
  if (choice === 'commit') return commit(attempt, state, tell(attempt, state, choice));
  if (choice === 'abort') return abort(attempt, tell(attempt, state, choice), DECIDED_ABORT);
  const { number, self, timings } = attempt;
  const waiting = Object.keys(replies).filter((name) => name !== self && replies[name]?.state === 'prepared');
  const leading: TextbookLeading = { stage: 'proposing', round, kind: 'precommit', accepted: [self], waiting };
  const after: TextbookUndecided = { ...state, phase: 'precommitted', lastAttempt: round, leading };
  const record = forced({ type: 'precommitted', number, round });
  if (waiting.length === 0) {
    const step = commit(attempt, after, tell(attempt, after, 'commit'));
    return { ...step, records: [record, ...step.records] };
  }
  return goTo<TextbookParticipant>(after, {
    records: [record],
    send: sendTo(waiting, { type: 'precommit', number, round }),
    timers: [timerOn('elect', timings.electMs, Math.floor(timings.electMs / 2))],
  });
}

/** What a leader, this one or another, and those it leads say to each other. */
function asSite(attempt: ParticipantAttempt, before: TextbookUndecided, event: Led): Result {
  const state = { ...before, counterSeen: Math.max(before.counterSeen, event.round.counter) };
  const { leading } = state;
  const isOurs = leading !== undefined && compareRounds(leading.round, event.round) === 0;
  switch (event.type) {
    case 'precommit':
    case 'state-request':
      return obey(attempt, state, event);
    case 'precommitted': {
      if (!isOurs || leading.stage !== 'proposing') return stay<TextbookParticipant>(state);
      const waiting = leading.waiting.filter((name) => name !== event.from);
      const accepted = [...new Set([...leading.accepted, event.from])];
      const after = { ...state, leading: { ...leading, accepted, waiting } };
      return waiting.length > 0
        ? goTo<TextbookParticipant>(after)
        : commit(attempt, after, tell(attempt, after, 'commit'));
    }
    case 'state': {
      if (!isOurs || leading.stage !== 'electing') return stay<TextbookParticipant>(state);
      const replies = { ...leading.replies, [event.from]: { state: event.state, lastAttempt: event.lastAttempt } };
      const after = { ...state, leading: { ...leading, replies } };
      const isAll = othersOf(attempt).every((name) => Object.hasOwn(replies, name));
      return isAll ? choose(attempt, after, after.leading) : goTo<TextbookParticipant>(after);
    }
  }
}

/** A leader that is not older than any obeyed before is obeyed; an older one has been deposed. */
function obey(attempt: ParticipantAttempt, state: TextbookUndecided, { type, from, round }: Led): Result {
  const { number, timings } = attempt;
  if (compareRounds(round, state.lastElected) < 0) return stay<TextbookParticipant>(state);
  const { leading: _given, ...led } = state;
  const timers = [suspectLater(attempt, timings.electMs)];
  if (type === 'state-request') {
    const isNew = compareRounds(round, state.lastElected) > 0;
    const records: readonly Append[] = isNew ? [forced({ type: 'promised', number, round })] : [];
    const { phase, lastAttempt } = state;
    const message = { type: 'state', number, round, state: phase, lastAttempt } as const;
    return goTo<TextbookParticipant>(
      { ...led, lastElected: round },
      { records, send: [{ to: from, message }], timers },
    );
  }
  const isNew = compareRounds(round, state.lastAttempt) > 0;
  return goTo<TextbookParticipant>(
    { ...led, phase: 'precommitted', lastElected: round, lastAttempt: round },
    {
      records: isNew ? [forced({ type: 'precommitted', number, round })] : [],
      send: [{ to: from, message: { type: 'precommitted', number, round } }],
      timers,
    },
  );
}

function commit(attempt: ParticipantAttempt, state: TextbookUndecided, told: readonly Outgoing[]): Result {
  return goTo<TextbookParticipant>(
    { phase: 'committed' },
    {
      records: [forced({ type: 'committed', number: attempt.number })],
      work: [{ type: 'commit', effects: state.prepared.effects }],
      send: [...told, acknowledge(attempt)],
      timers: [timerOff('elect')],
    },
  );
}

function abort(attempt: ParticipantAttempt, told: readonly Outgoing[], reason: Reason): Result {
  return goTo<TextbookParticipant>(
    { phase: 'aborted', reason, durable: true },
    {
      records: [forced({ type: 'aborted', number: attempt.number, reason })],
      send: told,
      work: [{ type: 'abort' }],
      timers: [timerOff('elect')],
    },
  );
}

/** The decision of the round this site leads, for everyone else. */
function tell(
  attempt: ParticipantAttempt,
  { leading }: TextbookUndecided,
  type: 'commit' | 'abort',
): readonly Outgoing[] {
  const { number } = attempt;
  return sendTo(othersOf(attempt), leading === undefined ? { type, number } : { type, number, round: leading.round });
}

/** Sites suspect in their order, with a random part, so that two seldom take over at once. */
function suspectLater(attempt: ParticipantAttempt, afterMs: number): TimerChange {
  const { electMs } = attempt.timings;
  const place = namesOf(attempt.participants).indexOf(attempt.self);
  return timerOn('elect', afterMs + Math.floor((electMs * (place + 1)) / 2), Math.floor(electMs / 4));
}
