/**
 * The logs put in order by attempt: who wrote what about which number. All
 * invariants read this and nothing else of the logs.
 *
 * A log whose first segments are gone begins with what its checkpoint amounts
 * to. For such a log a missing record means nothing, and the same holds for a
 * node whose log was lost and begun anew: `mayBeGone` says so.
 */
import { numberParts } from '../../base/ids.ts';
import type { AttemptNumber, TransactionId } from '../../base/ids.ts';
import type { Json } from '../../base/canonical-json.ts';
import type { NodeName } from '../../protocol/messages.ts';
import type { BeginRecord } from '../../protocol/records.ts';
import { freshAttempt, nodeStory, siteOf, takeAtSite } from './attempt-story.ts';
import type { AttemptStory, Entry, KeptOutcome, NodeStory } from './attempt-story.ts';
import type { CheckInput } from './input.ts';
import type { Findings } from './verdict.ts';

/** See the header. */
export class Story {
  readonly nodes = new Map<NodeName, NodeStory>();
  readonly attempts = new Map<AttemptNumber, AttemptStory>();
  readonly byId = new Map<TransactionId, AttemptStory[]>();
  /** By id. */
  readonly outcomes = new Map<TransactionId, KeptOutcome>();
  readonly records: number;

  constructor(input: CheckInput, findings: Findings) {
    for (const log of input.nodes) this.nodes.set(log.name, nodeStory(log, findings));
    this.records = input.nodes.reduce((sum, { records }) => sum + records.length, 0);
    for (const node of this.nodes.values()) {
      for (const entry of node.entries) this.#take(entry);
      for (const kept of node.checkpoint?.outcomes ?? []) this.#keep(node.name, kept);
    }
    for (const attempt of this.attempts.values()) {
      attempt.coordinator ??= this.#issuer(attempt.number);
      if (attempt.id === undefined) continue;
      this.byId.set(attempt.id, [...(this.byId.get(attempt.id) ?? []), attempt]);
    }
  }

  node(name: NodeName | undefined): NodeStory | undefined {
    return name === undefined ? undefined : this.nodes.get(name);
  }

  /** The log that issued a number, if it is here. */
  #issuer(number: AttemptNumber): NodeName | undefined {
    const incarnation = numberParts(number)?.incarnation;
    for (const node of this.nodes.values()) {
      if (node.role === 'coordinator' && node.incarnation === incarnation) return node.name;
    }
    return undefined;
  }

  /**
   * Why the absence of a record about this attempt in this node's log shows
   * nothing; undefined when the record would have to be there.
   */
  mayBeGone(name: NodeName, attempt: AttemptStory): string | undefined {
    const node = this.nodes.get(name);
    if (node === undefined) return `the log of ${name} is not here`;
    if (!node.complete) return `the beginning of the log of ${name} is gone (checkpoint)`;
    const faults = node.log.faults ?? [];
    if (faults.length > 0) return `the log of ${name} is damaged`;
    if (node.role === 'coordinator') {
      const issuer = numberParts(attempt.number)?.incarnation;
      return issuer === node.incarnation ? undefined : `the log of ${name} is not the one that issued the number`;
    }
    return this.#hadAnotherLog(name, attempt) ? `the log of ${name} was begun anew after the transaction` : undefined;
  }

  /** The participant had another log when the attempt began, as its coordinator saw it. */
  #hadAnotherLog(name: NodeName, attempt: AttemptStory): boolean {
    const own = this.nodes.get(name)?.incarnation;
    const coordinator = this.node(attempt.coordinator);
    if (coordinator === undefined || own === undefined) return true;
    const began = attempt.begins[0]?.seq ?? attempt.commits[0]?.seq ?? 0;
    const known = coordinator.peers.get(name)?.findLast(({ seq }) => seq < began) ?? coordinator.peers.get(name)?.[0];
    return known !== undefined && known.incarnation !== own;
  }

  #of(number: AttemptNumber): AttemptStory {
    const known = this.attempts.get(number);
    if (known !== undefined) return known;
    const fresh = freshAttempt(number);
    this.attempts.set(number, fresh);
    return fresh;
  }

  #take(entry: Entry): void {
    const { node, record } = entry;
    switch (record.type) {
      case 'begin':
        return this.#begin({ ...entry, record });
      case 'commit':
        this.#of(record.number).commits.push({ ...entry, record });
        return;
      case 'abort':
        this.#of(record.number).aborts.push({ ...entry, record });
        return;
      case 'answer': {
        const attempt = this.#of(record.number);
        attempt.answers.push({ ...entry, record });
        attempt.id ??= record.id;
        return;
      }
      case 'end':
        this.#of(record.number).ends.push({ ...entry, record });
        return;
      case 'prepared':
      case 'precommitted':
      case 'preaborted':
      case 'promised':
      case 'committed':
      case 'aborted':
      case 'superseded':
        takeAtSite(siteOf(this.#of(record.number), node), this.#of(record.number), { ...entry, record });
        return;
      default:
        return;
    }
  }

  #begin(entry: Entry<BeginRecord>): void {
    const { number, id, protocol, participants, onePhase } = entry.record;
    const attempt = this.#of(number);
    attempt.begins.push(entry);
    attempt.id ??= id;
    attempt.protocol = protocol;
    attempt.listed = participants.map(({ name }) => name);
    attempt.onePhase ||= onePhase === true;
    attempt.coordinator = entry.node;
  }

  #keep(node: NodeName, kept: Json): void {
    if (typeof kept !== 'object' || kept === null || Array.isArray(kept)) return;
    const { id, number, outcome, body } = kept as Readonly<Record<string, Json>>;
    if (typeof id !== 'string' || typeof number !== 'string') return;
    if (outcome !== 'committed' && outcome !== 'aborted') return;
    const results = typeof body === 'object' && body !== null && 'results' in body ? body['results'] : undefined;
    this.outcomes.set(id, { node, id, number, outcome, results: Array.isArray(results) ? (results as Json[]) : [] });
  }
}
