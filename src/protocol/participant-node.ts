/**
 * A whole participant: the table of attempts around the machines, the start of
 * the coordinator it obeys, and its side of joining a group. `step` is
 * deterministic and does no I/O; resources answer by events.
 */
import { assertNever } from '../base/assert.ts';
import { numberParts } from '../base/ids.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type { ParticipantAttempt, Prepared, ProtocolTimings, Work } from './attempt.ts';
import { isBelow } from './low-water.ts';
import type {
  LogSeen,
  LogStart,
  Message,
  NodeName,
  PrepareMessage,
  Reason,
  Site,
  Views,
  WelcomeMessage,
} from './messages.ts';
import { splitTimerKey, StepBuilder } from './node-step.ts';
import type { NodeStep } from './node-step.ts';
import {
  attemptOf,
  firstParticipantMachine,
  isInDoubt,
  participantEventOf,
  stepParticipant,
} from './participant-attempts.ts';
import type { ParticipantEvent, ParticipantMachine, UnsafeRule } from './participant-attempts.ts';
import { Joining } from './participant-joining.ts';
import type { CopyEvent } from './participant-joining.ts';
import { copyStep, withoutSuperseded } from './participant-copies.ts';
import { refusalOf } from './participant-refusal.ts';
import { openUnheard } from './participant-unheard.ts';
import { acceptWelcome } from './participant-welcome.ts';
import type { KnownCoordinator } from './participant-welcome.ts';
import { lazy } from './records.ts';

/** Everything that enters a participant. */
export type ParticipantNodeEvent =
  /** `accepting`: the log has room for new work. */
  | { readonly type: 'message'; readonly from: NodeName; readonly message: Message; readonly accepting: boolean }
  | { readonly type: 'resource-yes'; readonly number: AttemptNumber; readonly prepared: Prepared }
  | { readonly type: 'resource-no'; readonly number: AttemptNumber; readonly reason: Reason }
  | { readonly type: 'link-up' | 'link-down'; readonly peer: NodeName }
  | { readonly type: 'timer'; readonly key: string }
  | CopyEvent
  /** Regular: how much of the coordinator's log is synced, by its heartbeats. */
  | { readonly type: 'tick'; readonly coordinatorSeq: number }
  | { readonly type: 'start' };

/** Who this participant is. */
export interface ParticipantSettings {
  readonly self: Site;
  readonly incarnation: string;
  readonly epoch: number;
  /** Made at random by this process; see LogSeen in messages.ts. */
  readonly start: string;
  /** Sequence of the first record of this start. */
  readonly startSeq: number;
  readonly earlierStarts?: readonly LogStart[];
  readonly votesByHand: boolean;
  readonly timings: ProtocolTimings;
  /** Only in the lab. */
  readonly unsafe?: UnsafeRule;
  /** Outside the lab: votes no on 3pc-textbook. */
  readonly refusesTextbook?: true;
}

/** An attempt with its state here. */
export interface ParticipantRow {
  attempt: ParticipantAttempt;
  machine: ParticipantMachine;
  /** Groups whose copy replaced this attempt's operations. */
  superseded: readonly string[];
}

/**
 * Decided rows kept below the low-water mark: a peer that is still in doubt
 * about an abort it never heard of may ask while the coordinator is dead.
 */
export const DECIDED_KEPT = 10_000;

/** One participant in one life; see the header. */
export class ParticipantNode {
  readonly settings: ParticipantSettings;
  readonly rows = new Map<AttemptNumber, ParticipantRow>();
  coordinator: KnownCoordinator | undefined;
  lowWater: AttemptNumber | undefined;
  /** How much of the coordinator's log is known to be synced. */
  coordinatorSeen: LogSeen | undefined;
  /** From the newest welcome on the current link; undefined without one: no lease then. */
  views: Views | undefined;
  /** Obeyed until one has welcomed us. */
  configuredCoordinator: NodeName = 'coordinator';
  /** The newest try to join each group, by the coordinator's order on this link; one that ended is no more. */
  readonly joining = new Joining();
  private readonly durableSeq: () => number;

  constructor(settings: ParticipantSettings, durableSeq: () => number) {
    this.settings = settings;
    this.durableSeq = durableSeq;
  }

  /** One event. */
  step(event: ParticipantNodeEvent): NodeStep {
    const out = new StepBuilder();
    this.dispatch(event, out);
    return out;
  }

  private dispatch(event: ParticipantNodeEvent, out: StepBuilder): void {
    switch (event.type) {
      case 'message':
        return this.message(event.from, event.message, event.accepting, out);
      case 'resource-yes':
        return this.into(event.number, { type: 'resource-yes', prepared: event.prepared }, out);
      case 'resource-no':
        return this.into(event.number, { type: 'resource-no', reason: event.reason }, out);
      case 'link-up':
        return this.linkUp(event.peer, out);
      case 'link-down':
        return this.linkDown(event.peer, out);
      case 'timer':
        return this.into(splitTimerKey(event.key).of, { type: 'timeout' }, out);
      case 'copied':
      case 'copy-failed':
      case 'copy-part':
      case 'copy-dropped':
      case 'copy-finished':
        return this.tellCoordinator(copyStep(this, event, out), out);
      case 'tick':
        return this.sawCoordinatorLog(event.coordinatorSeq);
      case 'start':
        return this.hasten(out);
      default:
        return assertNever(event, 'event');
    }
  }

  private message(from: NodeName, message: Message, accepting: boolean, out: StepBuilder): void {
    switch (message.type) {
      case 'welcome':
        return this.welcome(from, message, out);
      case 'low-water':
        return this.moveLowWater(from, message.number, out);
      case 'join':
        out.copies.push(this.joining.begin(message));
        return;
      case 'barrier': {
        const next = this.joining.finish(message, accepting);
        if (next?.type === 'joined') this.tellCoordinator(next, out);
        else if (next !== undefined) out.copies.push(next);
        return;
      }
      case 'prepare':
        return this.prepare(from, message, accepting, out);
      default:
        if ('number' in message) this.aboutNumber(from, message, out);
    }
  }

  /** A prepare counts only from the welcomed start of the coordinator, and only above the low-water mark. */
  private prepare(from: NodeName, message: PrepareMessage, accepting: boolean, out: StepBuilder): void {
    const { number } = message;
    const parts = numberParts(number);
    if (this.views === undefined || parts === undefined || from !== this.coordinator?.name) return;
    if (parts.incarnation !== this.coordinator.incarnation || parts.epoch !== this.coordinator.epoch) return;
    const row = this.rows.get(number);
    const refusal = row === undefined ? refusalOf(this, message, accepting) : undefined;
    // The only participant decides, so its no is a decision: a tombstone, for which the log keeps room.
    if (refusal !== undefined && message.onePhase) return this.aboutNumber(from, { type: 'inquire', number }, out);
    if (refusal !== undefined) return out.tell(from, { type: 'vote', number, vote: 'no', reason: refusal });
    const attempt = attemptOf(this.settings.self.name, message, this.settings.timings);
    if (row === undefined)
      this.rows.set(number, {
        attempt,
        machine: firstParticipantMachine(attempt, this.settings.unsafe),
        superseded: [],
      });
    else if (row.attempt.id === '') row.attempt = attempt;
    this.into(number, { type: 'prepare' }, out);
  }

  private aboutNumber(from: NodeName, message: Message & { readonly number: AttemptNumber }, out: StepBuilder): void {
    const { number } = message;
    if (!this.rows.has(number) && !openUnheard(this, from, message, out)) return;
    const event = participantEventOf(from, message);
    if (event !== undefined) this.into(number, event, out);
  }

  /** One event into one row, and what follows from its new phase. */
  private into(number: AttemptNumber, event: ParticipantEvent, out: StepBuilder): void {
    const row = this.rows.get(number);
    if (row === undefined) return;
    const wasInDoubt = isInDoubt(row.machine);
    const { machine, step } = stepParticipant(row.attempt, row.machine, event);
    row.machine = machine;
    const { superseded } = row;
    const isWhole = superseded.length === 0;
    const left = (): Work[] => step.work.map((work) => withoutSuperseded(work, superseded));
    out.take(number, row.attempt.id, isWhole ? step : { ...step, work: left() });
    // Voted read-only, or a reader that aborted: nobody will ever ask for it.
    if (machine.state.phase === 'read') this.rows.delete(number);
    // The vote went nowhere: there is no reason to wait until the coordinator has collected.
    if (!wasInDoubt && isInDoubt(machine) && this.views === undefined) this.into(number, { type: 'hasten' }, out);
  }

  private moveLowWater(from: NodeName, number: AttemptNumber, out: StepBuilder): void {
    if (from !== this.coordinator?.name) return;
    this.lowWater = number;
    const peers = this.coordinatorSeen === undefined ? {} : { peers: { [from]: this.coordinatorSeen } };
    out.records.push(lazy({ type: 'low-water', number, ...peers }));
    this.forget();
  }

  /** Rows below the mark that are decided here go, oldest first, beyond those kept for late askers. */
  forget(): void {
    let surplus = this.rows.size - DECIDED_KEPT;
    if (surplus <= 0) return;
    for (const [number, { machine }] of this.rows) {
      if (surplus <= 0 || !isBelow(number, this.lowWater)) return;
      if (machine.state.phase !== 'committed' && machine.state.phase !== 'aborted') continue;
      this.rows.delete(number);
      surplus -= 1;
    }
  }

  private sawCoordinatorLog(seq: number): void {
    if (this.views === undefined || this.coordinator === undefined) return;
    const { incarnation, epoch, start } = this.coordinator;
    this.coordinatorSeen = { incarnation, epoch, start, seq };
  }

  private linkUp(peer: NodeName, out: StepBuilder): void {
    if (peer !== this.coordinatorName()) return;
    this.joining.clear();
    // A newer link may have replaced the older without a word; what was welcomed there says nothing here.
    this.views = undefined;
    const { self, incarnation, epoch, start, startSeq, earlierStarts = [], votesByHand } = this.settings;
    const seen = this.coordinatorSeen === undefined ? {} : { coordinatorSeen: this.coordinatorSeen };
    const log = { incarnation, epoch, start, startSeq, earlierStarts, durableSeq: this.durableSeq(), ...seen };
    out.tell(peer, { type: 'register', ...self, ...log, votesByHand });
  }

  private linkDown(peer: NodeName, out: StepBuilder): void {
    if (peer !== this.coordinatorName()) return;
    this.views = undefined;
    this.joining.clear();
    // A closed socket is a reason to ask the others soon; it decides nothing.
    this.hasten(out);
  }

  private coordinatorName(): NodeName {
    return this.coordinator?.name ?? this.configuredCoordinator;
  }

  private welcome(from: NodeName, message: WelcomeMessage, out: StepBuilder): void {
    const accepted = acceptWelcome(this.coordinator, from, message, out);
    if (accepted === undefined) return;
    const isFirstOnLink = this.views === undefined;
    this.coordinator = accepted;
    this.views = message.views;
    this.lowWater = message.lowWater;
    if (isFirstOnLink) this.hasten(out);
  }

  /** Everything in doubt asks soon. */
  private hasten(out: StepBuilder): void {
    for (const [number, { machine }] of [...this.rows]) {
      if (isInDoubt(machine)) this.into(number, { type: 'hasten' }, out);
    }
  }

  private tellCoordinator(message: Message | undefined, out: StepBuilder): void {
    if (message !== undefined) out.tell(this.coordinatorName(), message);
  }

  /** Numbers that voted yes here and know no decision, with their ids. */
  inDoubt(): readonly { readonly number: AttemptNumber; readonly id: TransactionId; readonly phase: string }[] {
    return [...this.rows]
      .filter(([, { machine }]) => isInDoubt(machine))
      .map(([number, { attempt, machine }]) => ({ number, id: attempt.id, phase: machine.state.phase }));
  }
}
