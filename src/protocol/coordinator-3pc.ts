/**
 * Three-phase commit at the coordinator: E3PC (Keidar & Dolev, JCSS 57(3)
 * 1998). It collects votes as in 2PC; its attempt is round (1, C). From its
 * `precommitted` record on it is a site like any other (site-3pc.ts): neither a
 * timeout nor a restart lets it decide anything alone (clause 3).
 *
 *   working ─all yes→ precommitted ⇄ preaborted ─quorum→ committed | aborted
 *      └─no, timeout, asked for its state→ aborted        └─all acknowledged→ ended
 */
import { assertNever } from '../base/assert.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import { goTo, inTable, stay, timerOff, timerOn } from './attempt.ts';
import type { CoordinatorAttempt, Outgoing, Step, TransitionTable } from './attempt.ts';
import { enterCommitted, stepCommitted } from './coordinator-committed.ts';
import type { CommittedEvent, CoordinatorCommitted, CoordinatorEnded } from './coordinator-committed.ts';
import { decideAbort, openAttempt, stepCollecting } from './coordinator-voting.ts';
import type { CollectingEvent, CollectingVotes, CoordinatorAborted } from './coordinator-voting.ts';
import type { IndexedResult, NodeName, Reason } from './messages.ts';
import { electorateOf, firstRound, ROUND_ZERO } from './quorum.ts';
import { lazy } from './records.ts';
import type { Append } from './records.ts';
import { lead, proposalFor, stepSite3pc, tellDecision } from './site-3pc.ts';
import type { Site3pc, Site3pcEvent, Site3pcMove, SiteContext } from './site-3pc.ts';

/** Precommitted or preaborted: bound by the rule of sites. */
export interface BoundCoordinator extends Site3pc {
  readonly phase: 'precommitted' | 'preaborted';
  readonly results: readonly IndexedResult[];
  readonly left: readonly NodeName[];
}

/** An attempt at its coordinator, by phase. */
export type Coordinator3pc =
  CollectingVotes | BoundCoordinator | CoordinatorCommitted | CoordinatorAborted | CoordinatorEnded;

/** What can happen to it. */
export type Coordinator3pcEvent =
  | { readonly type: 'begin' }
  | CollectingEvent
  | CommittedEvent
  | { readonly type: 'commit' }
  | { readonly type: 'abort'; readonly reason?: Reason }
  | { readonly type: 'hasten' }
  | Site3pcEvent;

const COMMITTED = ['committed', 'ended'] as const;
/** What a leader's replies may lead to: its own proposal, which with enough weight decides at once. */
const PROPOSED = ['precommitted', 'preaborted', ...COMMITTED, 'aborted'] as const;

/** What may follow what; [] stays. */
// prettier-ignore
export const COORDINATOR_3PC = {
  working:      { begin: [], vote: ['precommitted', ...COMMITTED, 'aborted'], 'vote-timeout': ['aborted'], 'member-left': ['aborted'], resend: [],
                  inquire: [], acknowledge: [], commit: [], abort: ['aborted'], hasten: [], timeout: [],
                  precommit: [], preabort: ['aborted'], 'state-request': ['aborted'],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  precommitted: { begin: [], vote: [], 'vote-timeout': [], 'member-left': [], resend: [],
                  inquire: [], acknowledge: [], commit: COMMITTED, abort: ['aborted'], hasten: [], timeout: COMMITTED,
                  precommit: [], preabort: ['preaborted'], 'state-request': [],
                  precommitted: COMMITTED, preaborted: [], refused: [], state: PROPOSED },
  preaborted:   { begin: [], vote: [], 'vote-timeout': [], 'member-left': [], resend: [],
                  inquire: [], acknowledge: [], commit: COMMITTED, abort: ['aborted'], hasten: [], timeout: ['aborted'],
                  precommit: ['precommitted'], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: ['aborted'], refused: [], state: PROPOSED },
  committed:    { begin: [], vote: [], 'vote-timeout': [], 'member-left': ['ended'], resend: [],
                  inquire: [], acknowledge: ['ended'], commit: [], abort: [], hasten: [], timeout: [],
                  precommit: [], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  aborted:      { begin: [], vote: [], 'vote-timeout': [], 'member-left': [], resend: [],
                  inquire: [], acknowledge: [], commit: [], abort: [], hasten: [], timeout: [],
                  precommit: [], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: [] },
  ended:        { begin: [], vote: [], 'vote-timeout': [], 'member-left': [], resend: [],
                  inquire: [], acknowledge: [], commit: [], abort: [], hasten: [], timeout: [],
                  precommit: [], preabort: [], 'state-request': [],
                  precommitted: [], preaborted: [], refused: [], state: [] },
} as const satisfies TransitionTable<Coordinator3pc['phase'], Coordinator3pcEvent['type']>;

type Result = Step<Coordinator3pc>;

/** One event into one attempt at its coordinator. */
export function stepCoordinator3pc(
  attempt: CoordinatorAttempt,
  state: Coordinator3pc,
  event: Coordinator3pcEvent,
): Result {
  return inTable(COORDINATOR_3PC, state.phase, event.type, dispatch(attempt, state, event));
}

function dispatch(attempt: CoordinatorAttempt, state: Coordinator3pc, event: Coordinator3pcEvent): Result {
  switch (state.phase) {
    case 'working':
      return inWorking(attempt, state, event);
    case 'precommitted':
    case 'preaborted':
      return whileBound(attempt, state, event);
    case 'committed':
      return inCommitted(attempt, state, event);
    case 'aborted':
    case 'ended':
      return stay(state);
    default:
      return assertNever(state, 'phase');
  }
}

function inWorking(attempt: CoordinatorAttempt, state: CollectingVotes, event: Coordinator3pcEvent): Result {
  switch (event.type) {
    case 'begin': {
      const { begin, prepares } = openAttempt(attempt);
      return stay(state, { records: [lazy(begin)], send: prepares, timers: [timerOn('vote', attempt.voteWithinMs)] });
    }
    case 'vote':
    case 'vote-timeout':
    case 'member-left':
    case 'resend':
    case 'inquire':
      return stepCollecting(attempt, state, event, (results, left) => precommit(attempt, results, left));
    case 'state-request':
    case 'preabort':
      return abortWhenAsked(attempt, event.from);
    case 'abort':
      return decideAbort(attempt, event.reason ?? ASKED);
    case 'commit':
    case 'precommit':
      return stay(state, { alarm: `${event.type} for ${attempt.number}, for which votes are still collected` });
    default:
      return stay(state);
  }
}

/** Clause 3: without a precommit record the coordinator may abort alone, also when asked; nothing is forced. */
function abortWhenAsked(attempt: CoordinatorAttempt, asker: NodeName): Result {
  const step = decideAbort(attempt, ASKED);
  const answer: Outgoing = {
    to: asker,
    message: { type: 'outcome', number: attempt.number, outcome: 'aborted', reason: ASKED },
  };
  return { ...step, send: [answer, ...step.send] };
}

const ASKED: Reason = { code: 'terminated', detail: 'A participant stopped waiting for the votes of the others.' };

/** Round (1, C): own record forced first, then everyone's. */
function precommit(attempt: CoordinatorAttempt, results: readonly IndexedResult[], left: readonly NodeName[]): Result {
  const voted: Site3pc = { phase: 'prepared', lastElected: ROUND_ZERO, lastAttempt: ROUND_ZERO, counterSeen: 1 };
  const move = lead(siteContext(attempt), voted, 'precommit', firstRound(attempt.self.name));
  const step = settle(attempt, { results, left }, withResults(move, results));
  return { ...step, timers: [timerOff('vote'), ...step.timers] };
}

function whileBound(attempt: CoordinatorAttempt, state: BoundCoordinator, event: Coordinator3pcEvent): Result {
  switch (event.type) {
    case 'commit':
      return commit(attempt, state);
    case 'abort':
      return endAborted(attempt, event.reason ?? BY_QUORUM);
    case 'member-left':
      return stay<Coordinator3pc>({ ...state, left: [...new Set([...state.left, event.from])] });
    case 'resend':
      return stay(state, { send: proposalFor(siteContext(attempt), state, event.to) });
    case 'inquire':
      return stay(state, {
        send: [{ to: event.from, message: { type: 'outcome', number: attempt.number, outcome: 'unknown' } }],
      });
    case 'hasten':
      return stay(state, { timers: [timerOn('elect', 0, Math.floor(attempt.timings.electMs / 4))] });
    case 'begin':
    case 'vote':
    case 'vote-timeout':
    case 'acknowledge':
      return stay(state);
    default: {
      const move = stepSite3pc(siteContext(attempt), state, event);
      return settle(attempt, state, withResults(move, state.results));
    }
  }
}

/** What a site's move means here: still bound, or decided by the quorum of a round this coordinator leads. */
function settle(
  attempt: CoordinatorAttempt,
  kept: { readonly results: readonly IndexedResult[]; readonly left: readonly NodeName[] },
  move: Site3pcMove,
): Result {
  const { site, records, send, decision } = move;
  if (decision === undefined) {
    const moved = records.length > 0;
    return {
      state: {
        ...NO_MEMBERS,
        ...site,
        phase: site.phase === 'preaborted' ? 'preaborted' : 'precommitted',
        ...pick(kept),
      },
      records,
      send,
      work: [],
      timers: moved ? [timerOn('elect', attempt.timings.electMs, Math.floor(attempt.timings.electMs / 2))] : [],
    };
  }
  if (decision === 'commit') {
    const step = commit(attempt, kept);
    return { ...step, records: [...records, ...step.records], send: [...send, ...step.send] };
  }
  const step = endAborted(attempt, BY_QUORUM);
  const tell = tellDecision(siteContext(attempt), site, 'abort');
  return { ...step, records: [...records, ...step.records], send: [...send, ...tell] };
}

const BY_QUORUM: Reason = { code: 'terminated', detail: 'A quorum of the sites decided abort.' };

/** Clause 7: the quorum's records are the decision, so our own record may be lazy, but comes before END. */
function commit(
  attempt: CoordinatorAttempt,
  { results, left }: { readonly results: readonly IndexedResult[]; readonly left: readonly NodeName[] },
): Result {
  const decided = lazy({ type: 'commit', number: attempt.number, results });
  return { ...enterCommitted(attempt, decided, results, left), timers: [timerOff('elect')] };
}

function endAborted(attempt: CoordinatorAttempt, reason: Reason): Result {
  const records: Append[] = [
    lazy({ type: 'abort', number: attempt.number, reason }),
    lazy({ type: 'end', number: attempt.number }),
  ];
  return goTo<Coordinator3pc>({ phase: 'aborted', reason, mayRetry: false }, { records, timers: [timerOff('elect')] });
}

function inCommitted(attempt: CoordinatorAttempt, state: CoordinatorCommitted, event: Coordinator3pcEvent): Result {
  switch (event.type) {
    case 'acknowledge':
    case 'member-left':
    case 'resend':
    case 'inquire':
      return stepCommitted(attempt, state, event);
    case 'state-request':
    case 'precommit':
    case 'preabort':
      return stepCommitted(attempt, state, { type: 'inquire', from: event.from });
    case 'vote':
      return stepCommitted(attempt, state, { type: 'resend', to: event.from });
    case 'abort':
      return stay(state, { alarm: `abort for ${attempt.number}, which is committed here` });
    default:
      return stay(state);
  }
}

function withResults(move: Site3pcMove, results: readonly IndexedResult[]): Site3pcMove {
  const records = move.records.map((append) =>
    append.record.type === 'precommitted'
      ? { ...append, record: { ...NO_MEMBERS, ...append.record, results } }
      : append,
  );
  return { ...move, records };
}

function pick(kept: { readonly results: readonly IndexedResult[]; readonly left: readonly NodeName[] }) {
  return { results: kept.results, left: kept.left };
}

function siteContext(attempt: CoordinatorAttempt): SiteContext {
  const self = attempt.self.name;
  return {
    number: attempt.number,
    self,
    electorate: electorateOf(self, attempt),
  };
}
