/** One exchange whose answer does not end: lines as they come, for the HTTP client. */
import { ParleyError } from '../base/errors.ts';
import type { Headers, ResponseHead } from '../wire/frame.ts';
import { errorOfAnswer } from './answer-error.ts';
import type { ClientConnection } from './client-connection.ts';
import { LineSplitter } from './line-splitter.ts';
import { timerMs } from './timer-limit.ts';

/** Of an answer that is an error where a stream was wanted. */
const ERROR_BYTES_MAX = 64 * 1024;

/** What is read, and who hears it. */
export interface LinesRequest {
  readonly method: string;
  readonly path: string;
  readonly onLine: (line: string) => void;
  /** The answer began, with status 2xx. */
  readonly onOpen?: ((headers: Headers) => void) | undefined;
  /** Breaks the stream when nothing came for so long; default: never. */
  readonly silenceMs?: number | undefined;
  /** Ends the stream, without an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends `frame` and reads lines until the server ends the answer or the
 * signal aborts. What `onLine` throws ends the stream and comes out here.
 * @param headMs how long the head of the answer may take
 * @throws ParleyError `connection-lost`, `timeout`, or the error the server answered with
 */
export function readLines(
  connection: ClientConnection,
  frame: Buffer,
  request: LinesRequest,
  headMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines = new LineExchange(connection, request, (error) => {
      if (error === undefined) resolve();
      else
        reject(
          error instanceof Error ? error : new Error('A reader of lines threw what is no error.', { cause: error }),
        );
    });
    lines.begin(frame, headMs);
  });
}

class LineExchange {
  readonly #connection: ClientConnection;
  readonly #request: LinesRequest;
  readonly #onOver: (error?: unknown) => void;
  readonly #splitter = new LineSplitter();
  #timer: NodeJS.Timeout | undefined = undefined;
  /** Set when the answer is an error; its body is then gathered, not split. */
  #errorStatus: number | undefined = undefined;
  #errorBody = Buffer.alloc(0);

  constructor(connection: ClientConnection, request: LinesRequest, onOver: (error?: unknown) => void) {
    this.#connection = connection;
    this.#request = request;
    this.#onOver = onOver;
  }

  begin(frame: Buffer, headMs: number): void {
    const { method, signal } = this.#request;
    signal?.addEventListener('abort', this.#onAbort);
    this.#wait(headMs);
    const expected = { method, body: 'pieces' } as const;
    this.#connection.begin(frame, expected, {
      onHead: (head) => this.#takeHead(head),
      onPiece: (bytes) => this.#takePiece(bytes),
      onAnswer: () => this.#end(),
      onFailure: (error) => this.#fail(error),
    });
    if (signal?.aborted === true) this.#onAbort();
  }

  #takeHead({ status, headers }: ResponseHead): void {
    this.#wait(this.#request.silenceMs);
    if (status < 200 || status > 299) this.#errorStatus = status;
    else this.#request.onOpen?.(headers);
  }

  #takePiece(bytes: Buffer): void {
    this.#wait(this.#request.silenceMs);
    if (this.#errorStatus === undefined) this.#hand(() => this.#splitter.push(bytes));
    else if (this.#errorBody.length < ERROR_BYTES_MAX) this.#errorBody = Buffer.concat([this.#errorBody, bytes]);
  }

  #end(): void {
    if (this.#errorStatus !== undefined) return this.#fail(errorOfAnswer(this.#errorStatus, this.#errorBody));
    if (!this.#hand(() => this.#splitter.end())) return;
    this.#leave();
    this.#onOver();
  }

  /** Hands lines up; false when that failed and the stream is over. A listener may abort between two lines. */
  #hand(lines: () => readonly string[]): boolean {
    try {
      for (const line of lines()) if (this.#request.signal?.aborted !== true) this.#request.onLine(line);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #wait(durationMs: number | undefined): void {
    clearTimeout(this.#timer);
    if (durationMs === undefined) return;
    const { method, path } = this.#request;
    const late = (): ParleyError => new ParleyError('timeout', `${method} ${path} was silent for ${durationMs} ms.`);
    this.#timer = setTimeout(() => this.#fail(late()), timerMs(durationMs));
  }

  #fail(error: unknown): void {
    this.#leave();
    this.#connection.abandon();
    this.#onOver(error);
  }

  readonly #onAbort = (): void => {
    this.#leave();
    this.#connection.abandon();
    this.#onOver();
  };

  #leave(): void {
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
  }
}
