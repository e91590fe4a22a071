/** Runs one slice as a child process and takes the last line of JSON of what it printed. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parleyCommand } from '../../cluster/spawn.ts';
import { RESULT_FILE } from './part-list.ts';
import type { Json } from '../../base/canonical-json.ts';
import type { Slice } from './part-list.ts';

/** How a slice ended. */
export interface SliceEnd {
  /** 128 + n after a signal n, as a shell has it; here always above 128. */
  readonly exitCode: number;
  readonly seconds: number;
  readonly result: Json;
  /** The end of stdout and stderr together. */
  readonly said: string;
}

const SAID_CHARS_MAX = 8_000;
/** Of stdout as much is kept as the longest result may take. */
const OUTPUT_CHARS_MAX = 16_000_000;
const KILLED_EXIT = 137;

/** Resolves when it has ended; `signal` ends it with SIGTERM. */
export async function runSlice(slice: Slice, root: string, signal: AbortSignal): Promise<SliceEnd> {
  const [program = process.execPath, ...first] = slice.program === 'parley' ? parleyCommand() : [process.execPath];
  const file = join(tmpdir(), `parley-prove-${process.pid}-${randomBytes(6).toString('hex')}.json`);
  const args = [...first, ...slice.args.map((arg) => (arg === RESULT_FILE ? file : arg))];
  const end = await ran(program, args, root, signal);
  if (!slice.args.includes(RESULT_FILE)) return end;
  const text = await readFile(file, 'utf8').catch(() => '');
  await rm(file, { force: true });
  return { ...end, result: wholeJson(text) };
}

function ran(program: string, args: readonly string[], root: string, signal: AbortSignal): Promise<SliceEnd> {
  const from = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (): void => void child.kill('SIGTERM');
    signal.addEventListener('abort', stop, { once: true });
    let output = '';
    let said = '';
    const hear = (text: string): void => {
      said = (said + text).slice(-SAID_CHARS_MAX);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARS_MAX);
      hear(text);
    });
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', stop);
      const seconds = (performance.now() - from) / 1000;
      resolve({ exitCode: code ?? KILLED_EXIT, seconds, result: lastJson(output), said });
    });
  });
}

function wholeJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** The last line of a text that is a JSON object; null when there is none. */
export function lastJson(text: string): Json {
  for (const line of text.split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      return JSON.parse(line) as Json;
    } catch {
      // A line that only looks like one; the one before it may be.
    }
  }
  return null;
}
