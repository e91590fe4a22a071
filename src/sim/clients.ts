/**
 * The clients of a simulated cluster: they move money and send lines, repeat
 * with the same id after unknown or a lost coordinator, and remember every
 * answer. What they were told must be what the resources hold.
 */
import type { Json } from '../base/canonical-json.ts';
import { digest } from '../base/canonical-json.ts';
import type { AdmittedTransaction } from '../protocol/coordinator-tables.ts';
import type { ProtocolName } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import type { ResourceManager } from '../resources/resource-manager.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Few accounts, so that transactions meet. */
export const ACCOUNTS = 4;
/** Small, so that some transfers lack funds. */
export const OPENING_BALANCE = 100;
const TIMEOUT_MS = 600;

interface Asked {
  readonly transaction: AdmittedTransaction;
  /** Money moved if it commits, or the line's key. */
  readonly move?: { readonly from: number; readonly to: number; readonly amount: number };
  readonly line?: string;
  told?: { readonly outcome: string; readonly body: string };
}

/** See the header. */
export class SimClients {
  private readonly random: SeededRandom;
  private readonly clock: VirtualClock;
  private readonly options: { readonly protocols: readonly ProtocolName[]; readonly transactions: number };
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

  /** Opens the accounts. */
  open(): void {
    for (let account = 1; account <= ACCOUNTS; account += 1) {
      this.begin(`open-${account}`, [
        { group: 'bank', resource: 'ledger', type: 'create', opening: OPENING_BALANCE, account },
      ]);
    }
  }

  /** Starts all transactions, spread over some seconds. */
  work(): void {
    for (let index = 0; index < this.options.transactions; index += 1) {
      this.clock.after(this.random.next() * 5_000, () => this.transact(index));
    }
  }

  private transact(index: number): void {
    if (this.random.chance(0.3)) {
      const key = `line-${index}`;
      const lines = [{ key, author: 'ada', text: `hello ${index}` }];
      this.begin(`say-${index}`, [{ group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines }], {
        line: key,
      });
      return;
    }
    const from = this.random.whole(1, ACCOUNTS);
    const to = (from % ACCOUNTS) + 1;
    const amount = this.random.whole(1, 60);
    const operation = { group: 'bank', resource: 'ledger', type: 'transfer', from, to, amount };
    this.begin(`move-${index}`, [operation], { move: { from, to, amount } });
  }

  private begin(id: string, operations: readonly Record<string, Json>[], what: Partial<Asked> = {}): void {
    const protocol = this.random.pick(this.options.protocols);
    const admitted = operations.map((operation, index) => ({ index, operation, reads: false }));
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
  judge(resources: ResourceManager, opening: number, fail: (text: string) => void): void {
    const balances = new Map<number, number>();
    const lines = new Set<string>();
    for (const [id, { told, line }] of this.asked) {
      if (told === undefined) fail(`${id} has no answer after the heal`);
      if (told?.outcome !== 'committed') continue;
      if (id.startsWith('open-')) balances.set(Number(id.slice(5)), opening);
      if (line !== undefined) lines.add(line);
    }
    for (const { told, move } of this.asked.values()) {
      if (told?.outcome !== 'committed' || move === undefined) continue;
      balances.set(move.from, (balances.get(move.from) ?? 0) - move.amount);
      balances.set(move.to, (balances.get(move.to) ?? 0) + move.amount);
    }
    for (const [account, balance] of balances) {
      const held = resources.groups.ledger('bank')?.account(account)?.balance;
      if (held !== balance) fail(`account ${account} holds ${held}; the clients were told ${balance}`);
    }
    this.judgeLines(resources, lines, fail);
  }

  private judgeLines(resources: ResourceManager, told: ReadonlySet<string>, fail: (text: string) => void): void {
    const held = resources.groups.history('chat')?.read('lobby', { after: 0, limit: 1_000 })?.lines ?? [];
    const keys = held.map(({ key }) => key);
    if (new Set(keys).size !== keys.length) fail('a line is there twice');
    for (const key of told) if (!keys.includes(key)) fail(`${key} was told committed and is not there`);
    for (const key of keys) if (!told.has(key)) fail(`${key} is there and was not told committed`);
    held.forEach(({ seq }, index) => {
      if (seq !== index + 1) fail(`line ${index + 1} of the room has the sequence ${seq}`);
    });
  }
}
