/** A console run on streams of the test: what is typed goes in, what is printed comes out. */
import { PassThrough, Writable } from 'node:stream';
import { ParleyError } from '../../src/base/errors.ts';
import { Terminal } from '../../src/console/terminal.ts';
import type { ApiAnswer, ApiRequest, StreamRequest, Transport } from '../../src/console/api-client.ts';
import type { LineRunner } from '../../src/console/command-table.ts';
import type { TerminalOptions } from '../../src/console/terminal.ts';

/** Collects what is written. */
export class Captured extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

/** What a session printed and how it ended. */
export interface Session {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a console as from a pipe: all lines, then the end of the input. */
export async function runScript(
  runner: LineRunner,
  script: string,
  given: Partial<TerminalOptions> = {},
): Promise<Session> {
  const input = new PassThrough();
  const output = new Captured();
  const errorOutput = new Captured();
  const terminal = new Terminal({
    input,
    output,
    errorOutput,
    prompt: 'test> ',
    json: false,
    historyFile: undefined,
    command: undefined,
    comments: true,
    ...given,
  });
  input.end(script);
  const code = await terminal.run(runner);
  return { code, output: output.text, errors: errorOutput.text };
}

/** One answer of the fake: a status with a JSON body, or an error of the wire. */
export type FakeAnswer = readonly [status: number, body: unknown, headers?: Record<string, string>] | ParleyError;

/** A wire that answers from a function and remembers every request. */
export class FakeTransport implements Transport {
  readonly requests: ApiRequest[] = [];
  readonly streams: {
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    say: (line: string) => void;
    end: () => void;
  }[] = [];
  readonly #answer: (request: ApiRequest) => FakeAnswer;

  constructor(answer: (request: ApiRequest) => FakeAnswer) {
    this.#answer = answer;
  }

  async request(request: ApiRequest): Promise<ApiAnswer> {
    this.requests.push(request);
    await new Promise((resolve) => setImmediate(resolve));
    const answer = this.#answer(request);
    if (answer instanceof ParleyError) throw answer;
    const [status, body, headers = {}] = answer;
    return { status, headers, text: JSON.stringify(body) };
  }

  stream(request: StreamRequest, onLine: (line: string) => void): Promise<void> {
    return new Promise((resolve) => {
      request.signal.addEventListener('abort', () => resolve());
      this.streams.push({ path: request.path, headers: request.headers, say: onLine, end: resolve });
    });
  }

  close(): void {
    for (const { end } of this.streams) end();
  }
}

/** A problem+json body as a daemon answers it. */
export function problem(status: number, code: string, detail: string): FakeAnswer {
  return [status, { code, detail, remedy: 'Do this.' }];
}

/** Ids 1, 2, 3… in the form of a label. */
export function countingIds(): () => string {
  let count = 0;
  return () => `id-${++count}`;
}
