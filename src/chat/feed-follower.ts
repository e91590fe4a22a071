/**
 * Keeps a server's rooms up to date by following the feed of one member of the
 * history group, and moves to another when that one falls silent, is left out
 * of the view, or says what cannot be.
 *
 * ```
 *   choose a member → snapshot (unless its changes since our last visit are still there) → follow
 *        ↑                                                                                   │
 *        └──────────── pause (jitter) ←── silent for 1 s · ended · gap · out of the view ────┘
 * ```
 *
 * A position means something at its member and incarnation only; between
 * members lines are compared by room and sequence (room-cache.ts), so a move
 * neither leaves one out nor brings one twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { readFeedLine, readSnapshotLines } from './feed-change.ts';
import type { Merge, RoomCache, RoomLines } from './room-cache.ts';

/** Silence after which a member is left; it beats four times as often. */
export const FEED_SILENCE_MS = 1000;
/** Without any live member for so long, readers had better look for another server. */
export const FEED_LOST_MS = 1000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;

/** A participant that holds the history. */
export interface FeedMember {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
}

/** A place in the feed of one member. */
export interface FeedPosition {
  readonly position: number;
  readonly incarnation: string;
}

/** What the follower needs of the world. */
export interface FeedPorts {
  /** Members worth following now: the view, or all that are known while nobody can say what the view is. */
  readonly members: () => readonly FeedMember[];
  readonly snapshot: (
    member: FeedMember,
    signal: AbortSignal,
  ) => Promise<FeedPosition & { readonly lines: readonly Json[] }>;
  /** Calls `onLine` for every line; resolves or rejects when the feed ends. A ParleyError of status 410: the position is gone. */
  readonly follow: (
    member: FeedMember,
    since: FeedPosition,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly log: (level: 'info' | 'warn' | 'error', event: string, message: string) => void;
  readonly random: () => number;
  /** Called once when no member was live for FEED_LOST_MS, after one was. */
  readonly onLost?: () => void;
  /** Default FEED_SILENCE_MS. */
  readonly silenceMs?: number;
}

/** What became of one visit to a member. */
type Leaving = { readonly wasLive: boolean; readonly why: string };

/** See the header. */
export class FeedFollower {
  readonly #cache: RoomCache;
  readonly #ports: FeedPorts;
  readonly #stopped = new AbortController();
  readonly #positions = new Map<string, FeedPosition>();
  readonly #told = new Set<string>();
  #running: Promise<void> | undefined = undefined;
  #member: FeedMember | undefined = undefined;
  #isLive = false;
  #isLost = false;
  #lostTimer: NodeJS.Timeout | undefined = undefined;
  #hasHistory = false;
  #moves = 0;
  #snapshots = 0;

  constructor(cache: RoomCache, ports: FeedPorts) {
    this.#cache = cache;
    this.#ports = ports;
  }

  /** True while a member beats and everything it had has been taken over. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** True from FEED_LOST_MS after the last live member was left until the next is live. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** True once a member's whole history has been taken over. */
  get hasHistory(): boolean {
    return this.#hasHistory;
  }

  /** For people: whom it follows, and how often it changed its mind. */
  get state(): { member: string | null; live: boolean; moves: number; snapshots: number } {
    return { member: this.#member?.name ?? null, live: this.#isLive, moves: this.#moves, snapshots: this.#snapshots };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops following; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let left: FeedMember | undefined;
    let retryMs = RETRY_MS_MIN;
    while (!this.#stopped.signal.aborted) {
      const member = this.#choose(left);
      const leaving = member === undefined ? undefined : await this.#visit(member);
      if (this.#stopped.signal.aborted) break;
      if (member !== undefined && leaving !== undefined) {
        this.#tell(member, leaving);
        if (leaving.wasLive) this.#moves += 1;
      }
      left = member;
      // One that was live is left for another at once; only what fails again and again is slowed down.
      retryMs = leaving?.wasLive === true ? RETRY_MS_MIN : Math.min(retryMs * 2, RETRY_MS_MAX);
      const signal = this.#stopped.signal;
      // Stopping ends the wait.
      await delay(this.#ports.random() * retryMs, undefined, { signal }).catch(() => undefined);
    }
    this.#setLive(false);
    clearTimeout(this.#lostTimer);
  }

  #setLive(isLive: boolean): void {
    const wasLive = this.#isLive;
    this.#isLive = isLive;
    if (isLive) {
      this.#isLost = false;
      clearTimeout(this.#lostTimer);
    } else if (wasLive) {
      this.#lostTimer = setTimeout(() => {
        this.#isLost = true;
        this.#ports.onLost?.();
      }, FEED_LOST_MS);
    }
  }

  /** A member that fails again and again is told of once, until some member was live. */
  #tell({ name }: FeedMember, { wasLive, why }: Leaving): void {
    if (wasLive) this.#told.clear();
    if (this.#told.has(name)) return;
    this.#told.add(name);
    this.#ports.log(wasLive ? 'warn' : 'info', 'feed-left', `The feed of ${name} was left: ${why}.`);
  }

  /** Any member but the one just left, so that servers spread; that one again when there is no other. */
  #choose(left: FeedMember | undefined): FeedMember | undefined {
    const members = this.#ports.members();
    const others = members.filter(({ name }) => name !== left?.name);
    const choice = others.length > 0 ? others : members;
    return choice[Math.floor(this.#ports.random() * choice.length)];
  }

  /** Follows one member until there is a reason to leave it. */
  async #visit(member: FeedMember): Promise<Leaving> {
    const visit = new Visit(this.#ports.silenceMs ?? FEED_SILENCE_MS);
    const signal = AbortSignal.any([this.#stopped.signal, visit.signal]);
    this.#member = member;
    try {
      const since = this.#positions.get(member.name) ?? (await this.#takeSnapshot(member, signal));
      visit.heard();
      await this.#ports.follow(member, since, (line) => this.#take(member, since, visit, line), signal);
      visit.leave('it ended');
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      if (error.status === 410) this.#positions.delete(member.name);
      visit.leave(error.message.replace(/\.$/, ''));
    } finally {
      visit.end();
      this.#setLive(false);
      this.#member = undefined;
    }
    return { wasLive: visit.wasLive, why: visit.why };
  }

  async #takeSnapshot(member: FeedMember, signal: AbortSignal): Promise<FeedPosition> {
    this.#snapshots += 1;
    const { position, incarnation, lines } = await this.#ports.snapshot(member, signal);
    const rooms = readSnapshotLines(lines);
    if (rooms === undefined)
      throw new ParleyError('internal', `The snapshot of ${member.name} is not one of a history.`);
    this.#mergeAll(member, rooms);
    const taken = { position, incarnation };
    this.#positions.set(member.name, taken);
    this.#hasHistory = true;
    return taken;
  }

  /** One line of the feed; a throw in here would be lost, so every way out is a leaving. */
  #take(member: FeedMember, { incarnation }: FeedPosition, visit: Visit, text: string): void {
    if (visit.signal.aborted || text === '') return;
    visit.heard();
    const line = readFeedLine(text);
    if (line === undefined) {
      visit.leave('it said something that is no line of a feed');
      return;
    }
    if (line.feed === 'change') {
      try {
        this.#mergeAll(member, line.appends);
      } catch (error) {
        if (!(error instanceof ParleyError)) throw error;
        visit.leave(error.message.replace(/\.$/, ''));
        return;
      }
      this.#positions.set(member.name, { position: line.position, incarnation });
      return;
    }
    visit.wasLive = true;
    this.#setLive(true);
    if (!this.#ports.members().some(({ name }) => name === member.name)) visit.leave('it is not in the view');
  }

  /** @throws ParleyError after which this member's position is worth nothing */
  #mergeAll(member: FeedMember, rooms: readonly RoomLines[]): void {
    for (const room of rooms) {
      const merge = this.#cache.merge(room);
      if (merge.merge === 'taken') continue;
      this.#positions.delete(member.name);
      throw this.#refused(member, merge);
    }
  }

  #refused(member: FeedMember, merge: Exclude<Merge, { merge: 'taken' }>): ParleyError {
    if (merge.merge === 'gap') {
      const { room, expected, got } = merge;
      return new ParleyError('internal', `${member.name} told line ${got} of ${room} where ${expected} is the next.`);
    }
    const detail = `${member.name} has another line ${merge.seq} of ${merge.room} than the replica followed before.`;
    this.#ports.log('error', 'replica-mismatch', detail);
    return new ParleyError('replica-mismatch', detail);
  }
}

/** One visit: its watchdog, and the first reason to leave. */
class Visit {
  readonly #silenceMs: number;
  readonly #left = new AbortController();
  #timer: NodeJS.Timeout | undefined = undefined;
  #why: string | undefined = undefined;
  wasLive = false;

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
  }

  get signal(): AbortSignal {
    return this.#left.signal;
  }

  get why(): string {
    return this.#why ?? 'it ended';
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.leave(`it was silent for ${this.#silenceMs} ms`), this.#silenceMs);
  }

  leave(why: string): void {
    this.#why ??= why;
    this.#left.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
