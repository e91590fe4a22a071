/**
 * Endless answers, in two formats behind one interface:
 *
 * ```
 *   eventStream   text/event-stream       id: ..., event: ..., data: ..., empty line     (WHATWG HTML §9.2)
 *   jsonLines     application/x-ndjson    one JSON text a line
 * ```
 *
 * A reader that falls 1 MiB behind is dropped (answer-stream.ts), so a writer
 * never waits; a browser comes back with Last-Event-ID.
 */
import { assert } from '../base/assert.ts';
import type { ByteStream } from './byte-stream.ts';
import type { Response } from './router.ts';
import type { SharedBytes } from './shared-bytes.ts';

/** Proxies and browsers give up on a silent connection after 30 s or more. */
const COMMENT_MS = 15_000;

/** What writers of either format see. */
export interface PushStream<Item> {
  readonly isOpen: boolean;
  /** Octets that wait for the reader. */
  readonly waitingBytes: number;
  /** Sends one item; false when the reader is gone or was dropped just now. */
  write(item: Item): boolean;
  /** As write(), for items that were encoded before, because other readers get them too. */
  writeShared(items: SharedBytes): boolean;
  close(): void;
  /** Calls `listener` once, when the stream is over by whichever side; at once if it is. */
  onClose(listener: () => void): void;
}

/** One event of an SSE stream. `id` and `event` are one line each. */
export interface ServerEvent {
  /** What a reader sends back as Last-Event-ID. */
  readonly id?: string;
  /** The type a reader listens for; `message` if not given. */
  readonly event?: string;
  /** May have several lines. */
  readonly data: string;
  /** How long the reader waits before it comes back, in milliseconds. */
  readonly retryMs?: number;
}

/** No cache, and no proxy that gathers before it passes on. */
const STREAM_HEADERS = { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' } as const;

/**
 * An answer of server-sent events. A comment every 15 s keeps the connection
 * and finds out whether the reader is still there.
 * @param start called once the head is on its way
 */
export function eventStream(start: (events: PushStream<ServerEvent>) => void, commentMs = COMMENT_MS): Response {
  return {
    status: 200,
    headers: STREAM_HEADERS,
    contentType: 'text/event-stream',
    stream: (out) => {
      const beat = setInterval(() => out.write(':\n\n'), commentMs);
      out.onClose(() => clearInterval(beat));
      // A first byte, so that the reader knows it is heard before anything happens.
      out.write(':\n\n');
      start(pushStream(out, eventText));
    },
  };
}

/** An answer of JSON lines. It beats only if its writer does. */
export function jsonLines(start: (lines: PushStream<unknown>) => void): Response {
  return {
    status: 200,
    headers: STREAM_HEADERS,
    contentType: 'application/x-ndjson',
    stream: (out) => start(pushStream(out, (value) => `${JSON.stringify(value)}\n`)),
  };
}

/** The text of one event; a line end within `data` begins another data line. */
export function eventText({ id, event, data, retryMs }: ServerEvent): string {
  let text = '';
  if (retryMs !== undefined) text += `retry: ${Math.round(retryMs)}\n`;
  if (id !== undefined) text += `id: ${oneLine(id)}\n`;
  if (event !== undefined) text += `event: ${oneLine(event)}\n`;
  for (const line of data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  return `${text}\n`;
}

function oneLine(text: string): string {
  assert(!/[\r\n\0]/.test(text), 'an event id or type is one line');
  return text;
}

function pushStream<Item>(out: ByteStream, textOf: (item: Item) => string): PushStream<Item> {
  return {
    get isOpen() {
      return out.isOpen;
    },
    get waitingBytes() {
      return out.waitingBytes;
    },
    write: (item) => out.write(textOf(item)),
    writeShared: (items) => out.write(items),
    close: () => out.close(),
    onClose: (listener) => out.onClose(listener),
  };
}
