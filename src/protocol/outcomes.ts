/**
 * What clients were told, by id: the same id with the same body gets the same
 * answer for as long as it is kept. UUIDv7 ids are evicted oldest first beyond
 * `kept`; eviction raises a floor time, and an unknown UUIDv7 at or below the
 * floor is never run again (410). Labels are never evicted, so they are
 * limited. Replaying the same records gives the same floor.
 *
 * In memory are the labels, and of the rest what no checkpoint has yet; what
 * one has is in the archive (src/host/outcome-files.ts), where there is one.
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

/** Outcomes of UUIDv7 ids that are on disk. Answers at once, since a step is under way. */
export interface OutcomeArchive {
  readonly size: number;
  /** Throws when it cannot be read: that must not pass for "never seen". */
  find(id: TransactionId): StoredOutcome | undefined;
}

const NO_ARCHIVE: OutcomeArchive = { size: 0, find: () => undefined };

/** See the header. */
export class OutcomeStore {
  private readonly labels = new Map<TransactionId, StoredOutcome>();
  private readonly recents = new Map<TransactionId, StoredOutcome>();
  private floorMs = 0;
  private readonly kept: number;
  /** Set before anything is asked. */
  archive = NO_ARCHIVE;

  constructor(kept: number = OUTCOMES_KEPT) {
    this.kept = kept;
  }

  get size(): number {
    return this.labels.size + this.recents.size + this.archive.size;
  }

  get(id: TransactionId): StoredOutcome | undefined {
    if (!isUuidV7(id)) return this.labels.get(id);
    return this.recents.get(id) ?? this.archive.find(id);
  }

  /** May this unknown id be run? `labels-full` and `too-old` are definite. */
  admits(id: TransactionId): 'yes' | 'labels-full' | 'too-old' {
    if (!isUuidV7(id)) return this.labels.size < LABELS_MAX ? 'yes' : 'labels-full';
    return uuidV7TimeMs(id) > this.floorMs ? 'yes' : 'too-old';
  }

  /** Keeps an outcome; the first answer of an id stays. */
  add(outcome: StoredOutcome): void {
    if (this.get(outcome.id) !== undefined) return;
    if (!isUuidV7(outcome.id)) {
      this.labels.set(outcome.id, outcome);
      return;
    }
    this.recents.set(outcome.id, outcome);
    // With an archive its oldest file goes first, as a whole, at a checkpoint.
    if (this.archive.size === 0 && this.recents.size > this.kept) this.evictOldest();
  }

  /** All outcomes in memory: the labels, then the others, each oldest first. */
  all(): readonly StoredOutcome[] {
    return [...this.labels.values(), ...this.recents.values()];
  }

  /** Those that no checkpoint has yet, oldest first. */
  recent(): readonly StoredOutcome[] {
    return [...this.recents.values()];
  }

  /** Those of labels, oldest first. */
  labelled(): readonly StoredOutcome[] {
    return [...this.labels.values()];
  }

  /** These are in the archive now. */
  archived(outcomes: readonly StoredOutcome[]): void {
    for (const { id } of outcomes) this.recents.delete(id);
  }

  get floor(): number {
    return this.floorMs;
  }

  /** Sets the floor again from a checkpoint. */
  raiseFloor(floorMs: number): void {
    this.floorMs = Math.max(this.floorMs, floorMs);
  }

  private evictOldest(): void {
    const [oldest] = this.recents.keys();
    if (oldest === undefined) return;
    this.recents.delete(oldest);
    this.raiseFloor(uuidV7TimeMs(oldest));
  }
}
