/**
 * What undecided transactions keep of a ledger's accounts.
 *
 * | kept | from | until | stops |
 * | --- | --- | --- | --- |
 * | claim | arrival of a debit | its yes or its end | later debits that would leave too little |
 * | held | yes to a debit | the decision | later debits that would leave too little |
 * | incoming | yes to a credit | the decision | later credits beyond 2^53 - 1 |
 *
 * Holds and incoming credits are sums, so they do not conflict while there is
 * enough: a hot account serves any number of transfers at once (the escrow
 * method, O'Neil, TODS 11(4), 1986). Claims keep the order of arrival for
 * those that must wait.
 */
import { assert } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';

/** One movement on one account, signed. */
export interface Movement {
  readonly account: number;
  readonly delta: number;
}

/** Sums per account for everything undecided; balances are not known here. */
export class LedgerReservations {
  readonly #claims = new Map<number, Map<AttemptNumber, number>>();
  readonly #claimed = new Map<AttemptNumber, readonly number[]>();
  readonly #held = new Map<number, number>();
  readonly #incoming = new Map<number, number>();
  readonly #reserved = new Map<AttemptNumber, readonly Movement[]>();

  /** Money held on the account by transactions that voted yes. */
  held(account: number): number {
    return this.#held.get(account) ?? 0;
  }

  /** Money that undecided transactions will add to the account if they commit. */
  incoming(account: number): number {
    return this.#incoming.get(account) ?? 0;
  }

  /** Money claimed on the account by transactions that came before `number`; adding stops above `enough`. */
  claimedBefore(number: AttemptNumber, account: number, enough: number): number {
    let sum = 0;
    for (const [claimant, amount] of this.#claims.get(account) ?? []) {
      if (claimant === number || sum > enough) break;
      sum += amount;
    }
    return sum;
  }

  /** Notes at arrival what a transaction will debit. */
  claim(number: AttemptNumber, debits: ReadonlyMap<number, number>): void {
    assert(!this.#claimed.has(number), `a transaction arrives once: ${number}`);
    if (debits.size === 0) return;
    this.#claimed.set(number, [...debits.keys()]);
    for (const [account, amount] of debits) {
      const line = this.#claims.get(account) ?? new Map<AttemptNumber, number>();
      this.#claims.set(account, line.set(number, amount));
    }
  }

  /** Turns the claim of a transaction into holds and incoming credits. */
  reserve(number: AttemptNumber, movements: readonly Movement[]): void {
    assert(!this.#reserved.has(number), `a transaction reserves once: ${number}`);
    this.#unclaim(number);
    this.#reserved.set(number, movements);
    for (const { account, delta } of movements) this.#add(account, delta, 1);
  }

  /** Frees everything of a transaction; unknown numbers are fine. */
  end(number: AttemptNumber): void {
    this.#unclaim(number);
    for (const { account, delta } of this.#reserved.get(number) ?? []) this.#add(account, delta, -1);
    this.#reserved.delete(number);
  }

  #unclaim(number: AttemptNumber): void {
    for (const account of this.#claimed.get(number) ?? []) {
      const line = this.#claims.get(account);
      line?.delete(number);
      if (line?.size === 0) this.#claims.delete(account);
    }
    this.#claimed.delete(number);
  }

  #add(account: number, delta: number, sign: 1 | -1): void {
    const sums = delta < 0 ? this.#held : this.#incoming;
    const sum = (sums.get(account) ?? 0) + sign * Math.abs(delta);
    assert(sum >= 0, `what is freed on account ${account} was reserved`);
    if (sum === 0) sums.delete(account);
    else sums.set(account, sum);
  }
}
