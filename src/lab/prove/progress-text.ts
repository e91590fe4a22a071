/** The line of a long run: how far, what it does, how long it may still take. */

/** Where a run is. */
export interface Progress {
  readonly done: number;
  readonly of: number;
  /** The part under way, or several. */
  readonly part: string;
  readonly secondsLeft: number;
}

const BAR_COLUMNS = 24;

/** `[########----------------]  33 %  kills  12 of 36 slices, 14 min left` */
export function progressText({ done, of, part, secondsLeft }: Progress): string {
  const share = of === 0 ? 1 : done / of;
  const filled = Math.round(share * BAR_COLUMNS);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_COLUMNS - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `[${bar}] ${percent} %  ${part}  ${done} of ${of} slices, ${durationText(secondsLeft)} left`;
}

/** `40 s`, `14 min`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long each of these takes, by what those of the same part took so far, else by guess. */
export function secondsOf(
  { part, guessS }: { readonly part: string; readonly guessS: number },
  took: ReadonlyMap<string, readonly { readonly guessS: number; readonly seconds: number }[]>,
): number {
  const known = took.get(part) ?? [];
  const guessed = known.reduce((total, one) => total + one.guessS, 0);
  const measured = known.reduce((total, one) => total + one.seconds, 0);
  return guessed > 0 ? guessS * (measured / guessed) : guessS;
}
