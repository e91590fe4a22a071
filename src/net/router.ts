/**
 * From a request to the function that answers it. A pattern is a path whose
 * segments are words or `:name`; words win over names. What no route takes is
 * answered here:
 *
 * | request | answer |
 * | --- | --- |
 * | a method HTTP does not know, TRACE, CONNECT | 501 `method-unknown` |
 * | a path without a route | 404 `not-found` |
 * | a known path with another method | 405 `method-not-allowed`, Allow |
 * | HEAD where GET is | the answer to GET; the server leaves the body out |
 * | OPTIONS (also `*`) | 204, Allow |
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError, problemOf } from '../base/errors.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Request } from './request.ts';

/** What a handler answers with. The server adds Date, User-Agent, Content-Length and Connection. */
export interface Response {
  readonly status: number;
  /** Without content fields; names in any case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Text is sent as UTF-8. */
  readonly body?: Buffer | string;
  /** Called once the head is on its way; the body is what it writes, until it closes. Excludes `body`. */
  readonly stream?: (out: ByteStream) => void;
}

/** Answers a request; a ParleyError it throws becomes problem+json, anything else is a bug (500). */
export type Handler = (request: Request) => Response | Promise<Response>;

/** How open a route is; access.ts says what each means. */
export type Access = 'public' | 'local' | 'node';

/** One row of a route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** For example `/ledger/accounts/:account`. */
  readonly path: string;
  /** Default `local`. */
  readonly access?: Access;
  readonly handler: Handler;
}

/** A JSON answer. */
export function json(status: number, value: Json | Readonly<Record<string, unknown>>): Response {
  return { status, body: JSON.stringify(value) };
}

/** A plain text answer. */
export function text(status: number, body: string): Response {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

/**
 * The answer that carries an error: `application/problem+json`, with
 * Retry-After on 503 (`extra.retryAfterSeconds`, default 1), Allow on 405
 * (`extra.allow`) and WWW-Authenticate on 401.
 */
export function problem(error: ParleyError): Response {
  const headers: Record<string, string> = {};
  const { retryAfterSeconds, allow } = error.extra;
  if (error.status === 503) headers['Retry-After'] = String(Number(retryAfterSeconds ?? 1));
  if (error.status === 405 && typeof allow === 'string') headers['Allow'] = allow;
  if (error.status === 401) headers['WWW-Authenticate'] = 'Parley';
  const body = JSON.stringify(problemOf(error));
  return { status: error.status, headers, contentType: 'application/problem+json', body };
}

/** Methods of RFC 9110 and 5789; TRACE and CONNECT are known to HTTP but to no part of Parley. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The routes of one position in the path. */
interface Branch {
  readonly words: Map<string, Branch>;
  name: { readonly param: string; readonly branch: Branch } | undefined;
  readonly handlers: Map<string, Handler>;
}

/** See the header. */
export class Router {
  readonly #root: Branch = newBranch();

  constructor(routes: readonly Route[] = []) {
    this.add(routes);
  }

  /** Adds rows. Two rows for the same method and path are a mistake of ours: the later throws. */
  add(routes: readonly Route[]): void {
    for (const { method, path, handler } of routes) {
      const branch = segmentsOf(path).reduce(grow, this.#root);
      if (branch.handlers.has(method)) throw new Error(`There are two routes for ${method} ${path}.`);
      branch.handlers.set(method, handler);
    }
  }

  /** Answers one request. @throws ParleyError as in the header, and whatever the handler throws */
  handle(request: Request): Response | Promise<Response> {
    const { method } = request;
    if (!KNOWN_METHODS.has(method)) throw new ParleyError('method-unknown', `${method} is not known here.`);
    if (request.path === '*') return { status: 204, headers: { Allow: [...KNOWN_METHODS].join(', ') } };
    const params: [string, string][] = [];
    const branch = walk(this.#root, segmentsOf(request.path), 0, params);
    if (branch === undefined) throw new ParleyError('not-found', `There is nothing at ${request.path}.`);
    const handler = branch.handlers.get(method === 'HEAD' ? 'GET' : method);
    if (handler !== undefined) {
      return handler(params.length === 0 ? request : request.withParams(Object.fromEntries(params)));
    }
    const allow = allowOf(branch);
    if (method === 'OPTIONS') return { status: 204, headers: { Allow: allow } };
    throw new ParleyError('method-not-allowed', `${method} is not for ${request.path}; ${allow} are.`, {
      extra: { allow },
    });
  }
}

function newBranch(): Branch {
  return { words: new Map(), name: undefined, handlers: new Map() };
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1);
}

function grow(branch: Branch, segment: string): Branch {
  if (segment.startsWith(':')) {
    const param = segment.slice(1);
    branch.name ??= { param, branch: newBranch() };
    if (branch.name.param !== param) throw new Error(`:${param} and :${branch.name.param} stand in the same place.`);
    return branch.name.branch;
  }
  const next = branch.words.get(segment) ?? newBranch();
  branch.words.set(segment, next);
  return next;
}

/** The branch with handlers that fits; words before names, trying back where a word leads nowhere. */
function walk(branch: Branch, segments: readonly string[], at: number, params: [string, string][]): Branch | undefined {
  const segment = segments[at];
  if (segment === undefined) return branch.handlers.size > 0 ? branch : undefined;
  const word = branch.words.get(segment);
  const found = word === undefined ? undefined : walk(word, segments, at + 1, params);
  if (found !== undefined || branch.name === undefined) return found;
  const value = decoded(segment);
  if (value === undefined || value === '') return undefined;
  params.push([branch.name.param, value]);
  const behind = walk(branch.name.branch, segments, at + 1, params);
  if (behind === undefined) params.pop();
  return behind;
}

/** A percent-encoded segment as text; undefined when it is not UTF-8. */
function decoded(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function allowOf(branch: Branch): string {
  const methods = [...branch.handlers.keys()];
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}
