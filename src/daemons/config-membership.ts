/**
 * What the cluster says about one node, and what flags and environment change
 * of it: its name, its coordinator, its groups.
 */
import { ParleyError } from '../base/errors.ts';
import { didYouMean } from '../console/did-you-mean.ts';
import { namesOfRole, nodeNamed } from './cluster-file.ts';
import { readAddress, readList, readPath, readWord, RESOURCES } from './config-table.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { Role } from './cluster-file.ts';
import type { Address } from './config.ts';
import type { SettingsSource } from './config-source.ts';

/** The node's name: given, or the only or first one of its role (a participant must say which it is). */
export function nodeName(source: SettingsSource, role: Role): NodeName {
  const known = namesOfRole(source.cluster, role);
  const first = role === 'participant' && known.length !== 1 ? undefined : known[0];
  if (first === undefined && !source.has('name')) {
    const remedy = 'Say which node this is.';
    throw new ParleyError('usage', `--name is missing; allowed: ${known.join(', ')}.`, { remedy });
  }
  const name = source.value(
    'name',
    readPath,
    first === undefined ? undefined : { value: first, key: `nodes.${first}` },
  );
  const node = nodeNamed(source.cluster, name);
  if (node !== undefined && node.role !== role) {
    throw source.fault('name', `is ${name}, whose role is ${node.role}; allowed: ${known.join(', ')}.`);
  }
  if (node === undefined && role === 'participant') {
    const hint = didYouMean(name, known);
    throw source.fault('name', `is ${name}, which the cluster does not name; allowed: ${known.join(', ')}.${hint}`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(name)) {
    throw source.fault('name', 'is not a name: 1 to 32 characters A-Z a-z 0-9 _ - that begin with a letter or digit.');
  }
  return name;
}

/** Where the coordinator listens: given, or by the cluster. */
export function coordinatorAddress(source: SettingsSource): Address {
  const name = namesOfRole(source.cluster, 'coordinator')[0] ?? '';
  const node = nodeNamed(source.cluster, name);
  const text = node === undefined ? '' : `${node.host.includes(':') ? `[${node.host}]` : node.host}:${node.port}`;
  const given = source.value('coordinator', (value) => (readAddress(value) === undefined ? undefined : value), {
    value: text,
    key: `nodes.${name}`,
  });
  // A port 0 in the cluster file passes here: the launcher gives the real one by flag.
  return readAddress(given) ?? { host: node?.host ?? '', port: node?.port ?? 0 };
}

/** What others are told instead of where this node listens; no member when nothing is given. */
export function advertisedAddress(source: SettingsSource): { readonly advertise?: string } {
  const advertise = source.optional('advertise', (value) => (readAddress(value) === undefined ? undefined : value));
  return advertise === undefined ? {} : { advertise };
}

/** Groups this participant is a member of, less those whose resource is not in --resources. */
export function groupsOf(source: SettingsSource, name: NodeName): readonly string[] {
  const mine = Object.entries(source.cluster.groups).filter(([, group]) => group.members.includes(name));
  const resources = source.optional('resources', (text) => {
    const list = readList(text);
    return list?.every((word) => readWord(word, RESOURCES) !== undefined) === true ? list : undefined;
  });
  const groups = mine.filter(([, group]) => resources === undefined || resources.includes(group.resource));
  if (groups.length === 0) {
    const held = mine.map(([group, { resource }]) => `${group} (${resource})`).join(', ');
    const why = `leaves ${name} without a group; the cluster gives it ${held === '' ? 'none' : held}.`;
    throw source.fault(resources === undefined ? 'name' : 'resources', why);
  }
  return groups.map(([group]) => group);
}
