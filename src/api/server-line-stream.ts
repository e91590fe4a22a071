/**
 * One reader of the live stream. It pulls its lines from the cache: at most a
 * quarter of a MiB waits for it, however far behind it is, and it goes on when
 * that has left. A reader that takes nothing for a while is let go; it resumes
 * with the id of the last event it has.
 *
 * ```
 *   event: position   where the reader begins, so that it can resume before its first line
 *   event: line       {room, seq, key, author, text, at}
 *   event: closing    the server stops, or hears no replica; come back, here or to another server
 * ```
 */
import { ParleyError } from '../base/errors.ts';
import type { LineCursor } from '../chat/line-cursor.ts';
import type { RoomCache } from '../chat/room-cache.ts';
import type { PushStream, ServerEvent } from '../net/event-stream.ts';
import type { HistoryLine } from '../resources/history.ts';
import type { SharedPortions } from './shared-portions.ts';

/** What may wait for a reader before its next lines are fetched. */
export const READER_WAITING_BYTES_MAX = 256 * 1024;
/** Lines fetched at a time. */
const PORTION_LINES_MAX = 100;
/** Between two looks whether a slow reader has taken something. */
const LOOK_MS = 10;
/** A reader that took nothing for so long is gone, or as good as. */
const STUCK_MS_MAX = 10_000;
/** How long a reader waits before it comes back. */
const RETRY_MS = 500;

/** What a stream needs beside the cache. */
export interface LineStreamPorts {
  readonly cache: RoomCache;
  /** Lines that are no longer in memory. Rejects with a ParleyError. */
  readonly older: (room: string, after: number, limit: number) => Promise<readonly HistoryLine[]>;
  readonly onBug: (error: unknown) => void;
}

/** See the header. */
export class LineStream {
  readonly #ports: LineStreamPorts;
  readonly #cursor: LineCursor;
  readonly #events: PushStream<ServerEvent>;
  readonly #portions: SharedPortions;
  readonly #unlisten: readonly (() => void)[];
  #isFetching = false;
  #timer: NodeJS.Timeout | undefined = undefined;
  #stuck: { readonly sinceMs: number; readonly bytes: number } | undefined = undefined;

  /** @param portions shared with the other readers of the server */
  constructor(events: PushStream<ServerEvent>, cursor: LineCursor, ports: LineStreamPorts, portions: SharedPortions) {
    this.#events = events;
    this.#cursor = cursor;
    this.#ports = ports;
    this.#portions = portions;
    this.#unlisten = cursor.rooms.map((room) => ports.cache.listen(room, () => this.#pump()));
    events.onClose(() => {
      clearTimeout(this.#timer);
      for (const unlisten of this.#unlisten) unlisten();
    });
    const data = JSON.stringify({ rooms: cursor.rooms });
    events.write({ event: 'position', id: cursor.token, data, retryMs: RETRY_MS });
    this.#pump();
  }

  /** Says that the reader should come back, and ends. */
  close(): void {
    this.#events.write({ event: 'closing', id: this.#cursor.token, data: '{}' });
    this.#events.close();
  }

  #pump(): void {
    while (this.#events.isOpen && !this.#isFetching && this.#timer === undefined) {
      if (this.#events.waitingBytes > READER_WAITING_BYTES_MAX) {
        this.#waitForReader();
        return;
      }
      const portion = this.#cursor.next(this.#ports.cache, PORTION_LINES_MAX);
      if (portion.portion === 'none') return;
      if (portion.portion === 'older') {
        this.#fetch(portion.room, portion.after).catch(this.#ports.onBug);
        return;
      }
      this.#send(portion.room, portion.lines);
      this.#cursor.yieldTurn(portion.room);
    }
  }

  #send(room: string, lines: readonly HistoryLine[]): void {
    if (this.#cursor.rooms.length === 1 && this.#cursor.advanceAll(room, lines)) {
      this.#events.writeShared(this.#portions.of(room, lines));
      return;
    }
    for (const line of lines) {
      if (!this.#cursor.advance(room, line.seq)) continue;
      this.#events.write({ event: 'line', id: this.#cursor.token, data: JSON.stringify({ room, ...line }) });
    }
  }

  /** A stretch from a participant. What cannot be had ends the stream: a gap would be worse. */
  async #fetch(room: string, after: number): Promise<void> {
    this.#isFetching = true;
    try {
      const lines = await this.#ports.older(room, after, PORTION_LINES_MAX);
      if (lines[0]?.seq === after + 1) this.#send(room, lines);
      else this.#events.close();
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      this.#events.close();
    } finally {
      this.#isFetching = false;
    }
    this.#pump();
  }

  #waitForReader(): void {
    const bytes = this.#events.waitingBytes;
    const nowMs = performance.now();
    if (this.#stuck === undefined || bytes < this.#stuck.bytes) this.#stuck = { sinceMs: nowMs, bytes };
    if (nowMs - this.#stuck.sinceMs > STUCK_MS_MAX) {
      this.#events.close();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#events.waitingBytes <= READER_WAITING_BYTES_MAX) this.#stuck = undefined;
      this.#pump();
    }, LOOK_MS);
  }
}
