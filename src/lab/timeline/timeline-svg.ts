/**
 * A timeline as one SVG file without outside parts: lanes down, messages
 * across, a filled mark for what is forced, an open one for what is not. Every
 * mark and arrow has its words as a title, so that it can be read without
 * being seen.
 */
import type { Timeline, TimelineEvent } from './timeline-events.ts';

const LANE_PX = 220;
const ROW_PX = 56;
/** Where on an arrow its name stands: towards the outer lane, where arrows of one event are apart. */
const NAME_AT = 0.68;
const TOP_PX = 70;
const LEFT_PX = 60;
const MARK_PX = 6;

/** The file's text. `title` says what transaction this is, `verdict` stands below. */
export function timelineSvg(
  { lanes, events, rows, messages }: Timeline,
  words: { title: string; verdict: string },
): string {
  const x = (node: string): number => LEFT_PX + lanes.indexOf(node) * LANE_PX;
  const y = new Map(events.map((event, index) => [event, TOP_PX + (rows[index] ?? 0) * ROW_PX]));
  const at = (event: TimelineEvent): readonly [number, number] => [x(event.node), y.get(event) ?? 0];
  const height = TOP_PX + (Math.max(0, ...rows) + 2) * ROW_PX;
  const width = LEFT_PX + lanes.length * LANE_PX;
  const parts = lanes.flatMap((lane) => [
    `<text x="${x(lane)}" y="${TOP_PX - 12}" class="lane">${escaped(lane)}</text>`,
    `<line x1="${x(lane)}" y1="${TOP_PX}" x2="${x(lane)}" y2="${height - ROW_PX * 1.5}" class="bar"/>`,
  ]);
  for (const { from, to, name } of messages) {
    const [[x1, y1], [x2, y2]] = [at(from), at(to)];
    const far = x1 < x2 ? NAME_AT : 1 - NAME_AT;
    const words = `${name}, from ${from.node} to ${to.node}`;
    parts.push(
      `<g><title>${escaped(words)}</title>`,
      `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="message" marker-end="url(#tip)"/>`,
      `<text x="${Math.round(x1 + (x2 - x1) * far)}" y="${Math.round(y1 + (y2 - y1) * far) - 5}" class="name">${escaped(name)}</text></g>`,
    );
  }
  for (const event of events) parts.push(...mark(event, at(event)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(words.title)}</title>`,
    `<desc>${escaped(words.verdict)}</desc>`,
    STYLE,
    `<text x="${LEFT_PX}" y="24" class="title">${escaped(words.title)}</text>`,
    ...parts,
    `<text x="${LEFT_PX}" y="${height - ROW_PX / 2}" class="verdict">${escaped(words.verdict)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

const STYLE = [
  '<style>',
  'svg { background: #fff; font: 13px sans-serif } .title, .lane { font-weight: bold }',
  '.bar { stroke: #999 } .message { stroke: #2563a8 } .name { fill: #2563a8; text-anchor: middle; font-size: 11px }',
  '.forced { fill: #222 } .lazy { fill: #fff; stroke: #222 } .down { fill: #b3261e }',
  '</style>',
  '<defs><marker id="tip" viewBox="0 0 8 8" refX="14" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
  '<path d="M0 0 L8 4 L0 8 z" fill="#2563a8"/></marker></defs>',
].join('\n');

function mark({ node, seq, text, forced, restart }: TimelineEvent, [x, y]: readonly [number, number]): string[] {
  const kind = restart ? 'down' : forced ? 'forced' : 'lazy';
  const words = `${node}, record ${seq}: ${text}${forced ? ', forced' : ', not forced'}${restart ? ', after being down' : ''}`;
  return [
    `<g><title>${escaped(words)}</title><circle cx="${x}" cy="${y}" r="${MARK_PX}" class="${kind}"/>`,
    `<text x="${x + MARK_PX + 6}" y="${y - 8}">${escaped(restart ? `✕ ${text}` : text)}</text></g>`,
  ];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
