/**
 * Faults through the front end, for its console and its page: it asks the
 * nodes themselves, which know their rules and refuse when they were not
 * started for faults (daemons/fault-routes.ts). It cannot start a process: it
 * asks whoever started it, and looks whether the node comes.
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /bank/faults` | `{nodes: [{node, role, up, epoch?, open?, faults?}]}`; one that is down has no rules |
 * | `POST /bank/faults` `{node, do, …}` | 201 `{node, epoch, open, faults, fault}`; `crash` `at` `now`: 202 `{node, crashed: true}` |
 * | `DELETE /bank/faults` | takes back all rules of all nodes that are up; answers as `GET` |
 * | `DELETE /bank/faults/:node/:fault` | takes one back; `{node, epoch, open, faults}` |
 * | `POST /bank/nodes/:node/restart` | 202 `{node, asked: true}`; 409 `no-faults`, `no-launcher` |
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { json } from '../net/router.ts';
import type { Request } from '../net/request.ts';
import type { Response, Route } from '../net/router.ts';
import type { AnswerBody } from '../bank/bank-answers.ts';
import type { UpstreamAnswer } from './server-upstream.ts';

/** A node that can have faults. */
export interface FaultNode {
  readonly node: string;
  readonly role: 'coordinator' | 'participant';
  /** `host:port`, undefined while nobody has said it. */
  readonly address: string | undefined;
}

/** What the routes need of the front end. */
export interface FaultApi {
  readonly nodes: () => readonly FaultNode[];
  readonly ask: (
    address: string,
    request: { readonly method: 'GET' | 'POST' | 'DELETE'; readonly path: string; readonly json?: Json },
  ) => Promise<UpstreamAnswer>;
  /** This server was started for faults; the nodes judge about their own rules. */
  readonly isOpen: boolean;
  /** Asks who started this server to start a node again; undefined: nobody listens. */
  readonly restart: ((node: string) => void) | undefined;
}

/** See the header. */
export function faultRoutes(api: FaultApi): readonly Route[] {
  return [
    { method: 'GET', path: '/bank/faults', handler: () => all(api, 'GET') },
    { method: 'POST', path: '/bank/faults', handler: (request) => set(api, request) },
    { method: 'DELETE', path: '/bank/faults', handler: () => all(api, 'DELETE') },
    {
      method: 'DELETE',
      path: '/bank/faults/:node/:fault',
      handler: async ({ params }) => {
        const address = addressOf(api, params['node']);
        const path = `/faults/${encodeURIComponent(params['fault'] ?? '')}`;
        return json(200, (await api.ask(address, { method: 'DELETE', path })).body);
      },
    },
    { method: 'POST', path: '/bank/nodes/:node/restart', handler: ({ params }) => restart(api, params['node']) },
  ];
}

async function all(api: FaultApi, method: 'GET' | 'DELETE'): Promise<Response> {
  const nodes = await Promise.all(
    api.nodes().map(async ({ node, role, address }) => {
      try {
        if (address === undefined) return { node, role, up: false };
        const { body } = await api.ask(address, { method, path: '/faults' });
        return { ...objectOf(body), node, role, up: true };
      } catch (error) {
        if (!(error instanceof ParleyError)) throw error;
        // One that takes no rules has none to take back.
        if (error.code === 'no-faults') return { node, role, up: true, open: false, faults: [] };
        return { node, role, up: false, detail: error.message };
      }
    }),
  );
  return json(200, { nodes });
}

async function set(api: FaultApi, request: Request): Promise<Response> {
  const { node, ...rule } = objectOf(request.json());
  const address = addressOf(api, node);
  const isCrash = rule['do'] === 'crash' && rule['at'] === 'now';
  try {
    const { body } = await api.ask(address, { method: 'POST', path: '/faults', json: rule });
    return isCrash ? json(202, { node: node ?? null, crashed: true }) : json(201, body);
  } catch (error) {
    // It was asked to die, and a connection that breaks is how the dead answer.
    if (!isCrash || !(error instanceof ParleyError) || error.code !== 'connection-lost') throw error;
    return json(202, { node: node ?? null, crashed: true });
  }
}

function restart(api: FaultApi, name: string | undefined): Response {
  const { node } = named(api, name);
  if (!api.isOpen) throw new ParleyError('no-faults', 'This server was not started for faults.');
  if (api.restart === undefined) throw new ParleyError('no-launcher', `Nobody can start ${node} for this server.`);
  api.restart(node);
  return json(202, { node, asked: true });
}

function addressOf(api: FaultApi, name: Json | undefined): string {
  const { node, address } = named(api, name);
  if (address !== undefined) return address;
  throw new ParleyError('unreachable', `Nobody has said yet where ${node} listens.`);
}

/** The node meant, whatever the case of its letters. */
function named(api: FaultApi, name: Json | undefined): FaultNode {
  const nodes = api.nodes();
  const found = nodes.find(({ node }) => typeof name === 'string' && node.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const known = nodes.map(({ node }) => node).join(', ');
  throw new ParleyError(
    'bad-request',
    `node is ${(JSON.stringify(name) ?? 'missing').slice(0, 60)}; allowed: ${known}.`,
  );
}

function objectOf(value: Json): AnswerBody {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AnswerBody;
  throw new ParleyError('bad-request', 'The body must be a JSON object, for example {"node": "P1", "do": "silence"}.');
}
