/**
 * The daemons as a console sees them: requests that answer JSON or throw a
 * ParleyError, and a stream of lines. The wire is a port (Transport), joined
 * to the real one in http-transport.ts and to a fake in the tests.
 *
 * ```
 *   console → ApiClient → Transport → (HTTP) → daemon
 * ```
 *
 * An answer that is no success becomes the ParleyError its problem+json names,
 * so that a person reads the daemon's own words. What is not known to have
 * happened stays unknown: `settle` asks again with the same id, and only then.
 */
import { ERRORS, ParleyError } from '../base/errors.ts';
import { pause } from './pause.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ErrorCode } from '../base/error-registry.ts';

/** A request as the transport sends it. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The body, sent as JSON. */
  readonly json?: Json;
  readonly timeoutMs: number;
}

/** A request for a body that does not end. */
export interface StreamRequest {
  readonly method: 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly silenceMs: number;
}

/** An answer; header names are lower case. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text. */
  readonly text: string;
}

/** The wire under a console. Errors: ParleyError `unreachable` (nothing was sent), `connection-lost`, `timeout`. */
export interface Transport {
  request(request: ApiRequest): Promise<ApiAnswer>;
  /**
   * Calls `onLine` with each line of a body that does not end. Resolves when
   * the server ends it or `signal` aborts; rejects when the link breaks, or
   * nothing came for `silenceMs`.
   */
  stream(request: StreamRequest, onLine: (line: string) => void): Promise<void>;
  /** Cuts all links, so that the process can end. */
  close(): void;
}

/** A body that was read: its status, and its members when it is an object. */
export interface ApiBody {
  readonly status: number;
  readonly body: Readonly<Record<string, Json>>;
}

/** How long a console waits for an ordinary answer. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** Requests to one daemon. */
export class ApiClient {
  readonly #transport: Transport;
  readonly #headers: Readonly<Record<string, string>>;
  #hasAnswered = false;

  /** @param headers go with every request, for example Authorization */
  constructor(transport: Transport, headers: Readonly<Record<string, string>> = {}) {
    this.#transport = transport;
    this.#headers = headers;
  }

  /** True once the daemon has answered anything. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * One request.
   * @returns the body of a 2xx answer
   * @throws ParleyError the code of the problem+json, or of the transport; `internal` for an answer that is neither
   */
  async request(request: Omit<ApiRequest, 'timeoutMs'> & { readonly timeoutMs?: number }): Promise<ApiBody> {
    const headers = { ...this.#headers, ...request.headers };
    const answer = await this.#transport.request({ timeoutMs: ANSWER_TIMEOUT_MS, ...request, headers });
    this.#hasAnswered = true;
    const body = bodyOf(answer);
    if (answer.status >= 200 && answer.status < 300) return { status: answer.status, body };
    throw problem(answer, body);
  }

  /** Cuts all links, so that the process can end. */
  close(): void {
    this.#transport.close();
  }

  /** A GET with the default patience. */
  async get(path: string): Promise<Readonly<Record<string, Json>>> {
    return (await this.request({ method: 'GET', path })).body;
  }

  /** Lines of an endless body; see Transport.stream. */
  stream(request: Omit<StreamRequest, 'method'>, onLine: (line: string) => void): Promise<void> {
    return this.#transport.stream(
      { ...request, method: 'GET', headers: { ...this.#headers, ...request.headers } },
      onLine,
    );
  }
}

/** How often and how long `settle` asks again. */
export interface SettleOptions {
  /** Gives up this long after the first answer that settled nothing. */
  readonly patienceMs: number;
  readonly pauseMsFirst: number;
  readonly pauseMsMax: number;
  /** Told before a repetition whose reason is another than that of the one before, so that a person knows why it takes long. */
  readonly onRepeat?: (error: ParleyError) => void;
  /** True when the daemon has been there in this session: then `unreachable` is no wrong address. */
  readonly wasThere?: () => boolean;
  /** When it aborts, nothing is sent again: the person left. */
  readonly signal?: AbortSignal;
}

/** Patience of a person at a console: half a minute, asking at most every two seconds. */
export const SETTLE: SettleOptions = { patienceMs: 30_000, pauseMsFirst: 100, pauseMsMax: 2000 };

/** Nothing happened, and the same request may succeed in a moment. */
const PASSING: readonly ErrorCode[] = ['busy', 'draining', 'starting', 'no-lease', 'in-doubt', 'unreachable'];

/**
 * Sends a change until its outcome is known. `send` must carry the same id or
 * key each time, which is what makes asking again safe. It is repeated only
 * when the outcome is unknown (202, a broken link, no answer) or nothing
 * happened and may yet (busy); `unreachable` counts as such only once a
 * request has gone out or the daemon was there before, because at first it
 * means a wrong address.
 *
 * A refusal of one sending says nothing of an earlier one that may have
 * happened: then only an outcome, committed or aborted, ends the doubt. A 202
 * with `sending` (a chat line, see server-chat-routes.ts) is no doubt of its
 * own: that sending came to nothing.
 * @returns the answer with the outcome; a 202 when patience ends, with
 *   `sending` if no sending can have happened
 * @throws ParleyError the definite refusal; or the last error, when patience ends
 */
export async function settle(send: () => Promise<ApiBody>, options: SettleOptions): Promise<ApiBody> {
  let sent = options.wasThere?.() ?? false;
  let told: ErrorCode | undefined;
  // Once it may have happened, that is what is known at the end, whatever a later try says of itself.
  let doubt: ApiBody | ParleyError | undefined;
  let futile: ApiBody | undefined;
  let deadline = Number.POSITIVE_INFINITY;
  for (let pauseMs = options.pauseMsFirst; ; pauseMs = Math.min(pauseMs * 2, options.pauseMsMax)) {
    let error: ParleyError;
    let answer: ApiBody | undefined;
    try {
      answer = await send();
      if (answer.status !== 202) return answer;
      if (answer.body['sending'] === undefined) {
        doubt = answer;
        error = new ParleyError('timeout', 'The outcome is not known yet.');
      } else {
        futile = answer;
        error = new ParleyError('busy', futileText(answer.body['reason']));
      }
    } catch (thrown) {
      if (!(thrown instanceof ParleyError)) throw thrown;
      error = thrown;
      const again = !error.definite || (PASSING.includes(error.code) && (sent || error.code !== 'unreachable'));
      if (!again) {
        if (doubt === undefined || error.extra['outcome'] !== undefined) throw error;
        return stillUnknown(doubt, error);
      }
      if (!error.definite) doubt = error;
    }
    sent = true;
    deadline = Math.min(deadline, performance.now() + options.patienceMs);
    const waitMs = Math.max(pauseMs, retryAfterMs(error));
    if (performance.now() + waitMs > deadline || hasLeft(options)) {
      const known = doubt ?? futile ?? error;
      if (known instanceof ParleyError) throw known;
      return known;
    }
    if (told !== error.code) options.onRepeat?.(error);
    told = error.code;
    await pause(waitMs, options.signal);
    if (hasLeft(options)) throw doubt instanceof ParleyError ? doubt : error;
  }
}

/**
 * As settle(), for a change with an id: that it may have happened is then an answer like the others, so that
 * whoever asked is told the id and ends with the exit code of an unknown outcome.
 * @returns a 202 `{outcome: "unknown", detail}` where settle() would throw what is not definite
 * @throws ParleyError the definite refusal
 */
export async function settleOutcome(send: () => Promise<ApiBody>, options: SettleOptions): Promise<ApiBody> {
  try {
    return await settle(send, options);
  } catch (error) {
    if (!(error instanceof ParleyError) || error.definite) throw error;
    return { status: 202, body: { outcome: 'unknown', detail: error.message } };
  }
}

/** A refusal that does not say what became of an earlier sending. @throws ParleyError the doubt, if it was an error */
function stillUnknown(doubt: ApiBody | ParleyError, refusal: ParleyError): ApiBody {
  if (!(doubt instanceof ParleyError)) return doubt;
  throw new ParleyError(doubt.code, `${doubt.message} Asked again, it was refused: ${refusal.message}`, {
    cause: refusal,
    extra: doubt.extra,
  });
}

/** Why a sending came to nothing, from the reason in its answer. */
function futileText(reason: Json | undefined): string {
  const detail = typeof reason === 'object' && reason !== null && 'detail' in reason ? reason['detail'] : undefined;
  return typeof detail === 'string' ? detail : 'The sending came to nothing.';
}

/** What a person reads while settle() repeats; `mark` is what makes it harmless, an id or a key. */
export function repeatText(error: ParleyError, mark: 'id' | 'key'): string {
  const what = error.definite ? 'not done yet' : 'no answer yet';
  return `${what}: ${error.message} Trying again with the same ${mark}.`;
}

function hasLeft(options: SettleOptions): boolean {
  return options.signal?.aborted === true;
}

function retryAfterMs(error: ParleyError): number {
  const seconds = error.extra['retryAfter'];
  return typeof seconds === 'number' ? seconds * 1000 : 0;
}

function bodyOf(answer: ApiAnswer): Readonly<Record<string, Json>> {
  if (answer.text === '') return {};
  try {
    const value = JSON.parse(answer.text) as Json;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, Json>>;
    return { items: value };
  } catch {
    return { text: answer.text };
  }
}

function problem(answer: ApiAnswer, body: Readonly<Record<string, Json>>): ParleyError {
  const { code, detail, remedy, type: _type, title: _title, status: _status, definite: _definite, ...more } = body;
  const after = Number(answer.headers['retry-after']);
  const extra = {
    ...more,
    ...(Number.isFinite(after) && after >= 0 && answer.headers['retry-after'] !== undefined && { retryAfter: after }),
  };
  if (typeof code === 'string' && Object.hasOwn(ERRORS, code)) {
    const known = code as ErrorCode;
    const text = typeof detail === 'string' ? detail : ERRORS[known].meaning;
    return new ParleyError(known, text, typeof remedy === 'string' ? { remedy, extra } : { extra });
  }
  if (answer.status === 503) return new ParleyError('busy', 'The daemon answered 503.', { extra });
  const said = typeof detail === 'string' ? ` It said: ${detail}` : '';
  return new ParleyError('internal', `The daemon answered ${answer.status} without a known code.${said}`);
}
