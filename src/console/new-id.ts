/** Ids a console makes, or takes from a person, before it sends: that is what makes asking again safe. */
import { randomBytes } from 'node:crypto';
import { ParleyError } from '../base/errors.ts';
import { isTransactionId, uuidV7 } from '../base/ids.ts';

/** A fresh UUIDv7. */
export function newId(): string {
  return uuidV7(Date.now(), randomBytes(10));
}

/** The typed text as an id. Throws ParleyError `usage` when it is none. */
export function readId(text: string): string {
  const id: unknown = text;
  if (isTransactionId(id)) return id;
  const shown = JSON.stringify(text.slice(0, 80));
  throw new ParleyError('usage', `${shown} is not an id: 1 to 64 characters A-Z a-z 0-9 . _ -`, {
    remedy: 'Use a label such as TX001, or leave it away to have one made.',
  });
}
