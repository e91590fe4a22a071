/**
 * `--show-frames` at the server: every changing request, and every request to
 * the bank with its reply, as the first chat systems showed them. A chat line
 * is its text behind the time since the line before, as it is delivered;
 * anything else is its body, or what it asks for where it has none.
 */
import { ParleyError, problemOf } from '../base/errors.ts';
import { elapsedText } from '../console/chat-console.ts';
import { seedFrame } from '../console/seed-frame.ts';
import type { Request } from '../net/request.ts';
import type { Route } from '../net/router.ts';

/** The same routes; those that change something are shown by `narrate` first. */
export function shownRoutes(routes: readonly Route[], narrate: (line: string) => void): readonly Route[] {
  let lastLineMs: number | undefined;
  const show = (request: Request): void => {
    const at = new Date();
    const text = chatText(request);
    const sinceMs = lastLineMs === undefined ? 0 : at.getTime() - lastLineMs;
    if (text !== undefined) lastLineMs = at.getTime();
    const body = text === undefined ? bodyOf(request) : `${elapsedText(sinceMs)}:${text}`;
    for (const line of seedFrame({ what: 'client', host: request.remoteAddress, body, at })) narrate(line);
  };
  const showReply = (body: string): void => {
    for (const line of seedFrame({ what: 'server', host: 'server', body, at: new Date() })) narrate(line);
  };
  return routes.map((route) => {
    const isBank = route.path.startsWith('/bank/');
    if (route.method === 'GET' && !isBank) return route;
    return {
      ...route,
      handler: async (request: Request) => {
        show(request);
        if (!isBank) return route.handler(request);
        try {
          const answer = await route.handler(request);
          showReply(String(answer.body ?? ''));
          return answer;
        } catch (error) {
          if (error instanceof ParleyError) showReply(JSON.stringify(problemOf(error)));
          throw error;
        }
      },
    };
  });
}

/** A request without a body is what it asks for. */
function bodyOf({ method, path, body }: Request): string {
  return body.length === 0 ? `${method} ${path}` : body.toString('utf8');
}

/** The text of a chat line, or undefined when the request is something else or malformed. */
function chatText(request: Request): string | undefined {
  if (!request.path.endsWith('/messages')) return undefined;
  try {
    const body: unknown = JSON.parse(request.body.toString('utf8'));
    const text = typeof body === 'object' && body !== null && 'text' in body ? body.text : undefined;
    return typeof text === 'string' ? text : undefined;
  } catch {
    // Not JSON: the route refuses it with its own words, and it is shown as it came.
    return undefined;
  }
}
