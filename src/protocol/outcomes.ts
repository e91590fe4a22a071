/**
 * What clients were told, by id: the same id with the same body gets the same
 * answer for as long as it is kept. UUIDv7 ids are evicted oldest first beyond
 * `kept`; eviction raises a floor time, and an unknown UUIDv7 at or below the
 * floor is never run again (410). Labels are never evicted, so they are
 * limited. Replaying the same records gives the same floor.
 */
import type { Json } from '../base/canonical-json.ts';
import { isUuidV7, uuidV7TimeMs } from '../base/ids.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';

/** One transaction that is over. */
export interface StoredOutcome {
  readonly id: TransactionId;
  readonly hash: string;
  readonly number: AttemptNumber;
  readonly outcome: 'committed' | 'aborted';
  /** The whole answer, as the client got it. */
  readonly body: Readonly<Record<string, Json>>;
}

/** Labels are kept for ever, so there may be only so many. */
export const LABELS_MAX = 10_000;
/** Outcomes of UUIDv7 ids that are kept. */
export const OUTCOMES_KEPT = 1_000_000;

/** See the header. */
export class OutcomeStore {
  private readonly outcomes = new Map<TransactionId, StoredOutcome>();
  private labels = 0;
  private floorMs = 0;
  private readonly kept: number;

  constructor(kept: number = OUTCOMES_KEPT) {
    this.kept = kept;
  }

  get size(): number {
    return this.outcomes.size;
  }

  get(id: TransactionId): StoredOutcome | undefined {
    return this.outcomes.get(id);
  }

  /** May this unknown id be run? `labels-full` and `too-old` are definite. */
  admits(id: TransactionId): 'yes' | 'labels-full' | 'too-old' {
    if (!isUuidV7(id)) return this.labels < LABELS_MAX ? 'yes' : 'labels-full';
    return uuidV7TimeMs(id) > this.floorMs ? 'yes' : 'too-old';
  }

  /** Keeps an outcome; the first answer of an id stays. */
  add(outcome: StoredOutcome): void {
    if (this.outcomes.has(outcome.id)) return;
    this.outcomes.set(outcome.id, outcome);
    if (!isUuidV7(outcome.id)) this.labels += 1;
    if (this.outcomes.size - this.labels > this.kept) this.evictOldest();
  }

  /** All outcomes, oldest first, for a checkpoint. */
  all(): IterableIterator<StoredOutcome> {
    return this.outcomes.values();
  }

  get floor(): number {
    return this.floorMs;
  }

  /** Sets the floor again from a checkpoint. */
  raiseFloor(floorMs: number): void {
    this.floorMs = Math.max(this.floorMs, floorMs);
  }

  private evictOldest(): void {
    for (const id of this.outcomes.keys()) {
      if (!isUuidV7(id)) continue;
      this.outcomes.delete(id);
      this.raiseFloor(uuidV7TimeMs(id));
      return;
    }
  }
}
