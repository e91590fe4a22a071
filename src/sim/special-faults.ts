/**
 * What a crash cannot do to a log and an operator can: a participant comes back
 * without its log, or with an older copy of it.
 *
 *   fresh        under another incarnation; it is fenced, and joins by copying. Only
 *                where others hold all it held: what had one copy is lost with it. If they
 *                have left by the time it comes, it is refused, and its log is put back.
 *                Beside 2PC only. In parallel commit a vote may be in no other log, and a
 *                coordinator that starts again asks for it and waits for ever, since neither
 *                commit nor abort is safe without it (docs/protocols.md, Parallel commit).
 *                In 3PC a quorum's records are the decision, and one of them is lost
 *   rolled-back  shorter than what the coordinator saw synced; it is refused, ends, and
 *                the right log is put back. Only the coordinator can tell it from the
 *                right one: until it has, the other participants do not reach it, and
 *                when the coordinator dies the right log is put back at once. Without
 *                that, harm can be done (docs/proof/bugs.md, "Known and left")
 */
import type { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { NodeName, ProtocolName } from '../protocol/messages.ts';
import type { Network } from './network.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimParticipant } from './sim-participant.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { SPECIAL_CHANCE } from './world-options.ts';
import type { WorldOptions } from './world-options.ts';

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
  readonly network: Network;
  /** All participants, the victim too. */
  readonly names: readonly NodeName[];
}

/** How long a participant with the wrong log is given to be refused. */
const REFUSED_WITHIN_MS = 1_500;
const START_MS = 100;

/** Drawn from the seed; nearly always none. */
export function drawSpecial(random: SeededRandom, { participants, faults, protocols }: WorldOptions): SpecialFault {
  const drawn = random.next();
  if (participants < 3 || faults === 0 || drawn > SPECIAL_CHANCE) return 'none';
  if (protocolsBeside('fresh', protocols).length === 0) return 'rolled-back';
  return drawn < SPECIAL_CHANCE / 2 ? 'fresh' : 'rolled-back';
}

/** Which of these protocols a world with this fault can come to rest with; see the header. */
export function protocolsBeside(special: SpecialFault, protocols: readonly ProtocolName[]): readonly ProtocolName[] {
  return special === 'fresh' ? protocols.filter((protocol) => protocol === '2pc') : protocols;
}

/** One special fault of one world; it happens at most once. */
export class SpecialFaults {
  private readonly ports: SpecialPorts;
  hit = false;
  /** While the victim runs on the wrong log: it must be refused. */
  private expected: (() => void) | undefined;
  /** While the victim runs on a fresh log, which is refused when nobody holds what it held any more. */
  private onlyCopy: (() => void) | undefined;
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
    const { victim } = this.ports;
    if (node !== victim.name || code !== 'log-behind') return false;
    this.expected ??= this.onlyCopy;
    this.onlyCopy = undefined;
    if (this.expected === undefined) return false;
    this.putBack();
    return true;
  }

  /** What it had seen in its last moments is in no record, so nobody would refuse the wrong log any more. */
  coordinatorDied(): void {
    this.putBack();
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
    this.onlyCopy = victim.replaceLog(0, `new${victim.name}`);
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
    const restoreLog = victim.replaceLog(random.whole(1, seen - 1));
    const join = this.partFromPeers();
    this.expected = (): void => {
      restoreLog();
      join();
    };
    this.startSoon();
    // The coordinator may be away all this time, and nobody can refuse it. It ends before it can do harm.
    clock.after(REFUSED_WITHIN_MS, () => this.putBack());
  }

  /** Cuts the victim off from the other participants until the returned function is called. */
  private partFromPeers(): () => void {
    const { network, names, victim } = this.ports;
    const others = names.filter((name) => name !== victim.name);
    const join = others.map((other) => network.part(victim.name, other, 0));
    return () => join.forEach((again) => again());
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
