/**
 * I4: a decision is final, and everything that orders attempts, rounds, starts
 * and views only goes up.
 */
import { compareNumbers, numberParts } from '../../base/ids.ts';
import type { Round } from '../../protocol/messages.ts';
import { nameOf, sidesOf } from './atomicity.ts';
import { evidenceOf } from './attempt-story.ts';
import type { AttemptStory, Entry, NodeStory, SiteStory } from './attempt-story.ts';
import { roundsOf, roundText } from './quorum-evidence.ts';
import type { Story } from './story.ts';
import type { Findings } from './verdict.ts';

/** All of I4. */
export function checkMonotonic(story: Story, findings: Findings): void {
  for (const attempt of story.attempts.values()) {
    oneDecision(attempt, findings);
    for (const [node, site] of attempt.sites) {
      roundsGoUp(node, attempt, site, findings);
      nothingAfterTheDecision(node, attempt, site, findings);
    }
    oneKindPerRound(attempt, findings);
  }
  for (const [id, attempts] of story.byId) oneCommitPerId(id, attempts, findings);
  for (const node of story.nodes.values()) {
    numbersGoUp(node, findings);
    versionsGoUp(node, findings);
    lowWaterGoesUp(node, findings);
  }
}

/** Aborting twice is how a lazy no becomes a forced one; committing twice would apply the effect twice. */
function oneDecision(attempt: AttemptStory, findings: Findings): void {
  const name = nameOf(attempt);
  const twice = (entries: readonly Entry[]): void => {
    if (entries.length < 2) return;
    const what = `${name} is written down as ${entries[0]?.record.type} ${entries.length} times at ${entries[0]?.node}.`;
    findings.violate('I4', what, entries.map(evidenceOf));
  };
  for (const node of new Set(attempt.commits.map(({ node: one }) => one))) {
    twice(attempt.commits.filter((entry) => entry.node === node));
  }
  for (const node of new Set(attempt.begins.map(({ node: one }) => one))) {
    twice(attempt.begins.filter((entry) => entry.node === node));
  }
  for (const [node, { committed, aborted }] of attempt.sites) {
    twice(committed);
    if (committed.length === 0 || aborted.length === 0) continue;
    const what = `${node} has two decisions about ${name}.`;
    findings.violate('I4', what, [...committed, ...aborted].map(evidenceOf));
  }
  if (attempt.commits.length > 0 && attempt.aborts.length + attempt.answers.length > 0) {
    const both = [...attempt.commits, ...attempt.aborts, ...attempt.answers];
    findings.violate('I4', `The coordinator has two decisions about ${name}.`, both.map(evidenceOf));
  }
}

/** Who has decided promises nothing more and accepts no round: another may have acted on what it said. */
function nothingAfterTheDecision(node: string, attempt: AttemptStory, site: SiteStory, findings: Findings): void {
  const own: Entry[] = node === attempt.coordinator ? [...attempt.commits, ...attempt.aborts] : [];
  const [decided] = [...own, ...site.committed, ...site.aborted]
    .filter((entry) => entry.node === node && !entry.inCheckpoint)
    .sort((a, b) => a.seq - b.seq);
  if (decided === undefined) return;
  for (const entry of [...(site.prepared === undefined ? [] : [site.prepared]), ...site.rounds]) {
    if (entry.seq <= decided.seq) continue;
    const what = `${node} wrote ${entry.record.type} for ${nameOf(attempt)} after it had written ${decided.record.type}.`;
    findings.violate('I4', what, [decided, entry].map(evidenceOf));
  }
}

const ROUND_ZERO: Round = { counter: 0, site: '' };

/** By counter, then by site (clause 2). */
function isBelow(a: Round, b: Round): boolean {
  return a.counter === b.counter ? a.site < b.site : a.counter < b.counter;
}

/** lastElected never falls; a proposal is accepted at or above it, and above the last one accepted (clause 4). */
function roundsGoUp(node: string, attempt: AttemptStory, site: SiteStory, findings: Findings): void {
  let elected: Entry | undefined;
  let lastElected = ROUND_ZERO;
  let lastAttempt = ROUND_ZERO;
  for (const entry of site.rounds) {
    const { type, round } = entry.record;
    const falls = isBelow(round, lastElected);
    const repeats = type !== 'promised' && !isBelow(lastAttempt, round);
    // A checkpoint says state first and promise then, not in the order of events.
    if (!entry.inCheckpoint && (falls || repeats)) {
      const before = falls ? `promised ${roundText(lastElected)}` : `accepted ${roundText(lastAttempt)}`;
      const what = `${node} wrote ${type} ${roundText(round)} for ${nameOf(attempt)} after it had ${before}.`;
      findings.violate('I4', what, [...(elected === undefined ? [] : [elected]), entry].map(evidenceOf));
    }
    if (!falls) {
      lastElected = round;
      elected = entry;
    }
    if (type !== 'promised' && isBelow(lastAttempt, round)) lastAttempt = round;
  }
}

/** A round proposes either commit or abort, at all sites (clause 6). */
function oneKindPerRound(attempt: AttemptStory, findings: Findings): void {
  for (const { round, precommitted, preaborted } of roundsOf(attempt)) {
    if (precommitted.length === 0 || preaborted.length === 0) continue;
    const what = `Round ${roundText(round)} of ${nameOf(attempt)} was both precommitted and preaborted.`;
    findings.violate('I4', what, [...precommitted, ...preaborted].map(evidenceOf));
  }
}

function oneCommitPerId(id: string, attempts: readonly AttemptStory[], findings: Findings): void {
  const committed = attempts.filter((attempt) => sidesOf(attempt).committed.length > 0);
  if (committed.length < 2) return;
  const numbers = committed.map(({ number }) => number).join(' and ');
  findings.violate(
    'I4',
    `${id} committed under ${committed.length} numbers: ${numbers}.`,
    committed.flatMap((attempt) => sidesOf(attempt).committed).map(evidenceOf),
  );
}

/** Attempts are numbered in the order in which they begin, by the log and the start that issue them. */
function numbersGoUp(node: NodeStory, findings: Findings): void {
  if (node.role !== 'coordinator') return;
  let last: Entry | undefined;
  let highest: ReturnType<typeof numberParts>;
  for (const entry of node.entries) {
    if (entry.record.type !== 'begin' || entry.inCheckpoint) continue;
    const parts = numberParts(entry.record.number);
    const own = parts?.incarnation === node.incarnation && parts?.epoch === entry.epoch;
    if (parts === undefined || !own) {
      const what = `${entry.record.number} does not carry the incarnation and the epoch of the start that issued it.`;
      findings.violate('I4', what, [evidenceOf(entry)]);
      continue;
    }
    if (highest !== undefined && compareNumbers(parts, highest) <= 0) {
      const what = `${node.name} issued ${entry.record.number} after a number that is not lower.`;
      findings.violate('I4', what, [...(last === undefined ? [] : [last]), entry].map(evidenceOf));
    }
    highest = parts;
    last = entry;
  }
}

/** Views of a group, and the starts of a coordinator that a participant obeys. */
function versionsGoUp(node: NodeStory, findings: Findings): void {
  const views = new Map<string, Entry>();
  let obeyed: Entry | undefined;
  for (const entry of node.entries) {
    const { record } = entry;
    if (record.type === 'view') {
      const before = views.get(record.group)?.record;
      if (before?.type === 'view' && before.version >= record.version) {
        const what = `The view of ${record.group} goes from version ${before.version} to ${record.version}.`;
        findings.violate('I4', what, [...[views.get(record.group) ?? entry], entry].map(evidenceOf));
      }
      views.set(record.group, entry);
    }
    if (record.type === 'coordinator') {
      const before = obeyed?.record;
      const falls =
        before?.type === 'coordinator' && before.incarnation === record.incarnation && before.epoch > record.epoch;
      if (falls && obeyed !== undefined) {
        const what = `${node.name} went back to an older start of ${record.name}.`;
        findings.violate('I4', what, [obeyed, entry].map(evidenceOf));
      }
      obeyed = entry;
    }
  }
}

/** What lies below the low-water mark is decided; nothing below it begins or commits any more. */
function lowWaterGoesUp(node: NodeStory, findings: Findings): void {
  let mark: Entry | undefined;
  for (const entry of node.entries) {
    const { record } = entry;
    if (entry.inCheckpoint) continue;
    const decides = node.role === 'coordinator' && (record.type === 'begin' || record.type === 'commit');
    if (record.type !== 'low-water' && !decides) continue;
    const floor = mark?.record.type === 'low-water' ? numberParts(mark.record.number) : undefined;
    const parts = numberParts(record.number);
    const below = floor !== undefined && parts?.incarnation === floor.incarnation && compareNumbers(parts, floor) < 0;
    if (below && mark !== undefined) {
      findings.violate('I4', `${record.number} is below the low-water mark and yet in a ${record.type} record.`, [
        evidenceOf(mark),
        evidenceOf(entry),
      ]);
    }
    if (record.type === 'low-water' && !below) mark = entry;
  }
}
