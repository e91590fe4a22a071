/**
 * What clients asked and were told: the history put in order by transaction,
 * and the reads beside it.
 */
import type { Json } from '../../base/canonical-json.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { HistoryEvent } from '../run-directory.ts';
import type { Evidence } from './verdict.ts';

/** What a client was told: an outcome, that nothing happened and the id is free, or nothing. */
export type Told = 'committed' | 'aborted' | 'refused' | 'unknown';

/** One request with what came of it. `to` is infinite while no answer came. */
export interface Asked {
  readonly process: string | number;
  readonly f: string;
  readonly id: TransactionId | undefined;
  readonly from: number;
  readonly to: number;
  readonly told: Told;
  readonly in: Json | undefined;
  readonly out: Json | undefined;
  /** Of the answer, else of the request: lines of history.jsonl from 1. */
  readonly event: HistoryEvent;
}

/** All that clients did with one id. */
export interface ClientTransaction {
  readonly id: TransactionId;
  readonly asks: readonly Asked[];
  /** Answers to questions for its outcome. */
  readonly seen: readonly Asked[];
}

/** The history in order. */
export interface ClientStory {
  readonly transactions: ReadonlyMap<TransactionId, ClientTransaction>;
  /** Every other request that was answered. */
  readonly reads: readonly Asked[];
  /** Requests without a request, answers without one. */
  readonly faults: readonly string[];
}

/** Puts a history in order. A process does one thing at a time; an answer belongs to its last request. */
export function clientStory(history: readonly HistoryEvent[]): ClientStory {
  const open = new Map<string | number, HistoryEvent>();
  const all: Asked[] = [];
  const faults: string[] = [];
  for (const event of history) {
    const asked = open.get(event.process);
    if (event.kind === 'invoke') {
      if (asked !== undefined)
        faults.push(`process ${event.process} asks again before it has an answer (t ${event.t})`);
      open.set(event.process, event);
    } else if (asked === undefined || asked.f !== event.f) {
      faults.push(`process ${event.process} has an answer without a request (${event.f}, t ${event.t})`);
    } else {
      all.push(pair(asked, event));
      open.delete(event.process);
    }
  }
  for (const asked of open.values()) all.push(pair(asked, undefined));
  const transactions = new Map<TransactionId, { id: TransactionId; asks: Asked[]; seen: Asked[] }>();
  const reads: Asked[] = [];
  for (const asked of all) {
    if (asked.id === undefined || (asked.f !== 'transaction' && asked.f !== 'outcome')) {
      if (asked.told !== 'unknown' && asked.event.kind === 'ok') reads.push(asked);
      continue;
    }
    const found = transactions.get(asked.id) ?? { id: asked.id, asks: [], seen: [] };
    (asked.f === 'transaction' ? found.asks : found.seen).push(asked);
    transactions.set(asked.id, found);
  }
  return { transactions, reads, faults };
}

function pair(asked: HistoryEvent, answer: HistoryEvent | undefined): Asked {
  const event = answer ?? asked;
  const isOpen = answer === undefined || answer.kind === 'info';
  return {
    process: asked.process,
    f: asked.f,
    id: asked.id ?? answer?.id,
    from: asked.t,
    to: isOpen ? Number.POSITIVE_INFINITY : answer.t,
    told: answer === undefined ? 'unknown' : toldBy(answer),
    in: asked.in,
    out: answer?.out,
    event,
  };
}

function toldBy({ kind, f, out }: HistoryEvent): Told {
  const outcome = memberOf(out, 'outcome');
  if (outcome === 'committed' || outcome === 'aborted') return outcome;
  if (kind === 'fail') return 'refused';
  return kind === 'ok' && f === 'transaction' && outcome === undefined
    ? 'committed'
    : kind === 'ok'
      ? 'refused'
      : 'unknown';
}

/** A member of a JSON object, or undefined. */
export function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as Readonly<Record<string, Json>>)[name];
}

/** A list in a JSON object, or an empty one. */
export function listOf(value: Json | undefined, name: string): readonly Json[] {
  const list = memberOf(value, name);
  return Array.isArray(list) ? (list as readonly Json[]) : [];
}

/** What a client was told, as evidence. */
export function clientEvidence({ process, event }: Asked): Evidence {
  return { node: `client ${process}`, text: JSON.stringify(event) };
}

/** The operations a client asked for under an id, from its first request. */
export function operationsOf(transaction: ClientTransaction | undefined): readonly Json[] {
  return listOf(transaction?.asks[0]?.in, 'operations');
}
