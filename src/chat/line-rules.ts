/**
 * What a chat line may be. All that can refuse a line is checked here, before
 * it rides in an append with others': one bad line must not take them down.
 * The rules are those of the grammar of operations.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { validateOperation } from '../resources/operations.ts';

/** A line as its client sent it; the key makes sending it twice harmless. */
export interface SentLine {
  readonly room: string;
  readonly key: string;
  readonly author: string;
  readonly text: string;
  /** False: the key was made here for this sending, so nobody can have sent the line before under it. */
  readonly keyIsGiven: boolean;
}

const BODY_FIELDS: readonly string[] = ['author', 'text', 'key'];
/** A clock that is further ahead than this is wrong, and is not followed. */
const CLOCK_AHEAD_MS_MAX = 60_000;

/**
 * The line in a request.
 * @param room as the path names it
 * @param key what the request's header says, else undefined
 * @param makeKey makes one when the client gave none
 * @throws ParleyError `bad-request` (no object, two different keys), `bad-operation` naming the field and what it may hold
 */
export function readLine(room: string, body: Json, key: string | undefined, makeKey: () => string): SentLine {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ParleyError('bad-request', 'The body is not an object {author, text, key?}.');
  }
  const fields = body as Readonly<Record<string, Json>>;
  const stranger = Object.keys(fields).find((name) => !BODY_FIELDS.includes(name));
  if (stranger !== undefined) {
    const allowed = `allowed are ${BODY_FIELDS.join(', ')}`;
    throw new ParleyError('bad-operation', `The field "${stranger.slice(0, 60)}" is unknown; ${allowed}.`);
  }
  if (key !== undefined && fields['key'] !== undefined && fields['key'] !== key) {
    throw new ParleyError('bad-request', 'The field "key" and the header Idempotency-Key differ; send one of them.');
  }
  // A key that is null was meant as one, so it is refused and not replaced.
  const given = fields['key'] === undefined ? key : fields['key'];
  const line = { ...fields, key: given === undefined ? makeKey() : given };
  checkByGrammar(room, line);
  return {
    ...{ room, key: text(line.key), author: text(fields['author']), text: text(fields['text']) },
    keyIsGiven: given !== undefined,
  };
}

/** The grammar has passed it. */
function text(value: Json | undefined): string {
  assert(typeof value === 'string', 'the fields of a line are text');
  return value;
}

/** Checks the name of a room. @throws ParleyError `bad-operation` */
export function checkRoom(room: string): void {
  checkByGrammar(room, { key: 'k', author: 'a', text: 't' });
}

/** The grammar names a field by its place in an append; here the line is the whole body. */
function checkByGrammar(room: string, line: Json): void {
  try {
    validateOperation({ group: 'chat', type: 'append', room, lines: [line] }, 'history');
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    throw new ParleyError(error.code, error.message.replace('lines[0].', ''));
  }
}

/**
 * The time of a line, RFC 3339 in UTC: now, but not before the room's newest
 * line, so that times rise with sequences though servers' clocks differ.
 */
export function lineTime(nowMs: number, newestAt: string | undefined): string {
  const newestMs = newestAt === undefined ? Number.NaN : Date.parse(newestAt);
  const isAhead = newestMs > nowMs && newestMs <= nowMs + CLOCK_AHEAD_MS_MAX;
  return new Date(isAhead ? newestMs : nowMs).toISOString();
}
