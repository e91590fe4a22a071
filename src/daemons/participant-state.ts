/** What a participant tells of itself: whether it is ready, and its state in figures. */
import { waitingVoteJson } from '../api/participant-routes.ts';
import type { Json } from '../base/canonical-json.ts';
import type { RecentDurations } from '../base/recent-durations.ts';
import type { ParticipantHost } from '../host/participant-host.ts';

/** Why it cannot take work now; empty when it can. */
export function notReady({ node }: ParticipantHost, accepting: boolean): string[] {
  const reasons: string[] = [];
  if (!accepting) reasons.push('The log has no room for new work.');
  if (node.views === undefined) reasons.push('The coordinator has not welcomed this participant yet.');
  return reasons;
}

/**
 * What `GET /debug/state` and the console show of it.
 * @param lockTimes how long attempts waited until they had their locks
 */
export function stateOf(
  { node, worker, resources }: ParticipantHost,
  lockTimes: RecentDurations,
): Readonly<Record<string, Json>> {
  const views = Object.entries(node.views ?? {}).map(([group, members]) => ({ group, members }));
  return {
    coordinator: node.coordinator === undefined ? null : { ...node.coordinator },
    views,
    attempts: node.rows.size,
    inDoubt: node.inDoubt().map((one) => ({ ...one })),
    lowWater: node.lowWater ?? null,
    position: resources.position,
    waiting: resources.waiting().length,
    locked: resources.locked().length,
    lockTimes: { taken: lockTimes.noted, ms: lockTimes.percentiles() },
    votesWaiting: worker.votesWaiting().map(waitingVoteJson),
  };
}
