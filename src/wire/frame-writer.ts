/**
 * Frames as bytes: pure functions from plain data to one Buffer each, so that
 * head and body leave in one write. Every frame says Host (requests),
 * User-Agent, Content-Type, Content-Length and Date; the exceptions are those
 * RFC 9110 demands: no length on 1xx and 204, none on a stream.
 *
 * What is written here comes from our own code, so a field that would break
 * the frame (CR, LF, NUL, a name that is no token) is a bug: an assertion.
 */
import { assert } from '../base/assert.ts';
import { is, TARGET, TOKEN, VALUE } from './octets.ts';
import { reasonPhrase } from './reason-phrases.ts';

/** Who speaks; on everything sent. */
export const USER_AGENT = 'parley/0.1';
/** What a body is when nothing else is said. */
const DEFAULT_TYPE = 'application/json';
const EMPTY = Buffer.alloc(0);

/** Names in any case; `host`, `date` and the content fields are the writer's own and must not be among them. */
export type FieldsToWrite = Readonly<Record<string, string>>;

/** A request to write. `date` is an IMF-fixdate (RFC 9110 §5.6.7), made by the caller once a second. */
export interface RequestToWrite {
  readonly method: string;
  readonly target: string;
  /** The authority of the receiver, `host:port`. */
  readonly host: string;
  readonly date: string;
  readonly headers?: FieldsToWrite;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly body?: Buffer | string;
}

/** A response to write. */
export interface ResponseToWrite {
  readonly status: number;
  readonly date: string;
  readonly headers?: FieldsToWrite | undefined;
  /** Default `application/json`. */
  readonly contentType?: string | undefined;
  readonly body?: Buffer | string;
  /** For HEAD: the head that the body would have had, and no body. */
  readonly headOnly?: boolean;
}

/** One request with its body. */
export function requestFrame(request: RequestToWrite): Buffer {
  assert(isAll(request.method, TOKEN), 'a method is a token');
  assert(isAll(request.target, TARGET), 'a target is visible ASCII without #');
  const start =
    `${request.method} ${request.target} HTTP/1.1\r\nHost: ${checkedValue('Host', request.host)}\r\n` +
    ownFields(request.date, request.contentType ?? DEFAULT_TYPE) +
    fields(request.headers);
  return joined(start, request.body ?? EMPTY, false);
}

/** One response with its body; 1xx and 204 have neither body nor length. */
export function responseFrame(response: ResponseToWrite): Buffer {
  const { status, body = EMPTY } = response;
  if (status < 200 || status === 204) {
    assert(body.length === 0, 'a response without content has no body');
    const start = `${statusLine(status)}Date: ${response.date}\r\nUser-Agent: ${USER_AGENT}\r\n`;
    return Buffer.from(`${start}${fields(response.headers)}\r\n`, 'latin1');
  }
  const start =
    statusLine(status) + ownFields(response.date, response.contentType ?? DEFAULT_TYPE) + fields(response.headers);
  return joined(start, body, response.headOnly === true);
}

/**
 * The head of a response whose length is not known yet. `framing: 'chunked'`
 * announces chunk() and LAST_CHUNK; `'close'` (for HTTP/1.0) ends with the
 * connection, which the caller's fields must say.
 */
export function streamHead(response: ResponseToWrite & { readonly framing: 'chunked' | 'close' }): Buffer {
  assert(response.status >= 200 && response.status !== 204, 'a stream has a status that may have a body');
  const coding = response.framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
  const start = statusLine(response.status) + ownFields(response.date, response.contentType ?? DEFAULT_TYPE);
  return Buffer.from(`${start}${fields(response.headers)}${coding}\r\n`, 'latin1');
}

/** One chunk (RFC 9112 §7.1); empty data gives no bytes, since an empty chunk would end the body. */
export function chunk(data: Buffer | string): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  if (bytes.length === 0) return EMPTY;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF]);
}

const CRLF = Buffer.from('\r\n', 'latin1');

/** What ends a chunked body. */
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n', 'latin1');

/** The interim answer that asks for the body (RFC 9110 §10.1.1). */
export const CONTINUE: Buffer = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

function statusLine(status: number): string {
  assert(Number.isInteger(status) && status >= 100 && status <= 599, 'a status is 100 to 599');
  return `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
}

/** The fields of the second that is now, by type of content: all frames of a second share them. */
const ofThisSecond = { date: '', byType: new Map<string, string>() };
/** Types are ours and few; a caller that makes them up is not remembered. */
const TYPES_KEPT = 16;

function ownFields(date: string, contentType: string): string {
  if (ofThisSecond.date !== date) {
    ofThisSecond.date = date;
    ofThisSecond.byType.clear();
  }
  const known = ofThisSecond.byType.get(contentType);
  if (known !== undefined) return known;
  const type = checkedValue('Content-Type', contentType);
  const own = `User-Agent: ${USER_AGENT}\r\nDate: ${checkedValue('Date', date)}\r\nContent-Type: ${type}\r\n`;
  if (ofThisSecond.byType.size < TYPES_KEPT) ofThisSecond.byType.set(contentType, own);
  return own;
}

const WRITERS_OWN = new Set(['host', 'date', 'user-agent', 'content-type', 'content-length', 'transfer-encoding']);

function fields(headers: FieldsToWrite | undefined): string {
  let text = '';
  for (const name in headers) {
    assert(isAll(name, TOKEN), `a field name is a token: ${JSON.stringify(name)}`);
    assert(!WRITERS_OWN.has(name.toLowerCase()), `${name} is written by the writer`);
    text += `${name}: ${checkedValue(name, headers[name] ?? '')}\r\n`;
  }
  return text;
}

function checkedValue(name: string, value: string): string {
  assert(value === '' || isAll(value, VALUE), `the value of ${name} has no control and no character beyond one octet`);
  return value;
}

function isAll(text: string, flag: number): boolean {
  for (let i = 0; i < text.length; i++) if (!is(text.charCodeAt(i), flag)) return false;
  return text.length > 0;
}

const ONE_TEXT_MAX = 16 * 1024;

/** Head and body in one Buffer; the length is counted in octets. */
function joined(start: string, body: Buffer | string, headOnly: boolean): Buffer {
  const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body, 'utf8') : body.length;
  const head = `${start}Content-Length: ${bodyBytes}\r\n\r\n`;
  // As many octets as characters: ASCII, and head and body are one text. Long ones are not put together first.
  if (typeof body === 'string' && bodyBytes === body.length && bodyBytes <= ONE_TEXT_MAX) {
    return Buffer.from(headOnly ? head : head + body, 'latin1');
  }
  const frame = Buffer.allocUnsafe(head.length + (headOnly ? 0 : bodyBytes));
  frame.write(head, 0, 'latin1');
  if (headOnly) return frame;
  if (typeof body === 'string') frame.write(body, head.length, 'utf8');
  else body.copy(frame, head.length);
  return frame;
}
