/** The drawings of the report as SVG text: bars and a histogram, readable in light and dark, no script, no outside file. */
import { durationText } from './progress-text.ts';
import { grouped, percentile } from './report-figures.ts';
import type { PartFigures } from './report-figures.ts';

const WIDTH = 760;
const ROW = 26;
const LABEL = 130;

/** How much of each part was run: slices done of all. */
export function partsDrawing(parts: readonly PartFigures[]): string {
  const room = WIDTH - LABEL - 190;
  const rows = parts.map(({ name, ran, of, state, seconds }, index) => {
    const y = index * ROW + 6;
    const full = Math.max(2, (room * Math.min(ran, of)) / Math.max(of, 1));
    const words = ran === 0 ? 'not run' : `${ran} of ${of} slices, ${durationText(seconds)}, ${state}`;
    return [
      `<text x="${LABEL - 10}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${room}" height="16" class="track"/>`,
      ...(ran === 0 ? [] : [`<rect x="${LABEL}" y="${y}" width="${full.toFixed(1)}" height="16" class="${state}"/>`]),
      `<text x="${LABEL + room + 8}" y="${y + 13}">${escaped(words)}</text>`,
    ].join('');
  });
  return svg(parts.length * ROW + 10, rows, 'How much of each part was run');
}

const BUCKETS_MS = [50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, Infinity];

/** How long something was in doubt after the heal; the limit is 5 s. */
export function settledDrawing(settledMs: readonly number[]): string {
  const counts = BUCKETS_MS.map((most, index) => {
    const least = BUCKETS_MS[index - 1] ?? 0;
    return settledMs.filter((ms) => ms <= most && (index === 0 || ms > least)).length;
  });
  const highest = Math.max(1, ...counts);
  const column = (WIDTH - 40) / BUCKETS_MS.length;
  const bars = counts.map((count, index) => {
    const height = (120 * count) / highest;
    const x = 20 + index * column;
    const most = BUCKETS_MS[index] ?? Infinity;
    const label = most === Infinity ? 'over 5 s' : most < 1_000 ? `${most} ms` : `${most / 1_000} s`;
    const state = most === Infinity && count > 0 ? 'violated' : 'ok';
    return [
      `<rect x="${(x + 4).toFixed(1)}" y="${(140 - height).toFixed(1)}" width="${(column - 8).toFixed(1)}" height="${height.toFixed(1)}" class="${state}"/>`,
      `<text x="${(x + column / 2).toFixed(1)}" y="${(134 - height).toFixed(1)}" text-anchor="middle">${count === 0 ? '' : grouped(count)}</text>`,
      `<text x="${(x + column / 2).toFixed(1)}" y="158" text-anchor="middle">${label}</text>`,
    ].join('');
  });
  const median = percentile(settledMs, 0.5) ?? 0;
  const most = settledMs.reduce((highestMs, ms) => Math.max(highestMs, ms), 0);
  const words = `Half within ${grouped(median)} ms, all within ${grouped(most)} ms, of ${grouped(settledMs.length)} heals`;
  return svg(185, [...bars, `<text x="20" y="180">${words}</text>`], 'In doubt after the heal, up to');
}

/** Bars of counts, for example deaths by kind. */
export function countsDrawing(title: string, counts: readonly (readonly [name: string, count: number])[]): string {
  const highest = Math.max(1, ...counts.map(([, count]) => count));
  const room = WIDTH - LABEL - 120;
  const rows = counts.map(([name, count], index) => {
    const y = index * ROW + 6;
    const width = Math.max(1, (room * count) / highest);
    return [
      `<text x="${LABEL - 10}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="16" class="ok"/>`,
      `<text x="${(LABEL + width + 8).toFixed(1)}" y="${y + 13}">${grouped(count)}</text>`,
    ].join('');
  });
  return svg(counts.length * ROW + 10, rows, title);
}

function svg(height: number, parts: readonly string[], title: string): string {
  const head = `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}" xmlns="http://www.w3.org/2000/svg">`;
  return `<figure><figcaption>${escaped(title)}</figcaption>${head}${parts.join('')}</svg></figure>`;
}

/** Text for XML. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
