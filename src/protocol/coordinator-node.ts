/**
 * A whole coordinator: the table of attempts, transactions, views and peers
 * around the machines. `step` is deterministic and does no I/O; time comes in
 * with the event. What it changes in memory is adopted at once; what it
 * returns leaves in the order the host keeps (src/host).
 */
import { assertNever } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { everyoneIn } from './answers.ts';
import { coordinatorEventOf } from './coordinator-attempts.ts';
import { answerClosed, forgetOwed, isPromise } from './coordinator-closed.ts';
import {
  cancelJoins,
  copyAgain,
  isHeld,
  learnerSays,
  lowerBarrier,
  startJoins,
  tryBarrier,
} from './coordinator-joins.ts';
import { ParkedRequests } from './coordinator-parked.ts';
import {
  leaveAllViews,
  leaveLater,
  lowWaterOf,
  membershipOf,
  recordFirstViews,
  register,
  tellLowWater,
} from './coordinator-membership.ts';
import { barSilent, heardVote } from './coordinator-silence.ts';
import { CoordinatorTables } from './coordinator-tables.ts';
import type { AdmittedTransaction, AttemptRow, CoordinatorSettings } from './coordinator-tables.ts';
import { admit, answerUnknown, isUnheard, stepRow } from './coordinator-transactions.ts';
import type { TransactionContext } from './coordinator-transactions.ts';
import type { Message, NodeName } from './messages.ts';
import { splitTimerKey, StepBuilder } from './node-step.ts';
import type { NodeStep } from './node-step.ts';

/** Everything that enters a coordinator. */
export type CoordinatorNodeEvent =
  /** `accepting`: the log has room for new work. */
  | {
      readonly type: 'request';
      readonly request: string;
      readonly transaction: AdmittedTransaction;
      readonly accepting: boolean;
    }
  | { readonly type: 'message'; readonly from: NodeName; readonly message: Message }
  | { readonly type: 'link-up' | 'link-down'; readonly peer: NodeName }
  | { readonly type: 'timer'; readonly key: string }
  /** Regular: sends again what is due, moves the low-water mark. `durable`: how much of each peer's log is synced. */
  | { readonly type: 'tick'; readonly durable: Readonly<Record<NodeName, number>> }
  | { readonly type: 'start' }
  | { readonly type: 'drain' };

/** At most this many attempts are sent again in one tick: a returning peer must not stop the loop. */
const RESENDS_PER_TICK_MAX = 1_000;

/** One coordinator in one life; see the header. */
export class CoordinatorNode {
  readonly tables: CoordinatorTables;
  readonly settings: CoordinatorSettings;
  private draining = false;
  private announcedLowWater: AttemptNumber | undefined;
  private readonly parked = new ParkedRequests();

  constructor(settings: CoordinatorSettings, tables: CoordinatorTables = new CoordinatorTables(settings)) {
    this.settings = settings;
    this.tables = tables;
  }

  /** One event. `nowMs` is monotonic. */
  step(event: CoordinatorNodeEvent, nowMs: number): NodeStep {
    const out = new StepBuilder();
    this.dispatch(event, nowMs, out);
    return out;
  }

  private dispatch(event: CoordinatorNodeEvent, nowMs: number, out: StepBuilder): void {
    switch (event.type) {
      case 'request':
        return this.request(event, nowMs, out);
      case 'message':
        return this.message(event.from, event.message, nowMs, out);
      case 'link-up':
        // It says nothing yet, `register` does; but one that replaces another without a word ends what that one was.
        if (this.tables.peers.get(event.peer)?.registered) this.linkDown(event.peer, out);
        return;
      case 'link-down':
        return this.linkDown(event.peer, out);
      case 'timer':
        return this.timer(event.key, nowMs, out);
      case 'tick':
        return this.tick(event.durable, nowMs, out);
      case 'start':
        return this.start(nowMs, out);
      case 'drain':
        this.draining = true;
        return;
      default:
        return assertNever(event, 'event');
    }
  }

  private context(nowMs: number): TransactionContext {
    return {
      settings: this.settings,
      tables: this.tables,
      nowMs,
      closed: (row, out) => {
        for (const group of Object.keys(row.attempt.groups)) tryBarrier(this, group, out);
      },
      needed: (name, out) => leaveLater(this, name, out),
    };
  }

  private request(event: Extract<CoordinatorNodeEvent, { type: 'request' }>, nowMs: number, out: StepBuilder): void {
    const { request, transaction } = event;
    const isNew = !this.tables.outcomes.get(transaction.id) && !this.tables.running.has(transaction.id);
    const refuse = (refused: 'draining' | 'log-full' | 'unknown-group', detail: string): void => {
      out.answers.push({ request, refused, detail });
    };
    if (isNew) {
      const groups = transaction.operations.map(({ operation }) => operation.group);
      const unknown = groups.find((group) => !this.tables.views.has(group));
      if (unknown !== undefined) return refuse('unknown-group', `There is no group ${unknown}.`);
      if (this.draining) return refuse('draining', 'This coordinator takes no new transactions.');
      if (!event.accepting) return refuse('log-full', 'The log of the coordinator has no room for new work.');
      if (groups.some((group) => isHeld(this.tables, group))) {
        return this.parked.park(event, out);
      }
    }
    admit(this.context(nowMs), request, transaction, out);
  }

  private message(from: NodeName, message: Message, nowMs: number, out: StepBuilder): void {
    if (message.type === 'register') return this.registered(from, message, nowMs, out);
    // Before it has registered on this link, nobody knows which log it speaks from.
    if (!this.tables.peers.get(from)?.registered) return;
    if (message.type === 'joined') {
      if (learnerSays(this, from, message, out)) this.release(nowMs, out);
      return;
    }
    if (!('number' in message)) return;
    if (message.type === 'vote') heardVote(this.tables, from);
    const row = this.tables.open.get(message.number);
    if (row === undefined) return answerClosed(this, from, message, out);
    row.transaction.messages += 1;
    if (isPromise(message)) row.transaction.forcedWrites += 1;
    const event = coordinatorEventOf(from, message, row.machine.kind === 'one-phase');
    if (event !== undefined) stepRow(this.context(nowMs), row, event, out);
  }

  private registered(
    from: NodeName,
    message: Extract<Message, { type: 'register' }>,
    nowMs: number,
    out: StepBuilder,
  ): void {
    const before = membershipOf(this.tables, from);
    const logBefore = this.tables.peers.get(from)?.incarnation;
    const isWelcome = register(this, from, message, out);
    if (logBefore !== undefined && logBefore !== message.incarnation) forgetOwed(this.tables, from, out);
    this.memberLeft(from, before, nowMs, out);
    if (!isWelcome) return;
    // A new link may have replaced the old one without a word; what was under way on that one is lost.
    cancelJoins(this, from, out);
    // In first-sent order, so that conflicting transactions meet in one order everywhere.
    for (const row of [...this.tables.open.values()]) {
      if (everyoneIn(row.attempt.groups).includes(from)) {
        stepRow(this.context(nowMs), row, { type: 'resend', to: from }, out);
      }
    }
    startJoins(this, out);
    // Someone is there now who can carry a view on: those that were here before and are not any more leave it.
    for (const { name, incarnation, registered } of this.tables.peers.values()) {
      if (!registered && incarnation !== undefined) leaveLater(this, name, out);
    }
  }

  private linkDown(name: NodeName, out: StepBuilder): void {
    const peer = this.tables.peers.get(name);
    if (peer === undefined) return;
    peer.registered = false;
    cancelJoins(this, name, out);
    leaveLater(this, name, out);
    startJoins(this, out);
  }

  private timer(key: string, nowMs: number, out: StepBuilder): void {
    const { timer, of } = splitTimerKey(key);
    switch (timer) {
      case 'vote':
        return this.voteTimeout(of, nowMs, out);
      case 'elect':
      case 'write-down': {
        const row = this.tables.open.get(of);
        const type = timer === 'elect' ? 'timeout' : timer;
        if (row !== undefined) stepRow(this.context(nowMs), row, { type }, out);
        return;
      }
      case 'answer':
        return answerUnknown(this.tables, of, out);
      case 'leave':
        return this.leave(of, nowMs, out);
      case 'barrier':
        lowerBarrier(this, of, out);
        return this.release(nowMs, out);
      case 'park':
        return this.parked.expire(of, out);
      case 'rejoin':
        return copyAgain(this, of, out);
      case 'release':
        return this.release(nowMs, out);
      default:
        return;
    }
  }

  private voteTimeout(number: AttemptNumber, nowMs: number, out: StepBuilder): void {
    const row = this.tables.open.get(number);
    if (row === undefined) return;
    // Not left to the loss of the link: a newer one may replace it unnoticed.
    for (const name of barSilent(this, row, out)) this.linkDown(name, out);
    stepRow(this.context(nowMs), row, { type: 'vote-timeout' }, out);
  }

  private leave(name: NodeName, nowMs: number, out: StepBuilder): void {
    const peer = this.tables.peers.get(name);
    if (peer === undefined || peer.registered) return;
    const before = membershipOf(this.tables, name);
    const wasBarred = peer.barred;
    leaveAllViews(this, name, 'its link was lost', out);
    // A barred participant waits on an open link; a new one makes it register again.
    if (wasBarred) out.drop.push(name);
    this.memberLeft(name, before, nowMs, out);
    startJoins(this, out);
  }

  /** Tells the open attempts whose every group there the member has left. */
  private memberLeft(name: NodeName, before: ReadonlySet<string>, nowMs: number, out: StepBuilder): void {
    const now = membershipOf(this.tables, name);
    if ([...before].every((group) => now.has(group))) return;
    for (const row of [...this.tables.open.values()]) this.tellIfLeft(row, name, nowMs, out);
  }

  private tellIfLeft(row: AttemptRow, name: NodeName, nowMs: number, out: StepBuilder): void {
    const now = membershipOf(this.tables, name);
    const groups = Object.entries(row.attempt.groups).filter(([, members]) => members.includes(name));
    const left = groups.filter(([group]) => !now.has(group));
    // Unheard, and outside one group only: it would vote on a state of that group that is not up to date.
    if (left.length === 0 || (left.length < groups.length && !isUnheard(row, name))) return;
    stepRow(this.context(nowMs), row, { type: 'member-left', from: name }, out);
  }

  private release(nowMs: number, out: StepBuilder): void {
    for (const parked of this.parked.release(out)) this.request({ type: 'request', ...parked }, nowMs, out);
  }

  private tick(durable: Readonly<Record<NodeName, number>>, nowMs: number, out: StepBuilder): void {
    for (const peer of this.tables.peers.values()) {
      // Of a start that has not registered nothing is known yet, not even which start it is.
      if (peer.registered) peer.durableSeq = Math.max(peer.durableSeq, durable[peer.name] ?? 0);
    }
    let resent = 0;
    for (const row of [...this.tables.open.values()]) {
      if (nowMs - row.sentAtMs < this.settings.timings.resendMs) continue;
      if (++resent > RESENDS_PER_TICK_MAX) break;
      row.sentAtMs = nowMs;
      this.resend(row, nowMs, out);
    }
    this.moveLowWater(out);
  }

  private resend(row: AttemptRow, nowMs: number, out: StepBuilder): void {
    for (const { name } of [...row.attempt.participants, ...row.attempt.readers]) {
      if (this.tables.peers.get(name)?.registered) stepRow(this.context(nowMs), row, { type: 'resend', to: name }, out);
    }
  }

  private moveLowWater(out: StepBuilder): void {
    const number = lowWaterOf(this);
    if (number === this.announcedLowWater) return;
    this.announcedLowWater = number;
    tellLowWater(this, number, out);
  }

  /** After recovery: what was open goes on. */
  private start(nowMs: number, out: StepBuilder): void {
    recordFirstViews(this, out);
    for (const row of [...this.tables.open.values()]) {
      for (const type of ['hasten', 'vote-timeout'] as const) stepRow(this.context(nowMs), row, { type }, out);
      // Its leaving is on disk, but not that it was told to this attempt.
      for (const { name } of row.attempt.participants) this.tellIfLeft(row, name, nowMs, out);
      for (const { name } of row.attempt.participants) leaveLater(this, name, out);
    }
  }
}
