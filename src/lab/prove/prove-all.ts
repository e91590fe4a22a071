/**
 * The long proof: every part, slice by slice, each in a process of its own;
 * results are kept as they come, and the report says what was run and nothing
 * else. Meant to be stopped and gone on with.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EXIT, ParleyError } from '../../base/errors.ts';
import { runInLanes, secondsInLanes } from './lanes.ts';
import { partList } from './part-list.ts';
import { progressText, secondsOf, durationText } from './progress-text.ts';
import { isWell } from './report-figures.ts';
import { ResultStore } from './result-store.ts';
import { runSlice } from './slice-run.ts';
import type { SliceEnd } from './slice-run.ts';
import { writeReport } from './report.ts';
import type { SliceLoad } from './lanes.ts';
import type { Part, Slice } from './part-list.ts';
import type { PartVerdict } from './part-result.ts';
import type { StoredSlice } from './result-store.ts';
import type { Writable } from 'node:stream';

/** As typed. */
export interface ProveAllOptions {
  /** A comma list of parts; undefined: all. */
  readonly only: string | undefined;
  /** A number above 0, at most 1. */
  readonly scale: string;
  /** How many slices at once; see lanes.ts. */
  readonly jobs: number;
  readonly resume: boolean;
  readonly reportOnly: boolean;
  readonly listOnly: boolean;
  readonly resultsDirectory: string;
  readonly reportDirectory: string;
  readonly output: Writable;
  readonly errorOutput: Writable;
  readonly isTerminal: boolean;
}

/** Which sources the results are about. */
export interface Sources {
  /** Of src in git; with `dirty-` before it when something there is not committed. */
  readonly sources: string;
  readonly commit: string;
}

interface Work {
  readonly part: Part;
  readonly slice: Slice;
  readonly load: SliceLoad;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Runs what is asked for. Resolves with the exit code: 0 all well, 1 something
 * was violated, 3 something showed nothing or was not run, 128 + n when signal
 * n stopped it.
 * @throws ParleyError `usage`
 */
export async function proveAll(options: ProveAllOptions): Promise<number> {
  const parts = chosenParts(options);
  const say = (line: string): void => void options.output.write(`${line}\n`);
  if (options.listOnly) {
    for (const { name, slices, title, target } of parts)
      say(`${name.padEnd(10)} ${String(slices.length).padStart(3)} slices  ${title} (${target})`);
    return EXIT.ok;
  }
  const store = new ResultStore(options.resultsDirectory);
  const about = await sourcesOf(ROOT);
  let stoppedBy: StopSignal | undefined;
  if (!options.reportOnly) {
    if (!options.resume) for (const { name } of parts) await store.forget(name);
    stoppedBy = await runParts(options, { parts, store, about });
  }
  const report = await writeReport({ store, parts: partList(1), about, directory: options.reportDirectory });
  for (const line of report.lines) say(line);
  return runExit({ verdict: report.verdict, stoppedBy, missing: await missingSlices(store, parts) });
}

/**
 * The exit code of a whole run. A violation is worth more than how the run ended; what was stopped, or asked for and
 * not run, is never ok, whatever the rest came to.
 * @param run.missing slices that were asked for and have no result
 */
export function runExit(run: {
  readonly verdict: PartVerdict;
  readonly stoppedBy: StopSignal | undefined;
  readonly missing: number;
}): number {
  const { verdict, stoppedBy, missing } = run;
  if (verdict === 'violated') return EXIT.failed;
  if (stoppedBy !== undefined) return 128 + constants.signals[stoppedBy];
  return verdict === 'inconclusive' || missing > 0 ? EXIT.inconclusive : EXIT.ok;
}

/** What stops a run: Ctrl-C, or a service manager. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** How many slices of these parts have no result, good or bad. */
export async function missingSlices(store: ResultStore, parts: readonly Part[]): Promise<number> {
  let missing = 0;
  for (const { name, slices } of parts) {
    const kept = new Set((await store.read(name)).map(({ args }) => args.join(' ')));
    missing += slices.filter(({ args }) => !kept.has(args.join(' '))).length;
  }
  return missing;
}

function chosenParts({ only, scale }: ProveAllOptions): readonly Part[] {
  const share = Number(scale);
  if (!(share > 0 && share <= 1)) {
    throw new ParleyError('usage', `--scale is ${scale.slice(0, 40)}; allowed: a number above 0, at most 1.`);
  }
  const parts = partList(share);
  if (only === undefined) return parts;
  const names = only.split(',').map((name) => name.trim());
  const stranger = names.find((name) => !parts.some((part) => part.name === name));
  if (stranger === undefined) return parts.filter(({ name }) => names.includes(name));
  throw new ParleyError('usage', `There is no part ${JSON.stringify(stranger)}.`, {
    remedy: `Parts: ${parts.map(({ name }) => name).join(', ')}.`,
  });
}

async function runParts(
  options: ProveAllOptions,
  { parts, store, about }: { parts: readonly Part[]; store: ResultStore; about: Sources },
): Promise<StopSignal | undefined> {
  const all = parts.flatMap((part) => part.slices.map((slice): Work => ({ part, slice, load: part.load })));
  const todo: Work[] = [];
  for (const work of all) if (!(await isDone(store, work, about))) todo.push(work);
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal);
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const run = new SliceRun(options, { todo, of: all.length, store, about, signal: stop.signal });
  try {
    await runInLanes(todo, { jobs: options.jobs, signal: stop.signal, run: (work) => run.slice(work) });
  } finally {
    run.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
  return stop.signal.aborted ? (stop.signal.reason as StopSignal) : undefined;
}

/** What is to be run, and where its results go. */
interface SlicesToRun {
  readonly todo: readonly Work[];
  /** All that was asked for, done before or not. */
  readonly of: number;
  readonly store: ResultStore;
  readonly about: Sources;
  readonly signal: AbortSignal;
}

/** The slices of one run: results, and the line that tells how far it is. */
class SliceRun {
  readonly #jobs: number;
  readonly #given: SlicesToRun;
  readonly #left: Set<Work>;
  readonly #running = new Set<Work>();
  readonly #took = new Map<string, { guessS: number; seconds: number }[]>();
  readonly #screen: ProgressLine;
  /** Results are written one after the other: two slices of one part share a file. */
  #kept: Promise<void> = Promise.resolve();

  constructor(options: ProveAllOptions, given: SlicesToRun) {
    this.#jobs = options.jobs;
    this.#given = given;
    this.#left = new Set(given.todo);
    this.#screen = new ProgressLine(options);
  }

  async slice(work: Work): Promise<void> {
    const { part, slice } = work;
    const { signal } = this.#given;
    this.#running.add(work);
    this.#show();
    const end = await runSlice(slice, ROOT, signal);
    this.#running.delete(work);
    if (signal.aborted) return;
    this.#left.delete(work);
    this.#took.set(part.name, [...(this.#took.get(part.name) ?? []), { guessS: slice.guessS, seconds: end.seconds }]);
    const well = isWell({ ...end, expectedExit: slice.expectedExit });
    this.#kept = this.#kept.then(() => this.#keep(work, end, well));
    await this.#kept;
    if (!well) this.#screen.say(`${part.name}: exit code ${end.exitCode} of: ${commandText(slice)}`);
    else this.#screen.note(`${part.name}: ${slice.args.join(' ')}: ok in ${durationText(end.seconds)}`);
  }

  end(): void {
    this.#screen.end();
  }

  #keep({ part, slice }: Work, end: SliceEnd, well: boolean): Promise<void> {
    return this.#given.store.keep(part.name, {
      ...{ args: [...slice.args], exitCode: end.exitCode, expectedExit: slice.expectedExit, seconds: end.seconds },
      ...{ endedAt: new Date().toISOString(), ...this.#given.about, result: end.result },
      ...(well ? {} : { said: end.said }),
    });
  }

  #show(): void {
    const left = [...this.#left].map(({ part, slice, load }) => ({
      load,
      seconds: secondsOf({ part: part.name, guessS: slice.guessS }, this.#took),
    }));
    this.#screen.show(
      progressText({
        done: this.#given.of - left.length,
        of: this.#given.of,
        part: [...new Set([...this.#running].map(({ part }) => part.name))].join(', '),
        secondsLeft: secondsInLanes(left, this.#jobs),
      }),
    );
  }
}

/** As a person would type it. */
function commandText({ program, args }: Slice): string {
  return `${program === 'parley' ? 'parley' : 'node'} ${args.join(' ')}`;
}

/** A result of the same command and the same sources; one that went wrong is run again. */
async function isDone(store: ResultStore, { part, slice }: Work, { sources }: Sources): Promise<boolean> {
  const kept = await store.read(part.name);
  return kept.some((one: StoredSlice) => {
    const same = one.args.join(' ') === slice.args.join(' ') && one.sources === sources;
    return same && isWell({ ...one, expectedExit: slice.expectedExit });
  });
}

/** One line that is overwritten on a terminal, and written once a slice elsewhere. */
class ProgressLine {
  readonly #output: Writable;
  readonly #isTerminal: boolean;

  constructor({ errorOutput, isTerminal }: ProveAllOptions) {
    this.#output = errorOutput;
    this.#isTerminal = isTerminal;
  }

  show(line: string): void {
    this.#output.write(this.#isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  }

  /** What a person must see. */
  say(line: string): void {
    this.#output.write(this.#isTerminal ? `\r\x1b[K${line}\n` : `${line}\n`);
  }

  /** What only a file needs: a terminal has the line itself. */
  note(line: string): void {
    if (!this.#isTerminal) this.#output.write(`${line}\n`);
  }

  end(): void {
    if (this.#isTerminal) this.#output.write('\r\x1b[K');
  }
}

/** Which sources are there now; `unknown` outside a checkout. */
export async function sourcesOf(root: string): Promise<Sources> {
  const git = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('git', [...args], { cwd: root })).stdout.trim();
  try {
    const [tree, commit, changes] = [
      await git('rev-parse', 'HEAD:src'),
      await git('rev-parse', '--short=12', 'HEAD'),
      await git('status', '--porcelain', '--', 'src'),
    ];
    return { sources: changes === '' ? tree : `dirty-${tree}`, commit };
  } catch {
    return { sources: 'unknown', commit: 'unknown' };
  }
}
