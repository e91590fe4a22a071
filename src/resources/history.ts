/**
 * A history: rooms of lines, numbered 1, 2, 3… without a gap. Each line
 * carries the key its client made; a key that the room has is not added again
 * but answered with the sequence and the time it got, so sending a line twice
 * is harmless. If what the room has under the key is another line, the answer
 * says so (`differs`): the sequence is not that of the line that was sent.
 *
 * An append locks its room exclusively, so the sequences promised by prepare()
 * are the ones commit() finds free, on every replica.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import { READ_LIMIT_DEFAULT } from './operations.ts';
import { madeWhenRead } from './resource.ts';
import type { Change, LockRequest, Operation, Prepared, Refusal, Resource, Restorer } from './resource.ts';
import { contradiction, storedInteger, storedObject, storedString } from './stored-json.ts';

/** One line of a room; `at` is the time its front end gave it, RFC 3339 in UTC. */
export type HistoryLine = {
  readonly seq: number;
  readonly key: string;
  readonly author: string;
  readonly text: string;
  readonly at?: string;
};

/** What a commit appends: one entry per room, in the order in which the operations named the rooms. */
export type HistoryEffect = {
  readonly appends: readonly { readonly room: string; readonly lines: readonly HistoryLine[] }[];
};

/** A part of a room; `last` is the sequence of its newest line. */
export type RoomPage = { readonly room: string; readonly lines: readonly HistoryLine[]; readonly last: number };

type HistoryOperation =
  | { readonly type: 'append'; readonly room: string; readonly lines: readonly Omit<HistoryLine, 'seq'>[] }
  | { readonly type: 'read'; readonly room: string; readonly after?: number; readonly limit?: number };

interface Room {
  readonly lines: HistoryLine[];
  readonly seqByKey: Map<string, number>;
}

/** The fields were checked by validateOperation(). */
const typed = (operation: Operation): HistoryOperation => operation as unknown as HistoryOperation;
/** Effects come from prepare() or, unchanged, from the log. */
const appendsOf = (effect: Json): HistoryEffect['appends'] =>
  (effect as unknown as HistoryEffect | null)?.appends ?? [];

/** The key of a room's tail. */
export function roomKey(room: string): string {
  return `room/${room}`;
}

/** The history of one group on one participant. */
export class History implements Resource {
  readonly kind = 'history';
  readonly #rooms = new Map<string, Room>();

  locks(operations: readonly Operation[]): readonly LockRequest[] {
    return operations
      .map(typed)
      .map(({ type, room }) => ({ key: roomKey(room), mode: type === 'read' ? 'read' : 'exclusive' }));
  }

  announce(): void {
    // The lock on the room is all that an append needs.
  }

  prepare(_number: AttemptNumber, operations: readonly Operation[]): Prepared {
    const results: Json[] = [];
    const added = new Map<string, HistoryLine[]>();
    for (const operation of operations.map(typed)) {
      if (operation.type === 'append') {
        results.push(this.#plan(operation, added));
        continue;
      }
      const page = this.#page(operation, added.get(operation.room) ?? []);
      if (page === undefined) return { vote: 'no', refusal: unknownRoom(operation.room) };
      results.push(page);
    }
    const appends = [...added].filter(([, lines]) => lines.length > 0).map(([room, lines]) => ({ room, lines }));
    return { vote: 'yes', results, effect: appends.length === 0 ? null : { appends } };
  }

  restorePrepared(): void {
    // As above: nothing is reserved beside the lock.
  }

  writes(effect: Json): readonly string[] {
    return appendsOf(effect).map(({ room }) => roomKey(room));
  }

  commit(number: AttemptNumber, id: TransactionId, effect: Json): readonly Change[] {
    const appends = appendsOf(effect);
    for (const { room, lines } of appends) for (const line of lines) this.#add(room, line);
    return appends.length === 0 ? [] : [{ number, id, data: effect }];
  }

  abort(): void {
    // As above.
  }

  /** Lines of a room after a sequence, oldest first, or undefined when the room has no line yet. */
  read(room: string, options: { readonly after?: number; readonly limit?: number } = {}): RoomPage | undefined {
    return this.#page({ room, ...options }, []);
  }

  /** All rooms by name, with the sequence of their newest line. */
  rooms(): readonly { readonly room: string; readonly last: number }[] {
    return [...this.#rooms.keys()].sort().map((room) => ({ room, last: this.#room(room).lines.length }));
  }

  snapshot(): Iterable<Json> {
    const rooms = this.rooms().map(({ room, last }) => ({ room, lines: this.#room(room).lines.slice(0, last) }));
    return madeWhenRead(() => linesOf(rooms));
  }

  restorer(): Restorer {
    this.#rooms.clear();
    let lines = 0;
    const take = (stored: Json): void => {
      lines += 1;
      const where = `History line ${lines}`;
      const line = storedObject(stored, where);
      const room = storedString(line['room'], `${where}, room`);
      const seq = storedInteger(line['seq'], `${where}, seq`);
      const key = storedString(line['key'], `${where}, key`);
      const { lines: before, seqByKey } = this.#room(room);
      if (seq !== before.length + 1) throw contradiction(`${where} has the sequence ${seq} after ${before.length}.`);
      if (seqByKey.has(key)) throw contradiction(`${where} has the key ${key} for a second time.`);
      this.#add(room, {
        seq,
        key,
        author: storedString(line['author'], `${where}, author`),
        text: storedString(line['text'], `${where}, text`),
        ...(line['at'] === undefined ? {} : { at: storedString(line['at'], `${where}, at`) }),
      });
    };
    return { take, end: () => undefined };
  }

  /** Gives each line its sequence: the one its key has, or the next. */
  #plan(operation: HistoryOperation & { readonly type: 'append' }, added: Map<string, HistoryLine[]>): Json {
    const { room } = operation;
    const stored = this.#rooms.get(room);
    const fresh = added.get(room) ?? [];
    added.set(room, fresh);
    const freshByKey = new Map(fresh.map((line) => [line.key, line]));
    const lines = operation.lines.map((line) => {
      const existing = stored?.lines[(stored.seqByKey.get(line.key) ?? 0) - 1] ?? freshByKey.get(line.key);
      if (existing !== undefined) return { key: line.key, ...repeated(existing, line) };
      const added: HistoryLine = { seq: (stored?.lines.length ?? 0) + fresh.length + 1, ...line };
      fresh.push(added);
      freshByKey.set(line.key, added);
      return { key: line.key, seq: added.seq };
    });
    return { room, lines };
  }

  #page(
    wanted: { readonly room: string; readonly after?: number; readonly limit?: number },
    fresh: readonly HistoryLine[],
  ): RoomPage | undefined {
    const { room, after = 0, limit = READ_LIMIT_DEFAULT } = wanted;
    const stored = this.#rooms.get(room)?.lines ?? [];
    const last = stored.length + fresh.length;
    if (last === 0) return undefined;
    const lines = stored.slice(after, after + limit);
    const rest = fresh.filter(({ seq }) => seq > after).slice(0, limit - lines.length);
    return { room, lines: [...lines, ...rest], last };
  }

  #add(name: string, line: HistoryLine): void {
    const room = this.#room(name);
    assert(line.seq === room.lines.length + 1, `the sequence of room ${name} has no gap at ${line.seq}`);
    assert(!room.seqByKey.has(line.key), `a key is in room ${name} once: ${line.key}`);
    room.lines.push(line);
    room.seqByKey.set(line.key, line.seq);
  }

  #room(name: string): Room {
    const room = this.#rooms.get(name) ?? { lines: [], seqByKey: new Map<string, number>() };
    this.#rooms.set(name, room);
    return room;
  }
}

/** Not a closure: V8 ties the state that one holds to old objects, and it would outlive its use. */
function* linesOf(
  rooms: readonly { readonly room: string; readonly lines: readonly HistoryLine[] }[],
): Generator<Json> {
  for (const { room, lines } of rooms) for (const line of lines) yield { room, ...line };
}

/** What an append answers for a key that the room has. */
function repeated(
  { seq, at, author, text }: HistoryLine,
  sent: Omit<HistoryLine, 'seq'>,
): Readonly<Record<string, Json>> {
  const differs = author !== sent.author || text !== sent.text;
  return { seq, ...(at === undefined ? {} : { at }), ...(differs ? { differs } : {}) };
}

function unknownRoom(room: string): Refusal {
  return { code: 'unknown-room', detail: `There is no room ${room}.` };
}
