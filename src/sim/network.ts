/**
 * Links between nodes, as peer-links.ts keeps them: one per pair, in order. A
 * link stands while both nodes live and nothing parts them.
 *
 * When it breaks, of what is under way in each direction a beginning still
 * arrives and the rest is lost: the cut is drawn for each direction by itself.
 * Each side notices by itself too, so one may hold a link for standing that the
 * other has lost, or has already made anew. Nothing of an old link arrives once
 * a new one stands, nor in another life of the receiver.
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

/** One direction of a link. */
interface Lane {
  /** When the newest message arrives; none comes before an earlier one. */
  lastArrivalMs: number;
  /** After a break: what arrives by then still does. */
  deliverUntilMs: number;
}

interface Link {
  readonly a: NodeName;
  readonly b: NodeName;
  /** Grows with each break and each making. */
  generation: number;
  standing: boolean;
  readonly parted: Set<number>;
  readonly toA: Lane;
  readonly toB: Lane;
}

/** How much later a repeated message may come. */
const REPEAT_MS_MAX = 400;
/** How often some of what is under way survives a break. */
const SURVIVE_CHANCE = 0.5;
/** The longest that a message of a broken link stays under way. */
const SURVIVE_MS_MAX = 100;

/** A link that holds messages up for longer has been stalled. */
const HELD_MS_MAX = 100;

/** All links of one world. */
export class Network {
  private readonly clock: VirtualClock;
  private readonly random: SeededRandom;
  private readonly listeners = new Map<NodeName, NetworkListener>();
  private readonly links = new Map<NodeName, Map<NodeName, Link>>();
  private parts = 0;
  /** Slowest message, in milliseconds. */
  delayMsMax = 5;
  /** How often a message about a number comes a second time, later on the same link, as if sent again. */
  repeatChance = 0;
  /** What a message is when it arrives; the world may pass it as text. */
  carry: (message: Message) => Message = (message) => message;

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.clock = clock;
    this.random = random;
  }

  /** A node lives; its links are made soon. */
  join(name: NodeName, listener: NetworkListener): void {
    for (const other of this.listeners.keys()) this.link(name, other);
    this.listeners.set(name, listener);
    for (const link of this.links.get(name)?.values() ?? []) this.redial(link);
  }

  /** A node is gone; the others see it soon after what it had sent (end of stream). */
  leave(name: NodeName): void {
    this.listeners.delete(name);
    for (const link of this.links.get(name)?.values() ?? []) this.break(link, 0);
  }

  send(from: NodeName, to: NodeName, message: Message): void {
    const link = this.linkOf(from, to);
    if (!link?.standing) return;
    const delayMs = this.random.next() * this.delayMsMax;
    this.deliver(link, from, to, message, delayMs);
    if (this.repeatChance === 0 || !('number' in message) || message.type === 'low-water') return;
    if (!this.random.chance(this.repeatChance)) return;
    const { generation } = link;
    this.clock.after(this.random.next() * REPEAT_MS_MAX, () => {
      if (link.generation === generation && link.standing) this.deliver(link, from, to, message, delayMs);
    });
  }

  /** What `from` sends to `to` is held up; nothing is lost, unless the link breaks meanwhile. */
  stall(from: NodeName, to: NodeName, forMs: number): void {
    const link = this.linkOf(from, to);
    if (link === undefined) return;
    const lane = laneTo(link, to);
    lane.lastArrivalMs = Math.max(lane.lastArrivalMs, this.clock.nowMs + forMs);
  }

  /** True while a link stands between the two. */
  isUp(a: NodeName, b: NodeName): boolean {
    return this.linkOf(a, b)?.standing ?? false;
  }

  /** Closes a link by will; it is made again. */
  drop(from: NodeName, peer: NodeName): void {
    const link = this.linkOf(from, peer);
    if (link === undefined) return;
    this.break(link, 0);
    this.redial(link);
  }

  /** Cuts a link until the returned function heals it. Each side notices within `noticedMs`. */
  part(a: NodeName, b: NodeName, noticedMs: number): () => void {
    const link = this.linkOf(a, b);
    if (link === undefined) return () => undefined;
    this.parts += 1;
    const mark = this.parts;
    link.parted.add(mark);
    this.break(link, noticedMs);
    return () => {
      link.parted.delete(mark);
      this.redial(link);
    };
  }

  /** Nothing parts or holds up anything any more: what is cut is made again, what is held up is closed and made again. */
  heal(): void {
    for (const [name, links] of this.links) {
      for (const link of links.values()) {
        if (link.a !== name) continue;
        link.parted.clear();
        const heldUntilMs = Math.max(link.toA.lastArrivalMs, link.toB.lastArrivalMs);
        if (heldUntilMs > this.clock.nowMs + HELD_MS_MAX) this.break(link, 0);
        if (!link.standing) this.redial(link);
      }
    }
  }

  private deliver(link: Link, from: NodeName, to: NodeName, message: Message, delayMs: number): void {
    const { generation } = link;
    const lane = laneTo(link, to);
    const now = this.clock.nowMs;
    const arrivalMs = Math.max(lane.lastArrivalMs, now + delayMs);
    lane.lastArrivalMs = arrivalMs;
    const listener = this.listeners.get(to);
    const carried = this.carry(message);
    this.clock.after(arrivalMs - now, () => {
      if (link.generation !== generation && !isStillUnderWay(link, generation, lane, arrivalMs)) return;
      if (this.listeners.get(to) === listener) listener?.message(from, carried);
    });
  }

  private linkOf(a: NodeName, b: NodeName): Link | undefined {
    return this.links.get(a)?.get(b);
  }

  private link(a: NodeName, b: NodeName): void {
    if (this.linkOf(a, b) !== undefined) return;
    const lane = (): Lane => ({ lastArrivalMs: 0, deliverUntilMs: 0 });
    const link = { a, b, generation: 0, standing: false, parted: new Set<number>(), toA: lane(), toB: lane() };
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const of = this.links.get(one) ?? new Map<NodeName, Link>();
      this.links.set(one, of);
      of.set(other, link);
    }
  }

  private break(link: Link, noticedMs: number): void {
    if (!link.standing) return;
    link.standing = false;
    link.generation += 1;
    this.breakSide(link, link.a, link.b, link.toA, noticedMs);
    this.breakSide(link, link.b, link.a, link.toB, noticedMs);
  }

  /** What one side still hears of a broken link, and when it notices: after the last of it. */
  private breakSide(link: Link, self: NodeName, peer: NodeName, lane: Lane, noticedMs: number): void {
    const { random, clock } = this;
    const underWayMs = Math.min(lane.lastArrivalMs - clock.nowMs, SURVIVE_MS_MAX);
    const survives = underWayMs > 0 && random.chance(SURVIVE_CHANCE) ? random.next() * underWayMs : 0;
    lane.deliverUntilMs = clock.nowMs + survives;
    const { generation } = link;
    clock.after(Math.max(survives, random.next() * noticedMs), () => {
      // A link made meanwhile replaced this one without a word.
      if (link.generation === generation) this.listeners.get(self)?.down(peer);
    });
  }

  private redial(link: Link): void {
    this.clock.after(this.random.whole(1, 60), () => {
      const [a, b] = [this.listeners.get(link.a), this.listeners.get(link.b)];
      if (link.standing || link.parted.size > 0 || a === undefined || b === undefined) return;
      link.standing = true;
      link.generation += 1;
      link.toA.lastArrivalMs = 0;
      link.toB.lastArrivalMs = 0;
      a.up(link.b);
      b.up(link.a);
    });
  }
}

function laneTo(link: Link, to: NodeName): Lane {
  return to === link.a ? link.toA : link.toB;
}

/** The link broke behind this message, and no other stands yet. */
function isStillUnderWay(link: Link, generation: number, lane: Lane, arrivalMs: number): boolean {
  return link.generation === generation + 1 && !link.standing && arrivalMs <= lane.deliverUntilMs;
}
