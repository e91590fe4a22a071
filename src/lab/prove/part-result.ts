/**
 * What one part of the proof, or one slice of it, came to: one line of JSON at
 * the end of a command's output, stored as it is, added up for the report.
 */
import type { Json } from '../../base/canonical-json.ts';

/** `violated` needs somebody to look; `inconclusive` shows nothing, and is never counted as ok. */
export type PartVerdict = 'ok' | 'violated' | 'inconclusive';

/** The line. */
export interface PartResult {
  readonly part: string;
  readonly verdict: PartVerdict;
  /** Figures that add up over slices. */
  readonly counts: Readonly<Record<string, number>>;
  /** Milliseconds from the heal until nothing was in doubt, where the part has such a moment. */
  readonly settledMs?: readonly number[];
  /** One line each. */
  readonly violations: readonly string[];
  /** Whatever else is worth keeping. */
  readonly more?: Json;
}

/** The line as text. */
export function resultLine(result: PartResult): string {
  return JSON.stringify(result);
}

/** The result for a person. */
export function resultText({ part, verdict, counts, settledMs, violations, more }: PartResult): readonly string[] {
  const figures = Object.entries(counts).map(([name, value]) => `${name} ${value}`);
  const slowest =
    settledMs === undefined || settledMs.length === 0
      ? []
      : [`in doubt at most ${Math.max(...settledMs)} ms after the heal`];
  return [
    `${part}: ${verdict}`,
    `  ${[...figures, ...slowest].join(', ')}`,
    ...(more === undefined ? [] : [`  ${JSON.stringify(more)}`]),
    ...violations.map((violation) => `  VIOLATED ${violation}`),
  ];
}

/** The exit code of a command with this result: 0, 1, 3. */
export function exitCodeOf(verdict: PartVerdict): number {
  return { ok: 0, violated: 1, inconclusive: 3 }[verdict];
}
