/**
 * The messages of a transfer in the words of the third source system, and votes
 * on CREATE, UPDATE and QUERY in those of the fourth, behind those of the second
 * (`--show-frames`). They are renderings: on the wire are the messages of
 * docs/protocols.md.
 *
 * | message | shown |
 * | --- | --- |
 * | prepare | `PREPARE c.1.2 {"command":"prepare","amount":100}` |
 * | vote | `VOTE:Y c.1.2 {"status":"ready"}`, `VOTE:N c.1.2 {"status":"abort","reason":"…"}` |
 * | vote on CREATE, UPDATE, QUERY | `VOTE:Y c.1.2 OK,commit`, `VOTE:N c.1.2 ERR acct not found` |
 * | commit, abort | `COMMIT c.1.2 {"command":"commit","amount":100}`, `ABORT c.1.2 {"command":"rollback"}` |
 * | no vote until the abort, or one by a node that cannot be reached | `{"status":"timeout","error":"Connection timed out"}` |
 */
import type { Json } from '../base/canonical-json.ts';

/** The third system's words for a vote that never came. */
export const TIMEOUT_WORDS = '{"status":"timeout","error":"Connection timed out"}';

/** What is read of a message; any message of protocol/messages.ts fits. */
export type ShownMessage = {
  readonly type: string;
  readonly number?: string;
  readonly vote?: string;
  readonly reason?: { readonly code: string; readonly detail: string } | undefined;
  readonly operations?: readonly { readonly operation: unknown }[];
};

/** Attempts remembered; older ones are shown without their amount. */
const ATTEMPTS_MAX = 1000;

/** What the fourth system's commands come to. */
const FOURTH: readonly Json[] = ['create', 'update', 'query', 'total'];

interface Seen {
  readonly amount: number;
  /** No money moves between accounts: one of the fourth system's commands. */
  readonly isFourth: boolean;
  /** Nodes that were asked for a vote and have given none. */
  readonly silent: Set<string>;
}

/** What one node saw of transfers so far; see the header. */
export class BankWords {
  readonly #attempts = new Map<string, Seen>();

  /** The words behind those of seedBody(); empty for what is no matter of a bank. @param peer who sent it, or gets it */
  of(message: ShownMessage, peer: string): string {
    const { type, number = '' } = message;
    if (type === 'prepare') return this.#prepare(number, message, peer);
    const seen = this.#attempts.get(number);
    if (seen === undefined) return '';
    if (type === 'commit') return JSON.stringify({ command: 'commit', amount: seen.amount });
    if (type === 'abort') return JSON.stringify({ command: 'rollback' });
    if (type !== 'vote') return '';
    seen.silent.delete(peer);
    if (message.vote !== 'no') return seen.isFourth ? 'OK,commit' : JSON.stringify({ status: 'ready' });
    // The no decides, so that nobody else was waited for to the end.
    seen.silent.clear();
    const { code = '', detail = '' } = message.reason ?? {};
    if (code === 'node-unreachable') return TIMEOUT_WORDS;
    if (seen.isFourth) return code === 'unknown-account' ? 'ERR acct not found' : `ERR ${detail}`;
    return JSON.stringify({ status: 'abort', reason: detail });
  }

  /** True, once, when an abort goes to a node that was asked and whose vote never came. */
  timedOut({ type, number = '' }: ShownMessage, peer: string): boolean {
    return type === 'abort' && this.#attempts.get(number)?.silent.delete(peer) === true;
  }

  #prepare(number: string, { operations = [] }: ShownMessage, peer: string): string {
    const moves = operations.map(({ operation }) => operation as Readonly<Record<string, Json>>);
    if (!moves.some(({ resource }) => resource === 'ledger')) return '';
    const amount = moves.reduce((most, move) => Math.max(most, amountOf(move)), 0);
    const isFourth = moves.every(({ type = '' }) => FOURTH.includes(type));
    const seen = this.#attempts.get(number) ?? { amount, isFourth, silent: new Set<string>() };
    seen.silent.add(peer);
    this.#attempts.set(number, seen);
    if (this.#attempts.size > ATTEMPTS_MAX) this.#attempts.delete(this.#attempts.keys().next().value ?? '');
    return JSON.stringify({ command: 'prepare', amount });
  }
}

/** What an operation moves, opens an account with, or sets. */
function amountOf({ amount, opening, balance }: Readonly<Record<string, Json>>): number {
  return [amount, opening, balance].find((value): value is number => typeof value === 'number') ?? 0;
}
