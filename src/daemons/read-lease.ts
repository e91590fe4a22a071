/**
 * May this replica answer reads of a group now? In the view it may for
 * `leaseMs` from when it sent the heartbeat that the coordinator answered; the
 * coordinator takes nobody out of a view before that has run out. By monotonic
 * and by wall clock, the longer counts: one stands still in a suspended
 * machine, the other can be set.
 */
import type { PeerHeartbeats } from '../net/peer-status.ts';
import type { ParticipantNode } from '../protocol/participant-node.ts';

/** Why not, or undefined when it may. */
export function leaseFault(
  node: ParticipantNode,
  heartbeats: PeerHeartbeats | undefined,
  group: string,
  leaseMs: number,
): string | undefined {
  const { name } = node.settings.self;
  if (node.views === undefined) return `${name} has no coordinator.`;
  if (!node.views[group]?.includes(name)) return `${name} is not in the view of ${group}; it joins by itself.`;
  const sentAtMs = heartbeats?.answeredSentAtMs;
  const sentAtWallMs = heartbeats?.answeredSentAtWallMs;
  if (sentAtMs === undefined || sentAtWallMs === undefined) return `${name} has not heard the coordinator yet.`;
  const ageMs = Math.max(performance.now() - sentAtMs, Date.now() - sentAtWallMs);
  return ageMs <= leaseMs ? undefined : `${name} last heard the coordinator ${Math.round(ageMs)} ms ago.`;
}
