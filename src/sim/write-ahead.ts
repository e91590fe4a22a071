/**
 * Write-ahead, looked at from outside the host (I11): whatever leaves a node,
 * to a peer or to a client, is held against the records that are synced at that
 * instant. Nothing that implies a record may leave before it.
 *
 *   vote yes                     prepared, here
 *   precommit, precommitted …    the record of that round, here
 *   state                        a promise of that round, here
 *   commit, outcome committed,   commit or committed somewhere, or a quorum that
 *     answer committed             precommitted in one round (3PC)
 *   acknowledge                  committed, here
 *   outcome aborted of a participant   aborted, here
 *   answer committed, parallel   also: begin, here, and prepared at every listed participant, held when they voted
 *   answer aborted               answer, here
 *   prepare, one-phase           begin, here
 *   low-water, joined            the record, here
 *
 * Source: LEAVES in protocol/messages.ts and the table of messages in docs/protocols.md.
 */
import type { AttemptNumber } from '../base/ids.ts';
import type { Message, NodeName, Round } from '../protocol/messages.ts';
import type { Answer } from '../protocol/node-step.ts';
import { isQuorum } from '../protocol/quorum.ts';
import type { Electorate } from '../protocol/quorum.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { StoredRecord } from '../wal/log-store.ts';

/** What the log of one node says of one number: a seq for each kind of record. */
type Kept = Map<string, number>;

/** One log as far as it matters here. */
interface Book {
  readonly numbers: Map<AttemptNumber, Kept>;
}

const roundKey = (type: string, { counter, site }: Round): string => `${type}@${counter}.${site}`;

/** See the header. */
export class WriteAhead {
  private readonly books = new Map<NodeName, Book>();
  private readonly electorates = new Map<AttemptNumber, Electorate>();
  /**
   * Attempts of parallel commit, and who told a yes with its record synced. What was told stays told: a log that is
   * lost or rolled back later takes nothing back.
   */
  private readonly parallels = new Map<AttemptNumber, Set<NodeName>>();
  private readonly durableOf: (node: NodeName) => number;
  private readonly fail: (text: string) => void;
  /** Attempts whose commit was found synced, for the same reason. */
  private readonly decided = new Set<AttemptNumber>();
  /** Outputs that were held against a record. */
  checked = 0;

  /** @param durableOf how much of a node's log is synced now; of a dead one, all that is left */
  constructor(durableOf: (node: NodeName) => number, fail: (text: string) => void) {
    this.durableOf = durableOf;
    this.fail = fail;
  }

  /** A record was appended. */
  appended(node: NodeName, { seq, record }: StoredRecord<ProtocolRecord>): void {
    const { of, keys } = keysOf(record);
    if (keys.length === 0) return;
    const kept = this.kept(node, of);
    // The oldest is enough, also that of a log which was rolled back behind it; of copies the newest is reported.
    for (const key of keys) kept.set(key, record.type === 'copied' ? seq : Math.min(seq, kept.get(key) ?? seq));
    if (record.type !== 'begin' && record.type !== 'prepared') return;
    if (record.type === 'begin' && record.protocol === 'parallel') this.parallels.set(record.number, new Set());
    if (this.electorates.has(record.number)) return;
    const coordinator = record.type === 'begin' ? node : record.coordinator.name;
    this.electorates.set(record.number, { coordinator, participants: record.participants.map(({ name }) => name) });
  }

  /** A crash took the records from here on. */
  lost(node: NodeName, seqFrom: number): void {
    for (const kept of this.books.get(node)?.numbers.values() ?? []) {
      for (const [key, seq] of kept) if (seq >= seqFrom) kept.delete(key);
    }
  }

  /** A message is about to leave. */
  sends(from: NodeName, to: NodeName, message: Message, durableSeq: number): void {
    const why = this.unbacked(from, message, durableSeq);
    if (why === undefined) {
      if (message.type === 'vote' && message.vote === 'yes') this.parallels.get(message.number)?.add(from);
      return;
    }
    this.fail(`${from} sends ${message.type} to ${to}, and ${why} is not synced: ${JSON.stringify(message)}`);
  }

  /** An answer is about to reach a client. */
  answers(answer: Answer, coordinator: NodeName, durableSeq: number): void {
    if ('refused' in answer || answer.status !== 200) return;
    this.checked += 1;
    const { number, outcome } = answer.body;
    if (typeof number !== 'string') return;
    const isBacked =
      outcome === 'committed'
        ? this.isCommitted(number) || this.isImplied(number)
        : this.has(coordinator, number, 'answer', durableSeq);
    if (!isBacked)
      this.fail(`a client is told that ${number} is ${JSON.stringify(outcome)}, and nothing synced says so`);
  }

  /** What is missing under a message; undefined when nothing is. */
  private unbacked(from: NodeName, message: Message, durableSeq: number): string | undefined {
    const needs = (of: string, key: string): string | undefined => {
      this.checked += 1;
      return this.has(from, of, key, durableSeq) ? undefined : key;
    };
    switch (message.type) {
      case 'vote':
        return message.vote === 'yes' ? needs(message.number, 'prepared') : undefined;
      case 'prepare':
        return message.onePhase ? needs(message.number, 'begin') : undefined;
      case 'precommit':
        return needs(message.number, roundKey('precommitted', message.round));
      case 'preabort':
        return needs(message.number, roundKey('preaborted', message.round));
      case 'precommitted':
      case 'preaborted':
        return needs(message.number, roundKey(message.type, message.round));
      case 'state':
        return needs(message.number, roundKey('elected', message.round));
      case 'acknowledge':
        return needs(message.number, 'committed');
      case 'commit':
        return this.isCommitted(message.number) ? undefined : 'the decision';
      case 'outcome':
        return this.unbackedOutcome(from, message, needs);
      case 'low-water':
        return needs(message.number, 'low-water');
      case 'joined':
        return message.stage === 'durable' ? needs(message.group, 'copied') : undefined;
      default:
        return undefined;
    }
  }

  private unbackedOutcome(
    from: NodeName,
    { number, outcome }: Extract<Message, { type: 'outcome' }>,
    needs: (of: string, key: string) => string | undefined,
  ): string | undefined {
    if (outcome === 'committed') return this.isCommitted(number) ? undefined : 'the decision';
    // A coordinator presumes abort: no record means it.
    if (outcome === 'unknown' || this.electorates.get(number)?.coordinator === from) return undefined;
    return needs(number, 'aborted');
  }

  /** The decision is made: some log holds it, or a quorum's records of one round are it. */
  private isCommitted(number: AttemptNumber): boolean {
    this.checked += 1;
    if (!this.decided.has(number) && this.isInLogs(number)) this.decided.add(number);
    return this.decided.has(number);
  }

  private isInLogs(number: AttemptNumber): boolean {
    const rounds = new Map<string, NodeName[]>();
    for (const [node, { numbers }] of this.books) {
      const kept = numbers.get(number);
      if (kept === undefined) continue;
      const durable = this.durableOf(node);
      for (const [key, seq] of kept) {
        if (seq > durable) continue;
        if (key === 'commit' || key === 'committed') return true;
        if (!key.startsWith('precommitted@')) continue;
        const sites = rounds.get(key);
        if (sites === undefined) rounds.set(key, [node]);
        else sites.push(node);
      }
    }
    const electorate = this.electorates.get(number);
    return electorate !== undefined && [...rounds.values()].some((sites) => isQuorum(sites, electorate));
  }

  /** Parallel commit: the commit point, of which only the client is told (docs/decisions/0010). */
  private isImplied(number: AttemptNumber): boolean {
    const electorate = this.electorates.get(number);
    const yeses = this.parallels.get(number);
    if (electorate === undefined || yeses === undefined) return false;
    const { coordinator, participants } = electorate;
    const isBegun = this.has(coordinator, number, 'begin', this.durableOf(coordinator));
    return isBegun && participants.every((name) => yeses.has(name));
  }

  private has(node: NodeName, of: string, key: string, durableSeq: number): boolean {
    const seq = this.books.get(node)?.numbers.get(of)?.get(key);
    return seq !== undefined && seq <= durableSeq;
  }

  private kept(node: NodeName, of: string): Kept {
    let book = this.books.get(node);
    if (book === undefined) this.books.set(node, (book = { numbers: new Map() }));
    let kept = book.numbers.get(of);
    if (kept === undefined) book.numbers.set(of, (kept = new Map<string, number>()));
    return kept;
  }
}

/** What a record stands for: of which number (or group), under which keys. */
function keysOf(record: ProtocolRecord): { readonly of: string; readonly keys: readonly string[] } {
  switch (record.type) {
    case 'prepared':
    case 'committed':
    case 'commit':
    case 'aborted':
    case 'answer':
    case 'begin':
    case 'low-water':
      return { of: record.number, keys: [record.type] };
    case 'precommitted':
    case 'preaborted':
      return { of: record.number, keys: [roundKey(record.type, record.round), roundKey('elected', record.round)] };
    case 'promised':
      return { of: record.number, keys: [roundKey('elected', record.round)] };
    case 'copied':
      return { of: record.group, keys: record.part === record.parts ? ['copied'] : [] };
    default:
      return { of: '', keys: [] };
  }
}
