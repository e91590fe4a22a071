/**
 * Lines into rooms. Per room one append is in flight; it is repeated with the
 * same transaction id until its outcome is known, however long that takes, so
 * that no line of it is ever answered with a no that a late commit belies. The
 * clients do not wait that long: each has a deadline.
 *
 * ```
 *   a line                                                 its answer
 *   committed by its append, or seen committed in the feed committed {seq}
 *   in an append that aborted or was refused
 *     its key was made here, for this sending              aborted {reason}, or the refusal
 *     its key was given: another append of an earlier
 *     sending, at any server, may still commit it          unknown {sending, reason}: send it again with the same key
 *   in an append without an outcome at its deadline        unknown: send it again with the same key
 *   in no append at its deadline, or the queue is full     busy (error): this sending did nothing
 * ```
 *
 * Why a given key is never answered with a no:
 * docs/decisions/0009-a-line-with-a-given-key-is-never-answered-no.md.
 */
import type { ErrorCode } from '../base/error-registry.ts';
import { ParleyError } from '../base/errors.ts';
import type { HistoryLine } from '../resources/history.ts';
import { lineTime } from './line-rules.ts';
import type { SentLine } from './line-rules.ts';
import type { RoomCache } from './room-cache.ts';
import { RoomQueue } from './room-queue.ts';
import type { QueuedLine } from './room-queue.ts';

/** One transaction that appends lines to a room. */
export interface Append {
  readonly id: string;
  readonly room: string;
  readonly lines: readonly Omit<HistoryLine, 'seq'>[];
}

/** Why an append came to nothing. */
export interface AppendReason {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** A line as the room has it. */
export interface AppendedLine {
  readonly seq: number;
  /** The time it was stored with, when an earlier append had stored it. */
  readonly at?: string;
  /** What is stored under the key is another line. */
  readonly differs: boolean;
}

/** The outcome of an append, once known; `undefined` when the writer was closed before. */
export type AppendOutcome =
  | { readonly outcome: 'committed'; readonly lineByKey: ReadonlyMap<string, AppendedLine> }
  | { readonly outcome: 'aborted'; readonly reason: AppendReason }
  /** Nothing happened, and the same append would be refused again. */
  | { readonly outcome: 'refused'; readonly error: ParleyError }
  | undefined;

/** What a client is told about its line. */
export type LineAnswer =
  | {
      readonly outcome: 'committed';
      readonly room: string;
      readonly seq: number;
      readonly key: string;
      /** Absent for a line that a program appended without a time. */
      readonly at?: string;
    }
  | { readonly outcome: 'aborted'; readonly key: string; readonly reason: AppendReason }
  | ({ readonly outcome: 'unknown'; readonly key: string } & Partial<FutileSending>);

/** This sending came to nothing; another with the same key may still commit, if there was one. */
export interface FutileSending {
  readonly sending: 'aborted' | 'refused';
  readonly reason: AppendReason;
}

/** What the writer needs of the world. */
export interface RoomWriterPorts {
  /** Runs an append until its outcome is known, or `signal` aborts. Never rejects. */
  readonly append: (append: Append, signal: AbortSignal) => Promise<AppendOutcome>;
  readonly makeId: () => string;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/**
 * Those who were answered together tend to say their next lines together. Without this pause the first of them
 * would travel alone, and all the others wait for an append of one line. It is a part of what the append took, so
 * that it costs little on any machine.
 */
const GATHER_SHARE = 1 / 8;
const GATHER_MS_MAX = 20;

interface Waiter {
  /** As this waiter sent it. */
  readonly line: SentLine;
  readonly answer: (answer: LineAnswer | ParleyError) => void;
}

/** See the header. */
export class RoomWriter {
  /** Rooms whose next append waits for those just answered, and for how many lines in all. */
  readonly #gathering = new Map<string, { readonly lines: number; readonly timer: NodeJS.Timeout }>();
  readonly #ports: RoomWriterPorts;
  readonly #cache: RoomCache;
  readonly #queues = new Map<string, RoomQueue<Waiter>>();
  readonly #closed = new AbortController();
  #waiters = 0;
  #isDraining = false;
  #whenIdle: (() => void)[] = [];

  constructor(cache: RoomCache, ports: RoomWriterPorts) {
    this.#cache = cache;
    this.#ports = ports;
  }

  /** Lines that wait for an append, over all rooms. */
  get waiting(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.waiting, 0);
  }

  /** Rooms with an append in flight or lines that wait. */
  get busyRooms(): number {
    return [...this.#queues.values()].filter((queue) => !queue.isIdle).length;
  }

  /**
   * Sends a line, and answers when its outcome is known or the deadline has passed.
   * @throws ParleyError `busy`, `draining` (nothing happened), `id-reused` (the key stands for another line), or why the append was refused
   */
  async send(line: SentLine, deadlineMs: number): Promise<LineAnswer> {
    if (this.#isDraining) throw stopping();
    const { room, key } = line;
    const known = this.#cache.lineOfKey(room, key);
    const answer =
      known === undefined
        ? await new Promise<LineAnswer | ParleyError>((resolve) => this.#offer(line, deadlineMs, resolve))
        : answerOf(line, known);
    if (answer instanceof ParleyError) throw answer;
    return answer;
  }

  /** Takes no more lines; resolves when every line that was taken has its answer. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#waiters > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Ends at once: appends in flight are repeated no more, their lines answered `unknown`; the others were never sent. */
  close(): void {
    this.#isDraining = true;
    this.#closed.abort();
    for (const queue of this.#queues.values()) for (const queued of queue.dismiss()) answerAll(queued, stopping);
  }

  #offer(line: SentLine, deadlineMs: number, resolve: (answer: LineAnswer | ParleyError) => void): void {
    const { room, key } = line;
    const queue = this.#queues.get(room) ?? new RoomQueue<Waiter>();
    this.#queues.set(room, queue);
    const waiter: Waiter = {
      line,
      answer: (answer) => {
        clearTimeout(timer);
        this.#waiters -= 1;
        resolve(answer);
        if (this.#waiters === 0) for (const idle of this.#whenIdle.splice(0)) idle();
      },
    };
    const timer = setTimeout(() => waiter.answer(this.#late(queue, line, waiter)), deadlineMs);
    this.#waiters += 1;
    const offer = queue.offer(line, waiter);
    if (offer === 'full') waiter.answer(new ParleyError('busy', `${queue.waiting} lines wait for ${room} already.`));
    if (offer === 'key-taken') waiter.answer(keyTaken(key));
    this.#pump(room, queue);
  }

  /** The answer at the deadline. A line in no append did not happen; one in flight may. */
  #late(queue: RoomQueue<Waiter>, { room, key }: SentLine, waiter: Waiter): LineAnswer | ParleyError {
    if (queue.withdraw(key, waiter) === 'in-flight') return { outcome: 'unknown', key };
    return new ParleyError('busy', `The lines before this one in ${room} have no outcome yet; this one was not sent.`);
  }

  #pump(room: string, queue: RoomQueue<Waiter>): void {
    const isGathering = queue.waiting < (this.#gathering.get(room)?.lines ?? 0);
    const lines = this.#closed.signal.aborted || isGathering ? undefined : queue.take();
    if (lines === undefined) {
      if (queue.isIdle && !isGathering) this.#queues.delete(room);
      return;
    }
    this.#endGathering(room);
    const at = lineTime(this.#ports.nowMs(), this.#cache.newest(room)?.at);
    const append: Append = {
      id: this.#ports.makeId(),
      room,
      lines: lines.map(({ key, author, text }) => ({ key, author, text, at })),
    };
    void this.#run(queue, append, at);
  }

  async #run(queue: RoomQueue<Waiter>, append: Append, at: string): Promise<void> {
    // Survivors may decide an append while the coordinator is away: then the feed says so first.
    const unlisten = this.#cache.listen(append.room, (fresh) => {
      for (const stored of fresh) answerAll(queue.inFlight(stored.key), (line) => answerOf(line, stored));
    });
    const startedMs = performance.now();
    const outcome = await this.#ports.append(append, this.#closed.signal);
    unlisten();
    const finished = queue.finish();
    // Who was answered by the feed may have said the next line already.
    const answered = finished.filter(({ waiters }) => waiters.size > 0).length;
    for (const queued of finished) answerAll(queued, (line) => this.#settled(line, outcome, at));
    const gatherMs = Math.min((performance.now() - startedMs) * GATHER_SHARE, GATHER_MS_MAX);
    if (answered + queue.waiting > 1) this.#gather(append.room, queue, answered + queue.waiting, gatherMs);
    this.#pump(append.room, queue);
  }

  #gather(room: string, queue: RoomQueue<Waiter>, lines: number, ms: number): void {
    const timer = setTimeout(() => {
      this.#endGathering(room);
      this.#pump(room, queue);
    }, ms);
    this.#gathering.set(room, { lines, timer });
  }

  #endGathering(room: string): void {
    clearTimeout(this.#gathering.get(room)?.timer);
    this.#gathering.delete(room);
  }

  #settled(line: SentLine, outcome: AppendOutcome, at: string): LineAnswer | ParleyError {
    const { room, key } = line;
    if (outcome === undefined) return { outcome: 'unknown', key };
    if (outcome.outcome === 'refused') return refused(line, outcome.error);
    if (outcome.outcome === 'aborted') {
      const { reason } = outcome;
      return line.keyIsGiven
        ? { outcome: 'unknown', key, sending: 'aborted', reason }
        : { outcome: 'aborted', key, reason };
    }
    const appended = outcome.lineByKey.get(key);
    if (appended === undefined) return { outcome: 'unknown', key };
    if (appended.differs) return keyTaken(key);
    return { outcome: 'committed', room, seq: appended.seq, key, at: appended.at ?? at };
  }
}

/** Answers those who wait for a line, once. */
function answerAll(
  queued: QueuedLine<Waiter> | undefined,
  answerFor: (line: SentLine) => LineAnswer | ParleyError,
): void {
  if (queued === undefined) return;
  const waiters = [...queued.waiters];
  queued.waiters.clear();
  for (const waiter of waiters) waiter.answer(answerFor(waiter.line));
}

/** Busy (503) asks for another sending by itself; any other refusal would pass for the last word on the key. */
function refused({ key, keyIsGiven }: SentLine, error: ParleyError): LineAnswer | ParleyError {
  if (!keyIsGiven || error.status === 503) return error;
  return { outcome: 'unknown', key, sending: 'refused', reason: { code: error.code, detail: error.message } };
}

/** What is stored under the line's key answers it, if it is the same line. */
function answerOf(line: SentLine, stored: HistoryLine): LineAnswer | ParleyError {
  if (stored.author !== line.author || stored.text !== line.text) return keyTaken(line.key);
  const at = stored.at === undefined ? {} : { at: stored.at };
  return { outcome: 'committed', room: line.room, seq: stored.seq, key: line.key, ...at };
}

function stopping(): ParleyError {
  return new ParleyError('draining', 'This server is stopping and takes no more lines.');
}

function keyTaken(key: string): ParleyError {
  return new ParleyError('id-reused', `The key ${key} stands for another line of this room.`, {
    remedy: 'Make a new key for a new line.',
  });
}
