/**
 * Copies of groups between simulated nodes: the copier's work, which the daemons do over HTTP. The snapshot comes in
 * parts with time between them, then what was committed since, and behind the barrier the rest.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ParticipantHost } from '../host/participant-host.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { CopierWork, CopyWork } from '../protocol/node-step.ts';
import type { FeedPage } from '../resources/change-feed.ts';
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

/** A copy that a learner has begun, in one life of it. */
interface Copy {
  readonly source: SimParticipant;
  readonly incarnation: string;
  position: number;
  parts: number;
  /** The snapshot is; changes may follow. */
  whole: boolean;
}

const begun = new WeakMap<ParticipantHost, Map<string, Copy>>();

/** Copies what a learner asks for, soon; the source hands nothing out that is not synced. */
export function copyBetween(world: Copiers, random: SeededRandom, learner: NodeName, work: CopyWork): void {
  const target = world.participants.find(({ name }) => name === learner);
  assert(target !== undefined && (work.type === 'copy' || work.type === 'finish-copy'), 'a learner is a participant');
  const life = target.participant;
  // Of a learner that died meanwhile nothing goes on.
  const later = (run: () => void): void => {
    world.clock.after(random.next() * COPY_MS_MAX, () => {
      if (target.alive && target.participant === life) run();
    });
  };
  if (life !== undefined) new SimCopier(world, random, { target, life, later }).run(work);
}

interface Learner {
  readonly target: SimParticipant;
  readonly life: ParticipantHost;
  readonly later: (run: () => void) => void;
}

class SimCopier {
  private readonly world: Copiers;
  private readonly random: SeededRandom;
  private readonly learner: Learner;

  constructor(world: Copiers, random: SeededRandom, learner: Learner) {
    this.world = world;
    this.random = random;
    this.learner = learner;
  }

  run(work: CopierWork): void {
    const { later } = this.learner;
    if (work.type === 'finish-copy') return later(() => this.finish(work));
    later(() => {
      if (!this.isWanted(work)) return;
      const source = this.sourceOf(work.group);
      if (source === undefined) return;
      const known = this.copies().get(work.group);
      if (known?.source === source && known.whole) this.catchUp(work, known);
      else this.begin(work, source);
    });
  }

  /** Copies of the learner's life, by group. */
  private copies(): Map<string, Copy> {
    const known = begun.get(this.learner.life) ?? new Map<string, Copy>();
    begun.set(this.learner.life, known);
    return known;
  }

  /** False once the coordinator has asked for another try: what this one brings is thrown away. */
  private isWanted(work: CopierWork): boolean {
    return this.learner.target.alive && this.learner.life.node.joining.isCurrent(work);
  }

  private begin(work: CopierWork, source: SimParticipant): void {
    const { group } = work;
    const resources = source.participant?.resources;
    if (resources === undefined) return;
    const copy: Copy = { source, incarnation: logOf(source), position: resources.position, parts: 0, whole: false };
    const lines = structuredClone(resources.snapshotGroup(group));
    source.whenDurable(() => {
      if (!this.isWanted(work)) return;
      this.drop(group);
      this.copies().set(group, copy);
      const cut = Math.floor(this.random.next() * (lines.length + 1));
      this.part(group, copy, lines.slice(0, cut));
      this.learner.later(() => {
        if (this.copies().get(group) !== copy || !this.isWanted(work)) return;
        this.part(group, copy, lines.slice(cut));
        copy.whole = true;
        this.catchUp(work, copy);
      });
    });
  }

  private catchUp(work: CopierWork, copy: Copy): void {
    const { group, attempt } = work;
    const isThere = this.changes(group, copy, (lines, position) => {
      // Of two tries the earlier one takes nothing: the later one has asked for the same.
      if (!this.isWanted(work)) return;
      copy.position = position;
      if (lines.length > 0) this.part(group, copy, lines);
      this.learner.target.handle({ type: 'copied', group, attempt });
    });
    // As the copier does: again, from the beginning.
    if (!isThere) this.run(work);
  }

  private finish(work: CopierWork): void {
    const { group, attempt } = work;
    const { target } = this.learner;
    // A barrier of an earlier try must not take the copy from under the later one.
    if (!this.isWanted(work)) return;
    const copy = this.copies().get(group);
    const fail = (): void => target.handle({ type: 'copy-failed', group, attempt });
    if (copy?.whole !== true) return fail();
    const isThere = this.changes(group, copy, (lines) => {
      if (!this.isWanted(work)) return;
      this.copies().delete(group);
      target.handle({ type: 'copy-finished', group, attempt, parts: copy.parts, lines });
    });
    if (!isThere) fail();
  }

  private part(group: string, copy: Copy, lines: readonly Json[]): void {
    copy.parts += 1;
    this.learner.target.handle({ type: 'copy-part', group, part: copy.parts, lines });
  }

  private drop(group: string): void {
    if (this.copies().delete(group)) this.learner.target.handle({ type: 'copy-dropped', group });
  }

  /** What came since, once it is durable at the source; false when it cannot be had, and the copy is given up. */
  private changes(group: string, copy: Copy, take: (lines: readonly Json[], position: number) => void): boolean {
    const { source, position, incarnation } = copy;
    const resources = source.alive && logOf(source) === incarnation ? source.participant?.resources : undefined;
    const page: FeedPage | undefined = resources?.changesSince(position, group);
    if (resources === undefined || page?.complete !== true) {
      this.drop(group);
      return false;
    }
    const upTo = resources.position;
    const lines = page.changes.map(({ number, id, data }) => ({ change: { number, id, data } }));
    source.whenDurable(() => {
      const { target, life } = this.learner;
      if (!target.alive || target.participant !== life || this.copies().get(group) !== copy) return;
      take(structuredClone(lines), upTo);
    });
    return true;
  }

  private sourceOf(group: string): SimParticipant | undefined {
    const { coordinator, participants } = this.world;
    const join = coordinator.tables.joins.get(group);
    return participants.find(({ name, alive }) => alive && name === join?.source && name !== this.learner.target.name);
  }
}

/** A position is valid in one log. */
function logOf({ participant }: SimParticipant): string {
  return participant?.node.settings.incarnation ?? '';
}
