/** The timers of one node on its own monotonic clock, which may leap while the others' do not. */
import type { VirtualClock } from './virtual-clock.ts';

interface Armed {
  readonly cancel: () => void;
  readonly fire: () => void;
}

/** See the header. */
export class SimTimers {
  private readonly clock: VirtualClock;
  private readonly living: (run: () => void) => void;
  private readonly armed = new Set<Armed>();
  private leaptMs = 0;

  /** @param living runs a callback in the node's life, or keeps it while the node is stopped */
  constructor(clock: VirtualClock, living: (run: () => void) => void) {
    this.clock = clock;
    this.living = living;
  }

  /** Whole monotonic milliseconds. */
  nowMs(): number {
    return Math.floor(this.clock.nowMs) + this.leaptMs;
  }

  /** Calls back once after a delay; the returned function disarms, also while the callback waits behind a pause. */
  after(delayMs: number, run: () => void): () => void {
    let isWanted = true;
    const fire = (): void => {
      this.armed.delete(timer);
      this.living(() => isWanted && run());
    };
    const timer: Armed = { cancel: this.clock.after(delayMs, fire), fire };
    this.armed.add(timer);
    return () => {
      isWanted = false;
      this.armed.delete(timer);
      timer.cancel();
    };
  }

  /** The clock leaps: all that is armed is due, in the order in which it was armed. */
  leap(byMs: number): void {
    this.leaptMs += byMs;
    for (const timer of [...this.armed]) {
      timer.cancel();
      // One before it may have disarmed it, or ended the life of the node.
      if (this.armed.has(timer)) timer.fire();
    }
  }

  /** The process is over. */
  stop(): void {
    for (const { cancel } of this.armed) cancel();
    this.armed.clear();
  }
}
