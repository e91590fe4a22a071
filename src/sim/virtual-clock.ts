/** Virtual time: a queue of what happens when. Nothing waits; time jumps to the next thing. */
import { assert } from '../base/assert.ts';

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** See the header. */
export class VirtualClock {
  private readonly heap: Scheduled[] = [];
  private orders = 0;
  private now = 0;

  get nowMs(): number {
    return this.now;
  }

  /** Runs `run` after a delay; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void {
    assert(delayMs >= 0, 'time goes forward');
    const entry: Scheduled = { atMs: this.now + delayMs, order: ++this.orders, run, cancelled: false };
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
    heap.push(entry);
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const least = left + 1 < heap.length && this.before(left + 1, left) ? left + 1 : left;
      if (!this.before(least, at)) return;
      this.swap(at, least);
      at = least;
    }
  }

  private before(a: number, b: number): boolean {
    const [x, y] = [this.heap[a], this.heap[b]];
    assert(x !== undefined && y !== undefined, 'both are in the heap');
    return x.atMs === y.atMs ? x.order < y.order : x.atMs < y.atMs;
  }

  private swap(a: number, b: number): void {
    const [x, y] = [this.heap[a], this.heap[b]];
    assert(x !== undefined && y !== undefined, 'both are in the heap');
    this.heap[a] = y;
    this.heap[b] = x;
  }
}
