/**
 * The history and the notebook, once more: lists that only grow. A room takes
 * a line with a key it has no second time, and numbers its lines 1, 2, 3…
 */
import type { Json } from '../../base/canonical-json.ts';
import { listIn, memberIn, numberIn, textIn } from './group-model.ts';
import type { GroupModel, KeyUse, ModelOperation, Planned, Reading } from './group-model.ts';

/** Lines a read answers when it does not say how many. */
const READ_LIMIT = 100;

/** A room: its lines, and where each key stands. */
interface ModelRoom {
  readonly lines: Json[];
  readonly seqByKey: Map<string, number>;
}

/** The rooms of one group at one participant. */
export class RoomsModel implements GroupModel {
  readonly rooms = new Map<string, ModelRoom>();

  plan(operations: readonly ModelOperation[]): Planned | string | undefined {
    const fresh = new Map<string, ModelRoom>();
    const results: Json[] = [];
    for (const operation of operations) {
      const room = textIn(operation, 'room');
      const added = fresh.get(room) ?? emptyRoom();
      if (operation['type'] === 'append') {
        fresh.set(room, added);
        results.push({ room, lines: listIn(operation, 'lines').map((line) => this.#place(room, added, line)) });
      } else if (operation['type'] === 'read') {
        const stored = [...(this.rooms.get(room)?.lines ?? []), ...added.lines];
        if (stored.length === 0) return `there is no room ${room}`;
        const after = numberIn(operation, 'after');
        const lines = stored.slice(after, after + (numberIn(operation, 'limit') || READ_LIMIT));
        results.push({ room, lines, last: stored.length });
      } else {
        return undefined;
      }
    }
    const appends = [...fresh]
      .filter(([, { lines }]) => lines.length > 0)
      .map(([room, { lines }]) => ({ room, lines: [...lines] }));
    return { results, effect: appends.length === 0 ? null : { appends } };
  }

  /** The place of a line: the one its key has, or the next. */
  #place(room: string, added: ModelRoom, line: Json): Json {
    const key = textIn(line, 'key');
    const stored = this.rooms.get(room);
    const known = stored?.seqByKey.get(key) ?? added.seqByKey.get(key);
    if (known !== undefined) return { key, seq: known };
    const seq = (stored?.lines.length ?? 0) + added.lines.length + 1;
    added.lines.push({ seq, ...(line as Readonly<Record<string, Json>>) });
    added.seqByKey.set(key, seq);
    return { key, seq };
  }

  uses(operations: readonly ModelOperation[]): readonly KeyUse[] {
    return operations.map((operation) => ({
      key: `room/${textIn(operation, 'room')}`,
      mode: operation['type'] === 'read' ? 'read' : 'exclusive',
    }));
  }

  usesOfEffect(effect: Json): readonly KeyUse[] {
    return listIn(effect, 'appends').map((one) => ({ key: `room/${textIn(one, 'room')}`, mode: 'exclusive' }));
  }

  short(): undefined {
    return undefined;
  }

  apply(effect: Json) {
    const faults: string[] = [];
    const readings: Reading[] = [];
    for (const append of listIn(effect, 'appends')) {
      const room = textIn(append, 'room');
      for (const line of listIn(append, 'lines')) this.#add(room, line, faults);
      readings.push([`room/${room}`, this.rooms.get(room)?.lines.length ?? 0]);
    }
    return { faults, readings };
  }

  #add(room: string, line: Json, faults: string[]): void {
    const found = this.rooms.get(room) ?? emptyRoom();
    this.rooms.set(room, found);
    const [seq, key] = [numberIn(line, 'seq'), textIn(line, 'key')];
    if (seq !== found.lines.length + 1) faults.push(`line ${seq} of ${room} comes after line ${found.lines.length}`);
    if (found.seqByKey.has(key)) faults.push(`${room} gets the line ${key} a second time`);
    found.lines.push(line);
    found.seqByKey.set(key, seq);
  }

  load(lines: readonly Json[]): readonly Reading[] {
    this.rooms.clear();
    for (const line of lines) {
      const { room, ...rest } = line as { readonly room: string } & Readonly<Record<string, Json>>;
      const found = this.rooms.get(room) ?? emptyRoom();
      this.rooms.set(room, found);
      found.lines.push(rest);
      found.seqByKey.set(textIn(line, 'key'), numberIn(line, 'seq'));
    }
    return [...this.rooms].map(([room, own]) => [`room/${room}`, own.lines.length]);
  }

  lines(): readonly Json[] {
    return [...this.rooms].flatMap(([room, { lines }]) =>
      lines.map((line) => ({ room, ...(line as Readonly<Record<string, Json>>) })),
    );
  }
}

function emptyRoom(): ModelRoom {
  return { lines: [], seqByKey: new Map() };
}

/** The notebook of one group at one participant. */
export class NotebookModel implements GroupModel {
  #strings: Json[] = [];

  plan(operations: readonly ModelOperation[]): Planned | string | undefined {
    const added: Json[] = [];
    const results: Json[] = [];
    for (const operation of operations) {
      if (operation['type'] === 'write') {
        const index = this.#strings.length + added.length + 1;
        added.push({ index, string: memberIn(operation, 'string') ?? '' });
        results.push({ index });
      } else if (operation['type'] === 'read') {
        results.push({ strings: [...this.#strings, ...added] });
      } else {
        return undefined;
      }
    }
    return { results, effect: added.length === 0 ? null : { strings: added } };
  }

  uses(operations: readonly ModelOperation[]): readonly KeyUse[] {
    return operations.map(({ type }) => ({ key: 'notebook', mode: type === 'read' ? 'read' : 'exclusive' }));
  }

  usesOfEffect(): readonly KeyUse[] {
    return [{ key: 'notebook', mode: 'exclusive' }];
  }

  short(): undefined {
    return undefined;
  }

  apply(effect: Json) {
    const faults: string[] = [];
    for (const entry of listIn(effect, 'strings')) {
      const index = numberIn(entry, 'index');
      if (index !== this.#strings.length + 1) faults.push(`entry ${index} comes after entry ${this.#strings.length}`);
      this.#strings.push(entry);
    }
    return { faults, readings: this.#readings() };
  }

  load(lines: readonly Json[]): readonly Reading[] {
    this.#strings = [...lines];
    return this.#readings();
  }

  lines(): readonly Json[] {
    return this.#strings;
  }

  #readings(): readonly Reading[] {
    return [['notebook', this.#strings.length]];
  }
}
