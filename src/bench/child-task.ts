/**
 * A function of a module, run in a Node process of its own: load generators
 * and the bare nodes of the floor. It is asked over IPC, one question at a
 * time, and ends with this process.
 *
 * ```ts
 *   export function runLoad(options: Json): Promise<(question: Json) => Promise<Json>>   // in load.ts, in the child
 *   const load = await startTask({ name: 'load', module: benchModule('load'), run: 'runLoad', options });
 *   const result = await load.ask({ seconds: 2 });
 * ```
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ParleyError } from '../base/errors.ts';
import type { Json } from '../base/canonical-json.ts';

/** Which function to run, and with what. */
export interface TaskSpec {
  readonly name: string;
  /** Its address: benchModule(). */
  readonly module: string;
  /** An exported function `(options, answer) => handler of questions`. */
  readonly run: string;
  readonly options: Json;
  /** Arguments for Node, for example of its profiler. */
  readonly nodeArgs?: readonly string[];
  readonly directory?: string;
}

/** What a task exports: made once, then asked. */
export type TaskFunction = (options: Json) => Promise<(question: Json) => Promise<Json>>;

/** The address of a module of this folder, built or not, as this one is. */
export function benchModule(name: string): string {
  const here = import.meta.url;
  return new URL(`./${name}${here.slice(here.lastIndexOf('.'))}`, here).href;
}

/** How long a task may take to end after its channel closed. */
const END_MS_MAX = 5000;
const OUTPUT_CHARS_MAX = 4000;

/** A task under way. */
export class Task {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #waiting: { readonly resolve: (answer: Json) => void; readonly reject: (error: Error) => void } | undefined;
  #output = '';

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.pid = child.pid ?? 0;
    this.#child = child;
    child.stderr?.on('data', (piece: Buffer) => {
      this.#output = (this.#output + piece.toString('utf8')).slice(-OUTPUT_CHARS_MAX);
    });
    child.on('message', (message: { readonly answer?: Json; readonly error?: string }) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (message.error === undefined) waiting?.resolve(message.answer ?? null);
      else waiting?.reject(new ParleyError('bench-failed', `${name}: ${message.error}`));
    });
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => {
        resolve();
        this.#waiting?.reject(new ParleyError('bench-failed', `${name} ended before it answered. ${this.#output}`));
      });
      child.once('error', (error) => {
        this.#output += error.message;
      });
    });
  }

  /** Asks and waits for the answer. @throws ParleyError `bench-failed` */
  ask(question: Json): Promise<Json> {
    return new Promise((resolve, reject) => {
      if (this.#waiting !== undefined || !this.#child.connected) {
        reject(new ParleyError('bench-failed', `${this.name} cannot be asked now. ${this.#output}`));
        return;
      }
      this.#waiting = { resolve, reject };
      this.#child.send({ question });
    });
  }

  /** Closes its channel, at which it ends; SIGKILL when it does not. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS_MAX);
    await this.#exited;
    clearTimeout(timer);
  }
}

/**
 * Starts the process and waits until its function has answered with a handler.
 * @throws ParleyError `bench-failed`
 */
export async function startTask(spec: TaskSpec): Promise<Task> {
  const { name, module, run, options, nodeArgs = [], directory } = spec;
  const source = `const { serveTask } = await import(${JSON.stringify(import.meta.url)});
    const task = await import(${JSON.stringify(module)});
    await serveTask(task[${JSON.stringify(run)}]);`;
  const child = spawn(process.execPath, [...process.execArgv, ...nodeArgs, '--input-type=module', '--eval', source], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    ...(directory === undefined ? {} : { cwd: directory }),
  });
  const task = new Task(name, child);
  await task.ask(options);
  return task;
}

/** The child's side: the first question holds the options, each further one goes to the handler. */
export async function serveTask(run: TaskFunction): Promise<void> {
  let handler: ((question: Json) => Promise<Json>) | undefined;
  const answer = async (question: Json): Promise<Json> => {
    if (handler !== undefined) return handler(question);
    handler = await run(question);
    return null;
  };
  process.on('message', ({ question }: { readonly question: Json }) => {
    answer(question).then(
      (given) => process.send?.({ answer: given }),
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  await once(process, 'disconnect');
  process.exit(0);
}
