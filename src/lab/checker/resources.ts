/**
 * I6, I7, I9 and I12 over the resources: every participant's log is played
 * through the models, then compared with the other members of its groups, with
 * what the coordinator decided, with what clients asked for, and with what is
 * live in the end.
 */
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/canonical-json.ts';
import { nameOf } from './atomicity.ts';
import { evidenceOf } from './attempt-story.ts';
import type { AttemptStory, Entry } from './attempt-story.ts';
import { clientEvidence, operationsOf } from './client-story.ts';
import type { ClientStory } from './client-story.ts';
import type { EndContext } from './end-state.ts';
import { ledgerFaults } from './ledger-lines.ts';
import { memberIn } from './group-model.ts';
import { checkOrder } from './order.ts';
import { ParticipantReplay } from './participant-replay.ts';
import type { PreparedRecord } from '../../protocol/records.ts';
import type { Findings } from './verdict.ts';

/** Differences of two states that are shown. */
const DIFFERENCES_SHOWN = 5;

/** Replays all participants; answers what they came to, by name. */
export function checkResources(context: EndContext): ReadonlyMap<string, ParticipantReplay> {
  const { story, clients, input, findings } = context;
  const kinds = new Map(Object.entries(input.run?.groups ?? {}).map(([group, { resource }]) => [group, resource]));
  const replays = new Map<string, ParticipantReplay>();
  for (const node of story.nodes.values()) {
    if (node.role !== 'participant') continue;
    const unknown =
      (node.log.faults ?? []).length > 0
        ? 'is damaged'
        : !node.complete && node.checkpoint === undefined
          ? 'lacks its beginning'
          : undefined;
    if (unknown !== undefined) {
      findings.notChecked('I7', `what the log of ${node.name} amounts to: it ${unknown}`);
      continue;
    }
    const own = new Map([...kinds].filter(([group]) => input.run?.groups[group]?.members.includes(node.name)));
    const asked = (id: string): readonly Json[] => operationsOf(clients.transactions.get(id));
    replays.set(node.name, new ParticipantReplay(node, own, asked, findings));
  }
  checkOrder(replays, findings);
  for (const attempt of story.attempts.values()) {
    checkReplicas(attempt, findings);
    checkDecided(attempt, findings);
    checkAsked(attempt, clients, findings);
  }
  checkLive(context, replays);
  return replays;
}

/** Members of a group that computed the same operations came to the same. */
function checkReplicas(attempt: AttemptStory, findings: Findings): void {
  const first = new Map<string, { readonly hash: string; readonly entry: Entry<PreparedRecord> }>();
  for (const { prepared } of attempt.sites.values()) {
    if (prepared === undefined) continue;
    for (const [group, hash] of Object.entries(prepared.record.hashes)) {
      const known = first.get(group);
      if (known === undefined) first.set(group, { hash, entry: prepared });
      else if (known.hash !== hash && attempt.commits.length > 0) {
        const what = `${nameOf(attempt)} came to different things at ${known.entry.node} and ${prepared.node}, both of ${group}, and committed.`;
        findings.violate('I7', what, [known.entry, prepared, ...attempt.commits].map(evidenceOf));
      }
    }
  }
}

/** The coordinator's results are those that the participants promised. */
function checkDecided(attempt: AttemptStory, findings: Findings): void {
  const [commit] = attempt.commits;
  if (commit === undefined) return;
  const decided = new Map(commit.record.results.map(({ index, result }) => [index, canonicalJson(result)]));
  for (const { prepared, committed } of attempt.sites.values()) {
    const entry: Entry | undefined = prepared ?? committed[0];
    for (const { index, result } of prepared?.record.results ?? committed[0]?.record.results ?? []) {
      const told = decided.get(index);
      if (entry === undefined || told === undefined || told === canonicalJson(result)) continue;
      const what = `${nameOf(attempt)}: operation ${index} was decided as ${told}, and promised at ${entry.node} as ${canonicalJson(result)}.`;
      findings.violate('I7', what, [commit, entry].map(evidenceOf));
    }
  }
}

/** I12: what was promised is what a client asked for. */
function checkAsked(attempt: AttemptStory, clients: ClientStory, findings: Findings): void {
  if (clients.transactions.size === 0) return;
  const transaction = attempt.id === undefined ? undefined : clients.transactions.get(attempt.id);
  if (transaction === undefined || transaction.asks.length === 0) {
    findings.notChecked('I12', 'whether a transaction that no recorded client sent was asked for');
    return;
  }
  const asked = transaction.asks.map(({ in: request }) => memberIn(request, 'operations')).find(Array.isArray);
  if (asked === undefined) return;
  for (const { prepared } of attempt.sites.values()) {
    for (const { index, operation } of prepared?.record.operations ?? []) {
      const wanted = (asked as readonly Json[])[index];
      if (prepared === undefined || (wanted !== undefined && isAskedFor(wanted, operation))) continue;
      const what = `${nameOf(attempt)}: ${prepared.node} promised an operation ${index} that nobody asked for.`;
      findings.violate('I12', what, [evidenceOf(prepared), ...transaction.asks.slice(0, 1).map(clientEvidence)]);
    }
  }
}

/** The same members; the resource may have been filled in. */
function isAskedFor(wanted: Json, operation: Readonly<Record<string, Json>>): boolean {
  const { resource: _filledIn, ...rest } = operation;
  const { resource: _asked, ...given } =
    typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)
      ? (wanted as Readonly<Record<string, Json>>)
      : {};
  return canonicalJson(rest) === canonicalJson(given);
}

/** I9: what is live is what the log replays to. I6: and it adds up by itself. I7: members up to date hold the same. */
function checkLive({ input, findings, story }: EndContext, replays: ReadonlyMap<string, ParticipantReplay>): void {
  const { final } = input;
  if (final === undefined) return;
  for (const [node, { groups, reachable }] of Object.entries(final.nodes)) {
    if (!reachable) continue;
    if (groups === undefined && story.node(node)?.role === 'participant')
      findings.notChecked('I9', `what ${node} held in the end: final.json has no groups of it`);
    for (const [group, { resource, lines }] of Object.entries(groups ?? {})) {
      const evidence = (text: string) => [{ node, text: `(final.json, ${group}) ${text}` }];
      if (resource === 'ledger') {
        for (const fault of ledgerFaults(lines))
          findings.violate('I6', `At ${node}, ${group}: ${fault}.`, evidence(fault));
      }
      const model = replays.get(node)?.groups.get(group)?.model;
      if (model === undefined) {
        if (lines.length > 0 && replays.has(node))
          findings.notChecked('I9', `the state of ${group} at ${node}: no model`);
        continue;
      }
      const { missing, extra } = difference(model.lines(), lines);
      if (missing.length + extra.length === 0) continue;
      findings.violate('I9', `${node} does not hold what its log says of ${group}.`, [
        ...missing.slice(0, DIFFERENCES_SHOWN).flatMap((text) => evidence(`missing: ${text}`)),
        ...extra.slice(0, DIFFERENCES_SHOWN).flatMap((text) => evidence(`not in the log: ${text}`)),
      ]);
    }
  }
  for (const { group, members } of final.views ?? []) {
    const held = members.flatMap((node) => {
      const lines = final.nodes[node]?.groups?.[group]?.lines;
      return lines === undefined ? [] : [{ node, lines }];
    });
    const [first, ...others] = held;
    for (const { node, lines } of others) {
      if (first === undefined) break;
      const { missing, extra } = difference(first.lines, lines);
      if (missing.length + extra.length === 0) continue;
      const what = `${first.node} and ${node} are both up to date in ${group}, and hold different things.`;
      findings.violate('I7', what, [
        ...missing.slice(0, DIFFERENCES_SHOWN).map((text) => ({ node: first.node, text: `only here: ${text}` })),
        ...extra.slice(0, DIFFERENCES_SHOWN).map((text) => ({ node, text: `only here: ${text}` })),
      ]);
    }
  }
}

/** As sets of lines: what the second lacks, and what it has beside. */
function difference(wanted: readonly Json[], found: readonly Json[]): { missing: string[]; extra: string[] } {
  const left = new Map<string, number>();
  for (const line of wanted) left.set(canonicalJson(line), (left.get(canonicalJson(line)) ?? 0) + 1);
  const extra: string[] = [];
  for (const line of found) {
    const text = canonicalJson(line);
    const count = left.get(text) ?? 0;
    if (count === 0) extra.push(text);
    else if (count === 1) left.delete(text);
    else left.set(text, count - 1);
  }
  return { missing: [...left.keys()], extra };
}
