/**
 * A timeline as ShiViz reads it (bestchai.bitbucket.io/shiviz): the expression
 * that parses the log, an empty line, then two lines an event: host with its
 * vector clock, and what happened. A clock joins that of the message's sender.
 */
import type { Timeline, TimelineEvent } from './timeline-events.ts';

const EXPRESSION = String.raw`(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`;

/** The file's text. */
export function timelineShiViz({ lanes, events, messages }: Timeline): string {
  const clocks = new Map<TimelineEvent, ReadonlyMap<string, number>>();
  const last = new Map<string, ReadonlyMap<string, number>>();
  const lines = [EXPRESSION, ''];
  for (const event of events) {
    const clock = new Map(last.get(event.node));
    const incoming = messages.filter(({ to }) => to === event);
    for (const { from } of incoming) {
      for (const [node, count] of clocks.get(from) ?? []) clock.set(node, Math.max(count, clock.get(node) ?? 0));
    }
    clock.set(event.node, (clock.get(event.node) ?? 0) + 1);
    clocks.set(event, clock);
    last.set(event.node, clock);
    const shown = Object.fromEntries(lanes.filter((lane) => clock.has(lane)).map((lane) => [lane, clock.get(lane)]));
    const why = incoming.map(({ from, name }) => `${name} from ${from.node}`);
    lines.push(`${event.node} ${JSON.stringify(shown)}`, [event.text, ...why].join(' <- '));
  }
  return `${lines.join('\n')}\n`;
}
