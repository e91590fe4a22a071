/**
 * The fault rules of a coordinator or participant over HTTP. A node that was
 * not started for faults (`faults` in its cluster file, or --lab) refuses with
 * 409 `no-faults`, but tells so when asked.
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /faults` | `{node, epoch, open, faults: [{fault, rule, text, hits}]}` |
 * | `POST /faults` `{do, …}` | 201 sets one; the same answer, and `fault`, its name |
 * | `DELETE /faults/:fault` | takes one back; the same answer |
 * | `DELETE /faults` | takes all back; the same answer |
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { Request } from '../net/request.ts';
import { json } from '../net/router.ts';
import type { Route } from '../net/router.ts';
import type { FaultDesk } from './fault-desk.ts';

/** The four routes. */
export function faultRoutes(desk: FaultDesk): readonly Route[] {
  const all = '/faults';
  return [
    { method: 'GET', path: all, handler: () => json(200, desk.state()) },
    {
      method: 'POST',
      path: all,
      handler: (request) => {
        const fault = desk.add(ruleIn(request));
        return json(201, { ...desk.state(), fault });
      },
    },
    {
      method: 'DELETE',
      path: `${all}/:fault`,
      handler: (request) => {
        desk.remove(request.params['fault'] ?? '');
        return json(200, desk.state());
      },
    },
    {
      method: 'DELETE',
      path: all,
      handler: () => {
        desk.remove();
        return json(200, desk.state());
      },
    },
  ];
}

/** The grammar of rules names what is wrong with the members. */
function ruleIn(request: Request): Readonly<Record<string, Json>> {
  const body = request.json();
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Readonly<Record<string, Json>>;
  throw new ParleyError('bad-request', 'The body must be a JSON object, for example {"do": "silence"}.');
}
