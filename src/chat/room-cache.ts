/**
 * The recent history of every room, as a server keeps it in memory.
 *
 *   lines of a room = first … last without a gap, each once, in the order of sequences
 *
 * Lines come from feeds and snapshots of different replicas, which may be
 * behind each other; what is here already is passed over, and what would leave
 * a gap is refused, so that whoever reads sees a prefix of the one list that
 * all replicas hold, whichever of them was followed.
 */
import type { HistoryLine } from '../resources/history.ts';

/** Lines of one room, sequences rising by one. */
export interface RoomLines {
  readonly room: string;
  readonly lines: readonly HistoryLine[];
}

/**
 * What became of lines: taken (`fresh` are those that were new), or nothing of
 * them, because `expected` is missing or because another line of the same
 * sequence is here.
 */
export type Merge =
  | { readonly merge: 'taken'; readonly fresh: readonly HistoryLine[] }
  | { readonly merge: 'gap'; readonly room: string; readonly expected: number; readonly got: number }
  | { readonly merge: 'conflict'; readonly room: string; readonly seq: number };

/** Told of the fresh lines of a room, in order. */
export type RoomListener = (lines: readonly HistoryLine[]) => void;

/** Lines a room keeps in memory; older ones are a participant's to answer. */
export const ROOM_LINES_KEPT = 10_000;

interface Room {
  lines: HistoryLine[];
  readonly byKey: Map<string, HistoryLine>;
  last: number;
}

/** See the header. */
export class RoomCache {
  readonly #kept: number;
  readonly #rooms = new Map<string, Room>();
  readonly #listeners = new Map<string, Set<RoomListener>>();

  /** @param kept newest lines that a room keeps at least, once it has as many */
  constructor(kept: number = ROOM_LINES_KEPT) {
    this.#kept = kept;
  }

  /** Takes lines of one room, all or none, and tells the listeners of the fresh ones. */
  merge({ room: name, lines }: RoomLines): Merge {
    const room = this.#rooms.get(name);
    let expected = (room?.last ?? 0) + 1;
    for (const line of lines) {
      if (line.seq > expected) return { merge: 'gap', room: name, expected, got: line.seq };
      if (line.seq === expected) expected += 1;
      else if (this.#differs(room, line)) return { merge: 'conflict', room: name, seq: line.seq };
    }
    const fresh = lines.filter(({ seq }) => seq > (room?.last ?? 0));
    if (fresh.length > 0) this.#add(name, fresh);
    return { merge: 'taken', fresh };
  }

  /** All rooms by name, with the sequence of their newest line. */
  rooms(): readonly { readonly room: string; readonly last: number }[] {
    return [...this.#rooms].map(([room, { last }]) => ({ room, last })).sort((a, b) => (a.room < b.room ? -1 : 1));
  }

  /** Sequence of the newest line; 0 when the room has none. */
  last(room: string): number {
    return this.#rooms.get(room)?.last ?? 0;
  }

  /** The newest line, if there is one. */
  newest(room: string): HistoryLine | undefined {
    return this.#rooms.get(room)?.lines.at(-1);
  }

  /** The line a client's key made, among those in memory. */
  lineOfKey(room: string, key: string): HistoryLine | undefined {
    return this.#rooms.get(room)?.byKey.get(key);
  }

  /** Lines after a sequence, oldest first, at most `limit`; undefined when some of them are no longer here. */
  after(room: string, seq: number, limit: number): readonly HistoryLine[] | undefined {
    const found = this.#rooms.get(room);
    if (found === undefined || seq >= found.last) return [];
    const first = found.last - found.lines.length + 1;
    if (seq + 1 < first) return undefined;
    const start = seq + 1 - first;
    return found.lines.slice(start, start + limit);
  }

  /** Calls `listener` for the fresh lines of a room from now on, until the returned function is called. */
  listen(room: string, listener: RoomListener): () => void {
    const listeners = this.#listeners.get(room) ?? new Set();
    this.#listeners.set(room, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(room) === listeners) this.#listeners.delete(room);
    };
  }

  /** Another line under a sequence that is still here: two replicas disagree. */
  #differs(room: Room | undefined, line: HistoryLine): boolean {
    if (room === undefined) return false;
    const here = room.lines[line.seq - (room.last - room.lines.length) - 1];
    return here !== undefined && (here.key !== line.key || here.text !== line.text || here.author !== line.author);
  }

  #add(name: string, fresh: readonly HistoryLine[]): void {
    const room = this.#rooms.get(name) ?? { lines: [], byKey: new Map<string, HistoryLine>(), last: 0 };
    this.#rooms.set(name, room);
    for (const line of fresh) {
      room.lines.push(line);
      room.byKey.set(line.key, line);
      room.last = line.seq;
    }
    // Cut at twice the length, so that a line costs the same however long the room is.
    if (room.lines.length >= 2 * this.#kept) {
      for (const { key } of room.lines.slice(0, -this.#kept)) room.byKey.delete(key);
      room.lines = room.lines.slice(-this.#kept);
    }
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(fresh);
  }
}
