/**
 * What a crash cannot do to a log and an operator can: a participant comes back
 * without its log, or with an older copy of it.
 *
 *   fresh        under another incarnation; it is fenced, and joins by copying. Only
 *                where others hold all it held: what had one copy is lost with it.
 *   rolled-back  shorter than what the coordinator saw synced; it is refused before
 *                it says a word about any number, ends, and the right log is put back
 */
import type { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimParticipant } from './sim-participant.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Which special fault a world has; most have none. */
export type SpecialFault = 'none' | 'fresh' | 'rolled-back';

/** The world around it. */
export interface SpecialPorts {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly victim: SimParticipant;
  /** Undefined while the coordinator is dead: then nobody can say what it saw. */
  readonly tables: () => CoordinatorTables | undefined;
  readonly fail: (text: string) => void;
}

/** How long a participant with the wrong log is given to be refused. */
const REFUSED_WITHIN_MS = 1_500;
const START_MS = 100;

/** One special fault of one world; it happens at most once. */
export class SpecialFaults {
  private readonly ports: SpecialPorts;
  hit = false;
  /** While the victim runs on the wrong log: it must be refused. */
  private expected: (() => void) | undefined;
  private healed = false;

  constructor(ports: SpecialPorts) {
    this.ports = ports;
  }

  /** Tries now; what cannot be done at this moment is tried again soon. */
  happen(kind: Exclude<SpecialFault, 'none'>): void {
    const { clock, victim } = this.ports;
    const tables = this.ports.tables();
    if (this.healed) return;
    if (tables === undefined || !victim.alive || victim.paused) {
      clock.after(50, () => this.happen(kind));
      return;
    }
    if (kind === 'fresh') this.freshLog(kind, tables);
    else this.rollBack(kind, tables);
  }

  /** The victim ended by itself. Returns true when that is what had to happen. */
  refused(node: NodeName, code: string): boolean {
    if (node !== this.ports.victim.name || code !== 'log-behind' || this.expected === undefined) return false;
    this.putBack();
    return true;
  }

  /** Nothing more happens; the right log is put back. */
  heal(): void {
    this.healed = true;
    this.putBack();
  }

  private freshLog(kind: 'fresh', tables: CoordinatorTables): void {
    const { clock, victim } = this.ports;
    const isAlone = [...tables.views.values()].some(
      ({ members }) => members.length === 1 && members[0] === victim.name,
    );
    if (isAlone) {
      clock.after(50, () => this.happen(kind));
      return;
    }
    this.hit = true;
    victim.die('power');
    victim.replaceLog(0, `new${victim.name}`);
    this.startSoon();
  }

  private rollBack(kind: 'rolled-back', tables: CoordinatorTables): void {
    const { clock, random, victim } = this.ports;
    const seen = tables.peers.get(victim.name)?.durableSeq ?? 0;
    if (seen < 2) {
      clock.after(50, () => this.happen(kind));
      return;
    }
    this.hit = true;
    victim.die('power');
    const whole = victim.replaceLog(random.whole(1, seen - 1));
    this.expected = (): void => victim.restoreLog(whole);
    this.startSoon();
    // The coordinator may be away all this time, and nobody can refuse it. It ends before it can do harm.
    clock.after(REFUSED_WITHIN_MS, () => this.putBack());
  }

  /** The right log is there again. */
  private putBack(): void {
    const restore = this.expected;
    if (restore === undefined) return;
    this.expected = undefined;
    if (this.ports.victim.alive) this.ports.victim.die('power');
    restore();
    this.startSoon();
  }

  private startSoon(): void {
    const { clock, victim } = this.ports;
    clock.after(START_MS, () => {
      if (!victim.alive) victim.start();
    });
  }
}
