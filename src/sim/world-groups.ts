/** Which groups a simulated cluster has, and who holds them. */
import type { NodeName } from '../protocol/messages.ts';
import type { GroupConfig } from '../resources/group-resources.ts';
import type { ResourceKind } from '../resources/resource.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Groups by name. */
export type WorldGroups = Readonly<
  Record<string, { readonly kind: ResourceKind; readonly members: readonly NodeName[] }>
>;

/**
 * A ledger that all replicate; a history that all replicate, or all but the
 * first, who then only reads beside a line; and a ledger each.
 * @param onlyReplicated this one has no ledger of its own, since it will lose all it holds
 */
export function worldGroups(
  names: readonly NodeName[],
  random: SeededRandom,
  onlyReplicated: NodeName | undefined,
): WorldGroups {
  const withoutFirst = names.length > 1 && random.chance(0.5) && onlyReplicated === undefined;
  const owners = names.filter((name) => name !== onlyReplicated);
  const partitions = owners.map((name) => [`part-${name}`, { kind: 'ledger' as const, members: [name] }] as const);
  return {
    bank: { kind: 'ledger', members: [...names] },
    chat: { kind: 'history', members: withoutFirst ? names.slice(1) : [...names] },
    ...Object.fromEntries(partitions),
  };
}

/** What one participant holds. */
export function groupsAt(groups: WorldGroups, name: NodeName): GroupConfig[] {
  const held = Object.entries(groups).filter(([, { members }]) => members.includes(name));
  return held.map(([group, { kind }]) => ({ group, kind }));
}
