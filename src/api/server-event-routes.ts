/**
 * `GET /events?rooms=a,b`: the lines of rooms as they are committed, as
 * server-sent events. The id of an event says how far its reader has come in
 * every room; sent back as `Last-Event-ID` (or `?since=`, for a first
 * connection that continues a page that was read) it resumes with the very
 * next line, at any server.
 */
import { ParleyError } from '../base/errors.ts';
import { checkRoom } from '../chat/line-rules.ts';
import { LineCursor } from '../chat/line-cursor.ts';
import { readLineToken, STREAM_ROOMS_MAX } from '../chat/line-token.ts';
import type { RoomPositions } from '../chat/line-token.ts';
import { eventStream } from '../net/event-stream.ts';
import type { Response, Route } from '../net/router.ts';
import type { Request } from '../net/request.ts';
import { LineStream } from './server-line-stream.ts';
import type { LineStreamPorts } from './server-line-stream.ts';
import { SharedPortions } from './shared-portions.ts';

/** What the route needs. */
export interface EventsApi extends LineStreamPorts {
  /** @throws ParleyError `starting` until the history has been taken over once; `busy` while no replica is heard */
  readonly requireFeed: () => void;
}

/** The streams of one server. */
export class EventStreams {
  readonly #api: EventsApi;
  readonly #open = new Set<LineStream>();
  readonly #portions = new SharedPortions();

  constructor(api: EventsApi) {
    this.#api = api;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  routes(): readonly Route[] {
    return [{ method: 'GET', path: '/events', handler: (request) => this.#follow(request) }];
  }

  /** Tells every reader to come back later, or to another server: this one stops, or hears of no new line. */
  close(): void {
    for (const stream of this.#open) stream.close();
  }

  #follow(request: Request): Response {
    const rooms = roomsOf(request);
    const since = sinceOf(request);
    this.#api.requireFeed();
    const positions = new Map(rooms.map((room) => [room, since.get(room) ?? this.#api.cache.last(room)]));
    return eventStream((events) => {
      const stream = new LineStream(events, new LineCursor(positions), this.#api, this.#portions);
      this.#open.add(stream);
      events.onClose(() => this.#open.delete(stream));
    });
  }
}

function roomsOf(request: Request): readonly string[] {
  const rooms = [...new Set((request.query.get('rooms') ?? '').split(','))];
  if (rooms.length > STREAM_ROOMS_MAX || rooms[0] === '') {
    throw new ParleyError('bad-request', `rooms must name 1 to ${STREAM_ROOMS_MAX} rooms, separated by commas.`);
  }
  for (const room of rooms) checkRoom(room);
  return rooms;
}

/** The header wins: it is from a later moment than the address. */
function sinceOf(request: Request): RoomPositions {
  const token = request.headers['last-event-id'] || request.query.get('since');
  if (token === null || token === '') return new Map();
  const positions = readLineToken(token);
  if (positions !== undefined) return positions;
  throw new ParleyError('bad-request', 'Last-Event-ID is no id of an event of this stream.', {
    remedy: 'Leave it out to begin with the lines of now.',
  });
}
