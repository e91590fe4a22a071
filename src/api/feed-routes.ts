/**
 * The feed of a participant: what it has committed, durably, in its own order.
 * A snapshot, and the changes since a position; a position is valid at this
 * participant and incarnation only. Followers hear a beat every 250 ms, so that
 * silence means something.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { ParticipantHost } from '../host/participant-host.ts';
import type { ByteStream } from '../net/byte-stream.ts';
import type { Request } from '../net/request.ts';
import { json } from '../net/router.ts';
import type { Response, Route } from '../net/router.ts';
import type { FeedChange } from '../resources/change-feed.ts';
import { CopyPages } from './copy-pages.ts';
import { wholeOf } from './request-body.ts';

/** Followers hear at least this often; a server that heard nothing for four beats moves on. */
export const FEED_BEAT_MS = 250;

/** What the feed is read from. */
export interface FeedSource {
  readonly participant: ParticipantHost;
  readonly groups: readonly { readonly group: string }[];
  readonly incarnation: string;
  /** Resolves with what `look` found once everything it saw is durable. */
  readonly observe: <T>(look: () => T) => Promise<T>;
  /** Calls back for every change once it is durable; the returned function ends it. */
  readonly follow: (listener: (change: FeedChange) => void) => () => void;
  /** Position of the newest durable change. */
  readonly durablePosition: () => number;
}

/** Changes of a page that is not followed; a reader that is further behind asks again. */
const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;
const PAGES_MAX = 1_000_000_000;

/**
 * `GET /feed/snapshot?group=`, the same as `GET /feed/copy?group=[&copy=&page=]` in pages, and
 * `GET /feed?group=&since=&incarnation=[&follow=no]`.
 */
export function feedRoutes(source: FeedSource): readonly Route[] {
  const pages = new CopyPages();
  return [
    { method: 'GET', path: '/feed/snapshot', access: 'node', handler: (request) => snapshot(source, request) },
    { method: 'GET', path: '/feed/copy', access: 'node', handler: (request) => copy(source, pages, request) },
    { method: 'GET', path: '/feed', access: 'node', handler: (request) => changes(source, request) },
  ];
}

function groupOf(source: FeedSource, request: Request): string {
  const asked = request.query.get('group') ?? '';
  if (source.groups.some(({ group }) => group === asked)) return asked;
  throw new ParleyError('unknown-group', `This participant holds no group ${JSON.stringify(asked.slice(0, 64))}.`);
}

async function snapshot(source: FeedSource, request: Request): Promise<Response> {
  const group = groupOf(source, request);
  const { resources } = source.participant;
  const seen = await source.observe(() => ({ position: resources.position, lines: resources.snapshotGroup(group) }));
  return json(200, { incarnation: source.incarnation, ...seen });
}

/** `{incarnation, kind, copy, page, lines, more}`, on the first page also the `position` that the copy is of. */
async function copy(source: FeedSource, pages: CopyPages, request: Request): Promise<Response> {
  const group = groupOf(source, request);
  const known = request.query.get('copy');
  const { resources } = source.participant;
  const look = () => ({ position: resources.position, lines: resources.resource(group).snapshot() });
  const begun = known === null ? await source.observe(look) : undefined;
  const id = known ?? pages.begin(begun?.lines ?? []);
  const page = known === null ? 1 : wholeOf(request, 'page', { least: 1, most: PAGES_MAX, otherwise: 1 });
  const { lines, more } = pages.page(id, page);
  const { kind } = resources.resource(group);
  const head = { incarnation: source.incarnation, kind, position: begun?.position, copy: id, page, more };
  // The lines are JSON already.
  const body = `${JSON.stringify(head).slice(0, -1)},"lines":[${lines.join(',')}]}`;
  return { status: 200, contentType: 'application/json', body };
}

/** NDJSON: a change a line; with `follow=no` it ends with what is there. */
async function changes(source: FeedSource, request: Request): Promise<Response> {
  const group = groupOf(source, request);
  const since = wholeOf(request, 'since', { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: 0 });
  const { resources } = source.participant;
  // The page is taken now and shown when it is durable; what comes meanwhile is told by `follow`.
  const later: FeedChange[] = [];
  let push = (change: FeedChange): void => void later.push(change);
  const stop = source.follow((change) => push(change));
  request.onClose(stop);
  const upTo = resources.position;
  const page = await source.observe(() => resources.changesSince(since, group));
  const isOther = (request.query.get('incarnation') ?? source.incarnation) !== source.incarnation;
  if (!page.complete || isOther) {
    stop();
    throw new ParleyError('position-gone', `Changes of ${group} since ${since} are not kept here.`);
  }
  if (request.query.get('follow') === 'no') {
    stop();
    return { status: 200, contentType: 'application/x-ndjson', body: boundedPage(page.changes, upTo) };
  }
  const first = page.changes.map(lineOf).join('');
  return {
    status: 200,
    contentType: 'application/x-ndjson',
    stream: (out) => {
      out.write(first + JSON.stringify({ beat: upTo }) + '\n');
      let heard = upTo;
      const send = (change: FeedChange): void => {
        heard = Math.max(heard, change.position);
        if (change.group === group && change.position > upTo) out.write(lineOf(change));
      };
      for (const change of later) send(change);
      push = send;
      beat(source, out, stop, () => resources.changesSince(heard).complete);
    },
  };
}

/**
 * A copy that replaced a group is no change, so a follower would not hear of
 * what it brought, and in a quiet room not even see a gap: its feed ends, and
 * it finds its position gone.
 */
function beat(source: FeedSource, out: ByteStream, stop: () => void, isComplete: () => boolean): void {
  const beating = setInterval(() => {
    if (!isComplete()) return out.close();
    out.write(`${JSON.stringify({ beat: source.durablePosition() })}\n`);
  }, FEED_BEAT_MS);
  out.onClose(() => {
    clearInterval(beating);
    stop();
  });
}

/** Changes up to a bound, and the position that they lead to. */
function boundedPage(changes: readonly FeedChange[], upTo: number): string {
  const texts: string[] = [];
  let characters = 0;
  let beat = upTo;
  for (const change of changes) {
    const text = lineOf(change);
    characters += text.length;
    texts.push(text);
    if (characters < PAGE_CHARACTERS_MAX) continue;
    beat = change.position;
    break;
  }
  return `${texts.join('')}${JSON.stringify({ beat })}\n`;
}

function lineOf({ position, group, number, id, data }: FeedChange): string {
  const line: Record<string, Json> = { position, group, number, id, data };
  return `${JSON.stringify(line)}\n`;
}
