/**
 * One transaction in a world of one line at a time, for transcripts: a
 * coordinator C and participants, and the messages on their way. Nothing moves
 * unless a line says so. Every message crosses as JSON through the door that
 * peers' messages pass.
 *
 *   cluster 2pc P1 P2 [reads P3]     begin
 *   deliver C P1 [precommit]         lose C P1 [precommit]       (the oldest, or the oldest of that type)
 *   yes P1 | no P1                   (its resources)
 *   timer P1 | hasten P1 | left P1   (C too: its vote timer while it collects votes, else its elect timer)
 */
import { ParleyError } from '../../src/base/errors.ts';
import type { ParticipantAttempt, Step } from '../../src/protocol/attempt.ts';
import { coordinatorEventOf, stepCoordinator } from '../../src/protocol/coordinator-attempts.ts';
import type { CoordinatorEvent, CoordinatorMachine } from '../../src/protocol/coordinator-attempts.ts';
import { NO_VOTES } from '../../src/protocol/coordinator-voting.ts';
import { describeMessage, describeStep } from '../../src/protocol/describe.ts';
import { parseMessage } from '../../src/protocol/message-shapes.ts';
import type { Message, NodeName } from '../../src/protocol/messages.ts';
import {
  attemptOf,
  firstParticipantMachine,
  participantEventOf,
  stepParticipant,
  unheardAttempt,
} from '../../src/protocol/participant-attempts.ts';
import type { ParticipantEvent, ParticipantMachine } from '../../src/protocol/participant-attempts.ts';
import { A_REASON, COORDINATOR, coordinatorAttempt, NUMBER, PREPARED, TIMINGS } from './attempts.ts';

interface OnItsWay {
  readonly from: NodeName;
  readonly to: NodeName;
  readonly message: Message;
}

interface ParticipantRow {
  readonly attempt: ParticipantAttempt;
  readonly machine: ParticipantMachine;
}

export class TranscriptWorld {
  private attempt = coordinatorAttempt({});
  private coordinator: CoordinatorMachine = { kind: '2pc', state: NO_VOTES };
  private readonly participants = new Map<NodeName, ParticipantRow>();
  private onItsWay: readonly OnItsWay[] = [];

  /** Runs one line and says what it did, one line each. */
  run(line: string): readonly string[] {
    const [verb = '', ...words] = line.trim().split(/\s+/);
    const [first = '', second = '', type] = words;
    switch (verb) {
      case 'cluster':
        return this.cluster(first, words.slice(1));
      case 'begin':
        return ['C begins', ...this.intoCoordinator({ type: 'begin' })];
      case 'deliver': {
        const { message } = this.take(first, second, type);
        return [`${second} gets ${describeMessage(message)} from ${first}`, ...this.deliver(first, second, message)];
      }
      case 'lose': {
        const { message } = this.take(first, second, type);
        return [`${describeMessage(message)} from ${first} to ${second} is lost`];
      }
      case 'yes':
        return [`${first} can commit`, ...this.into(first, { type: 'resource-yes', prepared: PREPARED })];
      case 'no':
        return [`${first} cannot commit`, ...this.into(first, { type: 'resource-no', reason: A_REASON })];
      case 'timer':
        return [`the timer of ${first} rings`, ...this.timer(first)];
      case 'hasten':
        return [`${first} has a reason to ask soon`, ...this.hasten(first)];
      case 'left':
        return [`${first} leaves the view`, ...this.intoCoordinator({ type: 'member-left', from: first })];
      default:
        throw new Error(`a transcript knows no ${verb}`);
    }
  }

  private cluster(protocol: string, words: readonly string[]): readonly string[] {
    const cut = words.includes('reads') ? words.indexOf('reads') : words.length;
    const kind = protocol === '3pc' ? '3pc' : '2pc';
    this.attempt = coordinatorAttempt({ protocol: kind, listed: words.slice(0, cut), readers: words.slice(cut + 1) });
    this.coordinator = this.attempt.onePhase
      ? { kind: 'one-phase', state: { phase: 'working', asking: false } }
      : { kind, state: NO_VOTES };
    return [];
  }

  private take(from: NodeName, to: NodeName, type: string | undefined): OnItsWay {
    const found = this.onItsWay.find(
      (one) => one.from === from && one.to === to && (type === undefined || one.message.type === type),
    );
    if (found === undefined) throw new Error(`no ${type ?? 'message'} is on its way from ${from} to ${to}`);
    this.onItsWay = this.onItsWay.filter((one) => one !== found);
    return found;
  }

  private deliver(from: NodeName, to: NodeName, sent: Message): readonly string[] {
    const message = parseMessage(JSON.parse(JSON.stringify(sent)));
    if (to === 'C') {
      const event = coordinatorEventOf(from, message, this.attempt.onePhase);
      return event === undefined ? ['  nothing'] : this.intoCoordinator(event);
    }
    if (!this.participants.has(to)) {
      const attempt =
        message.type === 'prepare' ? attemptOf(to, message, TIMINGS) : unheardAttempt(to, NUMBER, COORDINATOR, TIMINGS);
      this.participants.set(to, { attempt, machine: firstParticipantMachine(attempt) });
    }
    const event = participantEventOf(from, message);
    return event === undefined ? ['  nothing'] : this.into(to, event);
  }

  private timer(of: NodeName): readonly string[] {
    if (of !== 'C') return this.into(of, { type: 'timeout' });
    return this.intoCoordinator({ type: this.coordinator.state.phase === 'working' ? 'vote-timeout' : 'timeout' });
  }

  private hasten(of: NodeName): readonly string[] {
    return of === 'C' ? this.intoCoordinator({ type: 'hasten' }) : this.into(of, { type: 'hasten' });
  }

  private into(name: NodeName, event: ParticipantEvent): readonly string[] {
    const row = this.participants.get(name);
    if (row === undefined) throw new ParleyError('not-seen', `${name} has never heard of the transaction.`);
    const { machine, step } = stepParticipant(row.attempt, row.machine, event);
    this.participants.set(name, { attempt: row.attempt, machine });
    return this.took(name, step);
  }

  private intoCoordinator(event: CoordinatorEvent): readonly string[] {
    const { machine, step } = stepCoordinator(this.attempt, this.coordinator, event);
    this.coordinator = machine;
    return this.took('C', step);
  }

  private took(from: NodeName, step: Step<{ readonly phase: string }>): readonly string[] {
    this.onItsWay = [...this.onItsWay, ...step.send.map((one) => ({ from, ...one }))];
    return describeStep(step).map((line) => `  ${line}`);
  }
}
