/**
 * Reads fields out of JSON that came from a checkpoint or a snapshot. The
 * bytes passed a checksum, so a wrong shape means another version or a
 * damaged file: it is refused by name, never guessed around.
 */
import { ParleyError } from '../base/errors.ts';
import type { Json } from '../base/canonical-json.ts';

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

function wrong(where: string, wanted: string, value: unknown): ParleyError {
  const found = JSON.stringify(value)?.slice(0, 60) ?? 'nothing';
  return new ParleyError('checkpoint-corrupt', `${where} should be ${wanted}, but is ${found}.`);
}

/** The value as an object. @throws ParleyError `checkpoint-corrupt` */
export function storedObject(value: Json | undefined, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(where, 'an object', value);
  return value as JsonObject;
}

/** The value as a list. @throws ParleyError `checkpoint-corrupt` */
export function storedList(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value)) throw wrong(where, 'a list', value);
  return value as readonly Json[];
}

/** The value as a string. @throws ParleyError `checkpoint-corrupt` */
export function storedString(value: Json | undefined, where: string): string {
  if (typeof value !== 'string') throw wrong(where, 'a string', value);
  return value;
}

/** The value as an exact integer. @throws ParleyError `checkpoint-corrupt` */
export function storedInteger(value: Json | undefined, where: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrong(where, 'an integer', value);
  return value;
}

/** The error for a line that contradicts the lines before it. */
export function contradiction(detail: string): ParleyError {
  return new ParleyError('checkpoint-corrupt', detail);
}
