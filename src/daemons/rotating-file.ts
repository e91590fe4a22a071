/**
 * A log file that rotates by itself and loses no line: each append is one
 * synchronous write, and a full file is renamed before the next line is
 * written. Winston's own rotation writes behind a stream that it swaps, and
 * loses lines in a burst (winstonjs/winston #1655); a killed process would
 * lose what the stream still holds.
 *
 * ```
 *   node.log   the newest lines
 *   node.log.1 … node.log.<filesMax - 1>   older ones, higher = older; the oldest is removed
 * ```
 *
 * Lines are written to the operating system, not synced: a kill -9 loses none,
 * a power cut may. What must survive a power cut is in the write-ahead log.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { assert } from '../base/assert.ts';

/** How a file rotates. */
export interface RotatingFileOptions {
  readonly path: string;
  /** A file does not grow beyond this, unless one line alone is longer. */
  readonly bytesMax: number;
  /** Files kept, the newest included; at least 2. */
  readonly filesMax: number;
}

const LF = 0x0a;

/** An open log file. Errors of the file system are thrown as they come; the caller decides (node-log.ts). */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #descriptor: number | undefined;
  #bytes = 0;

  constructor(options: RotatingFileOptions) {
    assert(options.filesMax >= 2, 'a rotating file keeps at least one older file');
    this.#options = options;
  }

  /** Appends one line; `line` holds no line feed of its own. When it returns, the line survives a kill. */
  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`, 'utf8');
    let descriptor = this.#descriptor ?? this.#open();
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#options.bytesMax) descriptor = this.#rotate();
    for (let done = 0; done < bytes.length;) {
      const written = writeSync(descriptor, bytes, done);
      done += written;
      this.#bytes += written;
    }
  }

  /** Closes; the next append opens the path anew (after somebody moved the file away). */
  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    mkdirSync(dirname(this.#options.path), { recursive: true, mode: 0o700 });
    const descriptor = openSync(this.#options.path, 'a+', 0o600);
    this.#descriptor = descriptor;
    this.#bytes = fstatSync(descriptor).size;
    this.#endTornLine(descriptor);
    return descriptor;
  }

  /** A process killed inside a write left half a line: the next one starts on its own. */
  #endTornLine(descriptor: number): void {
    if (this.#bytes === 0) return;
    const last = Buffer.alloc(1);
    readSync(descriptor, last, 0, 1, this.#bytes - 1);
    if (last[0] !== LF) this.#bytes += writeSync(descriptor, '\n');
  }

  #rotate(): number {
    const { path, filesMax } = this.#options;
    this.close();
    for (let index = filesMax - 1; index >= 1; index -= 1) {
      renameIfThere(index === 1 ? path : `${path}.${index - 1}`, `${path}.${index}`);
    }
    return this.#open();
  }
}

/** Renaming over the oldest file removes it in the same step. */
function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
