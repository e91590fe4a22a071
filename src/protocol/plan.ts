/**
 * Who takes part in an attempt: from the operations and the views to each
 * participant's own operations. A write goes to every member in the view; a
 * group that is only read is read at one member. Participants with an
 * operation that may write are listed; only they decide, are asked, and
 * acknowledge.
 */
import type { IndexedOperation, NodeName, Views } from './messages.ts';

/** An operation as the coordinator admits it; `reads`: it cannot change anything. */
export interface AdmittedOperation extends IndexedOperation {
  readonly reads: boolean;
}

/** Who does what in one attempt. */
export interface Plan {
  readonly listed: readonly NodeName[];
  readonly readers: readonly NodeName[];
  readonly operations: Readonly<Record<NodeName, readonly IndexedOperation[]>>;
  /** Who of each group takes part. */
  readonly groups: Readonly<Record<string, readonly NodeName[]>>;
}

/**
 * @param preferred for a read: the member to ask, if one of these is in the view (those with a live link)
 */
export function planAttempt(
  operations: readonly AdmittedOperation[],
  views: Views,
  preferred: (name: NodeName) => boolean,
): Plan {
  const byGroup = new Map<string, AdmittedOperation[]>();
  for (const one of operations) {
    const group = one.operation.group;
    const others = byGroup.get(group);
    if (others === undefined) byGroup.set(group, [one]);
    else others.push(one);
  }
  const perNode: Record<NodeName, IndexedOperation[]> = {};
  const groups: Record<string, readonly NodeName[]> = {};
  const writers = new Set<NodeName>();
  for (const [group, members] of byGroup) {
    const view = views[group] ?? [];
    const writes = members.some((one) => !one.reads);
    // A read beside a write of the same group goes to all of them: replicas must report equal results.
    const chosen = writes ? view : view.filter(preferred).concat(view).slice(0, 1);
    groups[group] = chosen;
    for (const name of chosen) {
      if (writes) writers.add(name);
      const own = (perNode[name] ??= []);
      for (const { index, operation } of members) own.push({ index, operation });
    }
  }
  const names = Object.keys(perNode).sort();
  return {
    listed: names.filter((name) => writers.has(name)),
    readers: names.filter((name) => !writers.has(name)),
    operations: perNode,
    groups,
  };
}
