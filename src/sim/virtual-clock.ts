/** Virtual time: a queue of what happens when. Nothing waits; time jumps to the next thing. */
import { assert } from '../base/assert.ts';

interface Scheduled {
  readonly atMs: number;
  /** Things of one moment happen in the order in which they were asked for. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** See the header. */
export class VirtualClock {
  /** A binary heap: no entry is before its parent. */
  private readonly heap: Scheduled[] = [];
  private orders = 0;
  private now = 0;

  get nowMs(): number {
    return this.now;
  }

  /** Runs `run` after a delay; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void {
    assert(delayMs >= 0, 'time goes forward');
    this.orders += 1;
    const entry: Scheduled = { atMs: this.now + delayMs, order: this.orders, run, cancelled: false };
    this.push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  /** Runs everything up to a moment; returns how many things happened. */
  runUntil(untilMs: number): number {
    let count = 0;
    for (let next = this.heap[0]; next !== undefined && next.atMs <= untilMs; next = this.heap[0]) {
      this.pop();
      if (next.cancelled) continue;
      this.now = next.atMs;
      next.run();
      count += 1;
    }
    this.now = Math.max(this.now, untilMs);
    return count;
  }

  private push(entry: Scheduled): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    // Parents move down until the place of the entry is found.
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const entry = heap.pop();
    if (entry === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let least = heap[child];
      if (least === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, least)) {
        least = right;
        child += 1;
      }
      if (!isBefore(least, entry)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = entry;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
