/**
 * Transactions of a server, settled: sent again with the same id while that
 * can help, and answered only with what is certain.
 *
 * | the coordinator | then |
 * | --- | --- |
 * | answers committed or aborted | that is the answer |
 * | answers unknown, breaks off, does not answer | it may have happened: again, until the deadline; then `unknown` |
 * | cannot take it now, cannot be reached | nothing happened *by this sending*: again for a while; then that error, unless an earlier sending may have happened |
 * | refuses it | that error, unless an earlier sending may have happened |
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import { ParleyError } from '../base/errors.ts';
import type { UpstreamAnswer } from './server-upstream.ts';

/** What is sent; the coordinator chooses the protocol by the group. */
export interface TransactionRequest {
  readonly id: string;
  readonly operations: readonly Json[];
}

/** What is certain at the end. `unknown`: send it again with the same id. */
export type Settled =
  | { readonly outcome: 'committed' | 'aborted'; readonly body: Readonly<Record<string, Json>> }
  | { readonly outcome: 'unknown' };

/** How long to try. */
export interface Patience {
  /** From now to the answer; Infinity: until it is known. */
  readonly deadlineMs: number;
  /** Gives up at once: `unknown`, or `draining` when nothing can have happened. */
  readonly signal?: AbortSignal;
}

/** What the client needs of the world. */
export interface TransactionPorts {
  /** `POST /transactions`. Rejects with a ParleyError. */
  readonly send: (
    request: TransactionRequest,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ) => Promise<UpstreamAnswer>;
  readonly random: () => number;
}

/** A coordinator that starts again needs less; a client that waits longer for a plain no is badly served. */
const BUSY_PATIENCE_MS = 3000;
/** One sending; the coordinator answers 202 long before. */
const SENDING_MS_MAX = 30_000;
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;
/** Definite, and over in a moment. */
const PASSING: readonly ErrorCode[] = ['busy', 'draining', 'starting', 'unreachable'];

/** See the header. */
export class TransactionClient {
  readonly #ports: TransactionPorts;

  constructor(ports: TransactionPorts) {
    this.#ports = ports;
  }

  /** @throws ParleyError a definite refusal: nothing happened and nothing will */
  async settle(request: TransactionRequest, { deadlineMs, signal }: Patience): Promise<Settled> {
    const begunMs = performance.now();
    let mayHaveHappened = false;
    for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      const leftMs = begunMs + deadlineMs - performance.now();
      const sent = await this.#send(request, Math.min(leftMs, SENDING_MS_MAX), signal);
      if ('outcome' in sent) return sent;
      const { refusal } = sent;
      mayHaveHappened ||= refusal === undefined;
      if (signal?.aborted === true) {
        if (mayHaveHappened) return { outcome: 'unknown' };
        throw new ParleyError('draining', 'This server is stopping; the transaction did not happen.');
      }
      const elapsedMs = performance.now() - begunMs;
      const isPassing = refusal === undefined || PASSING.includes(refusal.code);
      if (refusal !== undefined && !mayHaveHappened && (!isPassing || elapsedMs > BUSY_PATIENCE_MS))
        throw busy(refusal);
      if (!isPassing) return { outcome: 'unknown' };
      const waitMs = pauseMs * (0.5 + this.#ports.random() / 2);
      if (elapsedMs + waitMs >= deadlineMs) {
        if (mayHaveHappened || refusal === undefined) return { outcome: 'unknown' };
        throw busy(refusal);
      }
      // An abort ends the wait; the next turn sees it.
      await delay(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }

  /** One sending: an outcome, a definite refusal, or neither (it may have happened). */
  async #send(
    request: TransactionRequest,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Settled | { readonly refusal: ParleyError | undefined }> {
    try {
      const { status, body } = await this.#ports.send(request, timeoutMs, signal);
      const members = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, Json>>) : {};
      const { outcome } = members;
      if (status === 200 && (outcome === 'committed' || outcome === 'aborted')) return { outcome, body: members };
      return { refusal: undefined };
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      // An answer that cannot be read says nothing about what happened.
      return { refusal: error.definite && error.code !== 'malformed-json' ? error : undefined };
    }
  }
}

/** To the client, a coordinator that cannot be reached is a server that is busy: nothing happened, try again. */
function busy(refusal: ParleyError): ParleyError {
  if (!PASSING.includes(refusal.code)) return refusal;
  const why = refusal.message.replace(/\.$/, '');
  return new ParleyError('busy', `The coordinator takes nothing now (${why}); this sending did nothing.`, {
    cause: refusal,
  });
}
