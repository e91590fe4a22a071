/**
 * The log of a node: what it did, for people and their tools. One JSON object
 * per line in `<data-dir>/node.log`, and the same as narration on the terminal.
 * It is no evidence: what the protocol rests on is in the write-ahead log.
 *
 * ```
 *   {"time":"2026-01-31T09:00:00.000Z","level":"info","event":"transaction-committed",
 *    "message":"…","node":"P1","role":"participant","pid":4711,"number":"c7f3a9b2.3.17","id":"TX001"}
 * ```
 *
 * A field cannot forge a line: control characters are escaped in both forms.
 * Secrets are not logged: fields with such names are replaced. Writing is
 * synchronous, so a line logged before a kill is there after it.
 */
import { Chalk, supportsColorStderr } from 'chalk';
import { createLogger, format } from 'winston';
import Transport from 'winston-transport';
import { ParleyError } from '../base/errors.ts';
import { printable } from '../console/printable.ts';
import { RotatingFile } from './rotating-file.ts';
import type { LogLevel } from './config.ts';

/** Further members of a line; reserved names are kept by the log itself. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One method per level: a stable event name (kebab-case), a sentence, and fields. */
export interface NodeLog {
  error(event: string, message: string, fields?: LogFields): void;
  warn(event: string, message: string, fields?: LogFields): void;
  info(event: string, message: string, fields?: LogFields): void;
  debug(event: string, message: string, fields?: LogFields): void;
  /** Closes the file; the next line opens it again (after somebody moved it away). */
  reopen(): void;
}

/** Where narration goes: a line without line feed. A console passes its own, so that its prompt stays whole. */
export type NarrationSink = (line: string) => void;

/** What a log is made of. */
export interface NodeLogOptions {
  readonly node: string;
  readonly role: string;
  /** Path of node.log, or undefined for none. */
  readonly file: string | undefined;
  readonly level: LogLevel;
  /** Narration: to stderr, to a sink, or none. */
  readonly terminal: boolean | NarrationSink;
  /** Rotation; default 10 MiB × 5. */
  readonly bytesMax?: number;
  readonly filesMax?: number;
}

const BYTES_MAX = 10 * 1024 * 1024;
const FILES_MAX = 5;
/** A line is for reading; whoever logs a body or a stack gets its beginning. */
const TEXT_CHARS_MAX = 4096;
const LEVELS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };
const RESERVED = ['time', 'level', 'event', 'message', 'node', 'role', 'pid'];
const SECRET = /password|secret|credential|authorization|cookie|token/i;

/** A line as an object, in the order it is written. */
type Entry = Readonly<Record<string, unknown>> & { readonly level: LogLevel; readonly message: string };

/** Opens a node's log. The file and its directory are made with the first line. */
export function createNodeLog(options: NodeLogOptions): NodeLog {
  const { node, role, file, level, terminal } = options;
  const transports: LineTransport[] = [];
  const { bytesMax = BYTES_MAX, filesMax = FILES_MAX } = options;
  const rotating = file === undefined ? undefined : new RotatingFile({ path: file, bytesMax, filesMax });
  if (rotating !== undefined) transports.push(new LineTransport(fileWriter(rotating)));
  if (terminal !== false) {
    const sink = terminal === true ? toStderr : terminal;
    transports.push(new LineTransport((entry) => sink(narration(entry))));
  }
  // The transports write the line themselves; winston's own JSON format would be made for nothing.
  const asItIs = format((entry) => entry)();
  const logger = createLogger({ levels: LEVELS, level, format: asItIs, transports, silent: transports.length === 0 });
  const write = (at: LogLevel) => {
    return (event: string, message: string, fields: LogFields = {}): void => {
      const kept = Object.entries(fields).filter(([key, value]) => !RESERVED.includes(key) && value !== undefined);
      const entry: Entry = {
        time: new Date().toISOString(),
        level: at,
        event,
        message,
        node,
        role,
        pid: process.pid,
        ...Object.fromEntries(kept),
      };
      logger.log(entry);
    };
  };
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    reopen: () => rotating?.close(),
  };
}

/** A winston transport that has written the line when log() returns. */
class LineTransport extends Transport {
  readonly #write: (entry: Entry) => void;

  constructor(write: (entry: Entry) => void) {
    super();
    this.#write = write;
  }

  override log(entry: Entry, next: () => void): void {
    this.#write(entry);
    next();
  }
}

/** Writes lines to the file; a disk that refuses is told once on stderr, and the node goes on. */
function fileWriter(file: RotatingFile): (entry: Entry) => void {
  let lost = 0;
  return (entry) => {
    try {
      file.append(lineOfEntry(lost === 0 ? entry : { ...entry, linesLostBefore: lost }));
      lost = 0;
    } catch (error) {
      if (lost === 0) toStderr(`node.log cannot be written: ${(error as Error).message}; going on without it`);
      lost += 1;
    }
  };
}

/** One line of JSON for one entry, whatever its fields hold. */
export function lineOfEntry(entry: Entry): string {
  let text: string;
  try {
    text = JSON.stringify(entry, (key, value: unknown) => (key === 'level' ? value : plain(key, value)));
  } catch (error) {
    const { time, level, event, message, node, role, pid } = entry as Record<string, unknown>;
    text = JSON.stringify({ time, level, event, message, node, role, pid, unloggable: String(error) });
  }
  return printable(text);
}

function plain(key: string, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (SECRET.test(key)) return '[not logged]';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return shortened(value);
  return value instanceof Error ? errorFields(value) : value;
}

function errorFields(error: Error): LogFields {
  const code = error instanceof ParleyError ? error.code : (error as NodeJS.ErrnoException).code;
  return { name: error.name, code, message: error.message, stack: error.stack, cause: error.cause };
}

function shortened(text: string): string {
  if (text.length <= TEXT_CHARS_MAX) return text;
  return `${text.slice(0, TEXT_CHARS_MAX)}… (${text.length - TEXT_CHARS_MAX} more)`;
}

const chalk = new Chalk({ level: supportsColorStderr === false ? 0 : supportsColorStderr.level });
const COLOURS: Readonly<Record<LogLevel, (text: string) => string>> = {
  error: chalk.red,
  warn: chalk.yellow,
  info: chalk.green,
  debug: chalk.gray,
};

/** One line for people: time of day, level, what happened, then the fields. Whose shell it is they know, or `up` says. */
function narration(entry: Entry): string {
  // Through the file's own form, so that what is left out there is left out here.
  const safe = JSON.parse(lineOfEntry(entry)) as Record<string, unknown>;
  const pairs = Object.entries(safe).flatMap(([key, value]) => {
    if (RESERVED.includes(key)) return [];
    const plainWord = typeof value === 'string' && /^[\w.:/@-]{1,200}$/.test(value);
    return [` ${oneLine(key)}=${plainWord ? value : printable(JSON.stringify(value))}`];
  });
  const clock = String(safe['time']).slice(11, 23);
  const head = `${chalk.dim(clock)} ${COLOURS[entry.level](entry.level.padEnd(5))}`;
  return `${head} ${oneLine(String(safe['message']))} ${chalk.dim(`[${oneLine(String(safe['event']))}]${pairs.join('')}`)}`;
}

/** Text as JSON escapes it, so that a line feed in it is no line feed on the terminal. */
function oneLine(text: string): string {
  return printable(JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"'));
}

/** Nobody reads stderr any more (EPIPE): that is no reason to stop a node. */
function toStderr(line: string): void {
  if (process.stderr.writable) process.stderr.write(`${line}\n`, () => undefined);
}
