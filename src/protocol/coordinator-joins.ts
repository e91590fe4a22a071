/**
 * How a returned member joins a view again: it copies from a live member while
 * work goes on; then a barrier holds new work on the group until every open
 * number is decided and acknowledged, the learner copies the rest and forces
 * it, and the view is forced. A barrier that takes too long is lowered and
 * raised again later.
 */
import { assert } from '../base/assert.ts';
import { announce, changeView } from './coordinator-membership.ts';
import type { MembershipContext } from './coordinator-membership.ts';
import type { CoordinatorTables } from './coordinator-tables.ts';
import type { JoinedMessage, NodeName } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import { viewWith } from './views.ts';
import type { Join } from './views.ts';

/** Starts a copy wherever a registered member is outside a view and another is inside; one learner a group at a time. */
export function startJoins({ settings, tables }: MembershipContext, out: StepBuilder): void {
  for (const [group, { members }] of Object.entries(settings.groups)) {
    const view = tables.views.get(group);
    if (view === undefined || tables.joins.has(group)) continue;
    const isThere = (name: NodeName): boolean => tables.peers.get(name)?.registered ?? false;
    const learner = members.find((name) => !view.members.includes(name) && isThere(name));
    const source = view.members.find(isThere);
    if (learner === undefined || source === undefined) continue;
    askToCopy(tables, group, { learner, source, stage: 'copying', lowered: 0 }, out);
  }
}

/** Each try has a number of its own, so that a late answer to an earlier one is nothing to this. */
function askToCopy(tables: CoordinatorTables, group: string, wanted: Omit<Join, 'attempt'>, out: StepBuilder): void {
  const join: Join = { ...wanted, attempt: ++tables.joinAttempts };
  tables.joins.set(group, join);
  const address = tables.peers.get(join.source)?.address ?? '';
  out.tell(join.learner, { type: 'join', group, attempt: join.attempt, source: { name: join.source, address } });
}

/** Forcing a copy may take this many times as long as waiting for open attempts. */
const FORCING_BARRIERS = 10;
/** Pauses double this often: with 200 ms, up to 12.8 s. */
const LOWERED_MAX = 6;
/** The time to force doubles this often: with 200 ms, up to 8 s, in which new work on the group is refused as busy. */
const LONGER_MAX = 2;

/** What a learner reports. Returns true when work that was held may go on. */
export function learnerSays(
  context: MembershipContext,
  from: NodeName,
  message: JoinedMessage,
  out: StepBuilder,
): boolean {
  const { tables } = context;
  const { group, stage, attempt } = message;
  const join = tables.joins.get(group);
  if (join === undefined || join.learner !== from || join.attempt !== attempt) return false;
  if (stage === 'copying' && join.stage === 'copying') {
    raiseBarrier(context, group, join, out);
    tryBarrier(context, group, out);
    return false;
  }
  if (stage === 'failed' && isHeld(tables, group)) {
    lowerBarrier(context, group, out);
    return true;
  }
  if (stage !== 'durable' || join.stage !== 'forcing') return false;
  completeJoin(context, group, join, out);
  startJoins(context, out);
  return true;
}

/** The learner has caught up: new work on the group waits, for `barrierMs` at most. */
export function raiseBarrier(
  { settings, tables }: MembershipContext,
  group: string,
  join: Join,
  out: StepBuilder,
): void {
  tables.joins.set(group, { ...join, stage: 'barrier' });
  out.timerOn(`barrier:${group}`, settings.timings.barrierMs);
  out.notice('info', 'barrier', `New work on ${group} waits until ${join.learner} is equal.`, { group });
}

/** The barrier is passed as soon as no attempt on the group is open. */
export function tryBarrier(context: MembershipContext, group: string, out: StepBuilder): void {
  const { joins, open } = context.tables;
  const join = joins.get(group);
  if (join?.stage !== 'barrier') return;
  for (const { attempt } of open.values()) {
    if (Object.hasOwn(attempt.groups, group)) return;
  }
  passBarrier(context, group, join, out);
}

/** No number of the group is open: what the source has now is all there is. */
function passBarrier({ settings, tables }: MembershipContext, group: string, join: Join, out: StepBuilder): void {
  tables.joins.set(group, { ...join, stage: 'forcing' });
  // No attempt is open: only new work waits, and a copy that is not given the time to be forced is forced in vain.
  out.timerOn(
    `barrier:${group}`,
    settings.timings.barrierMs * FORCING_BARRIERS * 2 ** Math.min(join.lowered, LONGER_MAX),
  );
  out.tell(join.learner, { type: 'barrier', group, attempt: join.attempt });
}

/** The barrier took too long: work goes on, the learner tries again after a pause. */
export function lowerBarrier({ settings, tables }: MembershipContext, group: string, out: StepBuilder): void {
  const join = tables.joins.get(group);
  if (join === undefined) return;
  const lowered = Math.min(join.lowered + 1, LOWERED_MAX);
  tables.joins.set(group, { ...join, stage: 'pausing', lowered });
  out.timerOn(`rejoin:${group}`, settings.timings.barrierMs * 2 ** lowered);
  out.notice('info', 'barrier-again', `The barrier of ${group} was lowered before ${join.learner} was equal.`, {
    group,
  });
}

/** The pause after a lowered barrier is over. */
export function copyAgain({ tables }: MembershipContext, group: string, out: StepBuilder): void {
  const join = tables.joins.get(group);
  if (join?.stage === 'pausing') askToCopy(tables, group, { ...join, stage: 'copying' }, out);
}

/** The learner is equal, durably: it is in the view from here on. */
function completeJoin(context: MembershipContext, group: string, join: Join, out: StepBuilder): void {
  const { settings, tables } = context;
  const view = tables.views.get(group);
  const configured = settings.groups[group]?.members ?? [];
  assert(view !== undefined, 'a join is of a known group');
  tables.joins.delete(group);
  out.timerOff(`barrier:${group}`);
  changeView(context, group, viewWith(view, join.learner, configured), `${join.learner} joined`, out);
  announce(context, out);
}

/** A join ends when its learner or its source is lost; what it held may go on. */
export function cancelJoins({ tables }: MembershipContext, name: NodeName, out: StepBuilder): void {
  for (const [group, join] of tables.joins) {
    if (join.learner !== name && join.source !== name) continue;
    tables.joins.delete(group);
    out.timerOff(`barrier:${group}`);
    out.timerOff(`rejoin:${group}`);
    out.timerOn('release', 0);
  }
}

/** True while new work on the group waits behind a barrier. */
export function isHeld(tables: CoordinatorTables, group: string): boolean {
  const stage = tables.joins.get(group)?.stage;
  return stage === 'barrier' || stage === 'forcing';
}
