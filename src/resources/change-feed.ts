/**
 * What a participant has committed, numbered 1, 2, 3… in the order of its
 * commits, and the newest of it kept for readers that follow. A position is
 * valid at this participant and incarnation only. Who asks for changes that
 * are no longer here, or are not here yet, is told so and takes a snapshot.
 */
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';

/** One committed change of one group; `data` is the effect that was applied. */
export interface FeedChange {
  readonly position: number;
  readonly group: string;
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly data: Json;
}

/** Changes after a position; `complete: false` means that some are missing: take a snapshot. */
export interface FeedPage {
  readonly changes: readonly FeedChange[];
  readonly complete: boolean;
}

/** The bounded list of the newest changes. */
export class ChangeFeed {
  readonly #length: number;
  readonly #listeners = new Set<(change: FeedChange) => void>();
  /** Changes up to #position without a gap; cut back to #length when it has grown to twice that. */
  #changes: FeedChange[] = [];
  #position = 0;

  /** @param length how many changes are kept at least, once there are as many */
  constructor(length: number) {
    this.#length = length;
  }

  /** Position of the newest change; 0 before the first. */
  get position(): number {
    return this.#position;
  }

  /** Numbers a change and keeps it; publish() tells the listeners. */
  append(change: Omit<FeedChange, 'position'>): FeedChange {
    this.#position += 1;
    const numbered = { position: this.#position, ...change };
    this.#changes.push(numbered);
    if (this.#changes.length >= 2 * this.#length) this.#changes = this.#changes.slice(-this.#length);
    return numbered;
  }

  /** Tells every listener of a change, in the order in which they came. */
  publish(change: FeedChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** Calls `listener` for every change from now on, until the returned function is called. */
  listen(listener: (change: FeedChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The changes after `position`, of one group or of all. */
  since(position: number, group?: string): FeedPage {
    const oldestKnown = this.#position - this.#changes.length;
    if (position < oldestKnown || position > this.#position) return { changes: [], complete: false };
    const changes = this.#changes.slice(position - oldestKnown);
    return {
      changes: group === undefined ? changes : changes.filter((change) => change.group === group),
      complete: true,
    };
  }

  /** Goes on at `position`, with no changes kept: whoever followed takes a snapshot. */
  restart(position: number): void {
    this.#changes = [];
    this.#position = position;
  }
}
