/**
 * One row per attempt at a participant: which machine runs it, and how a
 * message becomes an event of that machine.
 */
import { assertNever } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { stay } from './attempt.ts';
import type { ParticipantAttempt, ProtocolTimings, Step } from './attempt.ts';
import type { Message, NodeName, Site } from './messages.ts';
import { stepParticipant2pc } from './participant-2pc.ts';
import type { Participant2pc } from './participant-2pc.ts';
import { stepParticipant3pc } from './participant-3pc.ts';
import type { Participant3pc, Participant3pcEvent } from './participant-3pc.ts';
import { isListed } from './participant-replies.ts';
import { stepParticipantRollBack } from './participant-roll-back.ts';
import { siteEventOf } from './site-3pc.ts';
import { stepTextbookParticipant } from './textbook-3pc-participant.ts';
import type { TextbookParticipant, TextbookParticipantEvent } from './textbook-3pc-participant.ts';
import type { VotingEvent } from './participant-voting.ts';

/** Any machine with its state. A reader, whatever the protocol, is run by 2PC: it never decides. */
export type ParticipantMachine =
  | { readonly kind: '2pc'; readonly state: Participant2pc }
  | { readonly kind: '3pc'; readonly state: Participant3pc }
  /** Only in the lab. */
  | { readonly kind: 'roll-back'; readonly state: Participant2pc }
  | { readonly kind: '3pc-textbook'; readonly state: TextbookParticipant };

/** A rule that breaks atomicity, for the lab: a prepared participant of 2PC rolls back when its timer rings. */
export type UnsafeRule = 'roll-back-in-ready';

/** An event of any machine. */
export type ParticipantEvent = Participant3pcEvent;

/** The machine of an attempt that was never heard of. */
export function firstParticipantMachine(attempt: ParticipantAttempt, unsafe?: UnsafeRule): ParticipantMachine {
  return { kind: machineKindOf(attempt, unsafe), state: { phase: 'initial' } };
}

function machineKindOf(attempt: ParticipantAttempt, unsafe: UnsafeRule | undefined): ParticipantMachine['kind'] {
  const { protocol } = attempt;
  if (!isListed(attempt) || attempt.onePhase) return '2pc';
  if (protocol === '3pc' || protocol === '3pc-textbook') return protocol;
  return unsafe === undefined ? '2pc' : 'roll-back';
}

/** One event into whichever machine runs the attempt. */
export function stepParticipant(
  attempt: ParticipantAttempt,
  machine: ParticipantMachine,
  event: ParticipantEvent,
): { readonly machine: ParticipantMachine; readonly step: Step<ParticipantMachine['state']> } {
  switch (machine.kind) {
    case '2pc':
    case 'roll-back': {
      const asked = as2pc(event);
      if (asked === undefined) return { machine, step: stay(machine.state) };
      const stepIt = machine.kind === '2pc' ? stepParticipant2pc : stepParticipantRollBack;
      const step = stepIt(attempt, machine.state, asked);
      return { machine: { kind: machine.kind, state: step.state }, step };
    }
    case '3pc-textbook': {
      const asked = asTextbook(event);
      if (asked === undefined) return { machine, step: stay(machine.state) };
      const step = stepTextbookParticipant(attempt, machine.state, asked);
      return { machine: { kind: '3pc-textbook', state: step.state }, step };
    }
    case '3pc': {
      const step = stepParticipant3pc(attempt, machine.state, event);
      return { machine: { kind: '3pc', state: step.state }, step };
    }
    default:
      return assertNever(machine, 'machine');
  }
}

/** The textbook knows neither preabort nor refusals; from who says such a thing the outcome can be had. */
function asTextbook(event: ParticipantEvent): TextbookParticipantEvent | undefined {
  switch (event.type) {
    case 'preabort':
      return { type: 'inquire', from: event.from };
    case 'preaborted':
    case 'refused':
      return undefined;
    case 'precommit':
    case 'precommitted':
      return { type: event.type, from: event.from, round: event.round };
    default:
      return event;
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
