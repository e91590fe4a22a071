/**
 * The chat's console: what is typed is said in the room; what others say
 * appears above the prompt, in the one order of the room.
 *
 * ```
 *   [uthira]: 0:00:17:hi      hours:minutes:seconds since the line before (form of the first source system)
 * ```
 *
 * A line carries a key made before it is sent; after an unknown outcome or
 * busy it is sent again with the same key, and the room keeps it once.
 */
import { ParleyError } from '../base/errors.ts';
import { isTransactionId } from '../base/ids.ts';
import { settleOutcome } from './api-client.ts';
import { CHAT_COMMANDS, commandRunner } from './command-table.ts';
import { EventStreamReader } from './event-stream-reader.ts';
import { newId } from './new-id.ts';
import { LINE_CHARS_MAX } from './parser.ts';
import { pause } from './pause.ts';
import { isObject, listAt, reasonLines, textAt, textOf } from './transaction-text.ts';
import type { Json } from '../base/canonical-json.ts';
import type { ApiClient, SettleOptions } from './api-client.ts';
import type { LineRunner, Reply } from './command-table.ts';
import type { JsonObject } from './transaction-text.ts';

/** A line of a room. */
export interface ChatLine {
  readonly room: string;
  readonly seq: number;
  readonly author: string;
  readonly text: string;
  /** Milliseconds since 1970; a program may have appended the line without a time. */
  readonly at: number | undefined;
}

/** What a chat session is made of. */
export interface ChatOptions {
  readonly client: ApiClient;
  readonly user: string;
  readonly room: string;
  readonly settle: SettleOptions;
  /** True when the person sees the line come back: then it is not said that it was sent. A script is told. */
  readonly live: boolean;
  readonly print: (line: string) => void;
  readonly narrate: (line: string) => void;
  /** Told the new room when it changes, for the prompt. */
  readonly onRoom: (room: string) => void;
  readonly makeId?: () => string;
}

/** Lines `/history` shows. */
const HISTORY_LINES = 50;
/** Lines a person sees on entering a room. */
const ENTER_LINES = 10;
/** A stream beats every 15 s; one that is silent for three beats is dead, however the link looks. */
const SILENCE_MS_MAX = 45_000;
/** Longest pause before the live stream is opened again (full jitter). */
const REDIAL_MS_MAX = 1000;

/** A chat session: the runner of typed lines, and the live lines of the room. */
export class ChatConsole implements LineRunner {
  readonly #options: ChatOptions;
  readonly #commands: LineRunner;
  readonly #makeId: () => string;
  #room: string;
  #followed = new AbortController();
  /** Where the stream of a room goes on, by room; a room that was left and is joined again goes on there too. */
  readonly #lastIds = new Map<string, string>();
  /** Time of the last line printed and the highest sequence, by room. */
  readonly #shown = new Map<string, { readonly at: number | undefined; readonly seq: number }>();

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#room = options.room;
    this.#makeId = options.makeId ?? newId;
    this.#commands = commandRunner(CHAT_COMMANDS, {
      '/history': ({ words: [room = this.#room] }) => this.#history(room),
      '/join': ({ words: [room = ''] }) => this.#join(readRoom(room)),
      '/rooms': () => this.#rooms(),
    });
  }

  /** A command when it begins with a slash (two slashes say one), else a line to say. */
  run(line: string): Promise<Reply> {
    const text = line.trim();
    if (text.startsWith('/') && !text.startsWith('//')) return this.#commands.run(text);
    if (text === '') return Promise.resolve({ lines: [], json: null });
    return this.#say(text.startsWith('//') ? text.slice(1) : text);
  }

  complete(line: string): [string[], string] {
    return line.trimStart().startsWith('/') ? this.#commands.complete(line) : [[], line];
  }

  /**
   * Prints the room's last lines and then those that come, until the signal
   * aborts; a broken stream is opened again where it broke.
   */
  async follow(signal: AbortSignal): Promise<void> {
    let told = false;
    while (!signal.aborted) {
      this.#followed = new AbortController();
      const both = AbortSignal.any([signal, this.#followed.signal]);
      const room = this.#room;
      try {
        if (!this.#lastIds.has(room)) await this.#enter(room, both);
        const onHeard = (): void => {
          if (told) this.#options.narrate('live lines go on');
          told = false;
        };
        if (!both.aborted) await this.#stream(room, both, onHeard);
      } catch (error) {
        if (!(error instanceof ParleyError)) throw error;
        // A place that this server cannot read is of no use; it begins with the lines of now.
        if (error.status === 400) this.#lastIds.delete(room);
        if (!told && !both.aborted) this.#options.narrate(`live lines stopped: ${stopText(error)} Trying again.`);
        told = true;
      }
      if (!both.aborted) await pause(Math.random() * REDIAL_MS_MAX, signal);
    }
  }

  /** Shows the last lines of a room to a person, and notes where its stream goes on, so that no line falls between. */
  async #enter(room: string, signal: AbortSignal): Promise<void> {
    const path = `/rooms/${encodeURIComponent(room)}/messages?limit=${this.#options.live ? ENTER_LINES : 1}`;
    const page = await this.#options.client.get(path).catch((error: unknown) => {
      // A room that is empty yet has a beginning all the same.
      if (error instanceof ParleyError && error.code === 'unknown-room') return error.extra as JsonObject;
      throw error;
    });
    if (signal.aborted) return;
    if (this.#options.live) for (const line of listAt(page, 'lines')) this.#show(readLine(line, room));
    const since = page['since'];
    if (typeof since === 'string') this.#lastIds.set(room, since);
  }

  async #stream(room: string, signal: AbortSignal, onHeard: () => void): Promise<void> {
    // A half-received event of a broken stream must not be joined to the next one's lines.
    const reader = new EventStreamReader();
    const path = `/events?rooms=${encodeURIComponent(room)}`;
    const since = this.#lastIds.get(room);
    const headers = { accept: 'text/event-stream', ...(since === undefined ? {} : { 'last-event-id': since }) };
    await this.#options.client.stream({ path, headers, signal, silenceMs: SILENCE_MS_MAX }, (line) => {
      onHeard();
      const event = reader.feed(line);
      if (event?.id !== undefined) this.#lastIds.set(room, event.id);
      if (event?.type === 'line') this.#show(readLine(parse(event.data), room));
    });
  }

  async #say(text: string): Promise<Reply> {
    if (text.length > LINE_CHARS_MAX) {
      throw new ParleyError('usage', `The line has ${text.length} characters; at most ${LINE_CHARS_MAX} are taken.`);
    }
    const key = this.#makeId();
    const json = { author: this.#options.user, text, key };
    const path = `/rooms/${encodeURIComponent(this.#room)}/messages`;
    const send = () =>
      this.#options.client.request({ method: 'POST', path, json, headers: { 'idempotency-key': key } });
    const { status, body } = await settleOutcome(send, this.#options.settle);
    if (status === 202 && body['sending'] !== undefined) {
      // The key was made for this line, and every sending of it was answered: none of them can still commit.
      return { lines: [`not sent: ${text}`, ...reasonLines(body)], json: { key, ...body }, exitCode: 1 };
    }
    if (status === 202 || body['outcome'] === 'unknown') {
      return { lines: [`unknown: ${text}; it may appear later`], json: { key, ...body }, exitCode: 3 };
    }
    const seq = body['seq'] === undefined ? '' : ` ${textAt(body, 'seq')}`;
    return { lines: this.#options.live ? [] : [`sent ${this.#room}${seq}`], json: { key, ...body } };
  }

  async #history(room: string): Promise<Reply> {
    const path = `/rooms/${encodeURIComponent(room)}/messages?limit=${HISTORY_LINES}`;
    const answer = await this.#options.client.get(path);
    const lines = listAt(answer, 'lines').flatMap((line) => readLine(line, room) ?? []);
    let before: number | undefined;
    const texts = lines.map((line) => {
      const text = lineText(line, before);
      before = line.at ?? before;
      return text;
    });
    return { lines: texts, json: answer };
  }

  #join(room: string): Reply {
    this.#room = room;
    this.#options.onRoom(room);
    this.#followed.abort();
    return { lines: [`you are in ${room}`], json: { room } };
  }

  async #rooms(): Promise<Reply> {
    const answer = await this.#options.client.get('/rooms');
    const list = Array.isArray(answer['items']) ? listAt(answer, 'items') : listAt(answer, 'rooms');
    return { lines: list.map((room) => (isObject(room) ? textAt(room, 'room') : textOf(room))), json: answer };
  }

  #show(line: ChatLine | undefined): void {
    if (line === undefined) return;
    const last = this.#shown.get(line.room);
    // A stream that was opened again may repeat lines; each is shown once.
    if (last !== undefined && line.seq <= last.seq) return;
    this.#shown.set(line.room, { at: line.at ?? last?.at, seq: line.seq });
    this.#options.print(lineText(line, last?.at));
  }
}

/** The typed text as the name of a room. @throws ParleyError `usage` */
export function readRoom(text: string): string {
  const name: unknown = text;
  if (isTransactionId(name)) return name;
  const shown = JSON.stringify(text.slice(0, 80));
  throw new ParleyError('usage', `${shown} is no name of a room: 1 to 64 characters A-Z a-z 0-9 . _ -`, {
    remedy: 'Use another, for example lobby.',
  });
}

/** `[uthira]: 0:00:17:hi`; the first line of a session has no line before it and shows 0:00:00. */
export function lineText(line: ChatLine, beforeMs: number | undefined): string {
  return `[${line.author}]: ${elapsedText((line.at ?? 0) - (beforeMs ?? line.at ?? 0))}:${line.text}`;
}

/** Milliseconds as hours:minutes:seconds; clocks that go back count as no time. */
export function elapsedText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** What ended a stream, without what only concerns its bytes. */
function stopText(error: ParleyError): string {
  return error.code === 'connection-lost' ? 'The connection to the server broke.' : error.message;
}

function parse(data: string): Json {
  try {
    return JSON.parse(data) as Json;
  } catch {
    return null;
  }
}

function readLine(value: Json, room: string): ChatLine | undefined {
  if (!isObject(value)) return undefined;
  const { seq, author, text, at } = value;
  const atMs = typeof at === 'string' ? Date.parse(at) : at;
  if (typeof seq !== 'number' || typeof text !== 'string') return undefined;
  return {
    room: typeof value['room'] === 'string' ? value['room'] : room,
    seq,
    author: textOf(author),
    text,
    at: typeof atMs === 'number' && Number.isFinite(atMs) ? atMs : undefined,
  };
}
