/**
 * The console at the edge: reads lines, runs them one after the other, prints.
 *
 * - At a terminal: prompt, history, Tab; a line that arrives meanwhile is
 *   printed above the prompt, which stays whole. Ctrl-C drops the line and
 *   twice leaves (exit code 130); Ctrl-D leaves.
 * - From a pipe: no prompt; each command is awaited before the next is read;
 *   `#` begins a comment. The exit code is that of the first command that failed.
 * - One command (`-c`): runs it and ends with its code.
 *
 * Data goes to stdout, narration and errors to stderr. A reader that went away
 * (EPIPE) ends the console without a word.
 */
import { createInterface, clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { EXIT, lineOf, ParleyError, problemOf } from '../base/errors.ts';
import { HISTORY_LINES_MAX, openHistory } from './line-history.ts';
import { printable } from './printable.ts';
import type { Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { LineRunner, Reply } from './command-table.ts';

/** The streams and habits of one console. */
export interface TerminalOptions {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
  readonly errorOutput: Writable;
  readonly prompt: string;
  /** Replies as one line of JSON each. */
  readonly json: boolean;
  /** File of the typed lines, or undefined for none; see line-history.ts. */
  readonly historyFile: string | undefined;
  /** One command to run instead of reading input. */
  readonly command: string | undefined;
  /** Whether `#` begins a comment in a script. */
  readonly comments: boolean;
}

/** Exit code after Ctrl-C twice: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;
/** Lines of a pipe read ahead of the command that runs; beyond it the pipe is paused. */
const LINES_AHEAD_MAX = 256;

/** One console session. Make it, hand `print` to whoever speaks meanwhile, then `run`. */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #ended = new AbortController();
  #lines: Interface | undefined;
  #prompting = false;
  #leftByWord = false;
  #prompt: string;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#prompt = options.prompt;
    for (const stream of [options.output, options.errorOutput]) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
        this.#ended.abort(EXIT.ok);
      });
    }
  }

  /** True when a person sits there: prompts and asynchronous notices are welcome. */
  get interactive(): boolean {
    return this.#options.command === undefined && this.#options.input.isTTY === true;
  }

  /** True when a person left (quit, Ctrl-C twice, Ctrl-D), false when a script merely came to its end. */
  get left(): boolean {
    return this.#leftByWord || (this.interactive && this.signal.aborted);
  }

  /** Aborts when the session ends; what waits for answers or streams stops by it. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Prints a line of data above the prompt; control characters are shown, not obeyed. */
  print(line: string): void {
    this.#above(this.#options.output, printable(line));
  }

  /** Prints narration on stderr above the prompt; the line may hold colours, so it must come from this program. */
  narrate(line: string): void {
    this.#above(this.#options.errorOutput, line);
  }

  /** Changes the prompt from the next line on. */
  setPrompt(prompt: string): void {
    this.#prompt = prompt;
    this.#lines?.setPrompt(prompt);
  }

  /** Ends the session with a code: the daemon under an attached console stops. */
  end(code: number): void {
    this.#ended.abort(code);
  }

  /** Reads and runs until the input ends; resolves with the exit code. Rejects only with a bug. */
  async run(runner: LineRunner): Promise<number> {
    const { command } = this.#options;
    try {
      if (command !== undefined) return (await this.#execute(runner, command)).code;
      return this.interactive ? await this.#converse(runner) : await this.#script(runner);
    } finally {
      this.#lines?.close();
      if (!this.#ended.signal.aborted) this.#ended.abort(EXIT.ok);
    }
  }

  async #script(runner: LineRunner): Promise<number> {
    const lines = createInterface({ input: this.#options.input, crlfDelay: Infinity, terminal: false });
    const queue = new LineQueue(lines, this.signal);
    let first: number = EXIT.ok;
    for (let line = await queue.next(); line !== undefined; line = await queue.next()) {
      if (this.#options.comments && line.trimStart().startsWith('#')) continue;
      const { code, quit } = await this.#execute(runner, line);
      if (first === EXIT.ok) first = code;
      if (quit) this.#leftByWord = true;
      if (quit) break;
    }
    lines.close();
    // A pipe that is still open would keep the process alive after `quit`.
    this.#options.input.destroy();
    return this.#codeOr(first);
  }

  async #converse(runner: LineRunner): Promise<number> {
    const lines = this.#openLines(runner);
    const queue = new LineQueue(lines, this.signal);
    let interrupted = false;
    lines.on('SIGINT', () => {
      if (interrupted) return this.#ended.abort(EXIT_INTERRUPTED);
      interrupted = true;
      // To the end, then back to the beginning: the line is gone.
      lines.write(null, { ctrl: true, name: 'e' });
      lines.write(null, { ctrl: true, name: 'u' });
      this.narrate(this.#prompting ? '(Ctrl-C again leaves)' : '(still waiting for an answer; Ctrl-C again leaves)');
    });
    for (;;) {
      const ahead = queue.takeWaiting();
      if (ahead === undefined) this.#showPrompt(lines);
      // Typed while another command ran, and shown then; now it is clear what the next answer answers.
      else this.#options.output.write(`${this.#prompt}${printable(ahead)}\n`);
      const line = ahead ?? (await queue.next());
      this.#prompting = false;
      if (line === undefined) break;
      interrupted = false;
      if ((await this.#execute(runner, line)).quit) break;
    }
    // Ctrl-D leaves the cursor behind the prompt.
    if (queue.ended) this.#options.output.write('\n');
    return this.#codeOr(EXIT.ok);
  }

  #openLines(runner: LineRunner): Interface {
    const history = openHistory(this.#options.historyFile);
    const lines = createInterface({
      input: this.#options.input,
      output: this.#options.output,
      terminal: true,
      prompt: this.#prompt,
      history: [...history.lines],
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
      completer: (line: string) => runner.complete(line),
    });
    lines.on('history', (kept: string[]) => {
      const newest = kept[0];
      if (newest === undefined) return;
      history.add(newest);
      if (/^\s/.test(newest)) kept.shift();
    });
    this.#lines = lines;
    return lines;
  }

  #showPrompt(lines: Interface): void {
    if (this.signal.aborted) return;
    this.#prompting = true;
    lines.prompt();
  }

  #codeOr(code: number): number {
    const reason: unknown = this.signal.reason;
    return this.signal.aborted && typeof reason === 'number' ? reason : code;
  }

  async #execute(runner: LineRunner, line: string): Promise<{ readonly code: number; readonly quit: boolean }> {
    try {
      const reply = await untilEnded(runner.run(line), this.signal);
      if (reply === undefined) return { code: this.#codeOr(EXIT.ok), quit: true };
      this.#answer(reply);
      return { code: reply.exitCode ?? EXIT.ok, quit: reply.quit === true };
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      if (this.#options.json) this.#options.output.write(`${printable(JSON.stringify({ error: problemOf(error) }))}\n`);
      else this.#options.errorOutput.write(`${printable(lineOf(error))}\n`);
      return { code: error.exitCode, quit: false };
    }
  }

  #answer(reply: Reply): void {
    if (!this.#options.json) for (const line of reply.lines) this.#options.output.write(`${printable(line)}\n`);
    else if (reply.json !== null) this.#options.output.write(`${printable(JSON.stringify(reply.json))}\n`);
  }

  /** Clears prompt and half-typed text, prints, and puts both back below. */
  #above(stream: Writable, line: string): void {
    const lines = this.#lines;
    if (lines === undefined || !this.#prompting) {
      stream.write(`${line}\n`);
      return;
    }
    const { output } = this.#options;
    moveCursor(output, 0, -lines.getCursorPos().rows);
    cursorTo(output, 0);
    clearScreenDown(output);
    stream.write(`${line}\n`);
    // To draw again, readline first goes up by the rows it counted when it drew last: it gets these rows.
    // The count is not documented, and behind the truth after text was typed over a row's end.
    const counted: unknown = Reflect.get(lines, 'prevRows');
    output.write('\n'.repeat(typeof counted === 'number' ? counted : 0));
    lines.prompt(true);
  }
}

/** The result, or undefined when the session ends first; a result that comes later is dropped. */
function untilEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Lines in order, one at a time; none is lost while a command runs. */
class LineQueue {
  readonly #waiting: string[] = [];
  readonly #lines: Interface;
  #wake: (() => void) | undefined;
  #stopped = false;
  /** True when the input itself ended (and nobody asked to leave). */
  ended = false;

  constructor(lines: Interface, signal: AbortSignal) {
    this.#lines = lines;
    lines.on('line', (line) => {
      this.#waiting.push(line);
      if (this.#waiting.length >= LINES_AHEAD_MAX) lines.pause();
      this.#wake?.();
    });
    lines.on('close', () => {
      this.ended = !signal.aborted;
      this.#wake?.();
    });
    signal.addEventListener('abort', () => {
      this.#stopped = true;
      this.#wake?.();
    });
  }

  /** The next line if it is there already. */
  takeWaiting(): string | undefined {
    if (this.#stopped) return undefined;
    const line = this.#waiting.shift();
    if (line !== undefined && this.#waiting.length === 0 && !this.ended) this.#lines.resume();
    return line;
  }

  async next(): Promise<string | undefined> {
    while (!this.#stopped) {
      const line = this.takeWaiting();
      if (line !== undefined) return line;
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    return undefined;
  }
}
