/**
 * Requests that wait while a member of their group joins behind a barrier, in
 * order. None waits for long: it is admitted when the barrier is gone, or told
 * `busy`, which is true, since nothing was done for it.
 */
import type { AdmittedTransaction } from './coordinator-tables.ts';
import type { StepBuilder } from './node-step.ts';

/** A request behind a barrier. */
export interface ParkedRequest {
  readonly request: string;
  readonly transaction: AdmittedTransaction;
  readonly accepting: boolean;
}

/** A request waits behind a barrier for at most this long. */
const PARKED_MS_MAX = 1_000;

/** The requests of one coordinator that wait. */
export class ParkedRequests {
  private waiting = new Map<string, ParkedRequest>();

  park(parked: ParkedRequest, out: StepBuilder): void {
    this.waiting.set(parked.request, parked);
    out.timerOn(`park:${parked.request}`, Math.min(parked.transaction.timeoutMs, PARKED_MS_MAX));
  }

  /** It waited long enough: nothing happened, and the client may try again. */
  expire(request: string, out: StepBuilder): void {
    if (!this.waiting.delete(request)) return;
    out.answers.push({ request, refused: 'busy', detail: 'A member of the group is joining; new work waits.' });
  }

  /** All of them, in order, to be looked at again. */
  release(out: StepBuilder): readonly ParkedRequest[] {
    const released = [...this.waiting.values()];
    this.waiting = new Map();
    for (const { request } of released) out.timerOff(`park:${request}`);
    return released;
  }
}
