/**
 * Servers that the machine has installed, started for the time of a
 * measurement: found by name, run without the rights of root where they ask for
 * that, with their data in a directory of the run, on a free port of loopback.
 */
import { spawn, execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ParleyError } from '../base/errors.ts';
import type { Skipped } from './report.ts';

/** A competitor that is not there. */
export interface NotThere {
  readonly skipped: Skipped;
}

const RUN_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;
const READY_MS_MAX = 30_000;
const READY_LOOK_MS = 50;
const OUTPUT_CHARS_MAX = 2000;

/** The path of a program, from PATH and then from further directories; undefined when it is nowhere. */
export function findProgram(name: string, further: readonly string[] = []): string | undefined {
  const directories = [...further, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return directories.map((directory) => join(directory, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Directories below `parent` that end in `/bin`, newest version first. */
export function versionedBins(parent: string): readonly string[] {
  try {
    const versions = readdirSync(parent).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(parent, version, 'bin'));
  } catch {
    return [];
  }
}

/** Whose rights a program runs with: those of `user` when this process is root, else its own. */
export function rightsOf(user: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const fields = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === user);
  return fields === undefined ? undefined : { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** Runs a program to its end. @throws ParleyError `bench-failed` with what it said */
export async function runProgram(
  program: string,
  args: readonly string[],
  rights: { readonly uid: number; readonly gid: number } | undefined,
  directory: string,
): Promise<void> {
  try {
    await promisify(execFile)(program, args, { ...rights, cwd: directory, timeout: RUN_MS_MAX });
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
    throw new ParleyError('bench-failed', `${program} failed: ${said.slice(-OUTPUT_CHARS_MAX)}`, { cause });
  }
}

/** A port of loopback that nothing listens on now. */
export async function freeLoopbackPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server under way. */
export class InstalledServer {
  readonly pid: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #output = '';
  #isOver = false;

  constructor(
    program: string,
    args: readonly string[],
    rights: { readonly uid: number; readonly gid: number } | undefined,
    directory: string,
  ) {
    this.#name = program;
    this.#child = spawn(program, args, { ...rights, cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.#child.pid ?? 0;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        this.#output = (this.#output + piece.toString('utf8')).slice(-OUTPUT_CHARS_MAX);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#output += error.message;
        this.#isOver = true;
        resolve();
      });
      this.#child.once('exit', () => {
        this.#isOver = true;
        resolve();
      });
    });
  }

  /** Waits until `look` does not reject. @throws ParleyError `bench-failed` with what the server said */
  async ready(look: () => Promise<void>): Promise<void> {
    const endMs = performance.now() + READY_MS_MAX;
    for (;;) {
      try {
        await look();
        return;
      } catch (cause) {
        if (this.#isOver || performance.now() > endMs) {
          throw new ParleyError('bench-failed', `${this.#name} did not start: ${this.#output}`, { cause });
        }
        await new Promise((resolve) => setTimeout(resolve, READY_LOOK_MS));
      }
    }
  }

  /** Ends it: by the signal it takes for a stop, then by SIGKILL. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
    await this.#exited;
    clearTimeout(timer);
  }
}
