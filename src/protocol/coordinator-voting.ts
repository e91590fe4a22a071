/**
 * The coordinator while it collects votes, in every protocol: until it has
 * made its decision durable (2PC: `commit`; 3PC: `precommitted`) it may abort
 * alone at any time, and a restarted coordinator has (no record means abort).
 *
 *   working ──all yes, hashes agree──→ (the protocol's own next phase)
 *      └──a no, a timeout, a member that left unheard──→ aborted
 */
import { fitsJsonBytes, RECORD_PAYLOAD_BYTES_MAX } from '../base/json-size.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import { sendTo, goTo, namesOf, stay, timerOff } from './attempt.ts';
import type { CoordinatorAttempt, Outgoing, Step } from './attempt.ts';
import type { GroupHashes, IndexedResult, NodeName, Reason, Site } from './messages.ts';
import { lazy } from './records.ts';

/** A vote that does not forbid commit. */
export interface FavourableVote {
  readonly vote: 'yes' | 'read-only';
  readonly results: readonly IndexedResult[];
  readonly hashes: GroupHashes;
}

/** Waiting for votes. */
export interface CollectingVotes {
  readonly phase: 'working';
  readonly votes: Readonly<Record<NodeName, FavourableVote>>;
  /** Voted yes, then left the view: its copy will be replaced, so nobody waits for its acknowledgement. */
  readonly left: readonly NodeName[];
}

/** Decided abort; nobody needs to acknowledge it. */
export interface CoordinatorAborted {
  readonly phase: 'aborted';
  readonly reason: Reason;
  /** A member left the view unheard: the transaction may try again with the rest. */
  readonly mayRetry: boolean;
}

/** The first state of every attempt that votes. */
export const NO_VOTES: CollectingVotes = { phase: 'working', votes: {}, left: [] };

/** Three-valued: undecided, or all in favour with the merged results, or replicas that disagree. */
export type Tally =
  | { readonly verdict: 'pending' }
  | { readonly verdict: 'yes'; readonly results: readonly IndexedResult[] }
  | { readonly verdict: 'mismatch'; readonly group: string; readonly names: readonly NodeName[] };

/** Counts the votes; total over every set of favourable votes. */
export function tally(attempt: CoordinatorAttempt, votes: CollectingVotes['votes']): Tally {
  const hasVoted = ({ name }: Site): boolean => Object.hasOwn(votes, name);
  if (!attempt.participants.every(hasVoted) || !attempt.readers.every(hasVoted)) return { verdict: 'pending' };
  for (const [group, members] of Object.entries(attempt.groups)) {
    const hashOf = (name: NodeName): string | undefined => votes[name]?.hashes[group];
    const [first = ''] = members;
    if (members.some((name) => hashOf(name) !== hashOf(first))) return { verdict: 'mismatch', group, names: members };
  }
  return { verdict: 'yes', results: mergedResults(votes) };
}

/** One result for each operation, in their order; replicas that voted alike report the same. */
function mergedResults(votes: CollectingVotes['votes']): readonly IndexedResult[] {
  const merged: IndexedResult[] = [];
  for (const { results } of Object.values(votes)) {
    for (const one of results) {
      let place = merged.length;
      while (place > 0 && (merged[place - 1]?.index ?? 0) > one.index) place -= 1;
      const isKnown = place > 0 && merged[place - 1]?.index === one.index;
      merged.splice(isKnown ? place - 1 : place, isKnown ? 1 : 0, one);
    }
  }
  return merged;
}

const TOO_LARGE: Reason = { code: 'too-large', detail: 'The results together do not fit one record of the log.' };

/** The events of collecting votes, in every protocol. */
export type CollectingEvent =
  | {
      readonly type: 'vote';
      readonly from: NodeName;
      readonly vote: FavourableVote | { readonly vote: 'no'; readonly reason: Reason };
    }
  | { readonly type: 'vote-timeout' }
  /** A view change removed it from every group it wrote here: that counts as its acknowledgement. */
  | { readonly type: 'member-left'; readonly from: NodeName }
  | { readonly type: 'resend'; readonly to: NodeName }
  | { readonly type: 'inquire'; readonly from: NodeName };

/** One event while votes are collected; `onYes` is the protocol's next step once all are in favour. */
export function stepCollecting<Next extends { readonly phase: string }>(
  attempt: CoordinatorAttempt,
  state: CollectingVotes,
  event: CollectingEvent,
  onYes: (results: readonly IndexedResult[], left: readonly NodeName[]) => Step<Next>,
): Step<CollectingVotes | CoordinatorAborted> | Step<Next> {
  switch (event.type) {
    case 'vote': {
      if (event.vote.vote === 'no') return decideAbort(attempt, event.vote.reason, { except: event.from });
      const votes = { ...NO_MEMBERS, ...state.votes, [event.from]: event.vote };
      const counted = tally(attempt, votes);
      if (counted.verdict === 'pending') return stay<CollectingVotes>({ ...state, votes });
      if (counted.verdict === 'yes') {
        if (!fitsJsonBytes(counted.results, RECORD_PAYLOAD_BYTES_MAX)) return decideAbort(attempt, TOO_LARGE);
        return onYes(counted.results, state.left);
      }
      return mismatch(attempt, counted.group, counted.names);
    }
    case 'vote-timeout': {
      const silent = namesOf([...attempt.participants, ...attempt.readers]).filter(
        (name) => !Object.hasOwn(state.votes, name),
      );
      return decideAbort(attempt, {
        code: 'vote-timeout',
        detail: `No vote from ${silent.join(', ')} in ${attempt.voteWithinMs} ms.`,
      });
    }
    case 'member-left':
      if (Object.hasOwn(state.votes, event.from))
        return stay<CollectingVotes>({ ...state, left: [...new Set([...state.left, event.from])] });
      return decideAbort(
        attempt,
        { code: 'not-in-view', detail: `${event.from} left the view before it voted.` },
        { mayRetry: true },
      );
    case 'resend':
      return stay(state, { send: Object.hasOwn(state.votes, event.to) ? [] : prepareFor(attempt, event.to) });
    case 'inquire':
      return stay(state, {
        send: [{ to: event.from, message: { type: 'outcome', number: attempt.number, outcome: 'unknown' } }],
      });
  }
}

/** Presumed abort: the record is lazy, the messages wait for nothing, nobody acknowledges. */
export function decideAbort(
  attempt: CoordinatorAttempt,
  reason: Reason,
  options: { readonly except?: NodeName; readonly mayRetry?: boolean; readonly alarm?: string } = {},
): Step<CoordinatorAborted> {
  const told = namesOf([...attempt.participants, ...attempt.readers]).filter((name) => name !== options.except);
  const alarm = options.alarm === undefined ? {} : { alarm: options.alarm };
  return goTo<CoordinatorAborted>(
    { phase: 'aborted', reason, mayRetry: options.mayRetry ?? false },
    {
      records: [lazy({ type: 'abort', number: attempt.number, reason })],
      send: sendTo(told, { type: 'abort', number: attempt.number }),
      timers: [timerOff('vote')],
      ...alarm,
    },
  );
}

function mismatch(attempt: CoordinatorAttempt, group: string, names: readonly NodeName[]): Step<CoordinatorAborted> {
  const detail = `The members ${names.join(', ')} of group ${group} computed different results.`;
  return decideAbort(attempt, { code: 'replica-mismatch', detail }, { alarm: `${attempt.number}: ${detail}` });
}

/** The `prepare` for one participant, with its own operations only. */
export function prepareFor(attempt: CoordinatorAttempt, to: NodeName): readonly Outgoing[] {
  const { number, id, protocol, participants, self, voteWithinMs } = attempt;
  const operations = attempt.operations[to] ?? [];
  const onePhase = attempt.onePhase ? ({ onePhase: true } as const) : {};
  return [
    {
      to,
      message: {
        type: 'prepare',
        number,
        id,
        protocol,
        operations,
        participants,
        coordinator: self,
        voteWithinMs,
        ...onePhase,
      },
    },
  ];
}

/** The record and the prepares that open an attempt. */
export function openAttempt(attempt: CoordinatorAttempt) {
  const { number, id, hash, protocol, participants, groups, operationCount: operations } = attempt;
  return {
    begin: { type: 'begin', number, id, hash, protocol, participants, groups, operations } as const,
    prepares: namesOf([...attempt.participants, ...attempt.readers]).flatMap((name) => prepareFor(attempt, name)),
  };
}
