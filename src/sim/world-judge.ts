/**
 * What must hold once everything has healed (I1, I2, I9, I10): nothing is open,
 * replicas are equal, every start would come to the state that is live, and
 * what clients were told is what the logs and the resources say.
 */
import type { NodeName } from '../protocol/messages.ts';
import { judgeClients } from './client-judge.ts';
import type { Asked } from './clients.ts';
import { judgeLogs } from './log-judge.ts';
import type { SimCoordinator } from './sim-coordinator.ts';
import type { SimParticipant } from './sim-participant.ts';
import type { WorldGroups } from './world-groups.ts';

/** A world that has come to rest. */
export interface RestingWorld {
  readonly coordinator: SimCoordinator;
  readonly participants: readonly SimParticipant[];
  readonly groups: WorldGroups;
  readonly asked: ReadonlyMap<string, Asked>;
  /** A participant lost its log with all it held. */
  readonly lostLogs: boolean;
  /** Whether every log is read again (I9), which takes as long as a start of each. */
  readonly replays: boolean;
}

type Fail = (text: string) => void;

/** Why a world is not at rest; the empty list when it is. */
export function restless({ coordinator, participants, groups }: RestingWorld): string[] {
  const { tables } = coordinator;
  const why: string[] = [];
  if (!coordinator.alive) why.push('the coordinator is down');
  if (tables.open.size > 0) why.push(`${tables.open.size} attempts are still open after the heal`);
  if (tables.running.size > 0) why.push(`${tables.running.size} transactions still run after the heal`);
  for (const [group, { members }] of tables.views) {
    if (members.length !== groups[group]?.members.length) why.push(`the view of ${group} is still ${members.join()}`);
  }
  if (tables.joins.size > 0) why.push(`a join of ${[...tables.joins.keys()].join()} is still under way`);
  for (const { name, alive, participant } of participants) {
    if (!alive) why.push(`${name} is down`);
    const doubt = participant?.node.inDoubt() ?? [];
    if (doubt.length > 0) why.push(`${name} is still in doubt about ${doubt.map(({ number }) => number).join(', ')}`);
    if ((participant?.resources.locked().length ?? 0) > 0) why.push(`${name} still holds locks`);
  }
  return why;
}

/** Everything above. */
export function judgeWorld(world: RestingWorld, fail: Fail): void {
  const { participants, groups, asked } = world;
  for (const why of restless(world)) fail(why);
  const resourcesAt = (name: NodeName | undefined) =>
    participants.find((node) => node.name === name)?.participant?.resources;
  for (const [group, { members }] of Object.entries(groups)) {
    const states = members.map((name) => JSON.stringify(resourcesAt(name)?.snapshotGroup(group) ?? []));
    if (new Set(states).size > 1) fail(`the replicas of ${group} differ`);
  }
  judgeTold(world, fail);
  if (world.replays) judgeReplay(participants, fail);
  judgeClients(asked, (group) => resourcesAt(groups[group]?.members[0]), fail);
}

/** Told committed: a log says so and none says aborted. Told aborted: none says committed, of any number of that id. */
function judgeTold({ coordinator, participants, asked, lostLogs }: RestingWorld, fail: Fail): void {
  const logs = [coordinator, ...participants].map(({ name, history }) => {
    return { name, records: history.map(({ record }) => record) };
  });
  const { committed, aborted, ids } = judgeLogs(logs, { lostLogs }, fail);
  const committedIds = new Set([...committed].map((number) => ids.get(number)));
  for (const [id, { told }] of asked) {
    if (told === undefined) continue;
    if (told.outcome === 'aborted' && committedIds.has(id)) fail(`${id} was told aborted, and is committed`);
    if (told.outcome !== 'committed') continue;
    if (!committed.has(told.number)) fail(`${id} was told committed as ${told.number}, and no log says so`);
    if (aborted.has(told.number)) fail(`${id} was told committed as ${told.number}, which a log calls aborted`);
  }
}

/** A start now would come to the state that is live. */
function judgeReplay(participants: readonly SimParticipant[], fail: Fail): void {
  for (const node of participants) {
    const live = node.participant?.resources;
    if (live === undefined) continue;
    const rebuilt = node.rebuild(node.history.map(({ record }) => record)).resources;
    const [before, after] = [live, rebuilt].map((resources) => JSON.stringify(resources.groups.state()));
    if (before !== after) fail(`the log of ${node.name} leads to another state than the live one`);
    if (rebuilt.locked().length !== live.locked().length) fail(`the log of ${node.name} leads to other locks`);
  }
}
