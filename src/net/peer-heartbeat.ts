/**
 * The heartbeats of one link: pure bookkeeping, no socket and no clock.
 *
 * Each side sends one every `heartbeatMs`, and one at once as the answer to a
 * heartbeat that is no answer itself, so that two sides never answer each
 * other without end. `echo` is the newest sequence received from the peer on
 * this link (0: none yet). Both times err to the safe side of a read lease,
 * which runs from the *sending* of a heartbeat that was echoed: the sender
 * notes the time before the bytes leave, the one who echoes notes it after the
 * heartbeat it echoes has arrived.
 *
 * ```
 *   {type: 'heartbeat', sequence, echo, durableSeq, answer?: true}
 * ```
 */
import { ParleyError } from '../base/errors.ts';

/** What travels. `sequence` counts from 1 on each link; `durableSeq` is how far the sender's log is synced. */
export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly sequence: number;
  readonly echo: number;
  readonly durableSeq: number;
  /** Sent at once because one arrived; never answered. */
  readonly answer?: true;
}

/** A moment by both clocks: a suspended machine may stop the monotonic one, a correction may move the other. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly ms: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** Heartbeats sent and not yet echoed that are remembered; beyond it the oldest is forgotten, which only shortens a lease. */
const UNECHOED_MAX = 256;

/** The state of one link's heartbeats; begins anew with each link. */
export class HeartbeatBook {
  /** How far the peer's log was synced by its last heartbeat; 0 before the first. */
  peerDurableSeq = 0;
  /** When we sent the latest heartbeat that the peer has echoed on this link. */
  answeredSentAt: Moment | undefined = undefined;
  #sent = 0;
  #received = 0;
  readonly #unechoed = new Map<number, Moment>();

  /** The next heartbeat of ours. `at` must not be later than its sending; without `echoes` it renews no lease of the peer. */
  next(options: {
    readonly at: Moment;
    readonly durableSeq: number;
    readonly kind: 'own' | 'answer';
    readonly echoes: boolean;
  }): Heartbeat {
    const { at, durableSeq, kind, echoes } = options;
    this.#sent += 1;
    this.#unechoed.set(this.#sent, at);
    this.#unechoed.delete(this.#sent - UNECHOED_MAX);
    const echo = echoes ? this.#received : 0;
    const heartbeat: Heartbeat = { type: 'heartbeat', sequence: this.#sent, echo, durableSeq };
    return kind === 'answer' ? { ...heartbeat, answer: true } : heartbeat;
  }

  /**
   * Takes a heartbeat of the peer and says whether it wants an answer at once.
   * @throws ParleyError `bad-request` for what no honest peer sends: a missing
   *   member, a sequence that does not grow, an echo of what was never sent
   */
  receive(value: unknown): 'answer' | 'no-answer' {
    const { sequence, echo, durableSeq, answer } = checked(value);
    if (sequence <= this.#received || echo > this.#sent) {
      throw new ParleyError('bad-request', `A heartbeat is out of order: sequence ${sequence}, echo ${echo}.`);
    }
    this.#received = sequence;
    this.peerDurableSeq = Math.max(this.peerDurableSeq, durableSeq);
    this.#takeEcho(echo);
    return answer === true ? 'no-answer' : 'answer';
  }

  #takeEcho(echo: number): void {
    const sentAt = this.#unechoed.get(echo);
    if (sentAt === undefined) return;
    this.answeredSentAt = sentAt;
    // A Map keeps the order of insertion, here the order of sending.
    for (const sequence of this.#unechoed.keys()) {
      if (sequence > echo) break;
      this.#unechoed.delete(sequence);
    }
  }
}

/** True for a message that belongs to the link and is never given to the protocol. */
export function isHeartbeat(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'heartbeat';
}

function checked(value: unknown): Heartbeat {
  const heartbeat = value as Partial<Record<keyof Heartbeat, unknown>>;
  for (const member of ['sequence', 'echo', 'durableSeq'] as const) {
    const number = heartbeat[member];
    if (!Number.isSafeInteger(number) || (number as number) < 0) {
      throw new ParleyError('bad-request', `A heartbeat has a bad ${member}.`);
    }
  }
  return value as Heartbeat;
}
