/**
 * The clients of a simulated cluster: they move money within a replicated
 * ledger and between partitions, send lines, do both at once, and read; they
 * repeat with the same id after unknown or a lost coordinator, and remember
 * every answer. What they were told must be what the resources hold.
 */
import { assertNever } from '../base/assert.ts';
import { digest } from '../base/canonical-json.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AdmittedTransaction } from '../protocol/coordinator-tables.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import type { ResourceManager } from '../resources/resource-manager.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Few accounts, so that transactions meet. */
const ACCOUNTS = 4;
/** Small, so that some transfers lack funds. */
const OPENING_BALANCE = 100;
const TIMEOUT_MS = 600;

/** What one account of one group gains or loses if a transaction commits. */
interface Posting {
  readonly group: string;
  readonly account: number;
  readonly delta: number;
}

interface Asked {
  readonly transaction: AdmittedTransaction;
  readonly postings: readonly Posting[];
  /** The key of the line it appends. */
  readonly line?: string;
  told?: { readonly outcome: string; readonly body: string };
}

/** Operations and what they do. */
interface Wanted {
  readonly operations: readonly Record<string, Json>[];
  readonly postings: readonly Posting[];
  readonly line?: string;
}

/** Where a group's state is looked up once all is over. */
export type StateOf = (group: string) => ResourceManager | undefined;

/** See the header. */
export class SimClients {
  private readonly random: SeededRandom;
  private readonly clock: VirtualClock;
  private readonly options: {
    readonly protocols: readonly ProtocolName[];
    readonly transactions: number;
    /** Groups of one member each. */
    readonly partitions: readonly string[];
  };
  private readonly send: (request: string, transaction: AdmittedTransaction) => void;
  private readonly asked = new Map<string, Asked>();
  private readonly waiting = new Map<string, string>();
  private requests = 0;

  constructor(random: SeededRandom, clock: VirtualClock, options: SimClients['options'], send: SimClients['send']) {
    this.random = random;
    this.clock = clock;
    this.options = options;
    this.send = send;
  }

  /** Opens the accounts: some in the replicated ledger, one in each partition. */
  open(): void {
    for (let account = 1; account <= ACCOUNTS; account += 1) this.openAccount('bank', account);
    for (const group of this.options.partitions) this.openAccount(group, 1);
  }

  /** Starts all transactions, spread over some seconds. */
  work(): void {
    for (let index = 0; index < this.options.transactions; index += 1) {
      this.clock.after(this.random.next() * 5_000, () => this.transact(index));
    }
  }

  private openAccount(group: string, account: number): void {
    const operation = { group, resource: 'ledger', type: 'create', opening: OPENING_BALANCE, account };
    const postings = [{ group, account, delta: OPENING_BALANCE }];
    this.begin(`open-${group}-${account}`, { operations: [operation], postings });
  }

  private transact(index: number): void {
    const kind = this.random.pick(['say', 'say', 'move', 'move', 'move', 'across', 'across', 'both', 'read'] as const);
    this.begin(`${kind}-${index}`, this.wanted(kind, index));
  }

  private wanted(kind: 'say' | 'move' | 'across' | 'both' | 'read', index: number): Wanted {
    switch (kind) {
      case 'say':
        return this.say(index);
      case 'move':
        return this.move();
      case 'across':
        return this.across();
      case 'both': {
        const [said, moved] = [this.say(index), this.random.chance(0.5) ? this.move() : this.across()];
        return { ...said, ...moved, operations: [...said.operations, ...moved.operations] };
      }
      case 'read': {
        // A line beside a query: who only holds the ledger only reads.
        const query = { group: 'bank', resource: 'ledger', type: 'query', account: this.random.whole(1, ACCOUNTS) };
        if (this.random.chance(0.3)) return { operations: [query], postings: [] };
        const said = this.say(index);
        return { ...said, operations: [query, ...said.operations] };
      }
      default:
        return assertNever(kind, 'kind');
    }
  }

  private say(index: number): Wanted & { readonly line: string } {
    const line = `line-${index}`;
    const lines = [{ key: line, author: 'ada', text: `hello ${index}` }];
    const operation = { group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines };
    return { operations: [operation], postings: [], line };
  }

  private move(): Wanted {
    const from = this.random.whole(1, ACCOUNTS);
    const to = (from % ACCOUNTS) + 1;
    const amount = this.random.whole(1, 60);
    const operation = { group: 'bank', resource: 'ledger', type: 'transfer', from, to, amount };
    const postings = [
      { group: 'bank', account: from, delta: -amount },
      { group: 'bank', account: to, delta: amount },
    ];
    return { operations: [operation], postings };
  }

  /** From one partition to another, or within one participant when there is only one. */
  private across(): Wanted {
    const { partitions } = this.options;
    const from = this.random.whole(0, partitions.length - 1);
    const [debited = '', credited = ''] = [partitions[from], partitions[(from + 1) % partitions.length]];
    if (debited === credited) return this.move();
    const amount = this.random.whole(1, 60);
    const operations = [
      { group: debited, resource: 'ledger', type: 'debit', account: 1, amount },
      { group: credited, resource: 'ledger', type: 'credit', account: 1, amount },
    ];
    const postings = [
      { group: debited, account: 1, delta: -amount },
      { group: credited, account: 1, delta: amount },
    ];
    return { operations, postings };
  }

  private begin(id: string, { operations, ...what }: Wanted): void {
    const protocol = this.random.pick(this.options.protocols);
    const admitted = operations.map((operation, index) => ({ index, operation, reads: operation['type'] === 'query' }));
    const transaction = {
      id,
      hash: digest(operations),
      protocol,
      operations: admitted as unknown as AdmittedTransaction['operations'],
      timeoutMs: TIMEOUT_MS,
    };
    this.asked.set(id, { transaction, ...what });
    this.ask(id);
  }

  private ask(id: string): void {
    const known = this.asked.get(id);
    if (known === undefined) return;
    const request = `r${++this.requests}`;
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
      this.clock.after(this.random.whole(50, 1_500), () => this.ask(id));
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
      this.clock.after(this.random.whole(20, 300), () => this.ask(id));
      return undefined;
    }
    const outcome = answer.body['outcome'] === 'committed' ? 'committed' : 'aborted';
    const body = JSON.stringify([outcome, answer.body['results']]);
    const before = known.told;
    known.told = { outcome, body };
    // Some clients ask again although they know: the answer must be the same.
    if (before === undefined && this.random.chance(0.2))
      this.clock.after(this.random.whole(100, 4_000), () => this.ask(id));
    return before !== undefined && before.body !== body ? `${id} was told ${before.body}, then ${body}` : undefined;
  }

  counts(): { readonly committed: number; readonly aborted: number } {
    const told = [...this.asked.values()].map(({ told }) => told?.outcome);
    return {
      committed: told.filter((outcome) => outcome === 'committed').length,
      aborted: told.filter((outcome) => outcome === 'aborted').length,
    };
  }

  /** The resources hold exactly what was told: no balance off by one, no line lost or twice. */
  judge(stateOf: StateOf, fail: (text: string) => void): void {
    const balances = new Map<string, number>();
    const lines = new Set<string>();
    for (const [id, { told, line, postings }] of this.asked) {
      if (told === undefined) fail(`${id} has no answer after the heal`);
      if (told?.outcome !== 'committed') continue;
      if (line !== undefined) lines.add(line);
      for (const { group, account, delta } of postings) {
        const key = `${group}/${account}`;
        balances.set(key, (balances.get(key) ?? 0) + delta);
      }
    }
    for (const [key, balance] of balances) {
      const [group = '', account] = key.split('/');
      const held = stateOf(group)?.groups.ledger(group)?.account(Number(account))?.balance;
      if (held !== balance) fail(`account ${key} holds ${held}; the clients were told ${balance}`);
    }
    this.judgeLines(stateOf('chat'), lines, fail);
  }

  private judgeLines(
    resources: ResourceManager | undefined,
    told: ReadonlySet<string>,
    fail: (text: string) => void,
  ): void {
    const held = resources?.groups.history('chat')?.read('lobby', { after: 0, limit: 1_000 })?.lines ?? [];
    const keys = held.map(({ key }) => key);
    if (new Set(keys).size !== keys.length) fail('a line is there twice');
    for (const key of told) if (!keys.includes(key)) fail(`${key} was told committed and is not there`);
    for (const key of keys) if (!told.has(key)) fail(`${key} is there and was not told committed`);
    held.forEach(({ seq }, index) => {
      if (seq !== index + 1) fail(`line ${index + 1} of the room has the sequence ${seq}`);
    });
  }
}
