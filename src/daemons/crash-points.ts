/**
 * The crash points of one process (src/lab/crash-point.ts has their names and
 * what they mean). A daemon with --lab passes them all and counts; without it
 * none is passed. Points are armed by flag, over HTTP, or for the passes of one
 * transaction alone; an armed point acts once, in that very moment, as if
 * someone had typed `kill -9` or pulled the plug just then.
 */
import { crashSpecText, isCrashPoint, parseCrashSpec } from '../lab/crash-point.ts';
import type { CrashAction, CrashSpec } from '../lab/crash-point.ts';

/** What the points can do to the process and its disk. */
export interface CrashWorld {
  /** Puts what was sent before this point on its way: it had been sent. */
  readonly flush: () => void;
  /** Takes out of the log what was not synced. */
  readonly cutPower: () => void;
  /** Stands still for three vote timeouts; returns when the process goes on. */
  readonly standStill: () => void;
}

interface Armed {
  readonly spec: CrashSpec;
  /** Only passes of this transaction count; undefined: all. */
  readonly transaction: string | undefined;
  /** Numbers of its attempts, as far as they are known. */
  readonly numbers: Set<string>;
  /** Draws at each pass from the wanted one on whether it acts; undefined: it does, at the wanted pass. */
  readonly draws: (() => boolean) | undefined;
  passes: number;
  fired: boolean;
}

/** An armed point as others see it. */
export interface ArmedPoint {
  readonly point: string;
  readonly transaction: string | null;
  readonly passes: number;
  readonly fired: boolean;
}

/** What all has been passed, and what is armed. */
export interface CrashPointState {
  readonly armed: readonly ArmedPoint[];
  /** Passes since the start of the process, by point. */
  readonly hits: Readonly<Record<string, number>>;
}

/** See the header. */
export class CrashPoints {
  private readonly role: string;
  private readonly world: CrashWorld;
  private readonly armed: Armed[] = [];
  private readonly hits = new Map<string, number>();

  /** @throws ParleyError `usage` for a name that is no crash point */
  constructor(role: string, names: readonly string[], world: CrashWorld) {
    this.role = role;
    this.world = world;
    for (const name of names) this.arm(parseCrashSpec(name, '--crash-at'));
  }

  /**
   * Arms a point; one of another role never acts here. Passes count from now on.
   * @returns disarms it
   */
  arm(spec: CrashSpec, transaction?: string, draws?: () => boolean): () => void {
    const one: Armed = { spec, transaction, numbers: new Set(), draws, passes: 0, fired: false };
    this.armed.push(one);
    return () => {
      const index = this.armed.indexOf(one);
      if (index >= 0) this.armed.splice(index, 1);
    };
  }

  /** Disarms all, those of fault rules too; the counts of passes stay. */
  disarm(): void {
    this.armed.length = 0;
  }

  /** An attempt of a transaction got this number; those about neither number nor id are told apart by it. */
  learn(number: string, id: string): void {
    for (const { transaction, numbers } of this.armed) if (transaction === id) numbers.add(number);
  }

  /** Passes a point; a process killed here does not come back from it, one that stands still does. */
  readonly pass = (what: string, where: string, about: object): void => {
    const point = `${this.role}.${what}.${where}`;
    if (!isCrashPoint(point)) return;
    this.hits.set(point, (this.hits.get(point) ?? 0) + 1);
    if (this.armed.length === 0) return;
    const { number, id } = about as { readonly number?: string; readonly id?: string };
    if (number !== undefined && id !== undefined) this.learn(number, id);
    for (const one of this.armed) {
      if (one.spec.point !== point || one.fired) continue;
      if (one.transaction !== undefined && !(number !== undefined && one.numbers.has(number))) continue;
      one.passes += 1;
      if (one.draws === undefined ? one.passes !== one.spec.hit : one.passes < one.spec.hit || !one.draws()) continue;
      one.fired = true;
      this.act(one.spec.action);
    }
  };

  /** For `GET /lab/crash-points`. */
  state(): CrashPointState {
    const armed = this.armed.map(({ spec, transaction, passes, fired }) => {
      return { point: crashSpecText(spec), transaction: transaction ?? null, passes, fired };
    });
    return { armed, hits: Object.fromEntries([...this.hits].sort(([a], [b]) => (a < b ? -1 : 1))) };
  }

  private act(action: CrashAction): void {
    this.world.flush();
    if (action === 'stop') return this.world.standStill();
    if (action === 'power') this.world.cutPower();
    process.kill(process.pid, 'SIGKILL');
    // The signal is delivered at the latest when this thread enters the kernel; nothing may run before.
    for (;;) waitHere(1_000);
  }
}

/** Blocks this thread, and with it everything that runs on it. */
export function waitHere(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
