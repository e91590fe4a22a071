/** After the heal: what was in doubt is decided soon, the world comes to rest, and a transaction over every account commits (I10). */
import type { NodeName } from '../protocol/messages.ts';
import type { SimClients } from './clients.ts';
import type { SimParticipant } from './sim-participant.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { probeOf } from './workload.ts';
import type { WorldGroups } from './world-groups.ts';
import { DOUBT_MS_MAX, LOOK_MS, PROBE_MS_MAX, REST_MS_MAX, TIMINGS } from './world-options.ts';

/** A world that has been healed. */
interface HealedWorld {
  readonly clock: VirtualClock;
  readonly clients: SimClients;
  readonly participants: readonly SimParticipant[];
  readonly groups: WorldGroups;
  readonly runFor: (ms: number) => void;
  readonly isAtRest: () => boolean;
}

/** How long the probe may take to be acknowledged everywhere. */
const PROBE_LOOKS = 60;

/** Runs until the world is at rest and stays so. Returns how long that took, in virtual milliseconds. */
export function comeToRest(world: HealedWorld, fail: (text: string) => void): number {
  const { clock, participants } = world;
  const healedMs = clock.nowMs;
  const doubted = new Map(participants.map(({ name, participant }) => [name, numbersInDoubt(participant)]));
  let isJudged = false;
  let restMs = REST_MS_MAX;
  while (clock.nowMs < healedMs + REST_MS_MAX) {
    world.runFor(LOOK_MS);
    if (!isJudged && clock.nowMs >= healedMs + DOUBT_MS_MAX) {
      isJudged = true;
      judgeDoubt(participants, doubted, fail);
    }
    if (!world.isAtRest()) continue;
    restMs = clock.nowMs - healedMs;
    // Ticks and timers that are left must not stir it up again.
    world.runFor(TIMINGS.resendMs * 2);
    if (world.isAtRest()) break;
  }
  return restMs;
}

/** One transaction over every account, which must commit soon. */
export function probe(world: HealedWorld, fail: (text: string) => void): void {
  const { clients, participants, groups } = world;
  const bank = participants[0]?.participant?.resources.groups.ledger('bank');
  const partitions = Object.keys(groups).filter((group) => group.startsWith('part-'));
  clients.begin(
    'probe',
    probeOf((account) => bank?.account(account)?.balance ?? 0, partitions),
  );
  world.runFor(PROBE_MS_MAX);
  const told = clients.asked.get('probe')?.told;
  if (told?.outcome !== 'committed') fail(`after the heal a transaction over every account is ${told?.outcome}`);
  for (let looks = 0; looks < PROBE_LOOKS && !world.isAtRest(); looks += 1) world.runFor(LOOK_MS);
}

/** What was in doubt at the heal is not any more. */
function judgeDoubt(
  participants: readonly SimParticipant[],
  doubted: ReadonlyMap<NodeName, readonly string[]>,
  fail: (text: string) => void,
): void {
  for (const { name, participant } of participants) {
    const still = numbersInDoubt(participant).filter((number) => doubted.get(name)?.includes(number));
    if (still.length > 0) fail(`${name} is in doubt about ${still.join()} ${DOUBT_MS_MAX} ms after the heal`);
  }
}

function numbersInDoubt(participant: SimParticipant['participant']): readonly string[] {
  return participant?.node.inDoubt().map(({ number }) => number) ?? [];
}
