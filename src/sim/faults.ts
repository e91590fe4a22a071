/**
 * Faults drawn from the seed: which node, what, when, and for how long. A fault
 * counts as hit when it changed something: a life ended, a link that stood
 * broke, a live node was stopped, slowed, filled or sent to sleep.
 *
 *   fuse      a node's life ends at one of its next crash points, also while it starts
 *   kill      it ends between two events; what was written is kept in part
 *   power     the same, and what was not synced is lost
 *   torn      the same, and what was not synced stays damaged (unsynced-tail.ts)
 *   eio       a sync fails: the process ends by itself
 *   together  the coordinator and a participant end at the same instant
 *   total     everyone does
 *   pause     SIGSTOP, later SIGCONT: what happens meanwhile queues up
 *   suspend   the machine slept for a minute: every timer is due at once
 *   slow      the disk of a node takes long to sync
 *   full      the disk of a node is full for a while; it takes no new work
 *   stall     one direction of a link holds everything up
 *   one-way   one direction carries nothing until both sides give the link up
 *   half-open a link is gone, and one side or both do not notice for long
 *   part      a link is cut; isolate: all links of a node are
 */
import type { Network } from './network.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimNode } from './sim-node.ts';
import { DIED } from './sim-ports.ts';
import type { Ending } from './sim-ports.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A peer that says nothing for this long is taken for dead, and its link is closed. */
const DEAD_MS = 1_000;
const DOWN_MS_MAX = 1_200;
const PARTED_MS_MAX = 1_500;
const PAUSE_MS_MAX = 2_500;
const SLOW_SYNC_MS = 300;
const SUSPEND_MS = 60_000;

// Crashes at the points that matter come most often.
const KINDS = [
  ...(['fuse', 'fuse', 'fuse', 'fuse', 'fuse', 'fuse', 'kill', 'power', 'torn', 'eio'] as const),
  ...(['together', 'total', 'pause', 'pause', 'suspend', 'slow', 'full', 'stall', 'stall'] as const),
  ...(['one-way', 'half-open', 'part', 'part', 'isolate'] as const),
];

/** Any kind of fault. */
export type FaultKind = (typeof KINDS)[number];

const ENDINGS: readonly Ending[] = ['kill', 'power', 'torn', 'eio'];

/** The world in which faults happen. */
export interface FaultPorts {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly nodes: () => readonly SimNode<never>[];
  /** A node's life has ended. */
  readonly onEnd: (node: SimNode<never>) => void;
  readonly onFault: (kind: FaultKind, node: string) => void;
}

/** See the header. */
export class Faults {
  private readonly ports: FaultPorts;
  /** Faults that hit, by kind. */
  readonly hits = new Map<FaultKind, number>();
  /** Passing this many more crash points ends a node's life. */
  private fuse: { readonly node: string; left: number; readonly ending: Ending } | undefined;
  private healed = false;

  constructor(ports: FaultPorts) {
    this.ports = ports;
  }

  /** Faults that really happened. */
  get hit(): number {
    let sum = 0;
    for (const count of this.hits.values()) sum += count;
    return sum;
  }

  /** One fault at some moment of the next `withinMs`. */
  plan(withinMs: number): void {
    const { random, clock } = this.ports;
    clock.after(random.next() * withinMs, () => this.happen(random.pick(KINDS)));
  }

  /** No more faults; whoever is paused goes on, every disk is quick and has room. */
  heal(): void {
    this.healed = true;
    this.fuse = undefined;
    this.ports.network.heal();
    for (const node of this.ports.nodes()) {
      node.resume();
      node.accepting = true;
      node.syncMsToDefault();
    }
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
    this.end(dying, fuse.ending, 'fuse');
    throw DIED;
  }

  /** A fault of this kind, now. */
  happen(kind: FaultKind): void {
    if (this.healed) return;
    const { random } = this.ports;
    const nodes = this.ports.nodes();
    const node = random.pick(nodes);
    const ending = random.pick(ENDINGS);
    switch (kind) {
      case 'fuse':
        this.fuse = { node: node.name, left: random.whole(1, 16), ending };
        return;
      case 'kill':
      case 'power':
      case 'torn':
        return this.end(node, kind, kind);
      case 'eio':
        return this.end(node, 'eio', 'eio');
      case 'together':
        this.end(random.pick(nodes.slice(1)), ending, kind);
        return nodes.slice(0, 1).forEach((coordinator) => this.end(coordinator, ending));
      case 'total':
        nodes.forEach((one, index) => this.end(one, ending, index === 0 ? kind : undefined));
        return;
      case 'pause':
        return this.pause(node);
      case 'suspend':
        if (node.alive) this.count(kind, node);
        return node.suspend(SUSPEND_MS);
      case 'slow':
      case 'full':
        return this.disk(kind, node);
      default:
        return this.trouble(kind, node);
    }
  }

  private count(kind: FaultKind, node: SimNode<never>): void {
    this.hits.set(kind, (this.hits.get(kind) ?? 0) + 1);
    this.ports.onFault(kind, node.name);
  }

  private end(node: SimNode<never>, ending: Ending, counts?: FaultKind): void {
    if (!node.alive) return;
    if (counts !== undefined) this.count(counts, node);
    if (ending === 'eio') node.failSync();
    else node.die(ending);
    this.ended(node);
  }

  /** A life has ended; after a while another begins. */
  ended(node: SimNode<never>): void {
    this.ports.onEnd(node);
    this.ports.clock.after(this.ports.random.next() * DOWN_MS_MAX, () => {
      if (!node.alive) node.start();
    });
  }

  /** A long pause costs the links; the paused node hears of it when it goes on. */
  private pause(node: SimNode<never>): void {
    const { clock, random } = this.ports;
    if (!node.alive || node.paused) return;
    this.count('pause', node);
    node.pause();
    const forMs = random.next() * PAUSE_MS_MAX;
    clock.after(DEAD_MS, () => {
      if (node.paused) this.cut(node, this.othersThan(node), Math.max(1, forMs - DEAD_MS), 0);
    });
    clock.after(forMs, () => node.resume());
  }

  private disk(kind: 'slow' | 'full', node: SimNode<never>): void {
    const { clock, random } = this.ports;
    if (!node.alive) return;
    this.count(kind, node);
    if (kind === 'slow') node.syncMsMax = SLOW_SYNC_MS;
    else node.accepting = false;
    clock.after(random.next() * PARTED_MS_MAX, () => {
      if (kind === 'slow') node.syncMsToDefault();
      else node.accepting = true;
    });
  }

  private trouble(kind: 'part' | 'isolate' | 'stall' | 'one-way' | 'half-open', node: SimNode<never>): void {
    const { random, network, clock } = this.ports;
    const others = this.othersThan(node);
    const other = random.pick(others);
    const hit =
      kind === 'isolate'
        ? others.some(({ name }) => network.isUp(node.name, name))
        : network.isUp(node.name, other.name);
    if (hit) this.count(kind, node);
    const healedAfterMs = random.next() * PARTED_MS_MAX;
    switch (kind) {
      case 'stall':
        return network.stall(node.name, other.name, random.next() * DEAD_MS);
      case 'one-way':
        // What it sends is held up until the other gives the link up; then nothing of it arrives.
        network.stall(node.name, other.name, DEAD_MS + healedAfterMs);
        clock.after(DEAD_MS, () => this.cut(node, [other], healedAfterMs, DEAD_MS));
        return;
      case 'half-open':
        return this.cut(node, [other], healedAfterMs, PARTED_MS_MAX * 2);
      default:
        return this.cut(node, kind === 'part' ? [other] : others, healedAfterMs, random.whole(0, 200));
    }
  }

  private cut(node: SimNode<never>, others: readonly SimNode<never>[], forMs: number, noticedMs: number): void {
    if (this.healed) return;
    const heal = others.map((other) => this.ports.network.part(node.name, other.name, noticedMs));
    this.ports.clock.after(forMs, () => heal.forEach((run) => run()));
  }

  private othersThan(node: SimNode<never>): readonly SimNode<never>[] {
    return this.ports.nodes().filter((other) => other !== node);
  }
}
