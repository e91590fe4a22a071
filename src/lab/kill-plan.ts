/**
 * Who dies in a cycle, when, and how: drawn from a seed, so that the same seed
 * gives the same victims in the same order. (What they are doing in that
 * moment is theirs.)
 */
import { crashPointsWith } from './crash-point.ts';
import type { SeededRandom } from '../base/seeded-random.ts';
import type { CrashRole } from './crash-point.ts';
import type { WorkloadProtocol } from './history-workload.ts';

/** One cycle. */
export interface KillPlan {
  readonly kind: 'one' | 'two' | 'all' | 'point';
  readonly victims: readonly string[];
  /** Of kind `point`: armed in the one victim; some of them lose what was not synced. */
  readonly point: string | undefined;
  /** Work goes on for so long before. */
  readonly afterMs: number;
  /** And so long with the victims dead. */
  readonly downMs: number;
}

/** Among whom victims are drawn, and what they run. */
export interface KillsOf {
  readonly nodes: readonly string[];
  readonly coordinator: string;
  readonly protocol: WorkloadProtocol;
}

/** The kinds and how often they come, in parts of the sum: most cycles kill one. */
const KINDS: readonly (readonly [parts: number, kind: KillPlan['kind']])[] = [
  [54, 'one'],
  [10, 'two'],
  [4, 'all'],
  [32, 'point'],
];
const PARTS = KINDS.reduce((sum, [parts]) => sum + parts, 0);

/** Points that ordinary work passes within moments, of the protocols that have them. */
const BUSY: Readonly<Record<CrashRole, RegExp>> = {
  coordinator:
    /^coordinator\.(begin|commit|answer|precommitted)\.(before-force|written|forced)$|^coordinator\.(prepare|commit|precommit)\.(before-send|sent)$/,
  participant:
    /^participant\.(prepared|committed|precommitted)\.(before-force|written|forced)$|^participant\.(vote|acknowledge|precommitted)\.(before-send|sent)$/,
};

/** Of these protocols the busy points: an armed point that nobody passes would only cost time. */
function busyPoints(role: CrashRole, protocol: WorkloadProtocol): readonly string[] {
  const has = (one: WorkloadProtocol): boolean => protocol === 'mixed' || protocol === one;
  const points = crashPointsWith(role, has('3pc')).filter((point) => BUSY[role].test(point));
  // Only parallel commit forces it, but for one-phase, which no client asks for here.
  return points.filter((point) => has('parallel') || !point.startsWith('coordinator.begin.'));
}

/** The next cycle of a run of this protocol. Down times are mostly short; some are long enough for a member to be taken out of its views. */
export function drawKill(random: SeededRandom, { nodes, coordinator, protocol }: KillsOf): KillPlan {
  let part = random.whole(1, PARTS);
  const kind = KINDS.find(([parts]) => (part -= parts) <= 0)?.[1] ?? 'one';
  const victims = drawVictims(random, nodes, kind);
  const role = victims[0] === coordinator ? 'coordinator' : 'participant';
  const action = random.chance(0.3) ? '=power' : '';
  const point =
    kind === 'point' ? `${random.pick(busyPoints(role, protocol))}#${random.whole(1, 12)}${action}` : undefined;
  const afterMs = random.whole(20, 120);
  const downMs = random.chance(0.1) ? random.whole(500, 1_200) : random.whole(0, 150);
  return { kind, victims, point, afterMs, downMs };
}

function drawVictims(random: SeededRandom, nodes: readonly string[], kind: KillPlan['kind']): readonly string[] {
  if (kind === 'all') return nodes;
  const first = random.pick(nodes);
  return kind === 'two' ? [first, random.pick(nodes.filter((name) => name !== first))] : [first];
}

/** `kill P2, coordinator after 57 ms, down 30 ms`. */
export function killText({ kind, victims, point, afterMs, downMs }: KillPlan): string {
  const what = kind === 'point' ? `crash ${victims.join(', ')} at ${point ?? ''}` : `kill ${victims.join(', ')}`;
  return `${what} after ${afterMs} ms, down ${downMs} ms`;
}

/** What became of the cycles of a run. */
export class KillTally {
  /** Cycles that count, by what killed: those in which work was in flight. */
  readonly kinds = { one: 0, two: 0, all: 0, point: 0 };
  notCounted = 0;
  /** Points that nobody passed in time: the victim was killed from outside, and the cycle is one of kind `one`. */
  late = 0;
  readonly #drawn = new Set<KillPlan['kind']>();

  /** Cycles that count. */
  get counted(): number {
    const { one, two, all, point } = this.kinds;
    return one + two + all + point;
  }

  /** A cycle of this kind is over. */
  add(kind: KillPlan['kind'], { inFlight, late }: { readonly inFlight: boolean; readonly late: boolean }): void {
    this.#drawn.add(kind);
    if (late) this.late += 1;
    if (inFlight) this.kinds[late ? 'one' : kind] += 1;
    else this.notCounted += 1;
  }

  /** For run.json: every kind that was tried, also one that never hit. */
  faults(): readonly { readonly name: string; readonly hits: number }[] {
    return KINDS.map(([, kind]) => kind)
      .filter((kind) => this.#drawn.has(kind) || this.kinds[kind] > 0)
      .map((kind) => ({ name: `kill ${kind}`, hits: this.kinds[kind] }));
  }
}
