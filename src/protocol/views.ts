/**
 * Views: which members of each group are up to date. Pure data and the moves on
 * it; coordinator-membership.ts decides when.
 *
 *   in view ──lost, and its read lease has run out──→ outside
 *      ↑                                                │ registers
 *      └──durable── forcing ←─drained─ barrier ←─caught up─ copying
 *
 * Only the coordinator changes a view, by a forced record. The last member of a
 * view never leaves it: if all are down, its state is the only one.
 */
import type { NodeName, Views } from './messages.ts';

/** The up-to-date members of a group; `version` grows with every change. */
export interface View {
  readonly version: number;
  readonly members: readonly NodeName[];
}

/** A member on its way back into one group. `attempt` tells a late answer of an earlier try from a current one. */
export interface Join {
  readonly learner: NodeName;
  readonly source: NodeName;
  readonly attempt: number;
  readonly stage: 'copying' | 'barrier' | 'forcing' | 'pausing';
  /** Barriers lowered so far: each further one holds work for longer, after a longer pause. */
  readonly lowered: number;
}

/** Views by group. */
export type ViewTable = ReadonlyMap<string, View>;

/** Version 1 of every group has all its members. */
export function firstViews(
  groups: Readonly<Record<string, { readonly members: readonly NodeName[] }>>,
): Map<string, View> {
  return new Map(Object.entries(groups).map(([group, { members }]) => [group, { version: 1, members }]));
}

/** The view without a member; undefined when it is not in it, or is the last. */
export function viewWithout(view: View, member: NodeName): View | undefined {
  if (!view.members.includes(member) || view.members.length === 1) return undefined;
  return { version: view.version + 1, members: view.members.filter((name) => name !== member) };
}

/** The view with a member that has caught up, in the order of the configuration. */
export function viewWith(view: View, member: NodeName, configured: readonly NodeName[]): View {
  const members = new Set([...view.members, member]);
  return { version: view.version + 1, members: configured.filter((name) => members.has(name)) };
}

/** Members by group, for messages. */
export function membersOf(views: ViewTable): Views {
  return Object.fromEntries([...views].map(([group, { members }]) => [group, members]));
}

/** A group that only others than the configured members hold: whoever is configured would begin it anew. */
export function heldByOthers(
  views: ViewTable,
  groups: Readonly<Record<string, { readonly members: readonly NodeName[] }>>,
): { readonly group: string; readonly members: readonly NodeName[] } | undefined {
  const found = [...views].find(([group, view]) => {
    const configured = groups[group]?.members ?? [];
    return !view.members.some((name) => configured.includes(name));
  });
  return found === undefined ? undefined : { group: found[0], members: found[1].members };
}
