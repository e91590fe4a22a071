/**
 * What a program imports: a client of a Parley coordinator.
 *
 * ```ts
 * import { Parley } from 'parley';
 *
 * const parley = new Parley({ port: 7100 });
 * const answer = await parley.transact({
 *   operations: [{ group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 100 }],
 * });
 * if (answer.outcome === 'committed') console.log(answer.results);
 * parley.close();
 * ```
 */
import { randomBytes } from 'node:crypto';
import { errorOfAnswer } from './net/answer-error.ts';
import { HttpClient } from './net/http-client.ts';
import { clientTls } from './net/tls.ts';
import { TransactionClient } from './api/server-transactions.ts';
import type { Patience } from './api/server-transactions.ts';
import type { Json } from './base/canonical-json.ts';
import { uuidV7 } from './base/ids.ts';
import type { ProtocolName } from './protocol/messages.ts';

export { ParleyError } from './base/errors.ts';
export type { ErrorCode } from './base/error-registry.ts';
export type { Json, ProtocolName };

/** Where the coordinator is, and the cluster's key if it asks for one. */
export interface ParleyOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 7100. */
  readonly port?: number;
  /** Content of the credentials file. */
  readonly key?: string;
  /** CA of the cluster, PEM: speaks TLS, and only with a coordinator that this CA vouches for. */
  readonly ca?: string;
}

/** What is to happen as a whole or not at all. */
export interface Transaction {
  /** UUIDv7 or label. Give one that you keep to be able to ask again after your own crash; else one is made. */
  readonly id?: string;
  /** Default: the protocol of the first operation's group. */
  readonly protocol?: ProtocolName;
  readonly operations: readonly Json[];
}

/** What is certain about a transaction. */
export type TransactionAnswer =
  | { readonly outcome: 'committed'; readonly id: string; readonly results: readonly Json[] }
  | {
      readonly outcome: 'aborted';
      readonly id: string;
      readonly reason: { readonly code: string; readonly detail: string };
    }
  /** It may have happened: transact again with the same id and operations. */
  | { readonly outcome: 'unknown'; readonly id: string };

const DEADLINE_MS = 30_000;

/** A client of one coordinator; connections are kept and shared. */
export class Parley {
  readonly #http: HttpClient;

  constructor({ host = '127.0.0.1', port = 7100, key, ca }: ParleyOptions = {}) {
    const headers = key === undefined ? {} : { headers: { authorization: `Parley ${key.trim()}` } };
    this.#http = new HttpClient({ host, port, ...headers, tls: ca === undefined ? undefined : clientTls(ca) });
  }

  /**
   * Runs a transaction, and asks again with the same id while that can help.
   * @param patience how long; by default half a minute
   * @throws ParleyError a definite refusal: nothing happened and nothing will
   */
  async transact(
    transaction: Transaction,
    patience: Patience = { deadlineMs: DEADLINE_MS },
  ): Promise<TransactionAnswer> {
    const { id = newTransactionId(), protocol, operations } = transaction;
    const client = new TransactionClient({
      send: (request, timeoutMs, signal) =>
        this.#post({ ...request, ...(protocol && { protocol }) }, timeoutMs, signal),
      random: Math.random,
    });
    const settled = await client.settle({ id, operations }, patience);
    if (settled.outcome === 'unknown') return { outcome: 'unknown', id };
    const { results, reason } = settled.body;
    if (settled.outcome === 'committed')
      return { outcome: 'committed', id, results: (results ?? []) as readonly Json[] };
    return { outcome: 'aborted', id, reason: reason as { readonly code: string; readonly detail: string } };
  }

  /** Closes the kept connections. */
  close(): void {
    this.#http.close();
  }

  async #post(json: Readonly<Record<string, Json>>, timeoutMs: number, signal: AbortSignal | undefined) {
    const answer = await this.#http.request({
      method: 'POST',
      path: '/transactions',
      json,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.status >= 400) throw errorOfAnswer(answer.status, answer.body);
    return { status: answer.status, body: answer.json() };
  }
}

/** An id to keep: UUIDv7, in order of time. */
export function newTransactionId(): string {
  return uuidV7(Date.now(), randomBytes(10));
}
