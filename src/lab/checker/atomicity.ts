/**
 * I1 and I3: all or none, and commit only after every promise.
 *
 * Evidence of an outcome is a decision at the coordinator or at a participant,
 * an answer kept in a checkpoint, the records of a 3PC quorum, and what stands
 * in a ledger: a posting of an aborted number is as wrong as a record of it.
 */
import type { Json } from '../../base/canonical-json.ts';
import { evidenceOf } from './attempt-story.ts';
import type { AttemptStory, Entry } from './attempt-story.ts';
import type { CheckInput } from './input.ts';
import { changeIn } from './line-kinds.ts';
import { decidedByQuorum, roundText } from './quorum-evidence.ts';
import type { Story } from './story.ts';
import type { Evidence, Findings } from './verdict.ts';

/** What speaks for commit, and what for abort. */
export interface Sides {
  readonly committed: readonly Entry[];
  readonly aborted: readonly Entry[];
}

/** Decisions about a number in the logs, the implicit ones of a quorum included. */
export function sidesOf(attempt: AttemptStory): Sides {
  const sites = [...attempt.sites.values()];
  const quorums = decidedByQuorum(attempt);
  const byQuorum = (wanted: string): Entry[] =>
    quorums.filter(({ outcome }) => outcome === wanted).flatMap(({ entries }) => entries);
  return {
    committed: [...attempt.commits, ...sites.flatMap(({ committed }) => committed), ...byQuorum('committed')],
    aborted: [
      ...attempt.aborts,
      ...attempt.answers,
      ...sites.flatMap(({ aborted }) => aborted),
      ...byQuorum('aborted'),
    ],
  };
}

/** Name of an attempt in a sentence: `TX001 (c7f3a9b2.1.1)`. */
export function nameOf({ id, number }: AttemptStory): string {
  return id === undefined ? number : `${id} (${number})`;
}

/** I1: nobody committed what another aborted. */
export function checkAtomicity(story: Story, input: CheckInput, findings: Findings): void {
  const postings = postingsByNumber(story, input);
  for (const attempt of story.attempts.values()) {
    const { committed, aborted } = sidesOf(attempt);
    const kept = attempt.id === undefined ? undefined : story.outcomes.get(attempt.id);
    const told = kept?.number === attempt.number ? kept : undefined;
    const keptEvidence: Evidence[] =
      told === undefined ? [] : [{ node: told.node, text: `(in the checkpoint) ${told.id} ${told.outcome}` }];
    const posted = postings.get(attempt.number) ?? [];
    const yes = [
      ...committed.map(evidenceOf),
      ...(told?.outcome === 'committed' ? keptEvidence : []),
      ...posted.slice(0, 3),
    ];
    const no = [...aborted.map(evidenceOf), ...(told?.outcome === 'aborted' ? keptEvidence : [])];
    if (yes.length === 0 || no.length === 0) continue;
    const where = (evidence: readonly Evidence[]): string => [...new Set(evidence.map(({ node }) => node))].join(', ');
    findings.violate('I1', `${nameOf(attempt)} is committed at ${where(yes)} and aborted at ${where(no)}.`, [
      ...yes,
      ...no,
    ]);
  }
}

/** Postings in final states, checkpoints and copies, by the number that made them. */
function postingsByNumber(story: Story, input: CheckInput): ReadonlyMap<string, Evidence[]> {
  const found = new Map<string, Evidence[]>();
  const take = (node: string, where: string, lines: readonly Json[]): void => {
    for (const line of lines) {
      if (typeof line !== 'object' || line === null) continue;
      const isPosting = 'line' in line && line['line'] === 'posting';
      const number = changeIn(line)?.number ?? (isPosting ? line['number'] : undefined);
      if (typeof number !== 'string') continue;
      found.set(number, [...(found.get(number) ?? []), { node, text: `(${where}) ${JSON.stringify(line)}` }]);
    }
  };
  for (const { name, checkpoint, entries } of story.nodes.values()) {
    for (const { group, lines } of checkpoint?.resources ?? []) take(name, `checkpoint, ${group}`, lines);
    for (const { record } of entries) if (record.type === 'copied') take(name, `copy of ${record.group}`, record.lines);
  }
  for (const [name, { groups }] of Object.entries(input.final?.nodes ?? {})) {
    for (const [group, { lines }] of Object.entries(groups ?? {})) take(name, `final.json, ${group}`, lines);
  }
  return found;
}

/** I3: a commit, and a precommit, stand on the promise of every listed participant. */
export function checkValidity(story: Story, findings: Findings): void {
  for (const attempt of story.attempts.values()) {
    if (attempt.onePhase) continue;
    const { committed } = sidesOf(attempt);
    checkOrder(attempt, findings);
    const precommitted = [...attempt.sites.values()]
      .flatMap(({ rounds }) => rounds)
      .filter(({ record }) => record.type === 'precommitted');
    const [first] = [...committed, ...precommitted].filter((entry) => !entry.inCheckpoint && isSettled(story, entry));
    if (first === undefined || attempt.listed === undefined) continue;
    for (const name of attempt.listed) {
      const site = attempt.sites.get(name);
      if (site?.prepared !== undefined || site?.committed.some(({ inCheckpoint }) => inCheckpoint)) continue;
      const gone = story.mayBeGone(name, attempt);
      if (gone !== undefined) {
        findings.notChecked('I3', `whether all had promised: ${gone}`);
        continue;
      }
      const no = site?.aborted ?? [];
      const how = first.record.type === 'precommitted' ? 'was precommitted' : 'committed';
      const what = `${nameOf(attempt)} ${how}, but ${name} never promised it${no.length > 0 ? ', and said no' : ''}.`;
      findings.violate('I3', what, [first, ...no].map(evidenceOf));
    }
  }
}

/** Within one log: first the promise, then what stands on it. */
function checkOrder(attempt: AttemptStory, findings: Findings): void {
  const name = nameOf(attempt);
  for (const [node, { prepared, committed, rounds }] of attempt.sites) {
    // A coordinator's own rounds stand on the promises of others.
    if (node === attempt.coordinator) continue;
    for (const entry of [...committed, ...rounds]) {
      if (entry.inCheckpoint || entry.record.type === 'promised') continue;
      if (prepared !== undefined && prepared.seq < entry.seq) continue;
      if (prepared?.inCheckpoint) continue;
      const round = 'round' in entry.record ? ` in round ${roundText(entry.record.round)}` : '';
      const what = `${node} wrote ${entry.record.type} for ${name}${round} without having promised it before.`;
      findings.violate('I3', what, [entry, ...(prepared === undefined ? [] : [prepared])].map(evidenceOf));
    }
  }
}

/** It was there before any other log was read for good, so what it implies must be in those. */
export function isSettled(story: Story, { node, seq }: Entry): boolean {
  return seq <= (story.node(node)?.log.settledSeq ?? Number.MAX_SAFE_INTEGER);
}
