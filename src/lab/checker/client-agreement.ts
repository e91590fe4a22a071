/**
 * I2 and I5: clients were told one thing, the true one, and it lasts.
 *
 * A yes must be found committed in the logs and nowhere aborted; a no must be
 * on the coordinator's disk and nowhere committed; a refusal must have left
 * nothing. What a coordinator writes as acknowledged (`end`) must be in the
 * logs of those who acknowledged, and no log may be shorter than what another
 * node saw synced of it.
 */
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/canonical-json.ts';
import { isSettled, nameOf, sidesOf } from './atomicity.ts';
import { evidenceOf } from './attempt-story.ts';
import type { AttemptStory, NodeStory } from './attempt-story.ts';
import { clientEvidence, listOf } from './client-story.ts';
import type { Asked, ClientStory, ClientTransaction } from './client-story.ts';
import type { Story } from './story.ts';
import type { Findings } from './verdict.ts';

/** All of I2, and of I5 what clients and peers were told. */
export function checkClients(story: Story, clients: ClientStory, findings: Findings): void {
  for (const transaction of clients.transactions.values()) checkTransaction(story, transaction, findings);
}

function checkTransaction(story: Story, transaction: ClientTransaction, findings: Findings): void {
  const { id, asks, seen } = transaction;
  const yes = [...asks, ...seen].filter(({ told }) => told === 'committed');
  const no = [...asks, ...seen].filter(({ told }) => told === 'aborted');
  if (yes.length > 0 && no.length > 0) {
    findings.violate('I2', `${id} was told committed and aborted.`, [...yes, ...no].map(clientEvidence));
  }
  const attempts = story.byId.get(id) ?? [];
  const committed = attempts.filter((attempt) => sidesOf(attempt).committed.length > 0);
  const kept = story.outcomes.get(id);
  const isCommitted = committed.length > 0 || kept?.outcome === 'committed';
  if (yes.length > 0) {
    if (isCommitted) checkResults(committed, yes, findings);
    else lostYes(story, id, attempts, yes, findings);
  }
  if (no.length > 0) checkNo(story, id, attempts, no, findings);
  const onlyRefused = asks.length > 0 && asks.every(({ told }) => told === 'refused');
  if ((no.length > 0 || (onlyRefused && yes.length === 0)) && isCommitted) {
    const how = no.length > 0 ? 'aborted' : 'refused, nothing happened';
    findings.violate('I2', `${id} was told ${how}, and is committed.`, [
      ...(no.length > 0 ? no : asks).map(clientEvidence),
      ...committed.flatMap((attempt) => sidesOf(attempt).committed).map(evidenceOf),
    ]);
  }
}

/** Told committed, and no log knows of it. */
function lostYes(
  story: Story,
  id: string,
  attempts: readonly AttemptStory[],
  yes: readonly Asked[],
  findings: Findings,
): void {
  const gone = coordinatorsThatForgot(story);
  if (gone !== undefined) {
    findings.notChecked('I5', `whether a yes that clients were told is still there: ${gone}`);
    return;
  }
  // In `parallel` a transaction is committed by its promises alone.
  const [last] = attempts.slice(-1);
  if (last?.protocol === 'parallel' && last.listed?.every((name) => last.sites.get(name)?.prepared)) return;
  findings.violate('I5', `${id} was told committed, and no log has it committed.`, [
    ...yes.map(clientEvidence),
    ...attempts.flatMap((attempt) => [...attempt.begins, ...sidesOf(attempt).aborted]).map(evidenceOf),
  ]);
}

/** A definite no is as durable as a yes. */
function checkNo(
  story: Story,
  id: string,
  attempts: readonly AttemptStory[],
  no: readonly Asked[],
  findings: Findings,
): void {
  const byCoordinator = no.filter(({ f }) => f === 'transaction');
  if (byCoordinator.length === 0) return;
  if (attempts.some(({ answers }) => answers.length > 0) || story.outcomes.has(id)) return;
  const gone = coordinatorsThatForgot(story);
  if (gone !== undefined) {
    findings.notChecked('I5', `whether a no that clients were told is on the coordinator's disk: ${gone}`);
    return;
  }
  findings.violate('I5', `${id} was told aborted, and the coordinator has no record of that answer.`, [
    ...byCoordinator.map(clientEvidence),
  ]);
}

/** Why answers may be missing from the coordinators' logs. */
function coordinatorsThatForgot(story: Story): string | undefined {
  const coordinators = [...story.nodes.values()].filter(({ role }) => role === 'coordinator');
  if (coordinators.length === 0) return 'the log of the coordinator is not here';
  const partial = coordinators.find(({ complete, log }) => !complete || (log.faults ?? []).length > 0);
  return partial === undefined ? undefined : `the log of ${partial.name} is not whole`;
}

/** The results a client was told are those of the decision. */
function checkResults(committed: readonly AttemptStory[], yes: readonly Asked[], findings: Findings): void {
  const [attempt] = committed;
  const [commit] = attempt?.commits ?? [];
  if (attempt === undefined || commit === undefined) return;
  const decided = new Map(commit.record.results.map(({ index, result }) => [index, result]));
  for (const asked of yes) {
    const results = listOf(asked.out, 'results');
    const wrong = results.findIndex(
      (result: Json, index) => decided.has(index) && canonicalJson(result) !== canonicalJson(decided.get(index)),
    );
    if (wrong === -1) continue;
    findings.violate('I2', `${nameOf(attempt)} was told another result of operation ${wrong} than was decided.`, [
      clientEvidence(asked),
      evidenceOf(commit),
    ]);
  }
}

/** I5 among nodes: acknowledged means durable there, and a log is never shorter than others saw it. */
export function checkAcknowledged(story: Story, findings: Findings): void {
  for (const attempt of story.attempts.values()) acknowledged(story, attempt, findings);
  for (const node of story.nodes.values()) seenSynced(story, node, findings);
}

function acknowledged(story: Story, attempt: AttemptStory, findings: Findings): void {
  const [end] = attempt.ends;
  if (end === undefined || end.inCheckpoint || !isSettled(story, end) || attempt.listed === undefined) return;
  // An abort that a quorum decided is acknowledged and ended too; whether somebody committed it is I1's question.
  if (attempt.aborts.length > 0) return;
  // Later `end` records shorten `left`, also for members whose log was begun anew.
  const owed = end.record.left ?? [];
  for (const name of attempt.listed) {
    if (owed.includes(name) || (attempt.sites.get(name)?.committed.length ?? 0) > 0) continue;
    const gone = story.mayBeGone(name, attempt);
    if (gone !== undefined) {
      findings.notChecked('I5', `whether an acknowledged commit is still there: ${gone}`);
      continue;
    }
    const site = attempt.sites.get(name);
    findings.violate('I5', `${name} acknowledged ${nameOf(attempt)}, and its log has no commit of it.`, [
      evidenceOf(end),
      ...(site?.prepared === undefined ? [] : [evidenceOf(site.prepared)]),
    ]);
  }
}

/** A node remembers how far it saw the logs of others synced. */
function seenSynced(story: Story, node: NodeStory, findings: Findings): void {
  for (const entry of node.entries) {
    if (entry.record.type !== 'low-water' || !isSettled(story, entry)) continue;
    for (const [name, seen] of Object.entries(entry.record.peers ?? {})) {
      const peer = story.node(name);
      if (peer === undefined || peer.incarnation !== seen.incarnation || peer.lastSeq >= seen.seq) continue;
      if ((peer.log.faults ?? []).length > 0) continue;
      const what = `${node.name} saw record ${seen.seq} of ${name} synced, and the log of ${name} ends with ${peer.lastSeq}.`;
      findings.violate('I5', what, [evidenceOf(entry)]);
    }
  }
}
