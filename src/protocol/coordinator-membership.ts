/**
 * Who is up to date: registration and leaving a view (docs/protocols.md).
 *
 * A member is taken out when its link is lost and the longest read lease it can
 * hold has run out, provided another member of the group is there. The view
 * record is forced before any attempt that relies on it is sent anywhere.
 */
import { assert } from '../base/assert.ts';
import { attemptNumber } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { everyoneIn } from './answers.ts';
import type { CoordinatorSettings, CoordinatorTables, Peer } from './coordinator-tables.ts';
import { hasGoneOn } from './log-starts.ts';
import type { LogSeen, NodeName, RegisterMessage } from './messages.ts';
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
  context: MembershipContext,
  from: NodeName,
  message: RegisterMessage,
  out: StepBuilder,
): boolean {
  const { settings, tables } = context;
  const peer = tables.peers.get(from);
  if (peer === undefined || message.name !== from) {
    out.notice('warn', 'stranger', `${from} is not a participant of this cluster.`, { peer: from });
    out.drop.push(from);
    return false;
  }
  peer.registered = false;
  // It was dropped for silence: first it leaves the view, then it may come back as a learner.
  if (peer.barred) return false;
  if (ownLogIsBehind(settings, message, out)) return false;
  if (!hasKnownLog(context, peer, message, out)) return false;
  const { name, incarnation, address, epoch, start, durableSeq, votesByHand } = message;
  const hasMoved = peer.address !== address;
  if (peer.incarnation !== incarnation || peer.start !== start || hasMoved) {
    out.records.push(forced({ type: 'peer', name, incarnation, epoch, start, address }));
  }
  Object.assign(peer, { incarnation, address, epoch, start, durableSeq, votesByHand, registered: true });
  out.timerOff(`leave:${from}`);
  // The others must find it where it is now, also when the coordinator is dead by then.
  if (hasMoved) announce(context, out);
  else out.tell(from, welcome(context));
  out.notice('info', 'registered', `${from} registered from ${address}.`, { peer: from });
  return true;
}

/** A participant remembers more of this log than the log had when it was opened: decisions are missing. */
function ownLogIsBehind(
  settings: CoordinatorSettings,
  { name, coordinatorSeen: seen }: RegisterMessage,
  out: StepBuilder,
): boolean {
  if (seen === undefined || seen.incarnation !== settings.incarnation) return false;
  if (hasGoneOn(seen, settings)) return false;
  const detail = `${name} saw record ${seen.seq} of start ${seen.epoch} synced here; this log begins start ${settings.epoch} at record ${settings.startSeq}.`;
  out.fatal = { code: 'log-behind', detail };
  return true;
}

/** Is this the log that voted? A shorter one is refused; a fresh one joins by copying once nothing needs the old. */
function hasKnownLog(context: MembershipContext, peer: Peer, message: RegisterMessage, out: StepBuilder): boolean {
  const { tables } = context;
  const { name } = peer;
  if (peer.incarnation === undefined) return true;
  if (peer.incarnation === message.incarnation) {
    if (hasGoneOn({ epoch: peer.epoch, start: peer.start, seq: peer.durableSeq }, message)) return true;
    const detail = `${name} had ${peer.durableSeq} synced records in start ${peer.epoch}; it begins start ${message.epoch} at record ${message.startSeq}.`;
    return refuse(context, peer, detail, out);
  }
  if (!leaveAllViews(context, name, 'it came back with a fresh log', out)) {
    const isAlone = [...tables.views.values()].some(({ members }) => members.length === 1 && members[0] === name);
    if (isAlone) {
      return refuse(context, peer, `${name} came back with a fresh log, and no other member holds what it held.`, out);
    }
    // Others hold it and are not here yet: it dials again until they are.
    out.drop.push(name);
    return false;
  }
  // As a site of an undecided attempt it would promise abort for what its lost log may have voted yes to.
  const needed = [...tables.open.values()].some(({ attempt }) => everyoneIn(attempt.groups).includes(name));
  if (needed) out.drop.push(name);
  else out.notice('alarm', 'fresh-log', `${name} came back with a fresh log; it joins by copying.`, { peer: name });
  return !needed;
}

function refuse(context: MembershipContext, peer: Peer, detail: string, out: StepBuilder): false {
  out.tell(peer.name, { ...welcome(context), refusal: { code: 'log-behind', detail } });
  out.notice('alarm', 'log-behind', detail, { peer: peer.name });
  return false;
}

/** How much of every participant's log is known to be synced. */
export function seenLogs(tables: CoordinatorTables): Record<NodeName, LogSeen> {
  const seen: Record<NodeName, LogSeen> = {};
  for (const { name, incarnation, epoch, start, durableSeq: seq } of tables.peers.values()) {
    if (incarnation !== undefined) seen[name] = { incarnation, epoch, start, seq };
  }
  return seen;
}

function welcome(context: MembershipContext) {
  const { settings, tables } = context;
  const addresses: Record<NodeName, string> = { [settings.self.name]: settings.self.address };
  for (const { name, address } of tables.peers.values()) addresses[name] = address;
  return {
    type: 'welcome',
    name: settings.self.name,
    incarnation: settings.incarnation,
    epoch: settings.epoch,
    start: settings.start,
    views: membersOf(tables.views),
    addresses,
    lowWater: lowWaterOf(context),
  } as const;
}

/** Everyone registered learns of new views and addresses. */
export function announce(context: MembershipContext, out: StepBuilder): void {
  for (const peer of context.tables.peers.values()) {
    if (peer.registered) out.tell(peer.name, welcome(context));
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

/** Every number below is decided and acknowledged. */
export function lowWaterOf({ settings, tables }: MembershipContext): AttemptNumber {
  const [oldest] = tables.open.keys();
  const { incarnation, epoch } = settings;
  return oldest ?? attemptNumber({ incarnation, epoch, sequence: tables.sequence + 1 });
}

/** Tells everyone that nobody asks below a number; forced, so that the ends it counts are synced before anyone forgets. */
export function tellLowWater({ tables }: MembershipContext, number: AttemptNumber, out: StepBuilder): void {
  out.records.push(forced({ type: 'low-water', number, peers: seenLogs(tables) }));
  for (const peer of tables.peers.values()) if (peer.registered) out.tell(peer.name, { type: 'low-water', number });
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

/**
 * Writes down with whom a group began. From then on the log says who holds it: a member that the configuration adds later
 * holds nothing, and joins by a copy as one that comes back.
 */
export function recordFirstViews({ tables }: MembershipContext, out: StepBuilder): void {
  for (const [group, { version, members }] of tables.views) {
    if (tables.recordedViews.has(group)) continue;
    tables.recordedViews.add(group);
    out.records.push(forced({ type: 'view', group, version, members, why: 'as configured' }));
  }
}

/** The groups in whose view a member is. */
export function membershipOf(tables: CoordinatorTables, name: NodeName): ReadonlySet<string> {
  return new Set([...tables.views].filter(([, view]) => view.members.includes(name)).map(([group]) => group));
}
