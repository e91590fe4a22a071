/** Figures added up from the results of slices: what was run and what came of it, part by part. */
import type { Json } from '../../base/canonical-json.ts';
import type { Part } from './part-list.ts';
import type { StoredSlice } from './result-store.ts';

/** What became of a part. */
export type PartState = 'ok' | 'violated' | 'inconclusive' | 'not run';

/** One part of the report. */
export interface PartFigures {
  readonly name: string;
  readonly title: string;
  readonly target: string;
  readonly state: PartState;
  /** Slices with a result, and slices of the whole part. */
  readonly ran: number;
  readonly of: number;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly settledMs: readonly number[];
  /** One line each: the command, and what it said. */
  readonly failures: readonly string[];
  /** Commits whose sources these results are about; `(changed)` when they were not as committed. */
  readonly commits: readonly string[];
}

const FAILURES_MAX = 20;
const SAID_CHARS = 400;

/** Adds up one part. */
export function partFigures(part: Part, slices: readonly StoredSlice[]): PartFigures {
  const counts: Record<string, number> = {};
  const settledMs: number[] = [];
  for (const { result } of slices) {
    for (const [name, value] of Object.entries(countsIn(result))) counts[name] = (counts[name] ?? 0) + value;
    settledMs.push(...settledIn(result));
  }
  const wrong = slices.filter((slice) => !isWell(slice));
  return {
    ...{ name: part.name, title: part.title, target: part.target, counts, settledMs },
    ...{ ran: slices.length, of: part.slices.length },
    state: stateOf(slices, wrong),
    seconds: slices.reduce((sum, one) => sum + one.seconds, 0),
    failures: wrong.slice(0, FAILURES_MAX).map(failureText),
    commits: [
      ...new Set(slices.map(({ commit, sources }) => (sources.startsWith('dirty') ? `${commit} (changed)` : commit))),
    ],
  };
}

/**
 * Whether a slice shows what it is to show. The exit code alone does not say it: an uncaught error ends with 1 too, and
 * would pass for a violation that was caught; and what a command says of itself may be less than its exit code.
 */
export function isWell({ exitCode, expectedExit, result }: SliceOutcome): boolean {
  if (exitCode !== expectedExit) return false;
  const { verdict } = objectOf(result);
  if (expectedExit === 1) return verdict === 'violated';
  // Scripts of the checkout say it by their exit code alone.
  return verdict === undefined || verdict === 'ok';
}

/** How a slice ended, as isWell judges it. */
export type SliceOutcome = Pick<StoredSlice, 'exitCode' | 'expectedExit' | 'result'>;

/** What must be caught is violated by going well; anything else by exit code 1, or by saying so. */
function isViolated({ exitCode, expectedExit, result }: SliceOutcome): boolean {
  if (expectedExit === 1) return exitCode === 0;
  return exitCode === 1 || objectOf(result)['verdict'] === 'violated';
}

/** What is neither well nor violated shows nothing. */
function stateOf(slices: readonly StoredSlice[], wrong: readonly StoredSlice[]): PartState {
  if (slices.length === 0) return 'not run';
  if (wrong.some(isViolated)) return 'violated';
  return wrong.length > 0 ? 'inconclusive' : 'ok';
}

function failureText({ args, exitCode, said }: StoredSlice): string {
  const end = (said ?? '').trim().slice(-SAID_CHARS).replaceAll(/\s+/g, ' ');
  return `\`${args.join(' ')}\` ended with ${exitCode}: ${end}`;
}

/** Members of `counts`, or else the numbers on the first level: other commands have other results. */
function countsIn(result: Json): Readonly<Record<string, number>> {
  const object = objectOf(result);
  const source = objectOf(object['counts'] ?? null);
  const entries = Object.entries(Object.keys(source).length > 0 ? source : object);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number' && !PARAMETERS.has(entry[0])),
  );
}

/** Numbers that say how a run was set up: to add them up would mean nothing. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'seed',
  'from',
  'version',
  'participants',
  'rounds',
  'roundsMax',
  'workers',
  'faults',
  'transactions',
  'ms',
  'seconds',
  'readers',
]);

function settledIn(result: Json): readonly number[] {
  const list = objectOf(result)['settledMs'];
  return Array.isArray(list) ? (list as readonly Json[]).filter((one) => typeof one === 'number') : [];
}

function objectOf(value: Json): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};
}

/** The value below which this share of a list lies; undefined for an empty one. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** `1,234,567`. */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
