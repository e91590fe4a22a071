/** Asks routes without a socket: method, target and body in; status and JSON, or the code of the error, out. */
import type { Json } from '../../src/base/canonical-json.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { Request } from '../../src/net/request.ts';
import { Router } from '../../src/net/router.ts';
import type { Route } from '../../src/net/router.ts';

/** What came back. */
export interface Asked {
  readonly status: number;
  /** The body of an answer. */
  readonly body: Readonly<Record<string, Json>>;
  /** Of an error. */
  readonly code?: string;
}

/** A function that asks these routes. */
export function asking(routes: readonly Route[]): (method: string, target: string, body?: Json) => Promise<Asked> {
  const router = new Router(routes);
  return async (method, target, json) => {
    const [path = '', query = ''] = target.split('?');
    const request = new Request({
      head: { method, target, path, query, minor: 1, headers: { host: 'h' } },
      body: Buffer.from(json === undefined ? '' : JSON.stringify(json)),
      remoteAddress: '127.0.0.1',
      onClose: () => undefined,
    });
    try {
      const { status, body = '' } = await router.handle(request);
      return { status, body: JSON.parse(body.toString()) as Asked['body'] };
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      return { status: error.status, body: {}, code: error.code };
    }
  };
}
