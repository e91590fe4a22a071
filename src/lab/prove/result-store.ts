/**
 * Results of slices on disk: one JSON file a part, replaced whole after each
 * slice, so that a run that is stopped at any moment keeps what it had.
 *
 * ```
 *   logs/prove/kills.json   {"part": "kills", "slices": [{"args": [...], "exitCode": 0, "seconds": 71.2, "result": {...}}, …]}
 * ```
 */
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Json } from '../../base/canonical-json.ts';

const sliceShape = z.object({
  args: z.array(z.string()),
  exitCode: z.int(),
  expectedExit: z.int(),
  seconds: z.number(),
  /** RFC 3339, UTC. */
  endedAt: z.string(),
  /** Which sources: the name of their tree in git, `dirty-` before it when there were changes. */
  sources: z.string(),
  commit: z.string(),
  /** The last line of JSON that the command printed; null when there was none. */
  result: z.custom<Json>((value) => value !== undefined),
  /** The end of what it said, when it did not go well. */
  said: z.string().optional(),
});

const storedShape = z.object({ part: z.string(), slices: z.array(sliceShape) });

/** The result of one slice. */
export type StoredSlice = z.infer<typeof sliceShape>;

/** The results of one part. */
export type StoredPart = z.infer<typeof storedShape>;

/** The store. */
export class ResultStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Results of a part; none when it was never run, or its file cannot be understood. */
  async read(part: string): Promise<readonly StoredSlice[]> {
    let text: string;
    try {
      text = await readFile(this.#path(part), 'utf8');
    } catch {
      return [];
    }
    return readStored(text)?.slices ?? [];
  }

  /** All parts that have results. */
  async all(): Promise<readonly StoredPart[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const parts: StoredPart[] = [];
    for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
      const part = readStored(await readFile(join(this.#directory, name), 'utf8'));
      if (part !== undefined) parts.push(part);
    }
    return parts;
  }

  /** Keeps a result; one of the same command is replaced. */
  async keep(part: string, slice: StoredSlice): Promise<void> {
    const others = (await this.read(part)).filter(({ args }) => args.join(' ') !== slice.args.join(' '));
    await mkdir(this.#directory, { recursive: true });
    const path = this.#path(part);
    await writeFile(`${path}.new`, `${JSON.stringify({ part, slices: [...others, slice] }, null, 1)}\n`);
    await rename(`${path}.new`, path);
  }

  async forget(part: string): Promise<void> {
    await rm(this.#path(part), { force: true });
  }

  #path(part: string): string {
    return join(this.#directory, `${part}.json`);
  }
}

function readStored(text: string): StoredPart | undefined {
  try {
    const read = storedShape.safeParse(JSON.parse(text));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}
