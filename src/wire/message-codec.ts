/**
 * Messages between nodes as frames of the peer stream (docs/wire.md):
 *
 * ```
 *   one message    POST /prepare HTTP/1.1    Content-Type: application/json
 *                  {"number":"c7f3a9b2.3.17", ...}            the message without its type
 *   several        POST /messages HTTP/1.1   Content-Type: application/x-ndjson
 *                  {"type":"prepare","number": ...} LF        one whole message a line
 * ```
 *
 * No answer belongs to a frame: an answer is another message. What the members
 * of a message must be is judged above; here a message is an object with a type.
 */
import { assert } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import { requestFrame } from './frame-writer.ts';
import type { RequestHead } from './frame.ts';

/** The path of a frame with several messages; no message may have this type. */
const SEVERAL = 'messages';
const NDJSON = 'application/x-ndjson';
const TYPE = /^[a-z][a-z0-9-]{0,63}$/;
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The least a message is. */
export interface TypedMessage {
  readonly type: string;
}

/** Where and when a frame is sent: the receiver's authority, and an IMF-fixdate. */
export interface FrameAddress {
  readonly host: string;
  readonly date: string;
}

/** One frame for one message or several, in order. Types are ours, so a bad one is a bug (assertion). */
export function encodeMessages(messages: readonly TypedMessage[], address: FrameAddress): Buffer {
  const [first] = messages;
  assert(first !== undefined, 'a frame carries at least one message');
  for (const { type } of messages) assert(isType(type), `a message type is a short lower-case word: ${type}`);
  const frame = { method: 'POST', ...address };
  if (messages.length > 1) {
    const body = messages.map((message) => `${JSON.stringify(message)}\n`).join('');
    return requestFrame({ target: `/${SEVERAL}`, contentType: NDJSON, body, ...frame });
  }
  // JSON.stringify leaves undefined members out.
  const body = JSON.stringify({ ...first, type: undefined });
  return requestFrame({ target: `/${first.type}`, contentType: 'application/json', body, ...frame });
}

/**
 * The messages of one frame, in order; each is an object with a `type`.
 * @throws ParleyError `malformed-json` (not UTF-8, not JSON), `bad-request`
 *   (not POST, no type, not an object, a type within a body that has one)
 */
export function decodeMessages(head: RequestHead, body: Buffer): unknown[] {
  const name = head.path.slice(1);
  if (head.method !== 'POST' || (name !== SEVERAL && !isType(name))) {
    throw new ParleyError('bad-request', `${head.method} ${head.path} is no message of the peer stream.`);
  }
  const text = decoded(body);
  if (name !== SEVERAL) {
    const rest = parsedObject(text);
    if ('type' in rest) throw new ParleyError('bad-request', `The body of ${name} repeats its type.`);
    return [{ type: name, ...rest }];
  }
  if (head.headers['content-type'] !== NDJSON) {
    throw new ParleyError('bad-request', `Several messages come as ${NDJSON}.`);
  }
  const lines = text.split('\n');
  // Every line ends in LF, so the last piece is empty.
  if (lines.pop() !== '') throw new ParleyError('malformed-json', 'The last message of the frame has no line end.');
  return lines.map(parsedMessage);
}

function parsedMessage(line: string): unknown {
  const message = parsedObject(line);
  if (!isType(message['type'])) throw new ParleyError('bad-request', 'A message of the frame has no proper type.');
  return message;
}

function isType(type: unknown): type is string {
  return typeof type === 'string' && TYPE.test(type) && type !== SEVERAL;
}

function decoded(body: Buffer): string {
  try {
    return STRICT_UTF8.decode(body);
  } catch (cause) {
    throw new ParleyError('malformed-json', 'The messages are not UTF-8.', { cause });
  }
}

function parsedObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ParleyError('malformed-json', `A message is not JSON: ${(cause as Error).message}.`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParleyError('bad-request', 'A message is not an object.');
  }
  return value as Record<string, unknown>;
}
