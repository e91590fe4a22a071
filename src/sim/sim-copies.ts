/** Copies of groups between simulated nodes: the copier's work, which the daemons do over HTTP. */
import { assert } from '../base/assert.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { CopyWork } from '../protocol/node-step.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimParticipant } from './sim-participant.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The nodes of a world. */
interface Copiers {
  readonly clock: VirtualClock;
  readonly coordinator: SimCoordinator;
  readonly participants: readonly SimParticipant[];
}

const COPY_MS_MAX = 20;

/** Copies what a learner asks for, soon; the source hands nothing out that is not synced. */
export function copyBetween(world: Copiers, random: SeededRandom, learner: NodeName, work: CopyWork): void {
  const target = world.participants.find(({ name }) => name === learner);
  assert(target !== undefined && work.type !== 'install-copy', 'a learner is a participant');
  const { group, attempt } = work;
  world.clock.after(random.next() * COPY_MS_MAX, () => {
    if (work.type === 'copy') {
      target.handle({ type: 'copied', group, attempt });
      return;
    }
    const source = sourceOf(world, group, learner);
    if (source === undefined) return;
    const lines = source.participant?.resources.snapshotGroup(group) ?? [];
    source.whenDurable(() => {
      if (target.alive) target.handle({ type: 'copy-finished', group, attempt, lines: structuredClone(lines) });
    });
  });
}

function sourceOf(
  { coordinator, participants }: Copiers,
  group: string,
  learner: NodeName,
): SimParticipant | undefined {
  const join = coordinator.tables.joins.get(group);
  return participants.find(({ name, alive }) => alive && name === join?.source && name !== learner);
}
