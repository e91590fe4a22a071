/**
 * A timeline for a terminal, in the notation of docs/protocols.md:
 *
 * ```
 *   C                       P1                      P2
 *   │ (begin)               │                       │
 *   ├─ prepare ────────────►│                       │
 *   │                       │ [prepared]            │
 * ```
 * `[x]` is forced, `(x)` is not, `✕` is a process that was down.
 */
import type { Timeline, TimelineEvent } from './timeline-events.ts';

/** Columns of a terminal that the diagram keeps to, as long as there are not too many lanes. */
const WIDTH = 100;
const LANE_WIDTH_MAX = 30;
/** Narrower, nothing could be read. */
const LANE_WIDTH_MIN = 16;
const MARGIN = 2;

/** The lines of a diagram. */
export function timelineLines({ lanes, events, messages }: Timeline): readonly string[] {
  const pen = new Pen(lanes);
  const lines = [pen.head()];
  for (const event of events) {
    for (const { from, name } of messages.filter(({ to }) => to === event))
      lines.push(pen.arrow(from.node, event.node, name));
    if (event.restart) lines.push(pen.text(event.node, '✕ down'));
    lines.push(pen.text(event.node, marked(event)));
  }
  return lines.map((line) => line.trimEnd());
}

function marked({ text, forced }: TimelineEvent): string {
  return forced ? `[${text}]` : `(${text})`;
}

/** Draws on one line at a time. */
class Pen {
  readonly #lanes: readonly string[];
  readonly #laneWidth: number;

  constructor(lanes: readonly string[]) {
    this.#lanes = lanes;
    const room = Math.floor((WIDTH - MARGIN) / Math.max(1, lanes.length));
    this.#laneWidth = Math.max(LANE_WIDTH_MIN, Math.min(LANE_WIDTH_MAX, room));
  }

  head(): string {
    return ' '.repeat(MARGIN) + this.#lanes.map((lane) => this.#fit(lane, 1).padEnd(this.#laneWidth)).join('');
  }

  text(lane: string, text: string): string {
    const line = this.#bars();
    this.#put(line, this.#column(lane) + 2, this.#fit(text, 3));
    return line.join('');
  }

  arrow(from: string, to: string, name: string): string {
    const line = this.#bars();
    const [a, b] = [this.#column(from), this.#column(to)];
    const [left, right] = [Math.min(a, b), Math.max(a, b)];
    for (let column = left + 1; column < right; column += 1) line[column] = line[column] === '│' ? '┼' : '─';
    const label = ` ${this.#fit(name, 6)} `;
    if (a < b) {
      line[left] = '├';
      this.#put(line, left + 2, label);
      line[right - 1] = '►';
    } else {
      line[right] = '┤';
      this.#put(line, right - 1 - label.length, label);
      line[left + 1] = '◄';
    }
    return line.join('');
  }

  #column(lane: string): number {
    return MARGIN + this.#lanes.indexOf(lane) * this.#laneWidth;
  }

  #bars(): string[] {
    const line = Array.from({ length: MARGIN + this.#lanes.length * this.#laneWidth }, () => ' ');
    for (const lane of this.#lanes) line[this.#column(lane)] = '│';
    return line;
  }

  #put(line: string[], column: number, text: string): void {
    for (const [offset, character] of [...text].entries()) line[column + offset] = character;
  }

  /** As much of a text as a lane has room for beside `taken` columns. */
  #fit(text: string, taken: number): string {
    const room = this.#laneWidth - taken;
    return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
  }
}
