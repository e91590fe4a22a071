/** One bar for each point, with a line from the least to the most that was measured, as inline SVG. Pure. */

/** A bar. */
export interface Bar {
  readonly label: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** The median as people read it. */
  readonly text: string;
}

const ROW_PX = 26;
const BAR_PX = 16;
const LABEL_PX = 250;
const CHART_PX = 460;
const TEXT_PX = 110;

/** The chart; `title` is what a screen reader says, the figures stand in the text beside the bars. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const width = LABEL_PX + CHART_PX + TEXT_PX;
  const height = bars.length * ROW_PX + 4;
  const most = Math.max(...bars.map((bar) => bar.most), Number.MIN_VALUE);
  const scale = (figure: number): number => Math.round((Math.max(0, figure) / most) * CHART_PX * 10) / 10;
  const rows = bars.map((bar, index) => {
    const top = index * ROW_PX + (ROW_PX - BAR_PX) / 2;
    const middle = top + BAR_PX / 2;
    const range =
      bar.least === bar.most
        ? ''
        : `<line class="range" x1="${LABEL_PX + scale(bar.least)}" x2="${LABEL_PX + scale(bar.most)}" y1="${middle}" y2="${middle}"/>`;
    const end = LABEL_PX + Math.max(scale(bar.median), scale(bar.most)) + 8;
    return (
      `<text x="${LABEL_PX - 10}" y="${middle + 4}" text-anchor="end">${escapeText(bar.label)}</text>` +
      `<rect class="bar" x="${LABEL_PX}" y="${top}" width="${scale(bar.median)}" height="${BAR_PX}"/>` +
      `${range}<text x="${end}" y="${middle + 4}">${escapeText(bar.text)}</text>`
    );
  });
  return `<svg role="img" aria-label="${escapeText(title)}" viewBox="0 0 ${width} ${height}" width="100%" style="max-width:${width}px">${rows.join('')}</svg>`;
}

/** Text as it may stand in HTML and in its attributes. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
