/**
 * What a participant's feed says, read with distrust: a beat, or the lines a
 * committed append added. The shapes are those of history.ts.
 *
 * ```
 *   {"beat": 17}
 *   {"position": 18, "group": "chat", "number": …, "id": …, "data": {"appends": [{"room", "lines": [{seq, key, author, text, at?}]}]}}
 * ```
 */
import type { Json } from '../base/canonical-json.ts';
import type { HistoryLine } from '../resources/history.ts';
import type { RoomLines } from './room-cache.ts';

/** One line of a feed. */
export type FeedLine =
  | { readonly feed: 'beat'; readonly position: number }
  | { readonly feed: 'change'; readonly position: number; readonly appends: readonly RoomLines[] };

/** A line of a feed, or undefined when it is none. */
export function readFeedLine(text: string): FeedLine | undefined {
  const value = objectOf(parse(text));
  if (value === undefined) return undefined;
  const { beat, position, data } = value;
  if (typeof beat === 'number') return { feed: 'beat', position: beat };
  const appends = objectOf(data)?.['appends'];
  if (typeof position !== 'number' || !Array.isArray(appends)) return undefined;
  const read = appends.map((append: Json) => {
    const { room, lines } = objectOf(append) ?? {};
    if (typeof room !== 'string' || !Array.isArray(lines)) return undefined;
    const taken = lines.map((line: Json) => readHistoryLine(line));
    return taken.every((line) => line !== undefined) ? { room, lines: taken } : undefined;
  });
  return read.every((append) => append !== undefined) ? { feed: 'change', position, appends: read } : undefined;
}

/** The lines of a snapshot by room, or undefined when they are not what a history writes. */
export function readSnapshotLines(lines: readonly Json[]): readonly RoomLines[] | undefined {
  const rooms = new Map<string, HistoryLine[]>();
  for (const stored of lines) {
    const room = objectOf(stored)?.['room'];
    const line = readHistoryLine(stored);
    if (typeof room !== 'string' || line === undefined) return undefined;
    const before = rooms.get(room) ?? [];
    rooms.set(room, before);
    before.push(line);
  }
  return [...rooms].map(([room, taken]) => ({ room, lines: taken }));
}

/** A line of a room, or undefined when it is none. */
export function readHistoryLine(value: Json): HistoryLine | undefined {
  const { seq, key, author, text, at } = objectOf(value) ?? {};
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  if (typeof key !== 'string' || typeof author !== 'string' || typeof text !== 'string') return undefined;
  return { seq, key, author, text, ...(typeof at === 'string' ? { at } : {}) };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, Json>>;
}
