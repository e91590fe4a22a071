/**
 * I11 where somebody looked on: when a message left, the record it implies was
 * already synced. The table is docs/log.md, "What is forced before what is
 * sent", written down a second time.
 */
import { compareNumbers, numberParts } from '../../base/ids.ts';
import type { Message } from '../../protocol/messages.ts';
import type { ProtocolRecord } from '../../protocol/records.ts';
import type { Entry, NodeStory } from './attempt-story.ts';
import { evidenceOf } from './attempt-story.ts';
import type { TraceEntry } from './input.ts';
import { roundText } from './quorum-evidence.ts';
import type { Story } from './story.ts';
import type { Findings } from './verdict.ts';

/** What must be on the sender's disk, in words and as a test of a record; undefined: nothing. */
interface Implied {
  readonly words: string;
  readonly fits: (record: ProtocolRecord) => boolean;
}

/** Walks through the trace, keeping how far each log is synced. */
export function checkTrace(story: Story, trace: readonly TraceEntry[], findings: Findings): void {
  if (trace.length === 0) {
    findings.notChecked('I11', 'that records were synced before messages left: nobody kept a trace');
    return;
  }
  const durable = new Map<string, number>();
  for (const one of trace) {
    if (one.at === 'durable') {
      durable.set(one.node, Math.max(durable.get(one.node) ?? 0, one.seq));
      continue;
    }
    const node = story.node(one.node);
    if (node === undefined || !node.complete) continue;
    const implied = one.at === 'message' ? impliedBy(one.message, node, story) : impliedByAnswer(one, story);
    if (implied === undefined) continue;
    checkImplied(node, one, implied, durable.get(one.node) ?? 0, findings);
  }
}

function checkImplied(
  node: NodeStory,
  one: Exclude<TraceEntry, { readonly at: 'durable' }>,
  implied: Implied,
  durableSeq: number,
  findings: Findings,
): void {
  const entry = node.entries.find(({ record }) => implied.fits(record));
  if (entry !== undefined && entry.seq <= durableSeq) return;
  const what = one.at === 'message' ? `${one.message.type} to ${one.to}` : `the answer ${one.outcome} about ${one.id}`;
  const state = entry === undefined ? 'is not in its log' : `was record ${entry.seq}, when ${durableSeq} were synced`;
  const text = JSON.stringify(one);
  findings.violate('I11', `${node.name} sent ${what}, and ${implied.words} ${state}.`, [
    { node: node.name, text },
    ...(entry === undefined ? [] : [evidenceOf(entry)]),
  ]);
}

function impliedByAnswer(one: Extract<TraceEntry, { readonly at: 'answer' }>, story: Story): Implied | undefined {
  if (one.outcome === 'aborted') {
    return { words: 'its answer', fits: (record) => record.type === 'answer' && record.id === one.id };
  }
  const attempts = (story.byId.get(one.id) ?? []).filter(({ protocol, onePhase }) => protocol === '2pc' && !onePhase);
  if (attempts.length === 0) return undefined;
  const numbers = attempts.map(({ number }) => number);
  return { words: 'its decision', fits: (record) => record.type === 'commit' && numbers.includes(record.number) };
}

function impliedBy(message: Message, node: NodeStory, story: Story): Implied | undefined {
  switch (message.type) {
    case 'vote':
      return message.vote === 'yes' ? about('prepared', message.number) : undefined;
    case 'precommit':
    case 'precommitted':
      return inRound('precommitted', message);
    case 'preabort':
    case 'preaborted':
      return inRound('preaborted', message);
    case 'state-request':
    case 'state':
      return inRound('promised', message);
    case 'acknowledge':
      return isForgotten(node, message.number) ? undefined : about('committed', message.number);
    case 'commit': {
      const attempt = story.attempts.get(message.number);
      const isWritten = attempt?.protocol === '2pc' || attempt?.protocol === 'parallel';
      return isWritten && attempt?.onePhase === false ? about('commit', message.number) : undefined;
    }
    case 'prepare':
      return message.onePhase ? about('begin', message.number) : undefined;
    case 'outcome': {
      // A coordinator may say `aborted` of what it has no record of (presumed abort).
      if (message.outcome === 'unknown' || isForgotten(node, message.number)) return undefined;
      if (node.role === 'coordinator') return undefined;
      return about(message.outcome, message.number);
    }
    default:
      return undefined;
  }
}

function about(type: ProtocolRecord['type'], number: string): Implied {
  return {
    words: `the record ${type} of ${number}`,
    fits: (record) => record.type === type && 'number' in record && record.number === number,
  };
}

function inRound(
  type: 'precommitted' | 'preaborted' | 'promised',
  { number, round }: { readonly number: string; readonly round: { readonly counter: number; readonly site: string } },
): Implied {
  return {
    words: `the record ${type} ${roundText(round)} of ${number}`,
    fits: (record) => record.type === type && record.number === number && roundText(record.round) === roundText(round),
  };
}

/** Below its low-water mark a node acknowledges what it has no record of any more. */
function isForgotten(node: NodeStory, number: string): boolean {
  const parts = numberParts(number);
  return node.entries.some(({ record }: Entry) => {
    const mark = record.type === 'low-water' ? record.number : record.type === 'coordinator' ? record.lowWater : '';
    const floor = numberParts(mark ?? '');
    if (parts === undefined || floor?.incarnation !== parts.incarnation) return false;
    return compareNumbers(parts, floor) < 0;
  });
}
