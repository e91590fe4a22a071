/** A coordinator driven event by event, with the log that its steps leave behind. No simulator, no host. */
import { CoordinatorNode } from '../../src/protocol/coordinator-node.ts';
import type { CoordinatorNodeEvent } from '../../src/protocol/coordinator-node.ts';
import { CoordinatorTables } from '../../src/protocol/coordinator-tables.ts';
import type { AdmittedTransaction, CoordinatorSettings } from '../../src/protocol/coordinator-tables.ts';
import type { Message, NodeName, RegisterMessage } from '../../src/protocol/messages.ts';
import type { NodeStep } from '../../src/protocol/node-step.ts';
import { CoordinatorRecovery } from '../../src/protocol/recovery-coordinator.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { TIMINGS } from './attempts.ts';

export const INCARNATION = 'c0ffee';
export const LEASE_WAIT_MS = 1500;

/** What differs from a fresh coordinator of P1, P2, P3 with one replicated group `bank`. */
export interface DrivenOptions {
  readonly groups?: Readonly<Record<string, readonly NodeName[]>>;
  readonly epoch?: number;
  /** The log of an earlier start. */
  readonly records?: readonly ProtocolRecord[];
  /** Sequence at which this start begins. */
  readonly startSeq?: number;
}

/** See the header. */
export class DrivenCoordinator {
  readonly node: CoordinatorNode;
  readonly settings: CoordinatorSettings;
  /** Every record, this start's and those before. */
  readonly records: ProtocolRecord[];
  nowMs = 1_000;

  constructor({ groups = { bank: ['P1', 'P2', 'P3'] }, epoch = 1, records = [], startSeq = 1 }: DrivenOptions = {}) {
    this.settings = {
      self: { name: 'C', address: '127.0.0.1:7100' },
      incarnation: INCARNATION,
      epoch,
      start: `life${epoch}`,
      startSeq,
      groups: Object.fromEntries(Object.entries(groups).map(([group, members]) => [group, { members }])),
      addresses: {},
      timings: { ...TIMINGS, leaseWaitMs: LEASE_WAIT_MS, resendMs: 1000, barrierMs: 200 },
    };
    const tables = new CoordinatorTables(this.settings);
    const recovery = new CoordinatorRecovery(this.settings, tables);
    for (const record of records) recovery.apply(record);
    recovery.finish(this.nowMs);
    this.records = [...records];
    this.node = new CoordinatorNode(this.settings, tables);
  }

  get tables(): CoordinatorTables {
    return this.node.tables;
  }

  step(event: CoordinatorNodeEvent): NodeStep {
    const step = this.node.step(event, this.nowMs);
    this.records.push(...step.records.map(({ record }) => record));
    return step;
  }

  hears(from: NodeName, message: Message): NodeStep {
    return this.step({ type: 'message', from, message });
  }

  registers(name: NodeName, more: Partial<RegisterMessage> = {}): NodeStep {
    const start = `life${more.epoch ?? 1}`;
    const log = { incarnation: `log${name}`, epoch: 1, start, durableSeq: 10, startSeq: 1, votesByHand: false };
    return this.hears(name, { type: 'register', name, address: `127.0.0.1:${name}`, ...log, ...more });
  }

  timer(key: string): NodeStep {
    return this.step({ type: 'timer', key });
  }

  requests(id: string, more: Partial<AdmittedTransaction> & { readonly accepting?: boolean } = {}): NodeStep {
    const { accepting = true, ...over } = more;
    const transaction = { id, hash: 'h1', protocol: '2pc', operations: [writeTo('bank')], timeoutMs: 6000 } as const;
    this.requestCount += 1;
    const request = `r${this.requestCount}`;
    return this.step({ type: 'request', request, transaction: { ...transaction, ...over }, accepting });
  }

  votes(from: NodeName, number: string, vote: 'yes' | 'no' | 'read-only' = 'yes'): NodeStep {
    const reason = { code: 'insufficient-funds', detail: 'Too little.' } as const;
    if (vote === 'no') return this.hears(from, { type: 'vote', number, vote, reason });
    return this.hears(from, { type: 'vote', number, vote, results: [{ index: 0, result: 1 }], hashes: { bank: 'd1' } });
  }

  acknowledges(from: NodeName, number: string): NodeStep {
    return this.hears(from, { type: 'acknowledge', number });
  }

  /** The number of the attempt that was begun last. */
  get lastNumber(): string {
    const begins = this.records.filter((record) => record.type === 'begin');
    return begins.at(-1)?.number ?? '';
  }

  /** Registers these, sends one request and lets them vote yes. Returns the number. */
  commits(id: string, names: readonly NodeName[], protocol: '2pc' | '3pc' = '2pc'): string {
    this.requests(id, { protocol });
    for (const name of names) this.votes(name, this.lastNumber);
    return this.lastNumber;
  }

  private requestCount = 0;
}

/** One operation, admitted. */
export const writeTo = (group: string, index = 0) => ({ index, operation: { group, type: 'write' }, reads: false });
export const readFrom = (group: string, index = 0) => ({ index, operation: { group, type: 'query' }, reads: true });

/** `to: type` of everything a step sends, in order. */
export const sentBy = (step: NodeStep): readonly string[] =>
  step.send.map(({ to, message }) => `${to}: ${message.type}`);

/** What each answer says: the outcome, or what refused it. */
export const answersOf = (step: NodeStep): readonly string[] =>
  step.answers.map((answer) =>
    'refused' in answer
      ? `${answer.request}: ${answer.refused}`
      : `${answer.request}: ${answer.status} ${JSON.stringify(answer.body['outcome']).replaceAll('"', '')}`,
  );

/** `type` of each record, with `!` when forced. */
export const recordsOf = (step: NodeStep): readonly string[] =>
  step.records.map(({ record, force }) => `${record.type}${force ? '!' : ''}`);

/** Timers armed by a step. */
export const armedBy = (step: NodeStep): readonly string[] =>
  step.timers.filter(({ set }) => set === 'on').map(({ key }) => key);
