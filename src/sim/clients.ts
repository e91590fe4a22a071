/**
 * The clients of a simulated cluster: they ask for what workload.ts draws, and
 * repeat with the same id after unknown, busy or a lost coordinator. Some ask
 * again although they know: the answer must be the same for ever. They remember
 * every answer, and when they asked and were told.
 */
import type { Json } from '../base/canonical-json.ts';
import type { AdmittedTransaction } from '../protocol/coordinator-tables.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { openings, Workload } from './workload.ts';
import type { Wanted } from './workload.ts';

const TIMEOUT_MS = 600;
const READS: ReadonlySet<Json | undefined> = new Set(['query', 'total', 'read']);

/** One transaction as its client saw it. */
export interface Asked extends Wanted {
  readonly transaction: AdmittedTransaction;
  readonly invokedMs: number;
  told?: Told;
}

/** A definite answer. */
export interface Told {
  readonly outcome: 'committed' | 'aborted';
  readonly number: string;
  readonly results: readonly Json[];
  /** When it was first told. */
  readonly atMs: number;
}

/** What the clients are to do. */
export interface ClientOptions {
  readonly protocols: readonly ProtocolName[];
  readonly transactions: number;
  /** Groups of one member each. */
  readonly partitions: readonly string[];
}

/** See the header. */
export class SimClients {
  readonly asked = new Map<string, Asked>();
  private readonly random: SeededRandom;
  private readonly clock: VirtualClock;
  private readonly options: ClientOptions;
  private readonly send: (request: string, transaction: AdmittedTransaction) => void;
  private readonly workload: Workload;
  private readonly waiting = new Map<string, string>();
  private requests = 0;
  /** Transactions that are still to be asked for, or asked for again. */
  private planned = 0;

  constructor(random: SeededRandom, clock: VirtualClock, options: ClientOptions, send: SimClients['send']) {
    this.random = random;
    this.clock = clock;
    this.options = options;
    this.send = send;
    this.workload = new Workload(random, options.partitions);
  }

  /** Opens the accounts. */
  open(): void {
    for (const { id, ...wanted } of openings(this.options.partitions)) this.begin(id, wanted);
  }

  /** Starts all transactions, spread over this long. */
  work(withinMs: number): void {
    for (let index = 0; index < this.options.transactions; index += 1) {
      this.later(this.random.next() * withinMs, () => {
        for (const { id, ...wanted } of this.workload.draw(index)) this.begin(id, wanted);
      });
    }
  }

  /** Every client has its answer and asks for nothing more. */
  get idle(): boolean {
    return this.planned === 0 && this.waiting.size === 0;
  }

  /** Asks for a transaction now. */
  begin(id: string, { operations, ...what }: Wanted, protocol = this.random.pick(this.options.protocols)): void {
    const transaction = {
      id,
      // The hash of an id's body: here an id has only one.
      hash: `body-${id}`,
      protocol,
      operations: operations.map((operation, index) => ({ index, operation, reads: READS.has(operation['type']) })),
      timeoutMs: TIMEOUT_MS,
    } as unknown as AdmittedTransaction; // The grammar of operations has no type of its own here.
    this.asked.set(id, { transaction, operations, ...what, invokedMs: this.clock.nowMs });
    this.ask(id);
  }

  private later(afterMs: number, run: () => void): void {
    this.planned += 1;
    this.clock.after(afterMs, () => {
      this.planned -= 1;
      run();
    });
  }

  private ask(id: string): void {
    const known = this.asked.get(id);
    if (known === undefined) return;
    this.requests += 1;
    const request = `r${this.requests}`;
    this.waiting.set(request, id);
    this.send(request, known.transaction);
    // No answer at all: the coordinator was dead, or died. Ask again with the same id.
    this.clock.after(TIMEOUT_MS + 1_500, () => {
      if (this.waiting.delete(request)) this.ask(id);
    });
  }

  /** Open requests are lost with the coordinator; they are repeated. */
  coordinatorDied(): void {
    for (const [request, id] of [...this.waiting]) {
      this.waiting.delete(request);
      this.later(this.random.whole(50, 1_500), () => this.ask(id));
    }
  }

  /** An answer; returns what is wrong with it. */
  answered(answer: Answer): string | undefined {
    const id = this.waiting.get(answer.request);
    if (id === undefined) return undefined;
    this.waiting.delete(answer.request);
    const known = this.asked.get(id);
    if (known === undefined) return undefined;
    if ('refused' in answer || answer.status === 202) {
      this.later(this.random.whole(20, 300), () => this.ask(id));
      return undefined;
    }
    const { outcome, number, results } = answer.body;
    const before = known.told;
    known.told ??= {
      outcome: outcome === 'committed' ? 'committed' : 'aborted',
      number: typeof number === 'string' ? number : '',
      results: (results ?? []) as readonly Json[],
      atMs: this.clock.nowMs,
    };
    if (before === undefined) {
      if (this.random.chance(0.2)) this.later(this.random.whole(100, 2_000), () => this.ask(id));
      return undefined;
    }
    const [first, now] = [before, { outcome, number, results }].map((told) =>
      JSON.stringify([told.outcome, told.number, told.results]),
    );
    return first === now ? undefined : `${id} was told ${first}, then ${now}`;
  }

  counts(): { readonly committed: number; readonly aborted: number } {
    let [committed, aborted] = [0, 0];
    for (const { told } of this.asked.values()) {
      if (told?.outcome === 'committed') committed += 1;
      if (told?.outcome === 'aborted') aborted += 1;
    }
    return { committed, aborted };
  }
}
