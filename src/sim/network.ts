/**
 * Links between nodes, as peer-links.ts keeps them: one per pair, in order,
 * with whatever was under way lost when the link breaks. A link stands while
 * both nodes live and nothing parts them.
 */
import type { Message, NodeName } from '../protocol/messages.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What a node hears. */
export interface NetworkListener {
  readonly message: (from: NodeName, message: Message) => void;
  readonly up: (peer: NodeName) => void;
  readonly down: (peer: NodeName) => void;
}

interface Link {
  readonly a: NodeName;
  readonly b: NodeName;
  /** Grows with each break: what was sent on an earlier link never arrives. */
  generation: number;
  standing: boolean;
  readonly parted: Set<string>;
  readonly lastArrivalMs: Record<NodeName, number>;
}

/** All links of one world. */
export class Network {
  private readonly clock: VirtualClock;
  private readonly random: SeededRandom;
  private readonly listeners = new Map<NodeName, NetworkListener>();
  private readonly links = new Map<string, Link>();
  /** Slowest message, in milliseconds. */
  delayMsMax = 5;

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.clock = clock;
    this.random = random;
  }

  /** A node lives; its links are made soon. */
  join(name: NodeName, listener: NetworkListener): void {
    for (const other of this.listeners.keys()) this.link(name, other);
    this.listeners.set(name, listener);
    for (const link of this.links.values()) if (link.a === name || link.b === name) this.redial(link);
  }

  /** A node is gone; the others see it at once (end of stream). */
  leave(name: NodeName): void {
    this.listeners.delete(name);
    for (const link of this.links.values()) {
      if (link.a === name || link.b === name) this.break(link, 0);
    }
  }

  send(from: NodeName, to: NodeName, message: Message): void {
    const link = this.links.get(keyOf(from, to));
    if (link === undefined || !link.standing) return;
    const { generation } = link;
    const arrivalMs = Math.max(link.lastArrivalMs[to] ?? 0, this.clock.nowMs + this.random.next() * this.delayMsMax);
    link.lastArrivalMs[to] = arrivalMs;
    const copy = JSON.parse(JSON.stringify(message)) as Message;
    this.clock.after(arrivalMs - this.clock.nowMs, () => {
      if (link.generation === generation) this.listeners.get(to)?.message(from, copy);
    });
  }

  isUp(a: NodeName, b: NodeName): boolean {
    return this.links.get(keyOf(a, b))?.standing ?? false;
  }

  /** Closes a link by will; it is made again. */
  drop(from: NodeName, peer: NodeName): void {
    const link = this.links.get(keyOf(from, peer));
    if (link === undefined) return;
    this.break(link, 0);
    this.redial(link);
  }

  /** Cuts a link until the returned function heals it. Both sides notice after `noticedMs`. */
  part(a: NodeName, b: NodeName, noticedMs: number): () => void {
    const link = this.links.get(keyOf(a, b));
    if (link === undefined) return () => undefined;
    const mark = `${this.clock.nowMs}/${this.random.next()}`;
    link.parted.add(mark);
    this.break(link, noticedMs);
    return () => {
      link.parted.delete(mark);
      this.redial(link);
    };
  }

  private link(a: NodeName, b: NodeName): void {
    const key = keyOf(a, b);
    if (this.links.has(key)) return;
    this.links.set(key, { a, b, generation: 0, standing: false, parted: new Set(), lastArrivalMs: {} });
  }

  private break(link: Link, noticedMs: number): void {
    if (!link.standing) return;
    link.standing = false;
    const generation = ++link.generation;
    this.clock.after(noticedMs, () => {
      // A link made meanwhile replaced this one without a word.
      if (link.generation !== generation) return;
      this.listeners.get(link.a)?.down(link.b);
      this.listeners.get(link.b)?.down(link.a);
    });
  }

  private redial(link: Link): void {
    this.clock.after(this.random.whole(1, 60), () => {
      const [a, b] = [this.listeners.get(link.a), this.listeners.get(link.b)];
      if (link.standing || link.parted.size > 0 || a === undefined || b === undefined) return;
      link.standing = true;
      link.generation += 1;
      a.up(link.b);
      b.up(link.a);
    });
  }
}

function keyOf(a: NodeName, b: NodeName): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
