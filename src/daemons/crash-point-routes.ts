/**
 * The crash points of a daemon over HTTP, with --lab only:
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /lab/crash-points` | `{armed: [{point, transaction, passes, fired}], hits: {point: passes}}` |
 * | `POST /lab/crash-points` `{point, transaction?}` | arms one, for all passes or those of one transaction; the same answer |
 * | `DELETE /lab/crash-points` | disarms all; the same answer |
 *
 * And per transaction: `POST /transactions` with the header
 * `Parley-Crash-At: <point>, <point>…` arms them for its id before it is taken;
 * a participant's point on every participant that is registered, or on the one
 * it names (`participant.vote.sent@P2`).
 */
import { objectBody } from '../api/request-body.ts';
import { ParleyError } from '../base/errors.ts';
import { parseCrashSpec } from '../lab/crash-point.ts';
import type { CrashSpec } from '../lab/crash-point.ts';
import { HttpClient } from '../net/http-client.ts';
import { parseAddress } from '../net/peer-handshake.ts';
import type { Request } from '../net/request.ts';
import { json } from '../net/router.ts';
import type { Response, Route } from '../net/router.ts';
import type { ClientTls } from '../net/tls.ts';
import type { CrashPoints } from './crash-points.ts';

const PATH = '/lab/crash-points';
const HEADER = 'parley-crash-at';
const ARM_MS_MAX = 2_000;

/** The three routes. */
export function crashPointRoutes(points: CrashPoints): readonly Route[] {
  return [
    { method: 'GET', path: PATH, handler: () => json(200, { ...points.state() }) },
    {
      method: 'POST',
      path: PATH,
      handler: (request) => {
        const { point, transaction } = objectBody(request, ['point', 'transaction']);
        const isId = transaction === undefined || typeof transaction === 'string';
        if (typeof point !== 'string' || !isId) {
          throw new ParleyError('bad-request', 'point must be a crash point, transaction an id.');
        }
        points.arm(parseCrashSpec(point, 'point', 'bad-request'), transaction);
        return json(200, { ...points.state() });
      },
    },
    {
      method: 'DELETE',
      path: PATH,
      handler: () => {
        points.disarm();
        return json(200, { ...points.state() });
      },
    },
  ];
}

/** Who can be told to arm a point. */
export interface CrashDirectory {
  /** Name of the node that takes the request. */
  readonly self: string;
  readonly points: CrashPoints;
  /** Participants that are registered, with their addresses. */
  readonly participants: () => readonly { readonly name: string; readonly address: string }[];
  /** Value of the Authorization header. */
  readonly authorization: string;
  readonly tls?: ClientTls | undefined;
}

/** The same routes; `POST /transactions` heeds the header first. */
export function withCrashHeader(routes: readonly Route[], directory: CrashDirectory): readonly Route[] {
  return routes.map((route) => {
    if (route.method !== 'POST' || route.path !== '/transactions') return route;
    const handler = async (request: Request): Promise<Response> => {
      const wanted = request.headers[HEADER];
      if (wanted !== undefined) await armFor(directory, wanted, transactionOf(request));
      return route.handler(request);
    };
    return { ...route, handler };
  });
}

function transactionOf(request: Request): string {
  const body = request.json();
  const id = typeof body === 'object' && body !== null && 'id' in body ? body['id'] : undefined;
  if (typeof id === 'string') return id;
  throw new ParleyError('bad-request', 'Parley-Crash-At needs a transaction with an id.');
}

async function armFor(directory: CrashDirectory, wanted: string, transaction: string): Promise<void> {
  const specs = wanted.split(',').map((text) => parseCrashSpec(text.trim(), 'Parley-Crash-At', 'bad-request'));
  for (const spec of specs) {
    const isOurs = spec.role === 'coordinator';
    if (isOurs && (spec.node ?? directory.self) === directory.self) directory.points.arm(spec, transaction);
    if (!isOurs) await armParticipants(directory, spec, transaction);
  }
}

async function armParticipants(directory: CrashDirectory, spec: CrashSpec, transaction: string): Promise<void> {
  const there = directory.participants().filter(({ name }) => (spec.node ?? name) === name);
  if (there.length === 0) {
    throw new ParleyError('bad-request', `No participant is here to pass ${spec.point}.`);
  }
  const { point, hit, action } = spec;
  const body = { point: `${point}#${hit}=${action}`, transaction };
  await Promise.all(
    there.map(async ({ address }) => {
      const target = parseAddress(address);
      if (target === undefined) return;
      const client = new HttpClient({
        ...target,
        tls: directory.tls,
        headers: { authorization: directory.authorization },
      });
      try {
        await client.request({ method: 'POST', path: PATH, json: body, timeoutMs: ARM_MS_MAX });
      } finally {
        client.close();
      }
    }),
  );
}
