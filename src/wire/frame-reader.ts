/**
 * Bytes to frames, no I/O: push what arrived, then ask next() until it wants
 * more. Every call gives one of:
 *
 * ```
 *   need-more   nothing whole is here yet
 *   head        a head is whole; its body is being read
 *   piece       part of a body (responses read as a stream only)
 *   request, response
 *   error       the bytes are no frame; the same answer from then on
 *   end         FIN between two frames; the same answer from then on
 * ```
 *
 * One frame is finished before the next is looked at. Any split of the same bytes gives the same frames, and an error
 * at the same octet. Source: RFC 9112 §2-§7; the shape is h11's readers.
 */
import { expectsContinue, requestBodyFraming, responseBodyFraming } from './body-framing.ts';
import { BodyReader } from './body-reader.ts';
import { ByteSource, ENDED, NEED_MORE } from './byte-source.ts';
import { FieldScanner } from './field-scanner.ts';
import { FRAME_LIMITS, FrameError } from './frame.ts';
import type { FrameLimits, RequestHead, ResponseHead } from './frame.ts';
import { FramingFields } from './framing-fields.ts';
import { beginsWith, knownHead } from './known-head.ts';
import type { KnownHead } from './known-head.ts';
import { CR, LF, octetName } from './octets.ts';
import { persists } from './persistence.ts';
import type { RequestRead, ResponseRead } from './read-results.ts';
import { RequestLine } from './request-line.ts';
import { StatusLine } from './status-line.ts';

type RequestPhase =
  | { readonly name: 'between' }
  | { readonly name: 'line'; readonly line: RequestLine; at: number }
  | {
      readonly name: 'fields';
      readonly line: RequestLine;
      readonly framing: FramingFields;
      readonly fields: FieldScanner;
      at: number;
    }
  | { readonly name: 'body'; readonly head: RequestHead; readonly body: BodyReader };

/** How a request for a head alone begins. */
const HEAD_METHOD = Buffer.from('HEAD ');

/** Reads requests. Limits not given are FRAME_LIMITS. */
export class RequestReader {
  readonly #limits: FrameLimits;
  readonly #source = new ByteSource();
  #phase: RequestPhase = { name: 'between' };
  #emptyLines = 0;
  #known: KnownHead | undefined = undefined;

  constructor(limits: Partial<FrameLimits> = {}) {
    this.#limits = { ...FRAME_LIMITS, ...limits };
  }

  /** Octets pushed and not used up. */
  get bufferedBytes(): number {
    return this.#source.buffer.length;
  }

  /** Where the sender is, as far as next() has looked; empty lines are between requests. */
  get stage(): 'between' | 'head' | 'body' {
    const { name } = this.#phase;
    return name === 'line' || name === 'fields' ? 'head' : name;
  }

  /** What is being read, or was refused, asks for a head alone: its refusal has no body either (RFC 9110 §9.3.2). */
  get isHead(): boolean {
    if (this.#phase.name === 'body') return this.#phase.head.method === 'HEAD';
    return this.#source.buffer.unread().subarray(0, HEAD_METHOD.length).equals(HEAD_METHOD);
  }

  /** Appends what arrived; takes the ownership of `chunk`. */
  push(chunk: Buffer): void {
    this.#source.buffer.push(chunk);
  }

  /** The sender sent FIN. */
  end(): void {
    this.#source.isEnded = true;
  }

  /** See the header. */
  next(): RequestRead {
    return this.#source.guarded(() => this.#advance());
  }

  /** Uses up what follows the last frame, for another protocol behind an upgrade. */
  takeRest(): Buffer {
    return this.#source.buffer.takeAll();
  }

  #advance(): RequestRead {
    const { buffer, isEnded } = this.#source;
    if (this.#phase.name === 'between') {
      if (!this.#skipEmptyLines()) return isEnded ? ENDED : NEED_MORE;
      const known = this.#known;
      if (known !== undefined && beginsWith(buffer.unread(), known)) {
        return this.#beginBody(known, known.bytes.length);
      }
      this.#phase = { name: 'line', line: new RequestLine(this.#limits), at: 0 };
    }
    if (this.#phase.name === 'line' && !this.#scanLine(this.#phase)) return this.#source.waitWithin('request');
    if (this.#phase.name === 'fields') {
      const { fields, framing, line } = this.#phase;
      this.#phase.at = fields.scan(buffer.unread(), this.#phase.at);
      if (!fields.isDone) return this.#source.waitWithin('request');
      return this.#endHead({ headers: fields.headers, ...line.parts }, framing, this.#phase.at);
    }
    if (this.#phase.name === 'body') {
      const { head, body } = this.#phase;
      if (body.advance(buffer, isEnded) === 'need-more') return this.#source.waitWithin('request');
      this.#phase = { name: 'between' };
      this.#emptyLines = 0;
      return { type: 'request', head, body: body.takeDecoded() };
    }
    return NEED_MORE;
  }

  /** True when the first octet of a request is there (RFC 9112 §2.2 asks to skip at least one empty line). */
  #skipEmptyLines(): boolean {
    const { buffer } = this.#source;
    while (buffer.length > 0) {
      const view = buffer.unread();
      if (view[0] === LF) throw new FrameError('bad-frame', 'LF without CR before a request.');
      if (view[0] !== CR) return true;
      const second = view[1];
      if (second === undefined) return false;
      if (second !== LF) throw new FrameError('bad-frame', `CR and ${octetName(second)} before a request.`);
      this.#emptyLines += 1;
      if (this.#emptyLines > this.#limits.emptyLinesMax) {
        throw new FrameError('bad-frame', `More than ${this.#limits.emptyLinesMax} empty lines before a request.`);
      }
      buffer.consume(2);
    }
    return false;
  }

  #scanLine(phase: { readonly line: RequestLine; at: number }): boolean {
    const { line } = phase;
    phase.at = line.scan(this.#source.buffer.unread(), phase.at);
    if (!line.isDone) return false;
    const framing = new FramingFields({ side: 'request', minor: line.parts.minor, authority: line.authority });
    const { headBytesMax: bytesMax, fieldsMax } = this.#limits;
    const fields = new FieldScanner({ bytesMax, fieldsMax }, framing);
    this.#phase = { name: 'fields', line, framing, fields, at: phase.at };
    return true;
  }

  #endHead(head: RequestHead, fields: FramingFields, length: number): RequestRead {
    const { buffer } = this.#source;
    if (!fields.hasHost && head.minor === 1) throw new FrameError('bad-frame', 'Host is missing.');
    const framing = requestBodyFraming(fields, this.#limits);
    const parts = { head, framing, expectsContinue: expectsContinue(head) };
    this.#known = knownHead(buffer.unread(), length, parts);
    return this.#beginBody(parts, length);
  }

  #beginBody({ head, framing, expectsContinue: expects }: Omit<KnownHead, 'bytes'>, length: number): RequestRead {
    this.#source.buffer.consume(length);
    this.#phase = { name: 'body', head, body: new BodyReader(framing, this.#limits, false) };
    // Whoever has begun to send the body does not wait for a 100 (RFC 9110 §10.1.1).
    const isWaiting = framing.kind !== 'none' && this.#source.buffer.length === 0;
    return { type: 'head', head, expectContinue: expects && isWaiting };
  }
}

type ResponsePhase =
  | { readonly name: 'between' }
  | { readonly name: 'line'; readonly line: StatusLine; at: number }
  | {
      readonly name: 'fields';
      readonly line: StatusLine;
      readonly framing: FramingFields;
      readonly fields: FieldScanner;
      at: number;
    }
  | { readonly name: 'body'; readonly head: ResponseHead; readonly reusable: boolean; readonly body: BodyReader };

/** What the next response answers: its method decides whether it has a body; `pieces` are for endless bodies. */
export interface ExpectedResponse {
  readonly method: string;
  readonly body: 'whole' | 'pieces';
}

/** Reads responses; interim ones (1xx) are skipped, but 101 is one, and what follows it takeRest(). */
export class ResponseReader {
  readonly #limits: FrameLimits;
  readonly #source = new ByteSource();
  #phase: ResponsePhase = { name: 'between' };
  #expected: ExpectedResponse = { method: 'GET', body: 'whole' };

  constructor(limits: Partial<FrameLimits> = {}) {
    this.#limits = { ...FRAME_LIMITS, ...limits };
  }

  /** Octets pushed and not used up. */
  get bufferedBytes(): number {
    return this.#source.buffer.length;
  }

  /** Call before each response; without it, a whole answer to GET is expected. */
  expect(expected: ExpectedResponse): void {
    this.#expected = expected;
  }

  /** Appends what arrived; takes the ownership of `chunk`. */
  push(chunk: Buffer): void {
    this.#source.buffer.push(chunk);
  }

  /** The sender sent FIN. */
  end(): void {
    this.#source.isEnded = true;
  }

  /** See the header. */
  next(): ResponseRead {
    return this.#source.guarded(() => this.#advance());
  }

  /** Uses up what follows the last frame. */
  takeRest(): Buffer {
    return this.#source.buffer.takeAll();
  }

  #advance(): ResponseRead {
    const { buffer, isEnded } = this.#source;
    for (;;) {
      const phase = this.#phase;
      switch (phase.name) {
        case 'between':
          if (buffer.length === 0) return isEnded ? ENDED : NEED_MORE;
          this.#phase = { name: 'line', line: new StatusLine(this.#limits.headBytesMax), at: 0 };
          break;
        case 'line':
          phase.at = phase.line.scan(buffer.unread(), phase.at);
          if (!phase.line.isDone) return this.#source.waitWithin('response');
          this.#phase = { name: 'fields', ...fieldsBehind(phase.line, this.#limits), at: phase.at };
          break;
        case 'fields': {
          phase.at = phase.fields.scan(buffer.unread(), phase.at);
          if (!phase.fields.isDone) return this.#source.waitWithin('response');
          buffer.consume(phase.at);
          const { status, reason, minor } = phase.line;
          const head: ResponseHead = { status, reason, minor, headers: phase.fields.headers };
          if (!this.#beginBody(head, phase.framing)) break;
          return { type: 'head', head };
        }
        case 'body':
          return this.#readBody(phase);
      }
    }
  }

  /** False for an interim response, which is forgotten. */
  #beginBody(head: ResponseHead, framing: FramingFields): boolean {
    if (head.status < 200 && head.status !== 101) {
      this.#phase = { name: 'between' };
      return false;
    }
    const bodyFraming = responseBodyFraming(head, framing, this.#expected.method);
    const inPieces = this.#expected.body === 'pieces';
    if (bodyFraming.kind === 'length' && !inPieces && bodyFraming.bytes > this.#limits.bodyBytesMax) {
      throw new FrameError('too-large', `A body of more than ${this.#limits.bodyBytesMax} octets was announced.`);
    }
    const reusable = persists(head) && bodyFraming.kind !== 'until-close';
    this.#phase = { name: 'body', head, reusable, body: new BodyReader(bodyFraming, this.#limits, inPieces) };
    return true;
  }

  #readBody(phase: Extract<ResponsePhase, { name: 'body' }>): ResponseRead {
    const { head, reusable, body } = phase;
    const state = body.advance(this.#source.buffer, this.#source.isEnded);
    const decoded = state === 'done' || this.#expected.body === 'pieces' ? body.takeDecoded() : undefined;
    if (state === 'done' && (decoded === undefined || decoded.length === 0 || this.#expected.body === 'whole')) {
      this.#phase = { name: 'between' };
      return { type: 'response', head, body: decoded ?? Buffer.alloc(0), reusable };
    }
    if (decoded !== undefined && decoded.length > 0) return { type: 'piece', bytes: decoded };
    return this.#source.waitWithin('response');
  }
}

function fieldsBehind(line: StatusLine, limits: FrameLimits) {
  const framing = new FramingFields({ side: 'response', minor: line.minor, authority: undefined });
  const { headBytesMax: bytesMax, fieldsMax } = limits;
  return { line, framing, fields: new FieldScanner({ bytesMax, fieldsMax }, framing) };
}
