/**
 * The loop. Daemons and simulator run this one; only the ports differ.
 *
 *   event → step (adopts) → append → sync → send, answer, show
 *
 * A node's state moves on at once, so that the next event can be stepped while
 * a sync is under way. What others can see waits: every output leaves only when
 * the last record forced before it is synced, whether or not its own step wrote
 * one. Only messages that promise nothing (LEAVES in protocol/messages.ts)
 * leave at once. If the sync fails the process ends, so nobody ever saw what
 * was lost. This order is kept here and nowhere else.
 */
import { assert, AssertionFailed } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import type { Outgoing } from '../protocol/attempt.ts';
import { leavesAtOnce } from '../protocol/messages.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { Answer, CopyWork, NodeStep, NodeTimer, NodeWork, Notice } from '../protocol/node-step.ts';
import type { Append, ProtocolRecord } from '../protocol/records.ts';
import type { LogStore } from '../wal/log-store.ts';

/** A node: coordinator or participant. Deterministic; adopts what it steps. */
export interface NodeMachine<Event> {
  step(event: Event, nowMs: number): NodeStep;
}

/** Time and chance. */
export interface Clock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Calls back once after a delay; the returned function disarms. */
  after(delayMs: number, run: () => void): () => void;
  /** 0 ≤ x < 1. */
  random(): number;
}

/** Everything the loop does to the world. */
export interface HostPorts {
  readonly log: Pick<LogStore<ProtocolRecord>, 'append' | 'durableSeq'>;
  readonly clock: Clock;
  /** Puts a message on the link to a node; dropped when there is none, the protocol sends again. */
  readonly send: (to: NodeName, message: Message) => void;
  /** Closes the link to a node. */
  readonly drop: (peer: NodeName) => void;
  /** Resources: answers by events, at once or later. */
  readonly work: (work: NodeWork) => void;
  readonly copy: (work: CopyWork) => void;
  readonly answer: (answer: Answer) => void;
  readonly notice: (notice: Notice) => void;
  /** The node must not go on. */
  readonly fatal: (code: ErrorCode, detail: string) => void;
  /** Passed before and after every force and every send; the lab may end the process here. `about`: the record or message. */
  readonly crashPoint: (what: string, where: 'before-force' | 'before-send' | 'sent', about: object) => void;
}

/** An output that waits for a record. */
interface Held {
  readonly seq: number;
  readonly release: () => void;
}

/** The loop of one node in one life; see the header. */
export class Host<Event> {
  private readonly node: NodeMachine<Event>;
  private readonly ports: HostPorts;
  private readonly timerEvent: (key: string) => Event;
  private readonly events: Event[] = [];
  private readonly held: Held[] = [];
  private readonly timers = new Map<string, () => void>();
  /** Nodes to which a welcome waits. */
  private readonly welcoming = new Set<NodeName>();
  private running = false;
  private stopped = false;
  /** Sequence of the last forced record; outputs wait for it. */
  private lastForced = 0;

  constructor(node: NodeMachine<Event>, timerEvent: (key: string) => Event, ports: HostPorts) {
    this.node = node;
    this.timerEvent = timerEvent;
    this.ports = ports;
  }

  /** One event. Events that come while one is stepped (work that answers at once) are stepped after it, in order. */
  handle(event: Event): void {
    if (this.stopped) return;
    if (this.running) {
      this.events.push(event);
      return;
    }
    this.running = true;
    try {
      this.stepOnce(event);
      for (let next = this.events.shift(); next !== undefined; next = this.events.shift()) {
        if (!this.stopped) this.stepOnce(next);
      }
    } finally {
      this.running = false;
    }
  }

  /** The log is synced up to here: what waited for it leaves, in order. */
  durable(seq: number): void {
    let released = 0;
    for (const { seq: needed, release } of this.held) {
      if (needed > seq) break;
      released += 1;
      if (!this.stopped) release();
    }
    this.held.splice(0, released);
  }

  /** Runs once everything forced so far is synced: for reads, feeds and pages, which are outputs like any other. */
  whenDurable(run: () => void): void {
    if (this.held.length === 0 && this.lastForced <= this.ports.log.durableSeq) run();
    else this.held.push({ seq: this.lastForced, release: run });
  }

  /** Takes no more events and lets nothing more out; timers are disarmed. */
  stop(): void {
    this.stopped = true;
    for (const disarm of this.timers.values()) disarm();
    this.timers.clear();
    this.held.length = 0;
  }

  /** A throw between an event and the last output of its step leaves a state that no record holds: this life is over. */
  private stepOnce(event: Event): void {
    let step: NodeStep | undefined;
    try {
      step = this.node.step(event, this.ports.clock.nowMs());
      this.carryOut(step);
    } catch (cause) {
      this.stop();
      // What a step looks up on the disk is not there as it was written.
      if (step === undefined && cause instanceof ParleyError) return this.ports.fatal(cause.code, cause.message);
      if (!(cause instanceof Error) || cause instanceof AssertionFailed) throw cause;
      // Whoever passed the event in must not take it for a fault of the event, and go on.
      throw new AssertionFailed(`a step is carried out whole: ${cause.message}`, { cause });
    }
  }

  private carryOut(step: NodeStep): void {
    for (const append of step.records) this.append(append);
    for (const notice of step.notices) this.ports.notice(notice);
    for (const timer of step.timers) this.setTimer(timer);
    for (const work of step.work) this.ports.work(work);
    for (const work of step.copies) this.ports.copy(work);
    for (const outgoing of step.send) this.release(outgoing);
    for (const answer of step.answers) this.whenDurable(() => this.ports.answer(answer));
    for (const peer of step.drop) this.whenDurable(() => this.ports.drop(peer));
    if (step.fatal !== undefined) this.ports.fatal(step.fatal.code, step.fatal.detail);
  }

  private append({ record, force, soon = false }: Append): void {
    if (force) this.ports.crashPoint(record.type, 'before-force', record);
    const seq = this.ports.log.append(record, { force, soon });
    if (!force) return;
    assert(seq > this.lastForced, 'sequences grow');
    this.lastForced = seq;
  }

  private release({ to, message }: Outgoing): void {
    if (leavesAtOnce(message) && !this.welcoming.has(to)) this.send(to, message);
    else this.whenDurable(() => this.send(to, message));
    if (message.type !== 'welcome') return;
    // What comes before its welcome a participant throws away, so nothing overtakes one.
    this.welcoming.add(to);
    this.whenDurable(() => this.welcoming.delete(to));
  }

  private send(to: NodeName, message: Message): void {
    this.ports.crashPoint(message.type, 'before-send', message);
    this.ports.send(to, message);
    this.ports.crashPoint(message.type, 'sent', message);
  }

  private setTimer(timer: NodeTimer): void {
    const { key } = timer;
    const armed = this.timers.get(key);
    armed?.();
    if (timer.set === 'off') {
      if (armed !== undefined) this.timers.delete(key);
      return;
    }
    const { afterMs, jitterMs } = timer;
    const delayMs = afterMs + Math.floor(this.ports.clock.random() * jitterMs);
    const disarm = this.ports.clock.after(delayMs, () => {
      this.timers.delete(key);
      this.handle(this.timerEvent(key));
    });
    this.timers.set(key, disarm);
  }
}
