/**
 * How far one reader has come in the rooms it follows, and what it gets next.
 * The reader pulls: nothing is queued for it, so one that is slow costs
 * memory to nobody, and each line comes to it once and in order whichever
 * way the cache got it.
 */
import type { HistoryLine } from '../resources/history.ts';
import { lineToken } from './line-token.ts';
import type { RoomPositions } from './line-token.ts';
import type { RoomCache } from './room-cache.ts';

/** What a reader gets next: lines of a room, a stretch that is no longer in memory, or nothing yet. */
export type Portion =
  | { readonly portion: 'lines'; readonly room: string; readonly lines: readonly HistoryLine[] }
  | { readonly portion: 'older'; readonly room: string; readonly after: number }
  | { readonly portion: 'none' };

/** See the header. */
export class LineCursor {
  readonly #positions: Map<string, number>;

  /** @param positions the rooms to follow, each with the sequence of the last line the reader has */
  constructor(positions: RoomPositions) {
    this.#positions = new Map(positions);
  }

  get rooms(): readonly string[] {
    return [...this.#positions.keys()];
  }

  /** The id of an event that leaves the reader where it is now. */
  get token(): string {
    return lineToken(this.#positions);
  }

  /** The next portion, at most `limit` lines. Does not move; advance() does, line by line. */
  next(cache: RoomCache, limit: number): Portion {
    for (const [room, after] of this.#positions) {
      if (cache.last(room) <= after) continue;
      const lines = cache.after(room, after, limit);
      return lines === undefined ? { portion: 'older', room, after } : { portion: 'lines', room, lines };
    }
    return { portion: 'none' };
  }

  /** The reader has this line now. False, and nothing changes, unless it is the one after its last. */
  advance(room: string, seq: number): boolean {
    if (this.#positions.get(room) !== seq - 1) return false;
    this.#positions.set(room, seq);
    return true;
  }

  /** As advance() for all of them. False, and nothing changes, unless they are the next ones, without a gap. */
  advanceAll(room: string, lines: readonly HistoryLine[]): boolean {
    const before = this.#positions.get(room);
    const last = lines.at(-1);
    if (before === undefined || last === undefined) return false;
    if (!lines.every(({ seq }, index) => seq === before + 1 + index)) return false;
    this.#positions.set(room, last.seq);
    return true;
  }

  /** Puts a room behind the others, so that a busy one does not hold them up. */
  yieldTurn(room: string): void {
    const seq = this.#positions.get(room);
    if (seq === undefined) return;
    this.#positions.delete(room);
    this.#positions.set(room, seq);
  }
}
