/**
 * What a frame is once it is read: heads, fields, limits, and the one way in
 * which bytes can be wrong. Plain data; the readers are frame-reader.ts, the
 * writers frame-writer.ts. The grammar accepted is in docs/wire.md.
 * Source: RFC 9110 (semantics), RFC 9112 (HTTP/1.1).
 */
import { ParleyError } from '../base/errors.ts';
import type { ErrorCode } from '../base/error-registry.ts';

/**
 * Fields by lower-case name, on an object without prototype. A repeated field
 * is one value joined with `, ` (RFC 9110 §5.3); `set-cookie` alone is joined
 * with LF, which no value can contain. Octets from 0x80 are one character each.
 */
export type Headers = Readonly<Record<string, string>>;

/** The head of a request. */
export interface RequestHead {
  /** Case counts; any token. */
  readonly method: string;
  /** As it was sent: origin-form, absolute-form, authority-form (CONNECT) or `*`. */
  readonly target: string;
  /** The path of the target, still percent-encoded; `*` for the asterisk-form, empty for CONNECT. */
  readonly path: string;
  /** What follows the first `?`, still encoded; empty when there is none. */
  readonly query: string;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: 0 | 1;
  readonly headers: Headers;
}

/** The head of a response. */
export interface ResponseHead {
  /** 100 to 599. */
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly headers: Headers;
}

/**
 * Bytes that are no frame: the fault is the sender's, never ours. After one,
 * nothing more is read from that connection. `status` is what to answer.
 */
export class FrameError extends ParleyError {
  readonly fault = 'remote';

  constructor(code: FrameErrorCode, detail: string) {
    super(code, detail);
  }

  /** What spoiled the frame, one line. */
  get detail(): string {
    return this.message;
  }
}

/** The codes a reader can give; the table of refusals in docs/wire.md is made from them. */
export const FRAME_ERROR_CODES = [
  'bad-frame',
  'too-large',
  'target-too-long',
  'expectation-failed',
  'head-too-large',
  'version-unsupported',
] as const satisfies readonly ErrorCode[];

/** One of the codes a reader can give. */
export type FrameErrorCode = (typeof FRAME_ERROR_CODES)[number];

/** How much a reader takes; all are counts of octets unless their name says otherwise. */
export interface FrameLimits {
  /** Longer words are no methods (400); shorter ones that nobody knows are 501. */
  readonly methodBytesMax: number;
  /** 414 beyond it. */
  readonly targetBytesMax: number;
  /** From the first octet of the start line to the empty line, both included; 431 beyond it. */
  readonly headBytesMax: number;
  /** Fields of a head or of trailers; 431 beyond it. */
  readonly fieldsMax: number;
  /** A declared or decoded body; 413 beyond it, before it is read. */
  readonly bodyBytesMax: number;
  /** Chunk extensions of one body in sum; 431 beyond it. */
  readonly chunkExtensionBytesMax: number;
  /** Trailers of one body; 431 beyond it. */
  readonly trailerBytesMax: number;
  /** Empty lines before a start line; 400 beyond it. */
  readonly emptyLinesMax: number;
}

/** What every HTTP client in use stays below, and small against the memory of 10,000 connections. */
export const FRAME_LIMITS: FrameLimits = {
  methodBytesMax: 8 * 1024,
  targetBytesMax: 16 * 1024,
  headBytesMax: 32 * 1024,
  fieldsMax: 100,
  bodyBytesMax: 1024 * 1024,
  chunkExtensionBytesMax: 4 * 1024,
  trailerBytesMax: 8 * 1024,
  emptyLinesMax: 16,
};
