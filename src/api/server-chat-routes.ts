/**
 * The chat's front end: rooms, their lines, and sending one. Lines are read
 * from the server's memory, which follows a replica; only what is older is
 * fetched.
 *
 * | answer to a line | when |
 * | --- | --- |
 * | 200 `outcome: "committed"`, `seq` | it is in the room on all replicas |
 * | 4xx, 507 | it is not and will not be |
 * | 409 `outcome: "aborted"` with the reason | the same; only for a line sent without a key |
 * | 202 `outcome: "unknown"`, `key` | send it again with the same key; it will be there once or not at all |
 * | the same with `sending`, `reason` | this sending came to nothing, for that reason; an earlier one with the same key may still commit |
 * | 503 | this sending did nothing; of an earlier one with the same key nothing is said |
 */
import type { Json } from '../base/canonical-json.ts';
import { ERRORS, ParleyError } from '../base/errors.ts';
import { checkRoom, readLine } from '../chat/line-rules.ts';
import { lineToken } from '../chat/line-token.ts';
import type { RoomCache } from '../chat/room-cache.ts';
import type { Append, AppendedLine, AppendOutcome, RoomWriter } from '../chat/room-writer.ts';
import { json } from '../net/router.ts';
import type { Response, Route } from '../net/router.ts';
import type { Request } from '../net/request.ts';
import type { HistoryLine } from '../resources/history.ts';
import { READ_LIMIT_DEFAULT, READ_LIMIT_MAX } from '../resources/operations.ts';
import { headerKey } from './idempotency-key.ts';
import { wholeOf } from './request-body.ts';
import type { TransactionClient } from './server-transactions.ts';

/** What the chat's routes need. */
export interface ChatApi {
  readonly cache: RoomCache;
  readonly writer: RoomWriter;
  /** Lines that are no longer in memory. Rejects with a ParleyError. */
  readonly older: (room: string, after: number, limit: number) => Promise<readonly HistoryLine[]>;
  /** @throws ParleyError `starting` until the history has been taken over once */
  readonly requireHistory: () => void;
  /** How long a line waits for its outcome. */
  readonly deadlineMs: number;
  readonly makeId: () => string;
}

/** What was answered is read back: a read waits so long for the feed to bring it. */
const OWN_LINES_WAIT_MS = 500;

/** `/rooms`, `/rooms/{room}/messages`. */
export function chatRoutes(api: ChatApi): readonly Route[] {
  const own = new OwnLines(api.cache);
  return [
    { method: 'GET', path: '/rooms', handler: () => rooms(api, own) },
    { method: 'GET', path: '/rooms/:room/messages', handler: (request) => read(api, own, request) },
    { method: 'POST', path: '/rooms/:room/messages', handler: (request) => send(api, own, request) },
  ];
}

async function rooms(api: ChatApi, own: OwnLines): Promise<Response> {
  api.requireHistory();
  await own.allArrived();
  return json(200, { rooms: api.cache.rooms().map(({ room, last }) => ({ room, last })) });
}

/**
 * With `after`: the lines after it, oldest first. Without: the newest lines, oldest of them first. `since` is where
 * `GET /events` goes on: a reader that takes a page and then follows misses nothing in between, nor in a room that
 * has no line yet.
 */
async function read(api: ChatApi, own: OwnLines, request: Request): Promise<Response> {
  const room = request.params['room'] ?? '';
  checkRoom(room);
  const limit = wholeOf(request, 'limit', { least: 1, most: READ_LIMIT_MAX, otherwise: READ_LIMIT_DEFAULT });
  const given = wholeOf(request, 'after', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: -1 });
  api.requireHistory();
  await own.arrived(room);
  const last = api.cache.last(room);
  const since = (seq: number): string => lineToken(new Map([[room, seq]]));
  if (last === 0)
    throw new ParleyError('unknown-room', `There is no room ${room} yet.`, { extra: { since: since(0) } });
  const after = given < 0 ? Math.max(0, last - limit) : given;
  const lines = api.cache.after(room, after, limit) ?? (await api.older(room, after, limit));
  const end = lines.at(-1)?.seq ?? after;
  return json(200, { room, lines: lines.map((line) => ({ ...line })), last, since: since(end) });
}

async function send(api: ChatApi, own: OwnLines, request: Request): Promise<Response> {
  const line = readLine(request.params['room'] ?? '', request.json(), headerKey(request), api.makeId);
  const answer = await api.writer.send(line, api.deadlineMs);
  if (answer.outcome === 'committed') {
    own.answered(answer.room, answer.seq);
    return json(200, answer);
  }
  if (answer.outcome === 'unknown') return json(202, { room: line.room, ...answer });
  const { code, detail } = answer.reason;
  throw new ParleyError(code, detail, { extra: { outcome: 'aborted', key: line.key, reason: answer.reason } });
}

/** Lines that this server answered as committed and that its feed has not brought yet. */
class OwnLines {
  readonly #cache: RoomCache;
  readonly #expected = new Map<string, number>();

  constructor(cache: RoomCache) {
    this.#cache = cache;
  }

  answered(room: string, seq: number): void {
    if (this.#cache.last(room) >= seq) return;
    this.#expected.set(room, Math.max(seq, this.#expected.get(room) ?? 0));
    void this.arrived(room);
  }

  /** As arrived(), for every room. */
  async allArrived(): Promise<void> {
    await Promise.all([...this.#expected.keys()].map((room) => this.arrived(room)));
  }

  /** Resolves when they are there, or after a while: a read does not hang on a feed that is lost. */
  async arrived(room: string): Promise<void> {
    const seq = this.#expected.get(room);
    if (seq === undefined) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        unlisten();
        resolve();
      };
      const timer = setTimeout(done, OWN_LINES_WAIT_MS);
      const unlisten = this.#cache.listen(room, () => {
        if (this.#cache.last(room) >= seq) done();
      });
      if (this.#cache.last(room) >= seq) done();
    });
    if (this.#expected.get(room) === seq) this.#expected.delete(room);
  }
}

/** Appends as transactions on the history group, for the room writer: repeated until the outcome is known. */
export function appendBy(transactions: TransactionClient, group: string) {
  return async ({ id, room, lines }: Append, signal: AbortSignal): Promise<AppendOutcome> => {
    const operation = { group, resource: 'history', type: 'append', room, lines: lines.map((line) => ({ ...line })) };
    try {
      const settled = await transactions.settle({ id, operations: [operation] }, { deadlineMs: Infinity, signal });
      if (settled.outcome === 'unknown') return undefined;
      if (settled.outcome === 'aborted') return { outcome: 'aborted', reason: reasonOf(settled.body['reason']) };
      return { outcome: 'committed', lineByKey: linesOf(settled.body['results']) };
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      return { outcome: 'refused', error };
    }
  };
}

function reasonOf(reason: Json | undefined): { code: keyof typeof ERRORS; detail: string } {
  const { code, detail } = objectOf(reason);
  const known = (Object.keys(ERRORS) as (keyof typeof ERRORS)[]).find((each) => each === code);
  return { code: known ?? 'busy', detail: typeof detail === 'string' ? detail : 'The append aborted.' };
}

/** `[{room, lines: [{key, seq, at?, differs?}]}]`, the result of one append. */
function linesOf(results: Json | undefined): ReadonlyMap<string, AppendedLine> {
  const lines = Array.isArray(results) ? objectOf(results[0] as Json)['lines'] : [];
  const byKey = new Map<string, AppendedLine>();
  for (const line of Array.isArray(lines) ? lines : []) {
    const { key, seq, at, differs } = objectOf(line as Json);
    if (typeof key !== 'string' || typeof seq !== 'number') continue;
    byKey.set(key, { seq, differs: differs === true, ...(typeof at === 'string' ? { at } : {}) });
  }
  return byKey;
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, Json>>;
}
