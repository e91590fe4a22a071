/**
 * Clients that move money between two databases, and their coordinator, in one
 * process: prepare on both servers at once, sync the decision to a log of its
 * own, commit on both at once. Without that log a crash of the driver between
 * the two commits would leave one side committed and nobody who knows; it is
 * what makes the comparison one of equals.
 *
 * Each phase is one round trip to each server: what can go in one go, goes.
 */
import { join } from 'node:path';
import type { Json } from '../base/canonical-json.ts';
import { FloorLog } from './floor-log.ts';
import { latencyOf } from './statistics.ts';
import type { LoadAnswer, LoadQuestion } from './transfer-load.ts';

/** How to speak to one kind of database. */
export interface DatabaseSpeech {
  readonly connect: (port: number) => Promise<DatabaseConnection>;
  /** All of phase one on one side. */
  readonly prepare: (branch: string, account: number, delta: number) => string;
  /** Phase two. */
  readonly commit: (branch: string) => string;
  /** Undoes what of phase one was done, whatever that was: each is tried, and may be refused. */
  readonly undo: (branch: string) => readonly string[];
}

/** One connection. */
export interface DatabaseConnection {
  readonly run: (sql: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

/** What the task is started with. */
export interface DriverOptions {
  readonly ports: readonly number[];
  readonly directory: string;
  readonly accounts: number;
}

/** What a careful coordinator would write of one decision. */
const DECISION_BYTES = 100;
const STRIDE = 7919;

/** The driver of one kind of database, as a task. */
export function databaseDriver(speech: DatabaseSpeech, options: Json): (question: Json) => Promise<Json> {
  const driver = new DatabaseDriver(speech, options as unknown as DriverOptions);
  return async (question) => ({ ...(await driver.run(question as unknown as LoadQuestion)) });
}

/** See the header. */
class DatabaseDriver {
  readonly #speech: DatabaseSpeech;
  readonly #options: DriverOptions;
  readonly #log: FloorLog;
  readonly #pairs: (readonly [DatabaseConnection, DatabaseConnection])[] = [];
  #place = 0;
  #branches = 0;

  constructor(speech: DatabaseSpeech, options: DriverOptions) {
    this.#speech = speech;
    this.#options = options;
    this.#log = new FloorLog(join(options.directory, `decisions-${process.pid}`));
  }

  async run({ clients, warmMs, measureMs }: LoadQuestion): Promise<LoadAnswer> {
    await this.#connect(clients);
    const latencies: number[] = [];
    let isMeasuring = false;
    let isOver = false;
    let others = 0;
    const loop = async (pair: readonly [DatabaseConnection, DatabaseConnection]): Promise<void> => {
      while (!isOver) {
        const startedMs = performance.now();
        const isCommitted = await this.#transfer(pair);
        if (!isMeasuring) continue;
        if (isCommitted) latencies.push(performance.now() - startedMs);
        else others += 1;
      }
    };
    const loops = this.#pairs.map(loop);
    await pause(warmMs);
    isMeasuring = true;
    const startedMs = performance.now();
    await pause(measureMs);
    isMeasuring = false;
    const elapsedMs = performance.now() - startedMs;
    isOver = true;
    await Promise.all(loops);
    const latency = latencyOf(latencies.length === 0 ? [0] : latencies);
    return { committed: latencies.length, aborted: 0, others, elapsedMs, ...latency };
  }

  async #transfer(pair: readonly [DatabaseConnection, DatabaseConnection]): Promise<boolean> {
    const { prepare, commit } = this.#speech;
    const [first, second] = pair;
    const branch = `bench-${process.pid}-${++this.#branches}`;
    const [from, to] = [this.#nextAccount(), this.#nextAccount()];
    const votes = await Promise.allSettled([first.run(prepare(branch, from, -1)), second.run(prepare(branch, to, 1))]);
    if (votes.some(({ status }) => status === 'rejected')) {
      // A side that stays prepared would hold its row, and the next transfer of that account would wait for ever.
      await Promise.all(pair.map((connection) => this.#undo(connection, branch)));
      return false;
    }
    try {
      await new Promise<void>((resolve) => this.#log.forced(DECISION_BYTES, resolve));
      await Promise.all([first.run(commit(branch)), second.run(commit(branch))]);
      return true;
    } catch (error) {
      // One transfer that fails is counted; a server that is gone fails them all, and the count shows it.
      if (error instanceof Error) return false;
      throw error;
    }
  }

  async #undo(connection: DatabaseConnection, branch: string): Promise<void> {
    for (const sql of this.#speech.undo(branch)) await connection.run(sql).catch(() => undefined);
  }

  #nextAccount(): number {
    this.#place = (this.#place + STRIDE) % this.#options.accounts;
    return this.#place + 1;
  }

  async #connect(clients: number): Promise<void> {
    for (const [first, second] of this.#pairs.splice(clients)) await Promise.all([first.end(), second.end()]);
    const [firstPort = 0, secondPort = 0] = this.#options.ports;
    while (this.#pairs.length < clients) {
      const pair = await Promise.all([this.#speech.connect(firstPort), this.#speech.connect(secondPort)]);
      this.#pairs.push(pair);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
