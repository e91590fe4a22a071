/**
 * The requests of clients that move money: an id made by the client, one debit
 * and as many credits as there are further participants, each in a ledger group
 * of its own. Accounts go round, so that neighbours in time never meet; or all
 * use account 1.
 */
import { randomBytes } from 'node:crypto';
import { uuidV7 } from '../base/ids.ts';

/** What the ledgers hold. */
export interface TransferOptions {
  /** Accounts 1 to this are open in every group. */
  readonly accounts: number;
}

/** One transfer. */
export interface TransferKind {
  readonly protocol: string;
  readonly hot: boolean;
  /** Participants; 2 or more, or 1 for a debit alone. */
  readonly spread: number;
}

/** Steps through the accounts by a number that shares no factor with any usual count of them. */
const STRIDE = 7919;

/** Writes one request after the other. */
export class TransferWriter {
  readonly #head: string;
  readonly #accounts: number;
  #count = 0;
  #place = 0;
  /** The random half of an id costs more than the rest of a request, so one is used for many: the count differs. */
  #idEnd = '';

  /** @param head up to and with `Content-Length: ` */
  constructor(head: string, options: TransferOptions) {
    this.#head = head;
    this.#accounts = options.accounts;
    this.#place = randomBytes(4).readUInt32LE() % options.accounts;
  }

  /** The next request, whole. ASCII. */
  next(kind: TransferKind): string {
    const body = `{"id":"${this.#nextId()}","protocol":"${kind.protocol}","operations":[${this.#operations(kind)}]}`;
    return `${this.#head}${body.length}\r\n\r\n${body}`;
  }

  #operations({ hot, spread }: TransferKind): string {
    const credited = Math.max(1, spread - 1);
    let text = this.#operation(1, 'debit', hot, credited);
    for (let group = 2; group <= spread; group += 1) text += `,${this.#operation(group, 'credit', hot, 1)}`;
    return text;
  }

  #operation(group: number, type: string, hot: boolean, amount: number): string {
    this.#place = (this.#place + STRIDE) % this.#accounts;
    const account = hot ? 1 : this.#place + 1;
    return `{"group":"bank${group}","resource":"ledger","type":"${type}","account":${account},"amount":${amount}}`;
  }

  #nextId(): string {
    const count = this.#count;
    this.#count = (count + 1) % 0x1_0000;
    if (count === 0) this.#idEnd = uuidV7(Date.now(), randomBytes(10));
    const made = this.#idEnd;
    // The last 16 of the random bits count; the others tell this batch of ids from every other.
    return `${made.slice(0, -4)}${count.toString(16).padStart(4, '0')}`;
  }
}
