/**
 * The id of a changing request: the header `Idempotency-Key`, or the member of
 * the body. Whoever sends neither gets one made, and back in the answer; but
 * then an answer that was lost cannot be asked for again.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { isTransactionId } from '../base/ids.ts';
import type { Request } from '../net/request.ts';

/** The header's key, or undefined; in quotes too, as the IETF draft of the header has it. @throws ParleyError `bad-id` */
export function headerKey(request: Request): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const key: unknown = given.replace(/^"(.*)"$/, '$1');
  if (isTransactionId(key)) return key;
  throw new ParleyError('bad-id', `The header Idempotency-Key is ${shown(given)}; it cannot be used.`);
}

/**
 * The id of a request and the rest of its body.
 * @throws ParleyError `bad-id`; `bad-request`: no object, or header and body name different ids; as Request.json()
 */
export function idOfRequest(
  request: Request,
  makeId: () => string,
): { readonly id: string; readonly fields: Readonly<Record<string, Json>> } {
  const body = request.json();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ParleyError('bad-request', 'The body must be a JSON object.');
  }
  const { id: given, ...fields } = body as Readonly<Record<string, Json>>;
  const key = headerKey(request);
  if (given !== undefined && !isTransactionId(given)) {
    throw new ParleyError('bad-id', `The field "id" is ${shown(given)}; it cannot be used.`);
  }
  if (key !== undefined && given !== undefined && key !== given) {
    throw new ParleyError('bad-request', 'The field "id" and the header Idempotency-Key differ; send one of them.');
  }
  return { id: given ?? key ?? makeId(), fields };
}

function shown(value: Json): string {
  return JSON.stringify(value).slice(0, 80);
}
