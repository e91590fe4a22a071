/**
 * One connection of the HTTP client: one exchange at a time.
 *
 * ```
 *   idle ─ begin() ─> busy ─ whole answer, reusable ─> idle
 *     │                └─ whole answer, closing; or failed ─> over
 *     └─ anything from the server ─> over      (it closes, or speaks unasked)
 * ```
 */
import { ParleyError } from '../base/errors.ts';
import { ResponseReader } from '../wire/frame-reader.ts';
import type { ExpectedResponse } from '../wire/frame-reader.ts';
import type { FrameLimits, ResponseHead } from '../wire/frame.ts';
import type { Socket } from 'node:net';
import { Connection } from './connection.ts';

/** A request larger than this is not sent. */
const OUTBOUND_BYTES_MAX = 64 * 1024 * 1024;

/** Who hears about one exchange: perhaps a head and pieces, then exactly one of the others. */
export interface ExchangeListener {
  readonly onHead?: (head: ResponseHead) => void;
  readonly onPiece?: (bytes: Buffer) => void;
  readonly onAnswer: (head: ResponseHead, body: Buffer) => void;
  /** `heard`: at least one octet of the answer had come. */
  readonly onFailure: (error: ParleyError, heard: boolean) => void;
}

interface Exchange {
  readonly listener: ExchangeListener;
  heard: boolean;
}

/** Takes over a connected socket. */
export class ClientConnection {
  readonly #connection: Connection;
  readonly #reader: ResponseReader;
  readonly #onIdle: () => void;
  readonly #onOver: () => void;
  #exchange: Exchange | undefined = undefined;

  constructor(socket: Socket, limits: Partial<FrameLimits>, events: { onIdle: () => void; onOver: () => void }) {
    this.#reader = new ResponseReader(limits);
    this.#onIdle = events.onIdle;
    this.#onOver = events.onOver;
    this.#connection = new Connection(socket, OUTBOUND_BYTES_MAX, {
      onData: (chunk) => this.#receive(chunk),
      onEnd: () => {
        this.#reader.end();
        this.#pump();
        this.destroy();
      },
      onDrain: () => undefined,
      onClose: (error) => {
        this.#fail(error?.code ?? 'closed', error);
        this.#onOver();
      },
    });
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Sends one request; the connection must be idle. */
  begin(frame: Buffer, expected: ExpectedResponse, listener: ExchangeListener): void {
    this.#exchange = { listener, heard: false };
    this.#reader.expect(expected);
    this.#connection.write(frame);
  }

  /** Ends at once; an exchange under way fails, unless abandon() came first. */
  destroy(): void {
    this.#connection.destroy();
  }

  /** Ends at once; whoever listened hears nothing more. */
  abandon(): void {
    this.#exchange = undefined;
    this.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#exchange === undefined) return this.destroy();
    this.#exchange.heard = true;
    this.#reader.push(chunk);
    this.#pump();
  }

  #pump(): void {
    while (this.#exchange !== undefined && this.#step(this.#exchange));
  }

  #step({ listener }: Exchange): boolean {
    const read = this.#reader.next();
    switch (read.type) {
      case 'need-more':
        return false;
      case 'head':
        listener.onHead?.(read.head);
        return true;
      case 'piece':
        listener.onPiece?.(read.bytes);
        return true;
      case 'response':
        this.#exchange = undefined;
        // Free before the listener is told, so that its next request finds this connection.
        if (read.reusable && this.#reader.bufferedBytes === 0 && this.isOpen) this.#onIdle();
        else this.destroy();
        listener.onAnswer(read.head, read.body);
        return false;
      case 'error':
        this.#fail(`the answer is no HTTP: ${read.error.detail}`, read.error);
        this.destroy();
        return false;
      case 'end':
        this.#fail('closed', undefined);
        return false;
    }
  }

  #fail(why: string, cause: unknown): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const error = new ParleyError('connection-lost', `The connection broke before the answer came (${why}).`, {
      cause,
    });
    exchange?.listener.onFailure(error, exchange.heard);
  }
}
