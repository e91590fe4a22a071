/**
 * The shipped log, directory and checkpoint code over a disk whose power is
 * cut: lives are recorded as write lists (write-list-disk.ts), every state a
 * cut could leave is built (power-states.ts), and each is opened again by the
 * shipped code.
 *
 * Of every state must hold: what was told durable is there; nothing is there
 * that was not appended, and nothing in another order; the epoch is higher
 * than any that was told; what is appended next is there at the next start,
 * which cuts nothing more. A state in which the disk kept a later sector of an
 * unsynced write and lost an earlier one may instead be refused as damage, and
 * then no byte may have changed (docs/log.md, "Torn tail or damage").
 */
import { createHash } from 'node:crypto';
import { ParleyError } from '../../base/errors.ts';
import { open, recordedLives, statesOf } from './power-lives.ts';
import { WriteListDisk } from './write-list-disk.ts';
import type { Opened, Told } from './power-lives.ts';
import type { LyingSync, PowerState } from './power-states.ts';

/** How many states, and whether a sync lies. */
export interface PowerLossOptions {
  /** Stops after this many different states. */
  readonly statesMax: number;
  /** The control: with it, violations must be found. */
  readonly lying?: LyingSync;
  /** Told now and then. */
  readonly onProgress?: (states: number) => void;
}

/** What came of it. */
export interface PowerLossReport {
  /** Different states that were opened. */
  readonly states: number;
  /** Of these, reordered ones that were refused as damage, no byte changed. */
  readonly refusedReordered: number;
  readonly lives: number;
  readonly violated: number;
  /** The first few of each kind, each with the life and the state. */
  readonly violations: readonly string[];
}

/** Shown of one kind; all are counted. */
const VIOLATIONS_SHOWN = 3;
const PROGRESS_EVERY = 256;

/** Runs the lives and opens their states. */
export async function losePower(options: PowerLossOptions): Promise<PowerLossReport> {
  const seen = new Set<string>();
  const violations: (readonly [verdict: string, line: string])[] = [];
  let refusedReordered = 0;
  let lives = 0;
  for await (const life of recordedLives(options.lying)) {
    lives += 1;
    for (const [state, told] of statesOf(life, options.lying)) {
      if (seen.size >= options.statesMax) break;
      const key = keyOf(state, told);
      if (seen.has(key)) continue;
      seen.add(key);
      const verdict = await judge(state, told);
      if (verdict === 'refused') refusedReordered += 1;
      else if (verdict !== 'ok')
        violations.push([verdict, `${life.name}, change ${state.after}, ${state.how}: ${verdict}`]);
      if (seen.size % PROGRESS_EVERY === 0) options.onProgress?.(seen.size);
    }
    if (seen.size >= options.statesMax) break;
  }
  return {
    states: seen.size,
    refusedReordered,
    lives,
    violated: violations.length,
    violations: firstOfEachKind(violations),
  };
}

function firstOfEachKind(violations: readonly (readonly [verdict: string, line: string])[]): readonly string[] {
  const shown = new Map<string, number>();
  return violations.flatMap(([verdict, line]) => {
    const kind = verdict.replaceAll(/\d+/g, 'n');
    const count = (shown.get(kind) ?? 0) + 1;
    shown.set(kind, count);
    return count <= VIOLATIONS_SHOWN ? [line] : [];
  });
}

/** Two states are the same when their files are, and what was told. */
function keyOf({ files }: PowerState, { appended, length, durable, epoch }: Told): string {
  const hash = createHash('sha1').update(JSON.stringify([appended.slice(0, length), durable, epoch]));
  for (const [path, data] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`\0${path}\0`).update(data);
  return hash.digest('base64');
}

/** `ok`, `refused` (allowed), or what is wrong. */
async function judge(state: PowerState, told: Told): Promise<string> {
  const disk = new WriteListDisk(state.files);
  let opened: Opened;
  try {
    opened = await open(disk);
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    const untouched = disk.changes.length === 0;
    if (state.reordered && error.code === 'wal-corrupt' && untouched) return 'refused';
    return `refused with ${error.code}: ${error.message}${untouched ? '' : ' (and bytes were changed)'}`;
  }
  const { node, texts } = opened;
  const wrong = compare(texts, told) ?? (node.epoch > told.epoch ? undefined : `epoch ${node.epoch} comes again`);
  if (wrong !== undefined) return wrong;
  node.log.append({ type: 'note', text: 'next life' }, { force: true });
  await node.close();
  const again = await open(new WriteListDisk(disk.files()));
  await again.node.close();
  if (again.node.repairedTail !== undefined) return 'the next start cut a tail again';
  return sameTexts(again.texts, [...texts, 'next life']) ? 'ok' : 'the next start found something else';
}

function compare(texts: readonly string[], { appended, length, durable }: Told): string | undefined {
  if (texts.length < durable) return `${durable} were told durable, ${texts.length} are there`;
  if (texts.length > length) return `${length} were appended, ${texts.length} are there`;
  return sameTexts(texts, appended.slice(0, texts.length)) ? undefined : 'what is there was not appended so';
}

function sameTexts(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
