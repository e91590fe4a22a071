/**
 * Portions of a room's lines as the bytes of their events, made for the first
 * reader that gets them and kept for the others: readers that follow this one
 * room and are up to date all get the same portion in the same turn.
 *
 * Only for readers of a single room. The id of an event says how far its reader
 * has come in every room it follows, so it differs between readers of several.
 */
import { lineToken } from '../chat/line-token.ts';
import { eventText } from '../net/event-stream.ts';
import { SharedBytes } from '../net/shared-bytes.ts';
import type { HistoryLine } from '../resources/history.ts';

/** Rooms are busy in turn, and a reader that is behind gets other portions: a few are enough, and bound the memory. */
const PORTIONS_KEPT = 8;

interface Portion {
  readonly room: string;
  readonly first: HistoryLine | undefined;
  readonly last: HistoryLine | undefined;
  readonly shared: SharedBytes;
}

/** The text of the event of one line. */
export function lineEvent(room: string, token: string, line: HistoryLine): string {
  return eventText({ event: 'line', id: token, data: JSON.stringify({ room, ...line }) });
}

/** See the header. */
export class SharedPortions {
  readonly #kept: Portion[] = [];

  /** The events of lines that follow each other without a gap, for readers of this room alone. */
  of(room: string, lines: readonly HistoryLine[]): SharedBytes {
    const [first, last] = [lines[0], lines.at(-1)];
    // Lines are compared as objects: the cache gives every reader the very same, and two of them bound one stretch.
    const known = this.#kept.find((one) => one.first === first && one.last === last && one.room === room);
    if (known !== undefined) return known.shared;
    const text = lines.map((line) => lineEvent(room, lineToken(new Map([[room, line.seq]])), line)).join('');
    const shared = new SharedBytes(Buffer.from(text, 'utf8'));
    this.#kept.push({ room, first, last, shared });
    if (this.#kept.length > PORTIONS_KEPT) this.#kept.shift();
    return shared;
  }
}
