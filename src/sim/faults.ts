/**
 * Faults drawn from the seed: which node, what, when, and for how long.
 *
 *   fuse      a node's life ends at one of its next crash points
 *   kill      it ends between two events; what was written is kept in part
 *   power     the same, and what was not synced is lost
 *   together  the coordinator and a participant end at the same instant
 *   total     everyone does
 *   pause     SIGSTOP, later SIGCONT: what happens meanwhile queues up
 *   slow      the disk of a node takes long to sync
 *   stall     one direction of a link holds everything up
 *   part      a link is cut; isolate: all links of a node are
 */
import type { Network } from './network.ts';
import type { SeededRandom } from './seeded-random.ts';
import { Died } from './sim-node.ts';
import type { Ending, SimNode } from './sim-node.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A peer that says nothing for this long is taken for dead, and its link is closed. */
const DEAD_MS = 1_000;
const DOWN_MS_MAX = 1_200;
const PARTED_MS_MAX = 1_500;
const PAUSE_MS_MAX = 2_500;
const SLOW_SYNC_MS = 300;

// Crashes at the points that matter come most often.
const KINDS = [
  ...(['fuse', 'fuse', 'fuse', 'fuse', 'kill', 'power', 'part', 'part', 'isolate'] as const),
  ...(['together', 'total', 'pause', 'pause', 'slow', 'stall', 'stall'] as const),
];

/** The world in which faults happen. */
export interface FaultPorts {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly nodes: () => readonly SimNode<never>[];
  /** A node's life has ended. */
  readonly onEnd: (node: SimNode<never>) => void;
}

/** See the header. */
export class Faults {
  private readonly ports: FaultPorts;
  /** Faults that really happened. */
  hit = 0;
  /** Passing this many more crash points ends a node's life. */
  private fuse: { readonly node: string; left: number; readonly ending: Ending } | undefined;

  constructor(ports: FaultPorts) {
    this.ports = ports;
  }

  /** One fault at some moment of the next `withinMs`. */
  plan(withinMs: number): void {
    const { random, clock } = this.ports;
    clock.after(random.next() * withinMs, () => this.happen());
  }

  /** No more faults; whoever is paused goes on. */
  heal(): void {
    this.fuse = undefined;
    for (const node of this.ports.nodes()) node.resume();
  }

  /** A crash point was passed: the fuse of this node burns down. */
  burn(name: string): void {
    const { fuse } = this;
    if (fuse?.node !== name) return;
    fuse.left -= 1;
    if (fuse.left > 0) return;
    this.fuse = undefined;
    const dying = this.ports.nodes().find((node) => node.name === name);
    if (dying === undefined) return;
    this.end(dying, fuse.ending);
    throw new Died();
  }

  private happen(): void {
    const { random } = this.ports;
    const nodes = this.ports.nodes();
    const node = random.pick(nodes);
    const ending = random.pick(['kill', 'power'] as const);
    const kind = random.pick(KINDS);
    switch (kind) {
      case 'fuse':
        this.fuse = { node: node.name, left: random.whole(1, 12), ending };
        return;
      case 'kill':
      case 'power':
        return this.end(node, kind);
      case 'together':
        this.end(random.pick(nodes.slice(1)), ending);
        return nodes.slice(0, 1).forEach((coordinator) => this.end(coordinator, ending));
      case 'total':
        return nodes.forEach((one) => this.end(one, ending));
      case 'pause':
        return this.pause(node);
      case 'slow':
        return this.slowDown(node);
      default:
        return this.trouble(kind, node);
    }
  }

  private end(node: SimNode<never>, ending: Ending): void {
    if (!node.alive) return;
    this.hit += 1;
    node.die(ending);
    this.ports.onEnd(node);
    this.ports.clock.after(this.ports.random.next() * DOWN_MS_MAX, () => {
      if (!node.alive) node.start();
    });
  }

  /** A long pause costs the links; the paused node hears of it when it goes on. */
  private pause(node: SimNode<never>): void {
    const { clock, random } = this.ports;
    if (!node.alive || node.paused) return;
    this.hit += 1;
    node.pause();
    const forMs = random.next() * PAUSE_MS_MAX;
    clock.after(DEAD_MS, () => {
      if (node.paused) this.cut(node, this.othersThan(node), Math.max(1, forMs - DEAD_MS), 0);
    });
    clock.after(forMs, () => node.resume());
  }

  private slowDown(node: SimNode<never>): void {
    const { clock, random } = this.ports;
    this.hit += 1;
    node.syncMsMax = SLOW_SYNC_MS;
    clock.after(random.next() * PARTED_MS_MAX, () => node.syncMsToDefault());
  }

  private trouble(kind: 'part' | 'isolate' | 'stall', node: SimNode<never>): void {
    const { random, network } = this.ports;
    const others = this.othersThan(node);
    const other = random.pick(others);
    this.hit += 1;
    if (kind === 'stall') return network.stall(node.name, other.name, random.next() * DEAD_MS);
    const healedAfterMs = random.next() * PARTED_MS_MAX;
    this.cut(node, kind === 'part' ? [other] : others, healedAfterMs, random.whole(0, 200));
  }

  private cut(node: SimNode<never>, others: readonly SimNode<never>[], forMs: number, noticedMs: number): void {
    const heal = others.map((other) => this.ports.network.part(node.name, other.name, noticedMs));
    this.ports.clock.after(forMs, () => heal.forEach((run) => run()));
  }

  private othersThan(node: SimNode<never>): readonly SimNode<never>[] {
    return this.ports.nodes().filter((other) => other !== node);
  }
}
