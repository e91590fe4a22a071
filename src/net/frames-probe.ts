/**
 * The probe against which frames of any kind are fired, in tests only: GET
 * says how many POSTs were executed, POST with any JSON text counts one. Each
 * value of `?k=` has its own counter. What is no JSON text is refused by its
 * content, and the connection lives on.
 */
import { ParleyError } from '../base/errors.ts';
import { json } from './router.ts';
import type { Route } from './router.ts';
import type { Request } from './request.ts';

/** The oldest counter is forgotten beyond this. */
const COUNTERS_MAX = 5000;
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The routes of the probe; every call has counters of its own. */
export function framesProbe(path = '/lab/frames'): readonly Route[] {
  const counters = new Map<string, number>();
  const keyOf = (request: Request): string => request.query.get('k') ?? '';
  const count = (key: string): number => {
    const executions = (counters.get(key) ?? 0) + 1;
    const oldest = counters.keys().next();
    if (executions === 1 && counters.size >= COUNTERS_MAX && oldest.done !== true) counters.delete(oldest.value);
    counters.set(key, executions);
    return executions;
  };
  return [
    { method: 'GET', path, handler: (request) => json(200, { executions: counters.get(keyOf(request)) ?? 0 }) },
    {
      method: 'POST',
      path,
      handler: (request) => {
        assertJsonText(request.body);
        return json(200, { executions: count(keyOf(request)) });
      },
    },
  ];
}

/** Any JSON text will do, so numbers need not be exact here. */
function assertJsonText(body: Buffer): void {
  try {
    JSON.parse(STRICT_UTF8.decode(body));
  } catch (cause) {
    throw new ParleyError('malformed-json', `The body is not JSON: ${(cause as Error).message}.`, { cause });
  }
}
