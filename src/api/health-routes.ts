/**
 * The routes every daemon has: liveness says only that the event loop turns,
 * readiness says why not, version says who answers.
 */
import type { Json } from '../base/canonical-json.ts';
import { json, text } from '../net/router.ts';
import type { Route } from '../net/router.ts';

/** What GET /version answers. */
export interface VersionAnswer {
  readonly name: string;
  readonly role: string;
  readonly version: string;
  readonly pid: number;
  readonly incarnation: string | null;
  readonly epoch: number | null;
}

/** What the health routes ask the daemon. */
export interface HealthSource {
  readonly version: () => VersionAnswer;
  /** Why the daemon is not ready, one sentence each; empty when it is. */
  readonly notReady: () => readonly string[];
  readonly metricsText: () => Promise<string>;
  readonly state: () => Json | Promise<Json>;
}

/** `/livez`, `/readyz`, `/version`, `/metrics`, `/debug/state`. */
export function healthRoutes(source: HealthSource): readonly Route[] {
  return [
    { method: 'GET', path: '/livez', access: 'public', handler: () => text(200, 'ok\n') },
    {
      method: 'GET',
      path: '/readyz',
      access: 'public',
      handler: (request) => {
        const reasons = source.notReady();
        const status = reasons.length === 0 ? 200 : 503;
        if (request.query.has('verbose')) return json(status, { ready: reasons.length === 0, reasons });
        return text(status, reasons.length === 0 ? 'ready\n' : `not ready: ${reasons.join(' ')}\n`);
      },
    },
    { method: 'GET', path: '/version', access: 'public', handler: () => json(200, { ...source.version() }) },
    {
      method: 'GET',
      path: '/metrics',
      handler: async () => ({
        status: 200,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        body: await source.metricsText(),
      }),
    },
    { method: 'GET', path: '/debug/state', handler: async () => json(200, await source.state()) },
  ];
}
