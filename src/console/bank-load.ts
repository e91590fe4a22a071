/**
 * Many clients that move money at once, against a running bank, and the proof
 * afterwards that none was made or lost.
 *
 * It opens accounts of its own, so that what they must hold in the end is
 * known: each committed transfer is counted when its answer comes, and one
 * whose outcome is unknown is asked again with its id, once more when all have
 * ended. The bank's total is
 * read before and after as well; others may move money meanwhile, but not open
 * or set accounts.
 *
 * Before the load it times transfers that are alone, and three at once. They
 * move money like the others, and are not among the figures of the load.
 */
import { setMaxListeners } from 'node:events';
import { BankStatistics, countedAs } from '../bank/bank-statistics.ts';
import { ParleyError } from '../base/errors.ts';
import { RecentDurations } from '../base/recent-durations.ts';
import { settleOutcome } from './api-client.ts';
import { pause } from './pause.ts';
import { isObject, objectAt, textAt } from './transaction-text.ts';
import type { Counted, Statistics } from '../bank/bank-statistics.ts';
import type { Json } from '../base/canonical-json.ts';
import type { Percentiles } from '../base/recent-durations.ts';
import type { SeededRandom } from '../base/seeded-random.ts';
import type { ApiBody, ApiClient, ApiRequest, SettleOptions } from './api-client.ts';
import type { JsonObject } from './transaction-text.ts';

/** How much load, and of what kind. */
export interface LoadPlan {
  readonly clients: number;
  readonly durationMs: number;
  /** Transfers a second of all clients together; 0: as fast as they are answered. */
  readonly rate: number;
  /** Accounts opened for the run, at least 2. */
  readonly accounts: number;
  readonly opening: number;
  /** Share of transfers with the first account on one side, 0 to 1. */
  readonly hot: number;
  /** Share of transfers of more than there is. */
  readonly tooMuch: number;
  /** Share of transfers sent a second time with the same id. */
  readonly twice: number;
  /** How many single transfers, and how many times three at once, are timed before the load. */
  readonly rounds: number;
}

/** What the load needs beside the bank. */
export interface LoadWorld {
  readonly client: ApiClient;
  readonly settle: SettleOptions;
  readonly random: SeededRandom;
  readonly makeId: () => string;
  /** Told now and then, 0 to 1, with the figures so far. */
  readonly onProgress: (done: number, statistics: Statistics) => void;
  /** Ends the run early; what is under way is finished. */
  readonly signal?: AbortSignal;
  /** Monotonic time in ms by which the rounds are timed; default performance.now(). */
  readonly nowMs?: () => number;
}

/** An account that has not what it must have. */
export type WrongAccount = { readonly account: number; readonly expected: number; readonly balance: number };

/** Rounds of transfers that were timed until the last of each round had ended. */
export type TimedRounds = {
  /** Rounds of which all transfers committed; the others are not timed. */
  readonly committed: number;
  readonly ms: Percentiles | null;
};

/** What came of it. */
export type LoadResult = {
  /** One transfer at a time, nothing else under way. */
  readonly single: TimedRounds;
  /** Three at once. */
  readonly three: TimedRounds;
  /** What the front end knows of the times for locks; empty when it knows none. */
  readonly locks: JsonObject;
  readonly statistics: Statistics;
  readonly elapsedMs: number;
  /** Sums of all accounts of the bank; digits as text beyond 2^53 - 1. */
  readonly totalBefore: string;
  readonly totalAfter: string;
  readonly accounts: number;
  readonly wrong: readonly WrongAccount[];
  /** Transfers sent twice whose second answer was another. */
  readonly contradicted: number;
  /** Transfers that were refused before they became transactions: no rollbacks. */
  readonly refused: number;
};

type Transfer = { readonly from: number; readonly to: number; readonly amount: number };

/** A transfer and where it counts, if it does. */
interface Asked {
  readonly transfer: Transfer;
  readonly statistics: BankStatistics | undefined;
}

const AMOUNT_MAX = 10;
const DURATIONS_KEPT = 200_000;
const PROGRESS_MS = 200;

/** Runs the load and checks. @throws ParleyError when the bank cannot be reached, or an account cannot be opened */
export async function runLoad(plan: LoadPlan, world: LoadWorld): Promise<LoadResult> {
  // Every client that waits listens to it.
  if (world.signal !== undefined) setMaxListeners(0, world.signal);
  const load = new Load(plan, world);
  await load.open();
  const totalBefore = await load.total();
  const single = await load.timed(1);
  const three = await load.timed(3);
  const elapsedMs = await load.run();
  await load.settleUnknown();
  const [totalAfter, wrong] = [await load.total(), await load.wrongAccounts()];
  return { ...load.read(), single, three, locks: await load.locks(), elapsedMs, totalBefore, totalAfter, wrong };
}

class Load {
  readonly #plan: LoadPlan;
  readonly #world: LoadWorld;
  readonly #statistics = new BankStatistics(DURATIONS_KEPT);
  /** What each account must hold by the answers so far. */
  readonly #expected = new Map<number, number>();
  /** Transfers without an outcome so far, by id. */
  readonly #unknown = new Map<string, Asked>();
  #contradicted = 0;
  #refused = 0;
  #next = 0;

  constructor(plan: LoadPlan, world: LoadWorld) {
    this.#plan = plan;
    this.#world = world;
  }

  /** Rounds of so many transfers at once, one round after the other. */
  async timed(transfers: 1 | 3): Promise<TimedRounds> {
    const { makeId, nowMs = performance.now.bind(performance), signal } = this.#world;
    const durations = new RecentDurations(Math.max(1, this.#plan.rounds));
    for (let round = 0; round < this.#plan.rounds && signal?.aborted !== true; round += 1) {
      const begunMs = nowMs();
      const asked = Array.from({ length: transfers }, () => ({ transfer: this.#moving(), statistics: undefined }));
      const ends = await Promise.all(asked.map((one) => this.#ask(one, makeId(), begunMs)));
      if (ends.every((end) => end === 'committed')) durations.note(nowMs() - begunMs);
    }
    return { committed: durations.noted, ms: durations.percentiles() };
  }

  async locks(): Promise<JsonObject> {
    const { client, settle } = this.#world;
    const request = { method: 'GET', path: '/bank/statistics' } as const;
    const { body } = await settleOutcome(() => client.request(request), settle);
    return objectAt(body, 'locks');
  }

  read(): Pick<LoadResult, 'statistics' | 'accounts' | 'contradicted' | 'refused'> {
    const statistics = this.#statistics.read();
    return { statistics, accounts: this.#expected.size, contradicted: this.#contradicted, refused: this.#refused };
  }

  async open(): Promise<void> {
    const { accounts, opening } = this.#plan;
    for (let count = 0; count < accounts; count += 1) {
      const { body } = await this.#send('/bank/accounts', { opening }, this.#world.makeId());
      const { account } = body;
      if (typeof account !== 'number') {
        throw new ParleyError('busy', `No account could be opened for the load: ${textAt(body, 'outcome')}.`);
      }
      this.#expected.set(account, opening);
    }
  }

  async total(): Promise<string> {
    const { client, settle } = this.#world;
    const answer = await settleOutcome(() => client.request({ method: 'GET', path: '/bank/total' }), settle);
    const { total } = answer.body;
    if (typeof total === 'number' || typeof total === 'string') return String(total);
    throw new ParleyError('busy', 'The sum of all accounts could not be read.');
  }

  /** All clients until the time is over; resolves with the milliseconds it took. */
  async run(): Promise<number> {
    const { clients, durationMs } = this.#plan;
    const begunMs = performance.now();
    const show = (): void =>
      this.#world.onProgress(Math.min(1, (performance.now() - begunMs) / durationMs), this.#statistics.read());
    const showing = setInterval(show, PROGRESS_MS);
    try {
      await Promise.all(Array.from({ length: clients }, () => this.#client(begunMs)));
    } finally {
      clearInterval(showing);
    }
    return performance.now() - begunMs;
  }

  /** What a dead node left without an outcome may have one by now. */
  async settleUnknown(): Promise<void> {
    for (const [id, asked] of [...this.#unknown]) await this.#ask(asked, id, performance.now());
  }

  async wrongAccounts(): Promise<readonly WrongAccount[]> {
    const { client, settle } = this.#world;
    const wrong: WrongAccount[] = [];
    for (const [account, expected] of this.#expected) {
      const path = `/bank/accounts/${account}`;
      const { body } = await settleOutcome(() => client.request({ method: 'GET', path }), settle);
      const balance = Number(body['balance']);
      if (balance !== expected || balance < 0) wrong.push({ account, expected, balance });
    }
    return wrong;
  }

  async #client(begunMs: number): Promise<void> {
    const { durationMs, rate } = this.#plan;
    const { signal } = this.#world;
    for (;;) {
      // At a rate, a transfer is due at its place in the row, whoever is late; its time counts from then.
      const dueMs = rate === 0 ? performance.now() : begunMs + (this.#next++ / rate) * 1000;
      if (dueMs - begunMs >= durationMs || signal?.aborted === true) return;
      await pause(Math.max(0, dueMs - performance.now()), signal);
      await this.#transfer(rate === 0 ? performance.now() : dueMs);
    }
  }

  async #transfer(dueMs: number): Promise<void> {
    const { random, makeId } = this.#world;
    const [transfer, id] = [this.#chosen(), makeId()];
    const counted = await this.#ask({ transfer, statistics: this.#statistics }, id, dueMs);
    if (!random.chance(this.#plan.twice) || counted === 'unknown' || counted === 'refused') return;
    const again = await this.#counted(transfer, id);
    if (again !== counted && again !== 'unknown' && again !== 'refused') this.#contradicted += 1;
  }

  /** Sends a transfer, and counts what comes of it. */
  async #ask(asked: Asked, id: string, sinceMs: number): Promise<Counted | 'refused'> {
    const { transfer, statistics } = asked;
    const counted = await this.#counted(transfer, id);
    if (counted === 'refused') {
      // Of one that was unknown before, a refusal says nothing.
      if (!this.#unknown.has(id)) this.#refused += 1;
      return counted;
    }
    statistics?.note(id, counted, performance.now() - sinceMs);
    if (counted === 'unknown') this.#unknown.set(id, asked);
    else this.#unknown.delete(id);
    if (counted === 'committed') this.#move(transfer);
    return counted;
  }

  async #counted(transfer: Transfer, id: string): Promise<Counted | 'refused'> {
    try {
      const { body } = await this.#send('/bank/transfers', { ...transfer, id }, id);
      return countedAs(body['outcome'], isObject(body['reason']) ? body['reason']['code'] : undefined);
    } catch (error) {
      // A refusal with an outcome is a rollback; without one, nothing was begun.
      if (!(error instanceof ParleyError) || !error.definite) throw error;
      return error.extra['outcome'] === 'aborted' ? countedAs('aborted', error.code) : 'refused';
    }
  }

  #chosen(): Transfer {
    const { random } = this.#world;
    const transfer = this.#moving();
    // More than all accounts of the run together.
    const most = this.#plan.opening * this.#plan.accounts + 1;
    return random.chance(this.#plan.tooMuch) ? { ...transfer, amount: most } : transfer;
  }

  /** A transfer of no more than AMOUNT_MAX. */
  #moving(): Transfer {
    const { random } = this.#world;
    const accounts = [...this.#expected.keys()];
    const first = random.chance(this.#plan.hot) ? (accounts[0] ?? 0) : random.pick(accounts);
    const second = random.pick(accounts.filter((account) => account !== first));
    const [from, to] = random.chance(0.5) ? [first, second] : [second, first];
    return { from, to, amount: random.whole(1, AMOUNT_MAX) };
  }

  #move({ from, to, amount }: Transfer): void {
    this.#expected.set(from, (this.#expected.get(from) ?? 0) - amount);
    this.#expected.set(to, (this.#expected.get(to) ?? 0) + amount);
  }

  #send(path: string, json: Readonly<Record<string, Json>>, id: string): Promise<ApiBody> {
    const { client, settle } = this.#world;
    const request: Omit<ApiRequest, 'timeoutMs'> = { method: 'POST', path, json, headers: { 'idempotency-key': id } };
    return settleOutcome(() => client.request(request), settle);
  }
}
