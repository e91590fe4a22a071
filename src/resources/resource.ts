/**
 * What a resource is. A participant guards one resource per group it is a
 * member of. Everything here is synchronous, deterministic and in memory: no
 * clock, no random, no I/O. Durability is the log's: the host forces the
 * `prepared` record with the *effect* before the yes leaves, and replays
 * effects at a restart. So an effect is plain JSON, says all that will change,
 * and applying it a second time under the same number changes nothing.
 *
 * ```
 *   operations → locks() → [granted, first come first served] → prepare() → effect
 *                                      effect → commit() | abort()
 * ```
 */
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';

/** The resources of part 1. */
export type ResourceKind = 'ledger' | 'history' | 'notebook';

/** One operation as a client sent it, already validated by operations.ts. */
export interface Operation {
  readonly group: string;
  readonly resource: ResourceKind;
  readonly type: string;
  readonly [field: string]: Json;
}

/**
 * `read` goes with `read`, `change` with `change` (additions commute), and
 * `exclusive` with nothing.
 */
export type LockMode = 'read' | 'change' | 'exclusive';

/** A key is unique within its group, for example `account/1` or `room/lobby`. */
export interface LockRequest {
  readonly key: string;
  readonly mode: LockMode;
}

/** Why a resource votes no: a code of the registry and a sentence with the values. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What prepare() found. Results are one per operation, in order; null effect = nothing will change. */
export type Prepared =
  | { readonly vote: 'yes'; readonly results: readonly Json[]; readonly effect: Json }
  | { readonly vote: 'no'; readonly refusal: Refusal }
  /** What is under `key` is held by earlier, undecided transactions: ask again when one of them has ended. */
  | { readonly vote: 'wait'; readonly key: string; readonly refusal: Refusal };

/** One committed change as readers of the feed see it; `data` is the effect that was applied. */
export interface Change {
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly data: Json;
}

/** A resource of one group on one participant. */
export interface Resource {
  readonly kind: ResourceKind;
  /** The locks all these operations need together; keys may repeat with different modes (the stronger holds). */
  locks(operations: readonly Operation[]): readonly LockRequest[];
  /**
   * Notes, at arrival and before any lock is held, what the transaction is going to
   * reserve, so that no later one takes it first: every wait is then for an earlier
   * transaction, and no circle of waits can close, not even across participants.
   * Ends with prepare()'s yes or with abort().
   */
  announce(number: AttemptNumber, operations: readonly Operation[]): void;
  /** Checks and reserves. Called with the locks held. A no or a wait reserves nothing. */
  prepare(number: AttemptNumber, operations: readonly Operation[]): Prepared;
  /** Reserves again what an effect from the log reserved (restart), with no check. */
  restorePrepared(number: AttemptNumber, effect: Json): void;
  /** The keys, named as in locks(), that an effect changes: a read of one of them waits for the decision. */
  writes(effect: Json): readonly string[];
  /**
   * Applies an effect, frees what was reserved, and says what changed (empty for null).
   * The resource manager remembers the numbers and calls this once for each.
   */
  commit(number: AttemptNumber, id: TransactionId, effect: Json): readonly Change[];
  /** Frees what was reserved; unknown numbers are fine. */
  abort(number: AttemptNumber): void;
  /**
   * All committed state of this moment as JSON lines (not what is reserved), in an order that is a function of the
   * state. A line is made when it is read, however late, so that a large state stops nobody; it can be read again.
   */
  snapshot(): Iterable<Json>;
  /** Empties the committed state, to be given the lines of a snapshot instead, one by one; reservations stay. */
  restorer(): Restorer;
}

/** Takes the lines of a snapshot into a resource. Until `end` nothing there is whole. */
export interface Restorer {
  /** @throws ParleyError `checkpoint-corrupt` */
  readonly take: (line: Json) => void;
  /** @throws ParleyError `checkpoint-corrupt` when the lines do not fit each other */
  readonly end: () => void;
}

/** Replaces all committed state of a resource by these lines. @throws ParleyError `checkpoint-corrupt` */
export function restoreAll(resource: Resource, lines: Iterable<Json>): void {
  const restorer = resource.restorer();
  for (const line of lines) restorer.take(line);
  restorer.end();
}

/** Lines that a generator makes, from its beginning each time they are read. */
export function madeWhenRead(make: () => Iterator<Json>): Iterable<Json> {
  return { [Symbol.iterator]: make };
}
