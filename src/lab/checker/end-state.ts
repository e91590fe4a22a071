/**
 * I10 as the final state shows it: nothing is left over. Being in doubt at the
 * end is a violation unless the protocol itself says that these survivors must
 * wait (blocked.ts). What nobody looked at is not taken for nothing: it is
 * listed as not checked.
 */
import type { RunDescription, NodeFinal } from '../run-directory.ts';
import { nameOf, sidesOf } from './atomicity.ts';
import { evidenceOf } from './attempt-story.ts';
import type { AttemptStory } from './attempt-story.ts';
import { whyBlocked } from './blocked.ts';
import type { ClientStory } from './client-story.ts';
import type { CheckInput } from './input.ts';
import type { Story } from './story.ts';
import type { Findings } from './verdict.ts';

/** What the invariants about the end need. */
export interface EndContext {
  readonly story: Story;
  readonly clients: ClientStory;
  readonly input: CheckInput;
  readonly findings: Findings;
}

/** Unless the run says otherwise: from the heal until nothing is in doubt, and for the probe. */
const SETTLED_MS_MAX = 5_000;
const PROBE_MS_MAX = 1_000;
/** A process may keep this many more handles than it began with (connections that idle). */
const HANDLES_SLACK = 10;

/** All of I10. */
export function checkEnd(context: EndContext): void {
  const { input, findings } = context;
  checkDoubt(context);
  const { final, run } = input;
  if (final === undefined) {
    findings.notChecked('I10', 'what is left over: there is no final.json');
    return;
  }
  for (const { name, role } of run?.nodes ?? []) {
    const found = final.nodes[name];
    if (role === 'server' || run?.mayBlock) continue;
    if (found === undefined) findings.inconclusive.push(`final.json says nothing of ${name}`);
    else if (!found.reachable) findings.inconclusive.push(`${name} could not be read at the end`);
  }
  for (const [name, node] of Object.entries(final.nodes)) if (node.reachable) checkNode(name, node, context);
  checkTimes(context);
}

function checkNode(name: string, node: NodeFinal, { findings, story }: EndContext): void {
  const evidence = (text: string) => [{ node: name, text: `(final.json) ${text}` }];
  // Who is in doubt keeps its locks; whether that is right is checkDoubt's.
  const keeps = node.inDoubt.length > 0;
  const { locked, waiting, handles } = node;
  if (locked === undefined || waiting === undefined) {
    if (story.node(name)?.role === 'participant') findings.notChecked('I10', `locks of ${name}: nobody counted them`);
  } else if (!keeps && locked > 0) {
    const what = `${name} holds ${locked} locks, and nothing is in doubt there.`;
    findings.violate('I10', what, evidence(`locked ${locked}`));
  } else if (!keeps && waiting > 0) {
    const what = `${waiting} attempts wait at ${name}, and nothing is in doubt there.`;
    findings.violate('I10', what, evidence(`waiting ${waiting}`));
  }
  if (handles === undefined) findings.notChecked('I10', `what ${name} holds open: nobody counted it`);
  else if (handles.after > handles.before + HANDLES_SLACK) {
    const text = `handles ${handles.before} before, ${handles.after} after`;
    findings.violate('I10', `${name} holds more open than it began with.`, evidence(text));
  }
}

function checkTimes({ input: { final, run }, findings }: EndContext): void {
  const limits = { settledMs: SETTLED_MS_MAX, probeMs: PROBE_MS_MAX, ...run?.limits };
  const evidence = (text: string) => [{ node: 'final.json', text }];
  const settled = final?.settledMs;
  if (settled === undefined) findings.notChecked('I10', 'how long anything stayed in doubt: nobody measured it');
  else if (run?.mayBlock !== true && (settled === null || settled > limits.settledMs)) {
    const what =
      settled === null
        ? 'Something stayed in doubt after the heal.'
        : `Something was in doubt for ${settled} ms after the heal; allowed: ${limits.settledMs}.`;
    findings.violate('I10', what, evidence(`settledMs ${settled}`));
  }
  const probe = final?.probe;
  // Where somebody waits, and may, a transfer may wait for it.
  const waits = run?.mayBlock === true && Object.values(final?.nodes ?? {}).some(({ inDoubt }) => inDoubt.length > 0);
  if (probe === undefined) findings.notChecked('I10', 'a transfer over every account at the end: nobody tried one');
  else if (!waits && (probe.outcome !== 'committed' || probe.ms > limits.probeMs)) {
    const what = `The transfer over every account came to ${probe.outcome} in ${probe.ms} ms; it must commit within ${limits.probeMs}.`;
    findings.violate('I10', what, evidence(JSON.stringify(probe)));
  }
}

/** Attempts that somebody promised and nobody there decided. */
function checkDoubt({ story, input, findings }: EndContext): void {
  for (const attempt of story.attempts.values()) {
    const doubters = doubtersOf(attempt);
    if (doubters.length === 0) continue;
    if (input.final === undefined) {
      findings.notChecked('I10', 'whether those in doubt would have decided: there is no final.json');
      continue;
    }
    const { final } = input;
    const reached = doubters.filter((name) => final.nodes[name]?.reachable === true);
    const told = final.nodes;
    const still = reached.filter(
      (name) => told[name]?.inDoubt.some(({ number }) => number === attempt.number) ?? false,
    );
    if (reached.length === 0) continue;
    settle({ attempt, doubters: still.length > 0 ? still : reached, story, run: input.run, input, findings });
  }
  inDoubtWithoutRecord(story, input, findings);
}

function settle(context: {
  readonly attempt: AttemptStory;
  readonly doubters: readonly string[];
  readonly story: Story;
  readonly run: RunDescription | undefined;
  readonly input: CheckInput;
  readonly findings: Findings;
}): void {
  const { attempt, doubters, story, run, input, findings } = context;
  const why = whyBlocked(story, attempt, input);
  if (why.legal && run?.mayBlock === true) {
    findings.blocked.push(`${nameOf(attempt)}: ${why.text}`);
    return;
  }
  const records = doubters.flatMap((name) => attempt.sites.get(name)?.prepared ?? []);
  const what = `${nameOf(attempt)} is in doubt at ${doubters.join(', ')}: ${why.text}.`;
  findings.violate(
    'I10',
    what,
    [...records, ...sidesOf(attempt).committed, ...sidesOf(attempt).aborted].map(evidenceOf),
  );
}

/** Participants whose log has a promise and no decision, and that the attempt still concerns. */
export function doubtersOf(attempt: AttemptStory): readonly string[] {
  return [...attempt.sites]
    .filter(([name, site]) => {
      const { prepared, committed, aborted, superseded } = site;
      if (prepared === undefined || committed.length + aborted.length > 0) return false;
      const groups = new Set(prepared.record.operations.map(({ operation }) => operation.group));
      const replaced = new Set(superseded.map(({ record }) => record.group));
      const stillConcerned = [...groups].some((group) => !replaced.has(group));
      // A member that left is owed the outcome, and may be away for as long as it likes.
      const owed = attempt.ends.at(-1)?.record.left?.includes(name) ?? false;
      return stillConcerned && !owed;
    })
    .map(([name]) => name);
}

/** A node says that it is in doubt about something of which its log has no promise. */
function inDoubtWithoutRecord(story: Story, { final }: CheckInput, findings: Findings): void {
  for (const [name, node] of Object.entries(final?.nodes ?? {})) {
    if (!node.reachable || story.node(name)?.role !== 'participant') continue;
    for (const { number } of node.inDoubt) {
      const attempt = story.attempts.get(number);
      if (attempt?.sites.get(name)?.prepared !== undefined) continue;
      if (story.node(name)?.complete !== true) continue;
      findings.violate('I11', `${name} is in doubt about ${number}, and its log has no promise of it.`, [
        { node: name, text: `(final.json) inDoubt ${number}` },
      ]);
    }
  }
}
