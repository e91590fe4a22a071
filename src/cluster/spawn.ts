/**
 * One daemon as a child process: start, know its port, know when it is ready,
 * kill it, stop it, pause it. It is known by its command line alone.
 *
 * ```
 *   spawned → listening (it announced its port) → ready (GET /readyz is 200) → exited (code or signal)
 * ```
 *
 * - stdin is a pipe nobody writes to: with `--exit-with-parent` the child stops
 *   when it closes, so that it never outlives its starter (parent-watch.ts).
 * - With `--announce` the first thing the child writes to stdout is one line
 *   `{"event":"listening","name","host","port","pid"}`; it is taken here, and
 *   every other line goes to `onLine`.
 * - The child leads a process group of its own: Ctrl-C at a terminal reaches
 *   the starter only, which stops the daemons in their order.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ParleyError } from '../base/errors.ts';
import { OutputLines } from './output-lines.ts';
import { probeReady } from './ready-probe.ts';
import type { ClientTls } from '../net/tls.ts';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a process ended: one of the two is not null, except when it could not be started at all. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where a daemon listens, as it announced it. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

/** A line a daemon wrote, without line feed. */
export interface DaemonLine {
  readonly node: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** How to start one daemon. */
export interface DaemonSpec {
  readonly name: string;
  /** Program and first arguments, for example `[node, bin/parley.mjs]`. */
  readonly command: readonly string[];
  /** Subcommand and flags. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onLine: (line: DaemonLine) => void;
  /** Whom to trust when it is asked whether it is ready; absent: plain TCP. */
  readonly tls?: ClientTls | undefined;
}

/** How a stop went; `forced` when SIGKILL had to end it. */
export interface Stopped {
  readonly exit: Exit;
  readonly forced: boolean;
}

/** Pauses between two looks at /readyz: grows from the first to the second. */
const LOOK_PAUSE_MS_MIN = 5;
const LOOK_PAUSE_MS_MAX = 50;

/**
 * Program and first arguments of `parley` in the same form as this process
 * runs: built, or straight from the sources with the loader it was given.
 */
export function parleyCommand(): readonly string[] {
  const here = import.meta.url;
  if (!here.endsWith('.ts')) return [process.execPath, fileURLToPath(new URL('../../bin/parley.mjs', here))];
  return [process.execPath, ...process.execArgv, fileURLToPath(new URL('../cli.ts', here))];
}

/** A daemon under way. */
export class Daemon {
  readonly name: string;
  /** 0 when the process could not be started; `exited` says so then. */
  readonly pid: number;
  /** Settles once, after the last line was delivered; never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #tls: ClientTls | undefined;
  readonly #announced: Promise<Listening>;
  #exit: Exit | undefined;
  #lastErrorLine = '';

  constructor(spec: DaemonSpec) {
    const [program = process.execPath, ...first] = spec.command;
    // A forced colour would reach the pipe as control characters.
    const env: NodeJS.ProcessEnv = { ...spec.env, FORCE_COLOR: undefined };
    const args = [...first, ...spec.args];
    this.name = spec.name;
    this.#tls = spec.tls;
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env, detached: true });
    this.pid = this.#child.pid ?? 0;
    // The child is free to close its stdin; that is no error of ours.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error) => (this.#lastErrorLine = error.message));
    this.#announced = this.#readLines(spec.onLine);
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** The last line on stderr that is no stack frame; empty before the first. */
  get lastErrorLine(): string {
    return this.#lastErrorLine;
  }

  /**
   * Waits until the daemon has announced its port.
   * @throws ParleyError `daemon-failed` when it ends first, `daemon-not-ready` after the deadline
   */
  listening(deadlineMs: number): Promise<Listening> {
    return this.#within(
      deadlineMs,
      () => this.#announced,
      () => 'it has not announced its port',
    );
  }

  /**
   * Waits until `GET /readyz` answers 200.
   * @throws ParleyError as listening(); the message ends with what /readyz said last
   */
  async ready(deadlineMs: number): Promise<Listening> {
    const end = performance.now() + deadlineMs;
    const address = await this.listening(deadlineMs);
    let why = '/readyz was not asked yet';
    const look = async (signal: AbortSignal): Promise<Listening> => {
      for (let pauseMs = LOOK_PAUSE_MS_MIN; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LOOK_PAUSE_MS_MAX)) {
        const seen = await probeReady(address, this.#tls);
        if (seen.ready) break;
        why = seen.why;
        await delay(pauseMs);
      }
      return address;
    };
    return this.#within(end - performance.now(), look, () => why);
  }

  /** Sends SIGKILL; resolves when the process is gone. */
  kill9(): Promise<Exit> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** Sends SIGTERM, and SIGKILL when the process still runs after the deadline. */
  async stop(deadlineMs: number): Promise<Stopped> {
    this.#child.kill('SIGTERM');
    // A paused process would take its SIGTERM only when it goes on.
    this.#child.kill('SIGCONT');
    const patience = new AbortController();
    const late = delay(deadlineMs, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const);
    const first = await Promise.race([this.exited, late]);
    patience.abort();
    if (first !== 'late') return { exit: first, forced: false };
    return { exit: await this.kill9(), forced: true };
  }

  /** Sends SIGSTOP: the process stands still, and its peers see what a hanging process looks like. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  /** Sends SIGCONT. */
  resume(): void {
    this.#child.kill('SIGCONT');
  }

  #readLines(onLine: (line: DaemonLine) => void): Promise<Listening> {
    return new Promise((resolve) => {
      const deliver = (stream: DaemonLine['stream'], text: string): void => {
        const address = stream === 'stdout' ? readAnnouncement(text) : undefined;
        if (address !== undefined) return resolve(address);
        if (stream === 'stderr' && /^\S/.test(text)) this.#lastErrorLine = text;
        onLine({ node: this.name, stream, text });
      };
      for (const stream of ['stdout', 'stderr'] as const) {
        const lines = new OutputLines((text) => deliver(stream, text));
        this.#child[stream].on('data', (piece: Buffer) => lines.push(piece)).on('end', () => lines.end());
      }
    });
  }

  /** The result of `work`, unless the process ends or the time is up before it. */
  async #within<T>(deadlineMs: number, work: (signal: AbortSignal) => Promise<T>, why: () => string): Promise<T> {
    const over = new AbortController();
    const late = delay(Math.max(0, deadlineMs), 'late' as const, { signal: over.signal }).catch(() => 'late' as const);
    const ended = this.exited.then(() => 'ended' as const);
    try {
      const first = await Promise.race([work(over.signal).then((value) => ({ value })), ended, late]);
      if (first === 'ended') throw this.#failure();
      if (first === 'late') {
        throw new ParleyError(
          'daemon-not-ready',
          `${this.name} (pid ${this.pid}) is not ready in time: ${why().replace(/\.$/, '')}.`,
        );
      }
      return first.value;
    } finally {
      over.abort();
    }
  }

  #failure(): ParleyError {
    const exit = this.#exit ?? { code: null, signal: null };
    const last = this.#lastErrorLine === '' ? 'It said nothing.' : `Its last line: ${this.#lastErrorLine}`;
    return new ParleyError('daemon-failed', `${this.name} ended before it was ready, ${exitText(exit)}. ${last}`, {
      extra: { node: this.name, exit, lastLine: this.#lastErrorLine },
    });
  }
}

/** `with exit code 75`, `by SIGKILL`. */
export function exitText({ code, signal }: Exit): string {
  if (signal !== null) return `by ${signal}`;
  return code === null ? 'without ever running' : `with exit code ${code}`;
}

/** The announcement in a line of stdout, or undefined for any other line. */
function readAnnouncement(text: string): Listening | undefined {
  if (!text.startsWith('{"event":"listening"')) return undefined;
  try {
    const { host, port, pid } = JSON.parse(text) as { host?: unknown; port?: unknown; pid?: unknown };
    if (typeof host !== 'string' || typeof port !== 'number' || typeof pid !== 'number') return undefined;
    return { host, port, pid };
  } catch {
    return undefined;
  }
}
