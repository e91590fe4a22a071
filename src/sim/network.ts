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
  lastArrivalMs: Record<NodeName, number>;
}

/** How much later a repeated message may come. */
const REPEAT_MS_MAX = 400;

/** All links of one world. */
export class Network {
  private readonly clock: VirtualClock;
  private readonly random: SeededRandom;
  private readonly listeners = new Map<NodeName, NetworkListener>();
  private readonly links = new Map<string, Link>();
  /** Slowest message, in milliseconds. */
  delayMsMax = 5;
  /** How often a message about a number comes a second time, later on the same link, as if sent again. */
  repeatChance = 0;

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
    const delayMs = this.random.next() * this.delayMsMax;
    this.deliver(link, from, to, message, delayMs);
    if (!('number' in message) || message.type === 'low-water' || !this.random.chance(this.repeatChance)) return;
    const { generation } = link;
    this.clock.after(this.random.next() * REPEAT_MS_MAX, () => {
      if (link.generation === generation && link.standing) this.deliver(link, from, to, message, delayMs);
    });
  }

  /** What `from` sends to `to` is held up; nothing is lost, unless the link breaks meanwhile. */
  stall(from: NodeName, to: NodeName, forMs: number): void {
    const link = this.links.get(keyOf(from, to));
    if (link === undefined) return;
    link.lastArrivalMs[to] = Math.max(link.lastArrivalMs[to] ?? 0, this.clock.nowMs + forMs);
  }

  /** True while a link stands between the two. */
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

  private deliver(link: Link, from: NodeName, to: NodeName, message: Message, delayMs: number): void {
    const { generation } = link;
    const arrivalMs = Math.max(link.lastArrivalMs[to] ?? 0, this.clock.nowMs + delayMs);
    link.lastArrivalMs[to] = arrivalMs;
    const copy = JSON.parse(JSON.stringify(message)) as Message;
    this.clock.after(arrivalMs - this.clock.nowMs, () => {
      if (link.generation === generation) this.listeners.get(to)?.message(from, copy);
    });
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
    // Each side notices by itself.
    for (const [self, peer] of [
      [link.a, link.b],
      [link.b, link.a],
    ] as const) {
      this.clock.after(this.random.next() * noticedMs, () => {
        // A link made meanwhile replaced this one without a word.
        if (link.generation === generation) this.listeners.get(self)?.down(peer);
      });
    }
  }

  private redial(link: Link): void {
    this.clock.after(this.random.whole(1, 60), () => {
      const [a, b] = [this.listeners.get(link.a), this.listeners.get(link.b)];
      if (link.standing || link.parted.size > 0 || a === undefined || b === undefined) return;
      link.standing = true;
      link.generation += 1;
      link.lastArrivalMs = {};
      a.up(link.b);
      b.up(link.a);
    });
  }
}

function keyOf(a: NodeName, b: NodeName): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
