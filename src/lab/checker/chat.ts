/**
 * I8: a room is one list. Every participant holds a beginning of it, every
 * reader sees an unbroken part of it, a line that was acknowledged is in it
 * once, one that definitely failed is not.
 */
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/canonical-json.ts';
import { clientEvidence, listOf, operationsOf } from './client-story.ts';
import type { Asked, ClientTransaction } from './client-story.ts';
import type { EndContext } from './end-state.ts';
import { memberIn, numberIn, textIn } from './group-model.ts';
import { RoomsModel } from './list-models.ts';
import type { ParticipantReplay } from './participant-replay.ts';
import { inForce, linesIn, placesOf, timesOf, windowOf } from './reads.ts';
import type { Times } from './reads.ts';
import type { Findings } from './verdict.ts';

/** Lines a read answers when it does not say how many. */
const READ_LIMIT = 100;

/** A room with its lines by key. */
interface OneRoom {
  readonly lines: readonly Json[];
  readonly byKey: ReadonlyMap<string, Json>;
}

/** Rooms by `group room`. */
type Rooms = ReadonlyMap<string, OneRoom>;

/** All of I8. */
export function checkChat(context: EndContext, replays: ReadonlyMap<string, ParticipantReplay>): void {
  const { clients, findings } = context;
  const rooms = oneListPerRoom(context, replays);
  for (const [name, { lines }] of rooms) numbered(name, lines, findings);
  for (const transaction of clients.transactions.values()) {
    for (const operation of operationsOf(transaction)) {
      if (textIn(operation, 'type') === 'append') checkAppend(operation, transaction, context, rooms);
    }
  }
  const times = timesOf(clients);
  for (const read of clients.reads) {
    if (read.f === 'room' || read.f === 'follow') checkRead(read, { rooms, replays, times, findings });
  }
}

/** The longest list of every room; whoever holds another must hold a beginning of it. */
function oneListPerRoom({ input, findings }: EndContext, replays: ReadonlyMap<string, ParticipantReplay>): Rooms {
  const longest = new Map<string, { readonly node: string; readonly lines: readonly Json[] }>();
  for (const { node, name, lines } of [...roomsOfLogs(replays), ...roomsOfEnd(input.final)]) {
    const known = longest.get(name);
    if (known === undefined) {
      longest.set(name, { node, lines });
      continue;
    }
    const [short, long] = lines.length > known.lines.length ? [known, { node, lines }] : [{ node, lines }, known];
    longest.set(name, long);
    const fork = short.lines.findIndex(
      (line, index) => canonicalJson(line) !== canonicalJson(long.lines[index] ?? null),
    );
    if (fork === -1) continue;
    findings.violate('I8', `${short.node} and ${long.node} hold different lines ${fork + 1} of ${name}.`, [
      { node: short.node, text: canonicalJson(short.lines[fork] ?? null) },
      { node: long.node, text: canonicalJson(long.lines[fork] ?? null) },
    ]);
  }
  return new Map(
    [...longest].map(([name, { lines }]) => [
      name,
      { lines, byKey: new Map(lines.map((line) => [textIn(line, 'key'), line])) },
    ]),
  );
}

interface RoomAt {
  readonly node: string;
  readonly name: string;
  readonly lines: readonly Json[];
}

function* roomsOfLogs(replays: ReadonlyMap<string, ParticipantReplay>): Generator<RoomAt> {
  for (const [node, { groups }] of replays) {
    for (const [group, { model }] of groups) {
      if (!(model instanceof RoomsModel)) continue;
      for (const [room, { lines }] of model.rooms) yield { node, name: `${group} ${room}`, lines };
    }
  }
}

function* roomsOfEnd(final: EndContext['input']['final']): Generator<RoomAt> {
  for (const [node, { groups }] of Object.entries(final?.nodes ?? {})) {
    for (const [group, { resource, lines }] of Object.entries(groups ?? {})) {
      if (resource !== 'history') continue;
      const rooms = new Map<string, Json[]>();
      for (const line of lines) {
        const { room, ...rest } = line as Readonly<Record<string, Json>>;
        const name = typeof room === 'string' ? room : '';
        const own = rooms.get(name) ?? [];
        rooms.set(name, own);
        own.push(rest);
      }
      for (const [room, own] of rooms) yield { node, name: `${group} ${room}`, lines: own };
    }
  }
}

/** 1, 2, 3…, and no key twice. */
function numbered(name: string, lines: readonly Json[], findings: Findings): void {
  const keys = new Map<string, Json>();
  for (const [index, line] of lines.entries()) {
    const [seq, key] = [numberIn(line, 'seq'), textIn(line, 'key')];
    if (seq !== index + 1) {
      findings.violate('I8', `Line ${index + 1} of ${name} has the number ${seq}.`, [
        { node: name, text: canonicalJson(line) },
      ]);
      return;
    }
    const before = keys.get(key);
    if (before !== undefined) {
      const both = [before, line].map((one) => ({ node: name, text: canonicalJson(one) }));
      findings.violate('I8', `The line ${key} is in ${name} twice.`, both);
    }
    keys.set(key, line);
  }
}

/** An acknowledged line is in the room, at the place the client was told; a failed one is not. */
function checkAppend(
  operation: Json,
  transaction: ClientTransaction,
  { clients, findings }: EndContext,
  rooms: Rooms,
): void {
  const name = `${textIn(operation, 'group')} ${textIn(operation, 'room')}`;
  const room = rooms.get(name);
  const asked = [...transaction.asks, ...transaction.seen];
  const yes = asked.filter(({ told }) => told === 'committed');
  const failed = asked.length > 0 && asked.every(({ told }) => told === 'aborted' || told === 'refused');
  if (room === undefined && rooms.size === 0) {
    findings.notChecked('I8', 'lines of a room: no log and no final state has one');
    return;
  }
  for (const line of listOf(operation, 'lines')) {
    const key = textIn(line, 'key');
    const stored = room?.byKey.get(key);
    if (yes.length > 0 && stored === undefined) {
      findings.violate('I8', `The line ${key} was acknowledged, and is not in ${name}.`, yes.map(clientEvidence));
    }
    const told = yes.map((one) => toldPlace(one, name, key)).find((seq) => seq !== undefined);
    if (stored !== undefined && told !== undefined && told !== numberIn(stored, 'seq')) {
      const what = `The line ${key} was acknowledged as number ${told} of ${name}, and is number ${numberIn(stored, 'seq')}.`;
      findings.violate('I8', what, [...yes.map(clientEvidence), { node: name, text: canonicalJson(stored) }]);
    }
    if (failed && stored !== undefined && !sentOtherwise(key, transaction, clients.transactions.values())) {
      const what = `The line ${key} definitely failed, and is in ${name}.`;
      findings.violate('I8', what, [...asked.map(clientEvidence), { node: name, text: canonicalJson(stored) }]);
    }
  }
}

function toldPlace({ out }: Asked, name: string, key: string): number | undefined {
  for (const result of listOf(out, 'results')) {
    if (!name.endsWith(` ${textIn(result, 'room')}`)) continue;
    const line = listOf(result, 'lines').find((one) => textIn(one, 'key') === key);
    if (line !== undefined) return numberIn(line, 'seq');
  }
  return undefined;
}

/** The same key went out under another id as well, which may have brought it in. */
function sentOtherwise(key: string, own: ClientTransaction, all: Iterable<ClientTransaction>): boolean {
  for (const transaction of all) {
    if (transaction === own) continue;
    for (const operation of operationsOf(transaction)) {
      if (listOf(operation, 'lines').some((line) => textIn(line, 'key') === key)) return true;
    }
  }
  return false;
}

/** A reader sees the list from where it asked on, without a gap, and everything acknowledged before it asked. */
function checkRead(
  read: Asked,
  context: {
    readonly rooms: Rooms;
    readonly replays: ReadonlyMap<string, ParticipantReplay>;
    readonly times: Times;
    readonly findings: Findings;
  },
): void {
  const { rooms, replays, times, findings } = context;
  const room = textIn(read.in, 'room');
  const group = textIn(read.in, 'group');
  const [, one] =
    [...rooms].find(([name]) => name === `${group} ${room}` || (group === '' && name.endsWith(` ${room}`))) ?? [];
  const lines = one?.lines;
  const seen = linesIn(read);
  findings.reads += 1;
  const after = numberIn(read.in, 'after');
  for (const [index, line] of seen.entries()) {
    const wanted = lines?.[after + index];
    if (wanted !== undefined && isSameLine(line, wanted)) continue;
    const what = `A reader of ${room} after ${after} saw as line ${after + index + 1} another than is there.`;
    const there = { node: room, text: canonicalJson(wanted ?? null) };
    findings.violate('I8', what, [clientEvidence(read), { node: 'seen', text: canonicalJson(line) }, there]);
    return;
  }
  if (read.f === 'follow') return;
  const places = placesOf(read, replays, 'history');
  if (places.length === 0) return;
  const limit = numberIn(read.in, 'limit') || READ_LIMIT;
  const least = Math.min(
    ...places.map((place) => {
      const key = `room/${room}`;
      const window = windowOf(place, read, times, key);
      // Before its first line, or before the copy that brought it, a room is not there, and no version says so.
      const begun =
        place.versions.get(key)?.some(({ index, copied }) => index <= window.low && copied !== true) ?? false;
      const lengths = begun ? inForce(place, key, window).map(Number) : [];
      return Math.min(...(lengths.length === 0 ? [0] : lengths));
    }),
  );
  if (seen.length >= Math.min(limit, least - after)) return;
  const what = `A reader of ${room} after ${after} saw ${seen.length} lines, when ${least} had been acknowledged.`;
  findings.violate('I8', what, [clientEvidence(read)]);
}

/** What the reader was shown of a line is as it is stored. */
function isSameLine(shown: Json, stored: Json): boolean {
  const fields = ['seq', 'key', 'author', 'text'].filter((field) => memberIn(shown, field) !== undefined);
  return (
    fields.length > 0 &&
    fields.every((field) => canonicalJson(memberIn(shown, field)) === canonicalJson(memberIn(stored, field)))
  );
}
