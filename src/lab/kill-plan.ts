/**
 * Who dies in a cycle, when, and how: drawn from a seed, so that the same seed
 * gives the same victims in the same order. (What they are doing in that
 * moment is theirs.)
 */
import { crashPointsOf } from './crash-point.ts';
import type { SeededRandom } from '../base/seeded-random.ts';

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

/** The kinds and how often they come, in parts of the sum: most cycles kill one. */
const KINDS: readonly (readonly [parts: number, kind: KillPlan['kind']])[] = [
  [54, 'one'],
  [10, 'two'],
  [4, 'all'],
  [32, 'point'],
];
const PARTS = KINDS.reduce((sum, [parts]) => sum + parts, 0);

/** Points that ordinary work passes within moments; an armed point that nobody passes would only cost time. */
const BUSY: Readonly<Record<'coordinator' | 'participant', RegExp>> = {
  coordinator:
    /^coordinator\.(commit|answer|precommitted)\.(before-force|written|forced)$|^coordinator\.(prepare|commit|precommit)\.(before-send|sent)$/,
  participant:
    /^participant\.(prepared|committed|precommitted)\.(before-force|written|forced)$|^participant\.(vote|acknowledge|precommitted)\.(before-send|sent)$/,
};

/** The next cycle. Down times are mostly short; some are long enough for a member to be taken out of its views. */
export function drawKill(random: SeededRandom, nodes: readonly string[], coordinator: string): KillPlan {
  let part = random.whole(1, PARTS);
  const kind = KINDS.find(([parts]) => (part -= parts) <= 0)?.[1] ?? 'one';
  const victims = drawVictims(random, nodes, kind);
  const role = victims[0] === coordinator ? 'coordinator' : 'participant';
  const points = crashPointsOf(role).filter((point) => BUSY[role].test(point));
  const action = random.chance(0.3) ? '=power' : '';
  const point = kind === 'point' ? `${random.pick(points)}#${random.whole(1, 12)}${action}` : undefined;
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
