/**
 * Who is up to date: registration and leaving a view (docs/protocols.md).
 *
 * A member is taken out when its link is lost and the longest read lease it can
 * hold has run out, provided another member of the group is there. The view
 * record is forced before any attempt that relies on it is sent anywhere.
 */
import { assert } from '../base/assert.ts';
import type { CoordinatorSettings, CoordinatorTables, Peer } from './coordinator-tables.ts';
import type { NodeName, RegisterMessage } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import { forced } from './records.ts';
import { membersOf, viewWithout } from './views.ts';
import type { View } from './views.ts';

/** The node whose members these are. */
export interface MembershipContext {
  readonly settings: CoordinatorSettings;
  readonly tables: CoordinatorTables;
}

/** A participant introduces itself on a new link. Returns true when it is now registered. */
export function register(
  { settings, tables }: MembershipContext,
  from: NodeName,
  message: RegisterMessage,
  out: StepBuilder,
): boolean {
  const peer = tables.peers.get(from);
  if (peer === undefined || message.name !== from) {
    out.notice('warn', 'stranger', `${from} is not a participant of this cluster.`, { peer: from });
    out.drop.push(from);
    return false;
  }
  // It was dropped for silence: first it leaves the view, then it may come back as a learner.
  if (peer.barred) return false;
  if (isFreshLog(peer, message) || message.durableSeq < knownSeq(peer, message)) {
    const detail = `${from} came with ${message.durableSeq} synced records; ${peer.durableSeq} were seen of its log.`;
    if (!leaveAllViews({ settings, tables }, from, 'its log is not the one it voted with', out)) {
      const refusal = { code: 'log-behind', detail } as const;
      out.tell(from, { ...welcome(settings, tables, peer), refusal });
      out.notice('alarm', 'log-behind', detail, { peer: from });
      return false;
    }
    out.notice('alarm', 'log-behind', `${detail} It joins again by copying.`, { peer: from });
  }
  if (peer.incarnation !== message.incarnation || peer.address !== message.address) {
    const { name, incarnation, address } = message;
    out.records.push(forced({ type: 'peer', name, incarnation, address }));
  }
  peer.incarnation = message.incarnation;
  peer.address = message.address;
  peer.durableSeq = message.durableSeq;
  peer.votesByHand = message.votesByHand;
  peer.registered = true;
  out.timerOff(`leave:${from}`);
  out.tell(from, welcome(settings, tables, peer));
  out.notice('info', 'registered', `${from} registered from ${message.address}.`, { peer: from });
  return true;
}

function isFreshLog(peer: Peer, message: RegisterMessage): boolean {
  return peer.incarnation !== undefined && peer.incarnation !== message.incarnation;
}

function knownSeq(peer: Peer, message: RegisterMessage): number {
  return peer.incarnation === message.incarnation ? peer.durableSeq : 0;
}

function welcome(settings: CoordinatorSettings, tables: CoordinatorTables, peer: Peer) {
  const addresses: Record<NodeName, string> = { [settings.self.name]: settings.self.address };
  for (const { name, address } of tables.peers.values()) addresses[name] = address;
  return {
    type: 'welcome',
    name: settings.self.name,
    incarnation: settings.incarnation,
    epoch: settings.epoch,
    views: membersOf(tables.views),
    addresses,
    durableSeqSeen: peer.durableSeq,
  } as const;
}

/** Everyone registered learns of new views and addresses. */
export function announce({ settings, tables }: MembershipContext, out: StepBuilder): void {
  for (const peer of tables.peers.values()) {
    if (peer.registered) out.tell(peer.name, welcome(settings, tables, peer));
  }
}

/** A link is gone, or a transaction needs a member that has none: it leaves once its lease must be over. */
export function leaveLater({ settings, tables }: MembershipContext, name: NodeName, out: StepBuilder): void {
  const inSomeView = [...tables.views.values()].some((view) => view.members.includes(name));
  if (inSomeView) out.timerOn(`leave:${name}`, settings.timings.leaseWaitMs);
}

/**
 * Takes a member out of every view that has another registered member.
 * @returns true when it is in no view any more
 */
export function leaveAllViews(context: MembershipContext, name: NodeName, why: string, out: StepBuilder): boolean {
  const { tables } = context;
  let changed = false;
  for (const [group, view] of tables.views) {
    const othersThere = view.members.some((member) => member !== name && tables.peers.get(member)?.registered);
    const next = othersThere ? viewWithout(view, name) : undefined;
    if (next === undefined) continue;
    changeView(context, group, next, `${name} left: ${why}`, out);
    changed = true;
  }
  const peer = tables.peers.get(name);
  assert(peer !== undefined, 'who leaves is a known participant');
  peer.barred = false;
  if (changed) announce(context, out);
  return ![...tables.views.values()].some((view) => view.members.includes(name));
}

/** A new view, forced before anything relies on it. */
export function changeView(
  { tables }: MembershipContext,
  group: string,
  next: View,
  why: string,
  out: StepBuilder,
): void {
  tables.views.set(group, next);
  out.records.push(forced({ type: 'view', group, version: next.version, members: next.members, why }));
  out.notice('info', 'view', `View ${next.version} of ${group}: ${next.members.join(', ')}. ${why}.`, { group });
}

/** The groups in whose view a member is. */
export function membershipOf(tables: CoordinatorTables, name: NodeName): ReadonlySet<string> {
  return new Set([...tables.views].filter(([, view]) => view.members.includes(name)).map(([group]) => group));
}
