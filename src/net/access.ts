/**
 * Who may send what to a daemon. Each route says how open it is (`access`),
 * and this is the one place that holds a request against it:
 *
 * | access | on a loopback address | on another address |
 * | --- | --- | --- |
 * | `public` | anyone | anyone |
 * | `local` (when a route says nothing) | anyone on this machine | the credentials of the cluster |
 * | `node` | the credentials; with local clients allowed, anyone on this machine | the credentials |
 *
 * Credentials that are shown are judged even where none are needed: a node of
 * another cluster, or one with an old key, shall hear of it. A browser sends
 * what a page of anyone asks it to, from this very machine (RFC 6454): a change
 * that comes from a page of elsewhere is refused unless it shows credentials.
 */
import { ParleyError } from '../base/errors.ts';
import type { Credentials } from './credentials.ts';
import type { Request } from './request.ts';
import type { Route } from './router.ts';

/** What a daemon knows of its own openness. */
export interface AccessRules {
  readonly credentials: Pick<Credentials, 'accepts'>;
  /** It listens on an address that other machines can reach. */
  readonly isExposed: boolean;
  /** Clients of this machine need no credentials on routes for nodes; means nothing when exposed. */
  readonly localClients: boolean;
}

/** The cluster's own scheme; what a proxy in between shows of another scheme is not for us to judge. */
const OWN_SCHEME = /^parley( |$)/i;
/** `http://localhost:5173`, `https://127.0.0.1`, `http://[::1]:7000`. */
const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** The same routes, each behind its rule. Refusals: `unauthorized` without credentials, `forbidden` with others. */
export function guarded(routes: readonly Route[], rules: AccessRules): readonly Route[] {
  return routes.map((route) => {
    const { access = 'local', handler } = route;
    if (access === 'public') return route;
    return {
      ...route,
      handler: (request) => {
        admit(request, access, rules);
        return handler(request);
      },
    };
  });
}

function admit(request: Request, access: 'local' | 'node', rules: AccessRules): void {
  const shown = request.headers['authorization'];
  if (shown !== undefined && OWN_SCHEME.test(shown)) {
    if (rules.credentials.accepts(shown)) return;
    throw new ParleyError('forbidden', 'The credentials shown are not those of this cluster.');
  }
  const isEnough = !rules.isExposed && (access === 'local' || rules.localClients);
  if (!isEnough) {
    throw new ParleyError('unauthorized', `${request.method} ${request.path} needs the credentials of the cluster.`);
  }
  refuseForeignPage(request, access);
}

/** A page that this daemon's own address served is at home at it, whatever name a proxy gives it; not where nodes are meant. */
function refuseForeignPage(request: Request, access: 'local' | 'node'): void {
  const origin = request.headers['origin'];
  const changesNothing = request.method === 'GET' || request.method === 'HEAD';
  if (origin === undefined || changesNothing || LOCAL_ORIGIN.test(origin)) return;
  const isOwn = access === 'local' && origin.replace(/^https?:\/\//i, '') === request.headers['host'];
  if (isOwn) return;
  throw new ParleyError('forbidden', 'A page of another site asks for this change.', {
    remedy: 'Send it from a program, or from a page that this machine serves.',
  });
}
