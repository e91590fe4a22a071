/** A request as a handler sees it: whole, with its body, independent of the connection but for one signal. */
import type { Json } from '../base/canonical-json.ts';
import { parseExactJson } from '../base/exact-json.ts';
import type { Headers, RequestHead } from '../wire/frame.ts';

/** What a request is made of. */
export interface RequestParts {
  readonly head: RequestHead;
  readonly body: Buffer;
  /** IP address of the sender. */
  readonly remoteAddress: string;
  /** Registers what to call when the sender is gone before the answer is written. */
  readonly onClose: (listener: () => void) => void;
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** See the header. `Request` here, not the global one of fetch. */
export class Request {
  /** What `:name` segments of the route matched, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly #parts: RequestParts;
  #query: URLSearchParams | undefined = undefined;
  #signal: AbortSignal | undefined = undefined;

  constructor(parts: RequestParts, params: Readonly<Record<string, string>> = NO_PARAMS) {
    this.#parts = parts;
    this.params = params;
  }

  /** The same request with the segments its route matched. */
  withParams(params: Readonly<Record<string, string>>): Request {
    return new Request(this.#parts, params);
  }

  get method(): string {
    return this.#parts.head.method;
  }

  /** Still percent-encoded. */
  get path(): string {
    return this.#parts.head.path;
  }

  get headers(): Headers {
    return this.#parts.head.headers;
  }

  get body(): Buffer {
    return this.#parts.body;
  }

  get remoteAddress(): string {
    return this.#parts.remoteAddress;
  }

  /** The query, decoded. */
  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#parts.head.query);
    return this.#query;
  }

  /** The body as exact JSON. @throws ParleyError `malformed-json`, `inexact-number` */
  json(): Json {
    return parseExactJson(this.#parts.body);
  }

  /** Calls `listener` once when the sender is gone before its answer is written (at once, if it is gone). */
  onClose(listener: () => void): void {
    this.#parts.onClose(listener);
  }

  /** Aborts as onClose calls. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.onClose(() => controller.abort());
      this.#signal = controller.signal;
    }
    return this.#signal;
  }
}
