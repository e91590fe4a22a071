/**
 * One row per attempt at a participant: which machine runs it, and how a
 * message becomes an event of that machine.
 */
import { assertNever } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { ParticipantAttempt, ProtocolTimings, Step } from './attempt.ts';
import type { Message, NodeName, Site } from './messages.ts';
import { stepParticipant2pc } from './participant-2pc.ts';
import type { Participant2pc } from './participant-2pc.ts';
import { stepParticipant3pc } from './participant-3pc.ts';
import type { Participant3pc, Participant3pcEvent } from './participant-3pc.ts';
import { isListed } from './participant-replies.ts';
import { siteEventOf } from './site-3pc.ts';
import type { VotingEvent } from './participant-voting.ts';

/** Either machine with its state. A reader, whatever the protocol, is run by 2PC: it never decides. */
export type ParticipantMachine =
  { readonly kind: '2pc'; readonly state: Participant2pc } | { readonly kind: '3pc'; readonly state: Participant3pc };

/** An event of either machine. */
export type ParticipantEvent = Participant3pcEvent;

/** The machine of an attempt that was never heard of. */
export function firstParticipantMachine(attempt: ParticipantAttempt): ParticipantMachine {
  const kind = attempt.protocol === '3pc' && isListed(attempt) && !attempt.onePhase ? '3pc' : '2pc';
  return { kind, state: { phase: 'initial' } };
}

/** One event into whichever machine runs the attempt. */
export function stepParticipant(
  attempt: ParticipantAttempt,
  machine: ParticipantMachine,
  event: ParticipantEvent,
): { readonly machine: ParticipantMachine; readonly step: Step<ParticipantMachine['state']> } {
  switch (machine.kind) {
    case '2pc': {
      const asked = as2pc(event);
      if (asked === undefined) {
        return { machine, step: { state: machine.state, records: [], send: [], work: [], timers: [] } };
      }
      const step = stepParticipant2pc(attempt, machine.state, asked);
      return { machine: { kind: '2pc', state: step.state }, step };
    }
    case '3pc': {
      const step = stepParticipant3pc(attempt, machine.state, event);
      return { machine: { kind: '3pc', state: step.state }, step };
    }
    default:
      return assertNever(machine, 'machine');
  }
}

/** To a number that is no 3PC attempt here, a leader's message is at most a question for the outcome. */
function as2pc(event: ParticipantEvent): VotingEvent | undefined {
  switch (event.type) {
    case 'precommit':
    case 'preabort':
    case 'state-request':
      return { type: 'inquire', from: event.from };
    case 'precommitted':
    case 'preaborted':
    case 'refused':
    case 'state':
      return undefined;
    default:
      return event;
  }
}

/** The event that a message is to an attempt; undefined when it says nothing to a participant. */
export function participantEventOf(from: NodeName, message: Message): ParticipantEvent | undefined {
  switch (message.type) {
    case 'prepare':
    case 'commit':
    case 'abort':
      return { type: message.type };
    case 'inquire':
      return { type: 'inquire', from };
    case 'outcome':
      if (message.outcome === 'unknown') return undefined;
      if (message.outcome === 'committed') return { type: 'commit' };
      return message.reason === undefined ? { type: 'abort' } : { type: 'abort', reason: message.reason };
    default:
      return siteEventOf(from, message);
  }
}

/** True for a question that must be answered even about a number never heard of. */
export function isQuestion(message: Message): boolean {
  return message.type === 'inquire' || message.type === 'state-request' || message.type === 'preabort';
}

/** The attempt a `prepare` opens. */
export function attemptOf(
  self: NodeName,
  message: Extract<Message, { type: 'prepare' }>,
  timings: ProtocolTimings,
): ParticipantAttempt {
  const { number, id, protocol, coordinator, participants, operations, voteWithinMs } = message;
  return {
    number,
    id,
    protocol,
    self,
    coordinator,
    participants,
    operations,
    voteWithinMs,
    onePhase: message.onePhase ?? false,
    timings,
  };
}

/** An attempt of which only the number is known: someone asked before any `prepare` came. */
export function unheardAttempt(
  self: NodeName,
  number: AttemptNumber,
  coordinator: Site,
  timings: ProtocolTimings,
): ParticipantAttempt {
  return {
    number,
    id: '',
    protocol: '2pc',
    self,
    coordinator,
    participants: [{ name: self, address: '' }],
    operations: [],
    voteWithinMs: 0,
    onePhase: false,
    timings,
  };
}

/** Voted yes, no decision known. */
export function isInDoubt(machine: ParticipantMachine): boolean {
  const { phase } = machine.state;
  return phase === 'prepared' || phase === 'precommitted' || phase === 'preaborted';
}
