/**
 * One direction of one proxied connection: bytes that came in, waiting for the
 * moment in which they may go out. Order is kept; the end of the connection
 * waits behind the bytes before it, as it does on a network.
 *
 * ```
 *   source ── data ──> filter ──> queue [due, bytes | fin | reset] ── pump ──> destination
 * ```
 */
import type { Socket } from 'node:net';
import type { Effective } from './link-condition.ts';
import { resetSocket } from './reset-socket.ts';

/** A source is not read on while this much of its bytes waits: its kernel then holds the rest. */
const QUEUE_BYTES_MAX = 1024 * 1024;

/** What a flow needs of its connection. */
export interface ProxyFlowOptions {
  readonly source: Socket;
  readonly destination: Socket;
  /** What it is subject to now. */
  readonly effective: () => Effective;
  readonly random: () => number;
  /** What becomes of bytes on their way: the same bytes, others, or none. */
  readonly filter: (bytes: Buffer) => readonly Buffer[];
  /** What the filter still kept back, when no more comes. */
  readonly rest: () => readonly Buffer[];
  /** Bytes vanished: the connection cannot go on when that ends. */
  readonly onSwallowed: () => void;
  /** A condition did something: it held bytes back, delayed, cut or lost them. */
  readonly onActed: () => void;
}

/** `fin`: it sends no more; `closed`: after that, it does not read either; `reset`: it broke off. */
type End = 'fin' | 'closed' | 'reset';
type What = { readonly bytes: Buffer } | { readonly end: End };
type Item = { readonly dueMs: number } & What;

/** See the header. */
export class ProxyFlow {
  readonly #options: ProxyFlowOptions;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The destination is free again at this time, by its bandwidth. */
  #freeAtMs = 0;
  #lastDueMs = 0;
  #draining = false;
  #end: End | undefined;
  #isForgotten = false;

  constructor(options: ProxyFlowOptions) {
    this.#options = options;
  }

  /** Begins to read; `first` came before there was a flow. */
  start(first: Buffer): void {
    const { source, destination } = this.#options;
    if (first.length > 0) this.#take(first);
    source.on('data', (bytes: Buffer) => this.#take(bytes));
    source.on('end', () => this.#finish('fin'));
    source.on('error', () => this.#finish('reset'));
    source.on('close', () => this.#finish(this.#end === 'fin' ? 'closed' : 'reset'));
    destination.on('drain', () => {
      this.#draining = false;
      this.pump();
    });
    destination.on('close', () => this.#forget());
    source.resume();
  }

  /** Puts bytes of our own at the end of the queue, past the filter. */
  insert(bytes: Buffer): void {
    this.#enqueue({ bytes });
  }

  /** Lets out what may go; called when bytes came, time passed, or conditions changed. */
  pump(): void {
    clearTimeout(this.#timer);
    for (let item = this.#queue[0]; item !== undefined && !this.#draining; item = this.#queue[0]) {
      const { stall, swallow, sliceBytes, bytesPerSecond } = this.#options.effective();
      if (stall || swallow) this.#options.onActed();
      if (stall) return;
      if (swallow) {
        this.#shift(item);
        this.#options.onSwallowed();
        continue;
      }
      const nowMs = performance.now();
      const waitMs = Math.max(item.dueMs, this.#freeAtMs) - nowMs;
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      const bytes = this.#release(item, sliceBytes);
      if (bytesPerSecond !== Infinity && bytes > 0) this.#options.onActed();
      if (bytesPerSecond !== Infinity) this.#freeAtMs = nowMs + (bytes * 1000) / bytesPerSecond;
      // A pause, so that the kernel does not join the pieces again.
      else if (sliceBytes !== Infinity) this.#freeAtMs = nowMs + 1;
    }
    if (this.#queuedBytes < QUEUE_BYTES_MAX && this.#end === undefined) this.#options.source.resume();
  }

  #take(bytes: Buffer): void {
    // Nobody is there to read them: queued, they would be let out piece by piece for as long as the source sends.
    if (this.#isForgotten) return;
    for (const piece of this.#options.filter(bytes)) this.#enqueue({ bytes: piece });
    if (this.#queuedBytes >= QUEUE_BYTES_MAX) this.#options.source.pause();
  }

  #finish(end: End): void {
    const isOver = this.#end === 'closed' || this.#end === 'reset' || this.#end === end;
    if (isOver) return;
    this.#end = end;
    if (end === 'fin') for (const bytes of this.#options.rest()) this.#enqueue({ bytes });
    this.#enqueue({ end });
  }

  #enqueue(what: What): void {
    const { latencyMs, jitterMs } = this.#options.effective();
    if (latencyMs > 0 || jitterMs > 0) this.#options.onActed();
    const dueMs = Math.max(this.#lastDueMs, performance.now() + latencyMs + this.#options.random() * jitterMs);
    this.#lastDueMs = dueMs;
    this.#queue.push({ dueMs, ...what });
    if ('bytes' in what) this.#queuedBytes += what.bytes.length;
    this.pump();
  }

  /** Writes the first item, or a piece of it; returns how many bytes left. */
  #release(item: Item, sliceBytes: number): number {
    const { destination } = this.#options;
    if ('end' in item) {
      this.#shift(item);
      if (item.end === 'fin') destination.end();
      else if (item.end === 'closed') destination.destroySoon();
      else resetSocket(destination);
      return 0;
    }
    const piece = item.bytes.length > sliceBytes ? item.bytes.subarray(0, sliceBytes) : item.bytes;
    this.#shift(item);
    if (piece.length < item.bytes.length) {
      const rest = item.bytes.subarray(piece.length);
      this.#queue.unshift({ dueMs: item.dueMs, bytes: rest });
      this.#queuedBytes += rest.length;
      this.#options.onActed();
    }
    if (!destination.write(piece)) this.#draining = true;
    return piece.length;
  }

  #shift(item: Item): void {
    this.#queue.shift();
    if ('bytes' in item) this.#queuedBytes -= item.bytes.length;
  }

  #forget(): void {
    this.#isForgotten = true;
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#end = 'reset';
    // What still comes has nowhere to go.
    this.#options.source.resume();
  }
}
