/**
 * A run directory: what a finished run leaves for the checker. Whoever runs a
 * cluster (scenario, kill cycles, black-box histories) writes it; the checker
 * reads it, as often as anyone likes.
 *
 * ```
 *   run.json         what was run: scenario, nodes, groups, the faults and how often each hit
 *   history.jsonl    what clients asked and were told, one event a line, in the order of t
 *   final.json       after heal and freeze: what each node holds and still has open
 *   <node>/          data directories: wal-*.jsonl, checkpoint.json, data-*.jsonl
 * ```
 *
 * Shapes are strict, so that a mistyped member is found when it is written, not
 * when the checker misses it. Reading never throws for what is in a file: what
 * cannot be understood is a fault, beside whatever could be.
 */
import { appendFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Json } from '../base/canonical-json.ts';

/** The files of a run directory. */
export const RUN_FILES = { run: 'run.json', history: 'history.jsonl', final: 'final.json' } as const;

const count = z.int().min(0);
const name = z.string().min(1);
const json = z.custom<Json>((value) => value !== undefined, 'JSON');

const runShape = z.strictObject({
  version: z.literal(1),
  /** The scenario file's id, or what made the run: `kill-cycles`, `history`. */
  scenario: name,
  /** 2pc, 3pc, mixed, or another the cluster was started with. */
  protocol: name,
  seed: z.int().optional(),
  /** `directory` is relative to the run directory. */
  nodes: z
    .array(
      z.strictObject({
        name,
        role: z.enum(['coordinator', 'participant', 'server']),
        directory: name,
      }),
    )
    .readonly(),
  /** Group to what it holds and who may be in its view. */
  groups: z.record(
    name,
    z.strictObject({ resource: z.enum(['ledger', 'history', 'notebook']), members: z.array(name).readonly() }),
  ),
  /** Every fault the run meant to inject. One that never hit makes the run inconclusive. */
  faults: z.array(z.strictObject({ name, hits: count })).readonly(),
  /** Fewer commits than this, and the run shows nothing. */
  floor: z.strictObject({ committed: count }),
  /** True when the scenario leaves somebody dead, so that being in doubt at the end may be right. */
  mayBlock: z.boolean(),
  /** True when no fault was injected: then at least 99 of 100 transactions must commit. */
  faultFree: z.boolean().optional(),
  /** Instead of 5,000 ms in doubt after the heal, and 1,000 ms for the probe. */
  limits: z.strictObject({ settledMs: z.number(), probeMs: z.number() }).optional(),
  /** Whatever else the runner wants to keep; the checker does not look at it. */
  note: json.optional(),
});

/** run.json. */
export type RunDescription = z.infer<typeof runShape>;

const eventShape = z.strictObject({
  /** Monotonic clock of the process that recorded it, in ms. */
  t: z.number(),
  /** Who asked. One thing at a time: its next `invoke` follows the end of the last, and after `info` it is retired. */
  process: z.union([z.string(), z.int()]),
  /** ok: it happened; fail: it definitely did not; info: nobody knows, and the operation stays open for ever. */
  kind: z.enum(['invoke', 'ok', 'fail', 'info']),
  /** What was asked; see HISTORY_FUNCTIONS. */
  f: name,
  /** The client's id of the transaction, where there is one. */
  id: z.string().optional(),
  in: json.optional(),
  out: json.optional(),
});

/** One line of history.jsonl. */
export type HistoryEvent = z.infer<typeof eventShape>;

/**
 * What clients do, by `f`, with what stands in `in` and `out`. The checker
 * leaves others alone (and counts them).
 *
 * | f | in | out |
 * | --- | --- | --- |
 * | transaction | {protocol?, operations} as POST /transactions | ok: {outcome: 'committed', results?}; fail: {outcome: 'aborted', reason?}, or {refused: code} when nothing happened and the id is still free; info: {} |
 * | outcome | {node} | ok: {outcome: 'committed' or 'aborted' or 'unknown'} as GET /transactions/{id} |
 * | account | {node, group, account} | ok: {balance, held?} |
 * | total | {node, group} | ok: {total} |
 * | room | {node, group, room, after?, limit?} | ok: {lines: [{seq, key, text?}], last?} |
 * | follow | {node, group, room, after} | ok: {lines}: what a stream that resumed after `after` delivered, in order |
 * | notebook | {node, group} | ok: {strings: [{index, string}]} |
 */
export const HISTORY_FUNCTIONS = ['transaction', 'outcome', 'account', 'total', 'room', 'follow', 'notebook'] as const;

const nodeFinalShape = z.strictObject({
  /** False: it was dead or did not answer; then nothing else is known of it. */
  reachable: z.boolean(),
  /** Voted yes, undecided (participant), or open attempts (coordinator). */
  inDoubt: z
    .array(z.strictObject({ number: name, id: z.string().optional(), state: z.string().optional() }))
    .readonly(),
  /** Keys locked, and attempts that wait for one. */
  locked: count.optional(),
  waiting: count.optional(),
  /** Group to the committed state, as the lines of GET /feed/snapshot. */
  groups: z
    .record(
      name,
      z.strictObject({ resource: z.enum(['ledger', 'history', 'notebook']), lines: z.array(json).readonly() }),
    )
    .optional(),
  /** What the process holds open, before the run and after it. */
  handles: z.strictObject({ before: count, after: count }).optional(),
});

const finalShape = z.strictObject({
  version: z.literal(1),
  /** By node. */
  nodes: z.record(name, nodeFinalShape),
  /** As the coordinator says: who is up to date. */
  views: z
    .array(z.strictObject({ group: name, version: count, members: z.array(name).readonly() }))
    .readonly()
    .optional(),
  /** From the end of the faults until nothing was in doubt; null: it never came to that. */
  settledMs: z.number().nullable().optional(),
  /** A transfer over every account after the heal. */
  probe: z.strictObject({ outcome: z.enum(['committed', 'aborted', 'unknown']), ms: z.number() }).optional(),
});

/** final.json. */
export type FinalState = z.infer<typeof finalShape>;

/** What one node holds at the end. */
export type NodeFinal = z.infer<typeof nodeFinalShape>;

/** Something in a run directory that cannot be understood. `line` counts from 1. */
export interface RunFault {
  readonly file: string;
  readonly line?: number;
  readonly what: string;
}

/** What a run directory holds beside the logs. A file that is missing or cannot be read is undefined. */
export interface RunDirectory {
  readonly run: RunDescription | undefined;
  readonly history: readonly HistoryEvent[];
  readonly final: FinalState | undefined;
  readonly faults: readonly RunFault[];
}

/** Reads run.json, history.jsonl and final.json; a missing file is no fault. Errors of the disk are thrown as they are. */
export async function readRunDirectory(directory: string): Promise<RunDirectory> {
  const faults: RunFault[] = [];
  const run = await readDocument(directory, RUN_FILES.run, runShape, faults);
  const final = await readDocument(directory, RUN_FILES.final, finalShape, faults);
  const text = await readIfThere(join(directory, RUN_FILES.history));
  const history = text === undefined ? [] : readHistory(text, faults);
  return { run, history, final, faults };
}

/** Writes run.json. Throws when the value has not the shape. */
export async function writeRun(directory: string, run: RunDescription): Promise<void> {
  await writeDocument(join(directory, RUN_FILES.run), runShape.parse(run));
}

/** Writes final.json. Throws when the value has not the shape. */
export async function writeFinal(directory: string, final: FinalState): Promise<void> {
  await writeDocument(join(directory, RUN_FILES.final), finalShape.parse(final));
}

/** Appends events to history.jsonl as they come: a run that is killed keeps what it had recorded. */
export class HistoryWriter {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = join(directory, RUN_FILES.history);
  }

  /** Writes one event at once. Throws when it has not the shape. */
  add(event: HistoryEvent): void {
    appendFileSync(this.#path, `${JSON.stringify(eventShape.parse(event))}\n`);
  }
}

/** The events of a history, with a fault for every line that is none. */
export function readHistory(text: string, faults: RunFault[]): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const place = { file: RUN_FILES.history, line: index + 1 };
    const read = parsed(line, eventShape);
    if ('value' in read) events.push(read.value);
    else faults.push({ ...place, what: read.what });
  }
  return events;
}

async function writeDocument(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

async function readDocument<Shape extends z.ZodType>(
  directory: string,
  file: string,
  shape: Shape,
  faults: RunFault[],
): Promise<z.infer<Shape> | undefined> {
  const text = await readIfThere(join(directory, file));
  if (text === undefined) return undefined;
  const read = parsed(text, shape);
  if ('value' in read) return read.value;
  faults.push({ file, what: read.what });
  return undefined;
}

function parsed<Shape extends z.ZodType>(text: string, shape: Shape): { value: z.infer<Shape> } | { what: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { what: 'it is not JSON' };
  }
  const result = shape.safeParse(value);
  if (result.success) return { value: result.data };
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`);
  return { what: issues.join('; ') };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
