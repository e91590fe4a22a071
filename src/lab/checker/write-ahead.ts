/**
 * I11: the log is whole, and what leaves a node stands on records.
 *
 * Three sources: the bytes (seq, checksum, chain, one epoch at a time); the
 * logs of others (a record at one node that can only follow from a message of
 * another shows that the other's record had to be there); and, where somebody
 * looked on, the trace of what left when.
 */
import { nameOf, isSettled } from './atomicity.ts';
import { evidenceOf } from './attempt-story.ts';
import type { AttemptStory, Entry, NodeStory } from './attempt-story.ts';
import { couldHavePrecommitted, roundText } from './quorum-evidence.ts';
import type { CheckedRecord } from './input.ts';
import type { Story } from './story.ts';
import type { Findings } from './verdict.ts';

/** I11 as far as logs show it. */
export function checkWriteAhead(story: Story, findings: Findings): void {
  for (const node of story.nodes.values()) {
    for (const fault of node.log.faults ?? []) {
      const { what, ...place } = fault;
      findings.violate('I11', `The log of ${node.name} is damaged: ${what}.`, [
        { node: node.name, ...place, text: what },
      ]);
    }
    checkChain(node, findings);
    checkStarts(node, findings);
  }
  for (const attempt of story.attempts.values()) {
    if (attempt.protocol === '3pc' && !attempt.onePhase) checkRounds(story, attempt, findings);
    checkDecision(story, attempt, findings);
    checkBegun(story, attempt, findings);
  }
}

/** `begin` may be lazy, but it stands before the decision in the same log, so it is there whenever that is. */
function checkBegun(story: Story, attempt: AttemptStory, findings: Findings): void {
  for (const commit of attempt.commits) {
    const node = story.node(commit.node);
    const isWhole =
      (node?.log.faults ?? []).length === 0 && (node?.complete === true || node?.checkpoint !== undefined);
    if (commit.inCheckpoint || !isWhole || attempt.begins.some(({ seq }) => seq <= commit.seq)) continue;
    const what = `${commit.node} decided ${nameOf(attempt)}, and its log does not say before that it began.`;
    findings.violate('I11', what, [commit, ...attempt.begins].map(evidenceOf));
  }
}

/** seq without gaps, each record naming the checksum of the one before, epochs that never fall. */
function checkChain(node: NodeStory, findings: Findings): void {
  let before: CheckedRecord | undefined;
  for (const record of node.log.records) {
    const fault = before === undefined ? undefined : brokenLink(before, record);
    if (fault !== undefined) {
      const { seq, epoch, file, line } = record;
      const place = { seq, ...(file === undefined ? {} : { file }), ...(line === undefined ? {} : { line }) };
      const text = `record ${seq} of epoch ${epoch}, type ${record.record.type}`;
      findings.violate('I11', `The log of ${node.name} is no chain: ${fault}.`, [{ node: node.name, ...place, text }]);
    }
    before = record;
  }
}

function brokenLink(before: CheckedRecord, record: CheckedRecord): string | undefined {
  if (record.seq !== before.seq + 1) return `record ${record.seq} follows record ${before.seq}`;
  if (record.epoch < before.epoch) return `the epoch falls from ${before.epoch} to ${record.epoch}`;
  if (record.prev !== undefined && before.checksum !== undefined && record.prev !== before.checksum) {
    return `record ${record.seq} names another record before it than the one that is there`;
  }
  return undefined;
}

/** Every epoch begins with a start record of the same log, and no record is of an epoch that is not the last begun. */
function checkStarts(node: NodeStory, findings: Findings): void {
  let epoch = node.complete ? 0 : node.checkpoint?.epoch;
  for (const entry of node.entries) {
    if (entry.inCheckpoint) continue;
    if (entry.record.type === 'start') {
      if (epoch !== undefined && entry.epoch !== epoch + 1) {
        findings.violate('I11', `${node.name} began epoch ${entry.epoch} after epoch ${epoch}.`, [evidenceOf(entry)]);
      }
      if (entry.record.incarnation !== node.incarnation) {
        findings.violate('I11', `${node.name} has records of two logs in one.`, [evidenceOf(entry)]);
      }
      epoch = entry.epoch;
    } else if (epoch !== undefined && entry.epoch !== epoch) {
      const what = `${node.name} wrote in epoch ${entry.epoch} while epoch ${epoch} was the last begun.`;
      findings.violate('I11', what, [evidenceOf(entry)]);
      epoch = undefined;
    }
  }
}

/** Whoever accepted or promised a round was asked by its leader, whose own record came first. */
function checkRounds(story: Story, attempt: AttemptStory, findings: Findings): void {
  for (const [node, site] of attempt.sites) {
    for (const entry of site.rounds) {
      const { type, round } = entry.record;
      if (round.site === node || entry.inCheckpoint || !isSettled(story, entry)) continue;
      const leader = attempt.sites.get(round.site)?.rounds ?? [];
      const own = leader.some(({ record }) => record.type === type && roundText(record.round) === roundText(round));
      if (own) continue;
      const gone = story.mayBeGone(round.site, attempt);
      if (gone !== undefined) {
        findings.notChecked('I11', `whether the leader of a round wrote first: ${gone}`);
        continue;
      }
      const what = `${node} has ${type} ${roundText(round)} of ${nameOf(attempt)}, and ${round.site}, who led the round, has not.`;
      findings.violate('I11', what, [evidenceOf(entry)]);
    }
  }
}

/** A participant commits because somebody told it, and whoever told it had the decision on disk. */
function checkDecision(story: Story, attempt: AttemptStory, findings: Findings): void {
  const atSites = [...attempt.sites.values()].flatMap((site): Entry[] => site.committed);
  const isThreePhase = attempt.protocol === '3pc' && !attempt.onePhase;
  const committed = isThreePhase ? [...attempt.commits, ...atSites] : atSites;
  const [told] = committed.filter((entry) => !entry.inCheckpoint && isSettled(story, entry));
  if (told === undefined) return;
  const fault = isThreePhase
    ? withoutQuorum(story, attempt)
    : attempt.commits.length > 0
      ? undefined
      : withoutDecision(story, attempt, findings);
  if (fault === undefined) return;
  const what = `${nameOf(attempt)} is committed at ${told.node}, and ${fault}.`;
  findings.violate('I11', what, committed.map(evidenceOf));
}

function withoutQuorum(story: Story, attempt: AttemptStory): string | undefined {
  if (attempt.listed === undefined || couldHavePrecommitted(story, attempt)) return undefined;
  return 'no round of it was precommitted by a quorum';
}

function withoutDecision(story: Story, attempt: AttemptStory, findings: Findings): string | undefined {
  const { coordinator, onePhase, protocol, begins } = attempt;
  // In `parallel` clients are told before the decision is written, but participants are not (docs/decisions/0010).
  if (protocol !== '2pc' && protocol !== 'parallel' && !onePhase) return undefined;
  const gone = coordinator === undefined ? 'its coordinator is not here' : story.mayBeGone(coordinator, attempt);
  if (gone !== undefined) {
    findings.notChecked('I11', `whether the decision was on disk first: ${gone}`);
    return undefined;
  }
  if (!onePhase) return 'its coordinator never wrote the decision';
  return begins.length > 0 ? undefined : 'its coordinator never wrote that it was handed over';
}
