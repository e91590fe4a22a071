/**
 * Which body follows a head (RFC 9112 §6.3), and whether its sender waits for
 * a 100 before sending it. Pure functions over a head whose fields were judged
 * one by one already (framing-fields.ts).
 */
import type { BodyFraming } from './body-reader.ts';
import { listWords } from './field-list.ts';
import { FrameError } from './frame.ts';
import type { FrameLimits, RequestHead, ResponseHead } from './frame.ts';
import type { FramingFields } from './framing-fields.ts';

/** @throws FrameError `too-large` */
export function requestBodyFraming(framing: FramingFields, limits: FrameLimits): BodyFraming {
  if (framing.chunked) return { kind: 'chunked' };
  const bytes = framing.contentLength ?? 0;
  if (bytes > limits.bodyBytesMax) {
    throw new FrameError('too-large', `A body of more than ${limits.bodyBytesMax} octets was announced.`);
  }
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', bytes };
}

/**
 * An HTTP/1.0 sender cannot expect anything (RFC 9110 §10.1.1).
 * @throws FrameError `expectation-failed`
 */
export function expectsContinue(head: RequestHead): boolean {
  const expectations = head.headers['expect'];
  if (expectations === undefined || head.minor === 0) return false;
  const wanted = listWords(expectations);
  if (wanted.every((word) => word === '100-continue')) return true;
  throw new FrameError('expectation-failed', 'An expectation other than 100-continue cannot be met.');
}

/** The method is that of the request answered. */
export function responseBodyFraming(head: ResponseHead, framing: FramingFields, method: string): BodyFraming {
  const { status } = head;
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' };
  if (framing.chunked) return { kind: 'chunked' };
  const bytes = framing.contentLength;
  if (bytes === undefined) return { kind: 'until-close' };
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', bytes };
}
