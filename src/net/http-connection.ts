/**
 * One client connection of the HTTP server: requests are read, executed and
 * answered one at a time and in order, however many arrive in one segment.
 *
 * ```
 *   reading ─ request ─> answering ─ answer written ─> reading
 *      │                     ├─ it does not leave at once ─> flushing ─ drain ─> reading
 *      │                     └─ a stream ─> streaming ─ its end ─> reading
 *      └─ bad frame, too slow, idle, FIN, "close" behind an answer ─> over
 * ```
 *
 * What arrives meanwhile waits in the reader, unparsed, up to a limit; then the
 * sender waits. So a bad frame is found only when everything before it is
 * answered, and its own answer (400, close) comes last.
 */
import type { Socket } from 'node:net';
import { ParleyError } from '../base/errors.ts';
import { RequestReader } from '../wire/frame-reader.ts';
import { CONTINUE, responseFrame, streamHead } from '../wire/frame-writer.ts';
import type { RequestHead } from '../wire/frame.ts';
import { hasOption, persists } from '../wire/persistence.ts';
import { AnswerStream } from './answer-stream.ts';
import { Connection } from './connection.ts';
import { Deadline } from './deadline.ts';
import { ANSWERING, READING } from './http-phase.ts';
import type { HttpPhase } from './http-phase.ts';
import { UNSENT_ANSWERS_MAX, WAITING_BYTES_MAX } from './http-service.ts';
import type { HttpService } from './http-service.ts';
import { Request } from './request.ts';
import { problem } from './router.ts';
import type { Response } from './router.ts';

/** Answers that wait to be read; one answer larger than this is a bug of the handler above. */
const OUTBOUND_BYTES_MAX = 64 * 1024 * 1024;

type Start = NonNullable<Response['stream']>;

/** What a client may take too long for. */
type Limit = 'between' | 'head' | 'body' | 'flush';

/** The request being answered. */
interface Exchange {
  readonly head: RequestHead;
  readonly request: Request;
  readonly startedMs: number;
}

/** See the header. */
export class HttpConnection {
  readonly #options: HttpService;
  readonly #connection: Connection;
  readonly #reader: RequestReader;
  readonly #onOver: () => void;
  #phase: HttpPhase = READING;
  #isPumping = false;
  #hasEnded = false;
  #isRetiring = false;
  #unsentAnswers = 0;
  readonly #deadline = new Deadline<Limit>((what) => this.#timeOut(what));
  #closeListeners: (() => void)[] = [];
  readonly #remoteAddress: string;
  readonly #onCloseOfRequest = (listener: () => void): void => {
    if (this.#phase.name === 'over') listener();
    else this.#closeListeners.push(listener);
  };

  /** @param onOver called once, when the connection is over or was given away by an upgrade */
  constructor(socket: Socket, options: HttpService, onOver: () => void) {
    this.#options = options;
    this.#onOver = onOver;
    this.#reader = new RequestReader(options.limits);
    this.#connection = new Connection(socket, OUTBOUND_BYTES_MAX, {
      onData: (chunk) => this.#receive(chunk),
      onEnd: () => this.#endInput(),
      onDrain: () => this.#endFlushing(),
      onClose: () => this.#end(),
    });
    this.#remoteAddress = this.#connection.remoteAddress;
    this.#deadline.arm('between', options.timeouts.idleMs);
  }

  /** Takes no further request: closes now when idle, else behind the answer under way. */
  retire(): void {
    this.#isRetiring = true;
    if (this.#phase.name === 'streaming') this.#phase.stream.close();
    const isIdle = this.#reader.stage === 'between' && this.#reader.bufferedBytes === 0;
    if (this.#phase.name === 'reading' && isIdle) this.#close();
  }

  /** Ends at once. */
  destroy(): void {
    this.#connection.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    if (this.#phase.name === 'reading') this.#pump();
    else if (this.#reader.bufferedBytes > WAITING_BYTES_MAX) this.#connection.pause();
  }

  #endInput(): void {
    this.#reader.end();
    this.#hasEnded = true;
    if (this.#phase.name === 'reading') this.#pump();
    // Who reads a stream keeps its side open; FIN says that the reader left.
    if (this.#phase.name === 'streaming') this.#phase.stream.close();
  }

  /** Reads and answers until more bytes are needed or an answer must be waited for. */
  #pump(): void {
    // A handler that answers at once comes back here; the loop below goes on.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#phase.name === 'reading' && this.#step());
    this.#isPumping = false;
  }

  /** False when there is nothing more to do now. */
  #step(): boolean {
    const read = this.#reader.next();
    switch (read.type) {
      case 'need-more':
        this.#awaitBytes();
        return false;
      case 'head':
        if (read.expectContinue) this.#connection.write(CONTINUE);
        return true;
      case 'request':
        this.#begin(read.head, read.body);
        return true;
      case 'error':
        this.#refuse(read.error);
        return false;
      case 'end':
        this.#close();
        return false;
    }
  }

  #awaitBytes(): void {
    const { stage } = this.#reader;
    if (this.#isRetiring && stage === 'between') return this.#close();
    const { idleMs, headMs, bodyMs } = this.#options.timeouts;
    this.#deadline.arm(stage, stage === 'between' ? idleMs : stage === 'head' ? headMs : bodyMs);
    this.#connection.resume();
  }

  #timeOut(what: Limit): void {
    if (what === 'between') this.#close();
    else if (what === 'flush') this.#connection.destroy();
    else this.#refuse(new ParleyError('request-timeout', `The ${what} of the request did not come in time.`));
  }

  /** Answers what is no request, and closes. */
  #refuse(error: ParleyError): void {
    const { status, headers = {}, contentType = '', body = '' } = problem(error);
    const date = this.#options.date.now();
    const fields = { ...headers, Connection: 'close' };
    const headOnly = this.#reader.isHead;
    this.#connection.write(responseFrame({ status, headers: fields, contentType, body, date, headOnly }));
    this.#close();
  }

  #close(): void {
    this.#deadline.end();
    this.#phase = { name: 'over' };
    this.#connection.closeGently();
  }

  #begin(head: RequestHead, body: Buffer): void {
    this.#deadline.disarm();
    this.#phase = ANSWERING;
    if (this.#closeListeners.length > 0) this.#closeListeners = [];
    if (this.#upgrade(head)) return;
    const request = new Request({ head, body, remoteAddress: this.#remoteAddress, onClose: this.#onCloseOfRequest });
    const exchange: Exchange = { head, request, startedMs: performance.now() };
    try {
      const answer = this.#options.handler(request);
      if (answer instanceof Promise) void this.#await(exchange, answer);
      else this.#answer(exchange, answer);
    } catch (error) {
      this.#answer(exchange, this.#failure(error, request));
    }
  }

  async #await(exchange: Exchange, promised: Promise<Response>): Promise<void> {
    let answer: Response;
    try {
      answer = await promised;
    } catch (error) {
      answer = this.#failure(error, exchange.request);
    }
    this.#answer(exchange, answer);
  }

  #failure(error: unknown, request: Request): Response {
    if (error instanceof ParleyError) return problem(error);
    this.#options.onBug(error, request);
    return problem(new ParleyError('internal', 'The request met a bug; the log of the daemon has it.'));
  }

  /** An upgrade that nobody takes is ignored (RFC 9110 §7.8). */
  #upgrade(head: RequestHead): boolean {
    const { onUpgrade } = this.#options;
    if (onUpgrade === undefined || head.method !== 'GET' || head.path !== '/peer' || this.#hasEnded) return false;
    const wanted = hasOption(head.headers['connection'], 'upgrade') && hasOption(head.headers['upgrade'], 'parley');
    if (!wanted || head.minor === 0) return false;
    const socket = this.#connection.release();
    this.#deadline.end();
    this.#phase = { name: 'over' };
    if (!onUpgrade(head, socket, this.#reader.takeRest())) socket.destroy();
    this.#onOver();
    return true;
  }

  /** Writes an answer; one that cannot be written is a bug and becomes a 500. */
  #answer(exchange: Exchange, response: Response): void {
    if (this.#phase.name !== 'answering') return;
    this.#options.onAnswered?.(exchange.request, response.status, performance.now() - exchange.startedMs);
    try {
      this.#write(exchange, response);
    } catch (error) {
      this.#write(exchange, this.#failure(error, exchange.request));
    }
  }

  #write(exchange: Exchange, response: Response): void {
    const { head } = exchange;
    const { status, stream, body = '', contentType } = response;
    const isEndless = stream !== undefined && head.minor === 0;
    const hasNothingMore = this.#hasEnded && this.#reader.bufferedBytes === 0;
    const keepsOpen = persists(head) && !this.#isRetiring && !isEndless && !hasNothingMore;
    const connection = keepsOpen ? (head.minor === 0 ? 'keep-alive' : undefined) : 'close';
    const headers = connection === undefined ? response.headers : { ...response.headers, Connection: connection };
    const date = this.#options.date.now();
    const isHead = head.method === 'HEAD';
    if (stream === undefined) {
      const isThrough = this.#send(responseFrame({ status, headers, date, contentType, body, headOnly: isHead }));
      return this.#leave(keepsOpen, isThrough);
    }
    const framing = isEndless ? 'close' : 'chunked';
    const isThrough = this.#send(streamHead({ status, headers, date, contentType, framing }));
    if (isHead) this.#leave(keepsOpen, isThrough);
    else this.#stream(exchange, stream, { isChunked: !isEndless, keepsOpen });
  }

  /** False when nothing more is to be executed until what waits has left. */
  #send(answer: Buffer): boolean {
    if (this.#connection.waitingBytes === 0) this.#unsentAnswers = 0;
    this.#unsentAnswers += 1;
    const isLast = this.#unsentAnswers >= UNSENT_ANSWERS_MAX;
    if (isLast) return this.#connection.writeThrough(answer);
    // Where a request waits behind this one, its answer may share a system call with this.
    return this.#reader.bufferedBytes === 0 ? this.#connection.writeNow(answer) : this.#connection.write(answer);
  }

  /** An answer is written: what now. */
  #leave(keepsOpen: boolean, isThrough: boolean): void {
    if (!keepsOpen) return this.#close();
    if (!isThrough) {
      this.#phase = { name: 'flushing' };
      return this.#deadline.arm('flush', this.#options.timeouts.flushMs);
    }
    this.#phase = READING;
    this.#pump();
  }

  #stream(exchange: Exchange, start: Start, how: { isChunked: boolean; keepsOpen: boolean }): void {
    const stream = new AnswerStream(this.#connection, how.isChunked, () => {
      if (this.#phase.name === 'streaming') this.#leave(how.keepsOpen, true);
    });
    this.#phase = { name: 'streaming', stream };
    try {
      start(stream);
    } catch (error) {
      // The head has left, so the reader can only be told by a body that is cut off.
      this.#options.onBug(error, exchange.request);
      return this.#connection.destroy();
    }
    if (this.#hasEnded || this.#isRetiring) stream.close();
  }

  #endFlushing(): void {
    if (this.#phase.name !== 'flushing') return;
    this.#deadline.disarm();
    this.#phase = READING;
    this.#pump();
  }

  #end(): void {
    this.#deadline.end();
    const phase = this.#phase;
    this.#phase = { name: 'over' };
    if (phase.name === 'streaming') phase.stream.fall();
    for (const listener of this.#closeListeners.splice(0)) listener();
    this.#onOver();
  }
}
