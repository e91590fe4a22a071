/** A JSON object in, its known members out; anything else is named in a `bad-request`. */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { Request } from '../net/request.ts';

/** The body as an object with no other members than these. @throws ParleyError `malformed-json`, `inexact-number`, `bad-request` */
export function objectBody(request: Request, allowed: readonly string[]): Readonly<Record<string, Json>> {
  const body = request.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ParleyError('bad-request', `The body must be a JSON object with ${allowed.join(', ')}.`);
  }
  const unknown = Object.keys(body).find((key) => !allowed.includes(key));
  if (unknown !== undefined) {
    throw new ParleyError(
      'bad-request',
      `The body has a member ${JSON.stringify(unknown)}; allowed: ${allowed.join(', ')}.`,
    );
  }
  return body as Readonly<Record<string, Json>>;
}

/** A whole number of a query between two bounds, or the default. @throws ParleyError `bad-request` */
export function wholeOf(
  request: Request,
  name: string,
  bounds: { least: number; most: number; otherwise: number },
): number {
  const text = request.query.get(name);
  if (text === null) return bounds.otherwise;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= bounds.least && value <= bounds.most) return value;
  throw new ParleyError('bad-request', `${name} is ${text.slice(0, 40)}; allowed: ${bounds.least} to ${bounds.most}.`);
}
