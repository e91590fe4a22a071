/**
 * The checker: from the logs of a run, what its clients were told and how it
 * ended, to a verdict with evidence. Pure; it may be run again on any old run.
 *
 * It shares with the machines the shapes of records and the ways of reading
 * them, and no rule: quorums, effects and orders are worked out here a second
 * time, so that a mistake there is not excused by the same mistake here.
 */
import { checkAtomicity, checkValidity, sidesOf } from './atomicity.ts';
import { checkAcknowledged, checkClients } from './client-agreement.ts';
import { clientStory } from './client-story.ts';
import { checkMonotonic } from './monotonic.ts';
import { evidenceOf } from './attempt-story.ts';
import { checkChat } from './chat.ts';
import { checkEnd } from './end-state.ts';
import { checkReads } from './reads.ts';
import { checkResources } from './resources.ts';
import { Story } from './story.ts';
import { checkTrace } from './trace.ts';
import { checkWriteAhead } from './write-ahead.ts';
import { Findings } from './verdict.ts';
import type { CheckInput } from './input.ts';
import type { CheckReport, Counts, Verdict } from './verdict.ts';

/** Checks one run. Never throws for what is in it. */
export function check(input: CheckInput): CheckReport {
  const findings = new Findings();
  const story = new Story(input, findings);
  const clients = clientStory(input.history ?? []);
  for (const { file, line, what } of input.faults ?? []) {
    findings.inconclusive.push(`${file}${line === undefined ? '' : `, line ${line}`}: ${what}`);
  }
  for (const fault of clients.faults) findings.inconclusive.push(`history.jsonl: ${fault}`);
  checkWriteAhead(story, findings);
  checkTrace(story, input.trace ?? [], findings);
  checkAtomicity(story, input, findings);
  checkValidity(story, findings);
  checkMonotonic(story, findings);
  checkClients(story, clients, findings);
  checkAcknowledged(story, findings);
  const context = { story, clients, input, findings };
  const replays = checkResources(context);
  checkReads(context, replays);
  checkChat(context, replays);
  checkEnd(context);
  const counts = countsOf(story, input, findings);
  checkFaultFree(story, input, counts, findings);
  enough(input, counts, findings);
  const { violations, more, inconclusive, blocked } = findings;
  return {
    verdict: verdictOf(findings),
    violations,
    more,
    notChecked: findings.notCheckedList(),
    inconclusive,
    blocked,
    counts,
  };
}

function verdictOf({ violations, inconclusive, blocked }: Findings): Verdict {
  if (violations.length > 0) return 'violated';
  if (inconclusive.length > 0) return 'inconclusive';
  return blocked.length > 0 ? 'blocked-legally' : 'ok';
}

/** A run that did too little shows nothing. */
function enough({ run, final }: CheckInput, { committed }: Counts, findings: Findings): void {
  if (run === undefined) return;
  if (final === undefined) findings.inconclusive.push('final.json is missing: nobody looked how it ended');
  if (committed < run.floor.committed) {
    findings.inconclusive.push(
      `${committed} transactions committed; the run is worth something from ${run.floor.committed}`,
    );
  }
  for (const { name, hits } of run.faults) if (hits === 0) findings.inconclusive.push(`the fault "${name}" never hit`);
}

/** Reasons of an abort that are nobody's wish: without a fault they must be rare. */
const TECHNICAL = ['lock-timeout', 'vote-timeout', 'terminated', 'not-in-view', 'refused-number', 'replica-mismatch'];
/** Of what nobody voted against, so much commits when nothing breaks (AC3). */
const COMMITTED_SHARE_MIN = 0.99;

function checkFaultFree(story: Story, { run }: CheckInput, { committed }: Counts, findings: Findings): void {
  if (run?.faultFree !== true) return;
  const aborted = [...story.attempts.values()]
    .flatMap(({ answers }) => answers)
    .filter(({ record }) => TECHNICAL.includes(record.reason.code));
  if (committed >= COMMITTED_SHARE_MIN * (committed + aborted.length)) return;
  const what = `Nothing was broken, and ${aborted.length} transactions aborted beside ${committed} that committed.`;
  findings.violate('I3', what, aborted.map(evidenceOf));
}

function countsOf(story: Story, input: CheckInput, findings: Findings): Counts {
  let committed = 0;
  let aborted = 0;
  let undecided = 0;
  for (const attempt of story.attempts.values()) {
    const sides = sidesOf(attempt);
    if (sides.committed.length > 0) committed += 1;
    else if (sides.aborted.length > 0) aborted += 1;
    else undecided += 1;
  }
  return {
    nodes: story.nodes.size,
    records: story.records,
    attempts: story.attempts.size,
    committed,
    aborted,
    undecided,
    clientEvents: input.history?.length ?? 0,
    reads: findings.reads,
  };
}
