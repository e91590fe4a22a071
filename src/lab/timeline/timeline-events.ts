/**
 * One attempt as a space-time diagram, worked out from logs alone: what each
 * process wrote in its order, and the messages that those records imply.
 *
 * A log has no clock, so an event is placed by what must have come before it:
 * the record before it in its own log, and the record behind the message that
 * caused it. A message that left no record (an inquiry, a vote that came too
 * late) is not drawn.
 */
import type { NodeName, Round } from '../../protocol/messages.ts';
import { roundText } from '../checker/quorum-evidence.ts';
import type { AttemptStory, Entry } from '../checker/attempt-story.ts';
import type { Story } from '../checker/story.ts';

/** Something a process wrote. */
export interface TimelineEvent {
  readonly node: NodeName;
  readonly seq: number;
  /** `prepared`, `precommitted 1@C`, `start, epoch 2`. */
  readonly text: string;
  /** Synced before anything of it was told; false: with the next sync. */
  readonly forced: boolean;
  /** The process was down before this. */
  readonly restart: boolean;
}

/** A message between two events. */
export interface TimelineMessage {
  readonly from: TimelineEvent;
  readonly to: TimelineEvent;
  readonly name: string;
}

/** Lanes from left to right, events in an order that respects all messages. */
export interface Timeline {
  readonly number: string;
  readonly lanes: readonly NodeName[];
  readonly events: readonly TimelineEvent[];
  /** Of each event: how many events lead to it at least, itself included. */
  readonly rows: readonly number[];
  readonly messages: readonly TimelineMessage[];
}

type Draft = Map<string, { readonly event: TimelineEvent; readonly entry: Entry }>;

/** The diagram of one attempt. */
export function timelineOf(story: Story, attempt: AttemptStory): Timeline {
  const events = draftOf(story, attempt);
  const messages = messagesOf(attempt, events);
  const all = [...events.values()].map(({ event }) => event);
  const lanes = lanesOf(attempt, all);
  return { number: attempt.number, lanes, messages, ...ordered(all, messages, lanes) };
}

function lanesOf({ coordinator, listed = [] }: AttemptStory, events: readonly TimelineEvent[]): readonly NodeName[] {
  const others = [...new Set([...listed, ...events.map(({ node }) => node)])].filter((name) => name !== coordinator);
  return [...(coordinator === undefined ? [] : [coordinator]), ...others.sort()];
}

/** Every record about the attempt, and the starts between them; keyed by node, type and round. */
function draftOf(story: Story, attempt: AttemptStory): Draft {
  const { begins, commits, aborts, answers, ends, sites } = attempt;
  const entries: Entry[] = [...begins, ...commits, ...aborts, ...answers, ...ends];
  for (const { prepared, committed, aborted, rounds, superseded } of sites.values()) {
    entries.push(...(prepared === undefined ? [] : [prepared]), ...committed, ...aborted, ...rounds, ...superseded);
  }
  const draft: Draft = new Map();
  for (const entry of entries) {
    const key = keyOf(entry.node, entry.record.type, 'round' in entry.record ? entry.record.round : undefined);
    if (!draft.has(key)) draft.set(key, { entry, event: eventOf(entry, attempt) });
  }
  for (const [node, own] of byNode(entries)) {
    const seqs = own.filter(({ inCheckpoint }) => !inCheckpoint).map(({ seq }) => seq);
    for (const entry of story.node(node)?.entries ?? []) {
      const between = entry.seq > Math.min(...seqs) && (entry.seq < Math.max(...seqs) || isOpen(attempt, node));
      if (entry.record.type !== 'start' || !between) continue;
      draft.set(`${node} start ${entry.epoch}`, { entry, event: eventOf(entry, attempt) });
    }
  }
  return draft;
}

/** This process had something to wait for when its last record about the attempt was written. */
function isOpen(attempt: AttemptStory, node: NodeName): boolean {
  if (node === attempt.coordinator) {
    return attempt.ends.length + attempt.aborts.length + attempt.answers.length === 0;
  }
  const site = attempt.sites.get(node);
  return (site?.committed.length ?? 0) + (site?.aborted.length ?? 0) === 0;
}

function keyOf(node: NodeName, type: string, round?: Round): string {
  return round === undefined ? `${node} ${type}` : `${node} ${type} ${roundText(round)}`;
}

/** As in docs/protocols.md: `1.C` for the coordinator's own, `2.P1` for a participant's. */
function shortRound({ counter, site }: Round, { coordinator }: AttemptStory): string {
  return `${counter}.${site === coordinator ? 'C' : site}`;
}

/** What is lazy (docs/log.md); the rest is forced. */
const LAZY: readonly string[] = ['end', 'abort', 'superseded'];

function eventOf({ node, seq, epoch, record }: Entry, attempt: AttemptStory): TimelineEvent {
  const place = { node, seq, restart: record.type === 'start' };
  if (record.type === 'start') return { ...place, text: `start, epoch ${epoch}`, forced: true };
  const { type } = record;
  const isThreePhase = attempt.protocol === '3pc';
  if (type === 'begin')
    return { ...place, text: 'begin', forced: record.onePhase === true || attempt.protocol === 'parallel' };
  if (type === 'commit') return { ...place, text: 'commit', forced: !isThreePhase && !attempt.onePhase };
  if (type === 'answer') return { ...place, text: `answer: ${record.reason.code}`, forced: true };
  if (type === 'aborted') {
    const tombstone = record.reason.code === 'refused-number';
    const unvoted = attempt.sites.get(node)?.prepared === undefined;
    const text = !unvoted ? 'aborted' : tombstone ? 'aborted, not voted' : `no: ${record.reason.code}`;
    return { ...place, text, forced: tombstone || isThreePhase || attempt.onePhase };
  }
  const round = 'round' in record ? ` ${shortRound(record.round, attempt)}` : '';
  return { ...place, text: `${type}${round}`, forced: !LAZY.includes(type) };
}

/** Draws a message between two events, if both are there. */
type Draw = (from: string, to: string, name: string) => void;

function messagesOf(attempt: AttemptStory, draft: Draft): readonly TimelineMessage[] {
  const messages: TimelineMessage[] = [];
  const draw: Draw = (from, to, name) => {
    const [a, b] = [draft.get(from)?.event, draft.get(to)?.event];
    if (a !== undefined && b !== undefined && a.node !== b.node) messages.push({ from: a, to: b, name });
  };
  const { coordinator, listed = [] } = attempt;
  if (coordinator === undefined) return messages;
  for (const name of listed) votes(attempt, draft, { draw, coordinator, name });
  for (const site of attempt.sites.values())
    for (const { node, record } of site.rounds) round(attempt, node, record, draw);
  decisions(attempt, draft, draw, coordinator);
  return messages;
}

function votes(
  attempt: AttemptStory,
  draft: Draft,
  { draw, coordinator, name }: { readonly draw: Draw; readonly coordinator: string; readonly name: string },
): void {
  const begin = keyOf(coordinator, 'begin');
  const own = attempt.sites.get(name);
  if (attempt.onePhase) {
    const type = (own?.committed.length ?? 0) > 0 ? 'committed' : 'aborted';
    draw(begin, keyOf(name, type), 'prepare, one-phase');
    draw(keyOf(name, type), keyOf(coordinator, type === 'committed' ? 'commit' : 'abort'), `outcome ${type}`);
    return;
  }
  if (own?.prepared === undefined) {
    const refused = own?.aborted[0]?.record.reason.code === 'refused-number';
    if (!refused) draw(begin, keyOf(name, 'aborted'), 'prepare');
    if (!refused) draw(keyOf(name, 'aborted'), keyOf(coordinator, 'abort'), 'vote no');
    return;
  }
  draw(begin, keyOf(name, 'prepared'), 'prepare');
  const first = keyOf(coordinator, 'precommitted', { counter: 1, site: coordinator });
  draw(keyOf(name, 'prepared'), draft.has(first) ? first : keyOf(coordinator, 'commit'), 'vote yes');
}

/** A round goes from its leader to a site and back. */
function round(attempt: AttemptStory, node: NodeName, record: Entry['record'], draw: Draw): void {
  if (record.type !== 'promised' && record.type !== 'precommitted' && record.type !== 'preaborted') return;
  const { type, round: own } = record;
  const [here, leader] = [keyOf(node, type, own), keyOf(own.site, type, own)];
  if (type === 'promised') {
    draw(leader, here, `state-request ${shortRound(own, attempt)}`);
    for (const kind of ['precommitted', 'preaborted']) draw(here, keyOf(own.site, kind, own), 'state');
    return;
  }
  draw(leader, here, `${type === 'precommitted' ? 'precommit' : 'preabort'} ${shortRound(own, attempt)}`);
  for (const decision of ['commit', 'abort', 'committed', 'aborted']) draw(here, keyOf(own.site, decision), type);
}

/** From whoever decided to all others; the coordinator, or the leader of the highest round that anyone accepted. */
function decisions(attempt: AttemptStory, draft: Draft, draw: Draw, coordinator: string): void {
  const accepted = [...attempt.sites.values()]
    .flatMap(({ rounds }) => rounds)
    .map(({ record }) => record)
    .filter(({ type }) => type !== 'promised')
    .map(({ round: one }) => one)
    .sort((a, b) => b.counter - a.counter || (a.site < b.site ? 1 : -1));
  const leader = accepted[0]?.site ?? coordinator;
  for (const [atCoordinator, atSite] of [
    ['commit', 'committed'],
    ['abort', 'aborted'],
  ] as const) {
    const of = (name: string): string => keyOf(name, name === coordinator ? atCoordinator : atSite);
    const source = draft.has(of(leader)) ? leader : coordinator;
    for (const [name, site] of attempt.sites) {
      if (name === source || attempt.onePhase) continue;
      if (site.prepared !== undefined || name === coordinator) draw(of(source), of(name), atCoordinator);
      if (atSite === 'committed') draw(of(name), keyOf(coordinator, 'end'), 'acknowledge');
    }
    if (source !== coordinator) draw(of(source), of(coordinator), atCoordinator);
  }
}

/** By the longest way from a beginning, then by lane: what causes comes before what it causes. */
function ordered(
  events: readonly TimelineEvent[],
  messages: readonly TimelineMessage[],
  lanes: readonly NodeName[],
): Pick<Timeline, 'events' | 'rows'> {
  const causes = new Map<TimelineEvent, TimelineEvent[]>(events.map((event) => [event, []]));
  for (const own of byNode(events).values()) {
    const inLog = own.toSorted((a, b) => a.seq - b.seq || events.indexOf(a) - events.indexOf(b));
    for (const [index, event] of inLog.entries()) {
      const before = inLog[index - 1];
      if (before !== undefined) causes.get(event)?.push(before);
    }
  }
  for (const { from, to } of messages) causes.get(to)?.push(from);
  const depths = new Map<TimelineEvent, number>();
  const depthOf = (event: TimelineEvent, path: ReadonlySet<TimelineEvent>): number => {
    const known = depths.get(event);
    if (known !== undefined) return known;
    // A broken run may imply a circle; then one of its messages does not count.
    const before = (causes.get(event) ?? []).filter((one) => !path.has(one));
    const depth = 1 + Math.max(0, ...before.map((one) => depthOf(one, new Set([...path, event]))));
    depths.set(event, depth);
    return depth;
  };
  const keyed = events
    .map((event) => ({ event, depth: depthOf(event, new Set([event])) }))
    .sort((a, b) => a.depth - b.depth || lanes.indexOf(a.event.node) - lanes.indexOf(b.event.node));
  return { events: keyed.map(({ event }) => event), rows: keyed.map(({ depth }) => depth) };
}

function byNode<Item extends { readonly node: NodeName }>(
  items: readonly Item[],
): ReadonlyMap<NodeName, readonly Item[]> {
  const groups = new Map<NodeName, Item[]>();
  for (const item of items) {
    const own = groups.get(item.node) ?? [];
    groups.set(item.node, own);
    own.push(item);
  }
  return groups;
}
