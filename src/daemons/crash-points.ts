/**
 * Crash points: `<role>.<record>.before-force`, `<role>.<record>.forced`,
 * `<role>.<message>.before-send`, `<role>.<message>.sent`, each with an optional
 * `#n` for its nth pass. An armed point ends the process by SIGKILL on itself,
 * as if someone had typed `kill -9` in that very moment. Off without --lab.
 */
import { ParleyError } from '../base/errors.ts';

const POINT = /^[a-z]+\.[a-z-]+\.(before-force|forced|before-send|sent)(#[1-9]\d{0,5})?$/;

/** The armed points of one process. */
export class CrashPoints {
  private readonly role: string;
  private readonly armed = new Map<string, number>();
  private readonly hits = new Map<string, number>();
  /** Puts what was sent before this point on its way: it had been sent. */
  private readonly flush: () => void;

  /** @throws ParleyError `usage` for a name that is no crash point */
  constructor(role: string, names: readonly string[], flush: () => void) {
    this.role = role;
    this.flush = flush;
    for (const name of names) {
      if (!POINT.test(name)) {
        throw new ParleyError('usage', `--crash-at ${name} is no crash point.`, {
          remedy: 'Give for example coordinator.commit.forced or participant.vote.before-send#2.',
        });
      }
      const [point = '', nth = '1'] = name.split('#');
      this.armed.set(point, Number(nth));
    }
  }

  /** Passes a point; does not return when it is armed and this is its turn. */
  readonly pass = (what: string, where: string): void => {
    if (this.armed.size === 0) return;
    const point = `${this.role}.${what}.${where}`;
    const hit = (this.hits.get(point) ?? 0) + 1;
    this.hits.set(point, hit);
    if (this.armed.get(point) !== hit) return;
    this.flush();
    process.kill(process.pid, 'SIGKILL');
    // The signal is delivered at the latest when this thread enters the kernel; nothing may run before.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  };
}
