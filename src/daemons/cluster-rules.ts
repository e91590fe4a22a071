/**
 * What must hold in a cluster beyond its shape. Each rule gives a sentence
 * that names the key and says what is allowed, or nothing when it holds; the
 * first broken rule is the fault.
 */
import { ParleyError } from '../base/errors.ts';
import { didYouMean } from '../console/did-you-mean.ts';
import { readFaultRule } from '../lab/fault-rule.ts';
import type { ClusterConfig } from './cluster-file.ts';

/** A name becomes a directory, a header value and a word on the console. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
const NAME_ALLOWED = 'a name is 1 to 32 characters A-Z a-z 0-9 _ - and begins with a letter or digit';

type Rule = (config: ClusterConfig) => string | undefined;

const RULES: readonly Rule[] = [
  namesAreWords,
  oneCoordinator,
  addressesDiffer,
  membersAreParticipants,
  openingsFit,
  protocolsNameGroups,
  faultsAreRules,
  timingsFitTogether,
];

/** The first broken rule as a sentence, or undefined for a sound cluster. */
export function clusterFault(config: ClusterConfig): string | undefined {
  for (const rule of RULES) {
    const fault = rule(config);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function namesAreWords({ nodes, groups }: ClusterConfig): string | undefined {
  for (const [place, names] of [
    ['nodes', Object.keys(nodes)],
    ['groups', Object.keys(groups)],
  ] as const) {
    const odd = names.find((name) => !NAME.test(name));
    if (odd !== undefined) return `${place}: ${JSON.stringify(odd.slice(0, 60))} is not a name; ${NAME_ALLOWED}.`;
  }
  if (Object.hasOwn(groups, 'default')) return 'groups.default cannot be a group; protocol.default means all others.';
  // On a file system that ignores case, logs/P1 and logs/p1 are one directory.
  const lower = new Map<string, string>();
  for (const name of Object.keys(nodes)) {
    const twin = lower.get(name.toLowerCase());
    if (twin !== undefined) return `nodes.${name} differs from nodes.${twin} only by case; use names that differ.`;
    lower.set(name.toLowerCase(), name);
  }
  return undefined;
}

function oneCoordinator({ nodes }: ClusterConfig): string | undefined {
  const names = Object.entries(nodes).flatMap(([name, node]) => (node.role === 'coordinator' ? [name] : []));
  if (names.length === 1) return undefined;
  const found = names.length === 0 ? 'none has' : `${names.join(', ')} have`;
  return `nodes: exactly one node has the role coordinator; ${found} it.`;
}

function addressesDiffer({ nodes }: ClusterConfig): string | undefined {
  const seen = new Map<string, string>();
  for (const [name, { host, port }] of Object.entries(nodes)) {
    if (port === 0) continue;
    const address = `${host.toLowerCase() === 'localhost' ? '127.0.0.1' : host.toLowerCase()}:${port}`;
    const other = seen.get(address);
    if (other !== undefined) return `nodes.${name}.port: ${address} is the address of nodes.${other} already.`;
    seen.set(address, name);
  }
  return undefined;
}

function membersAreParticipants({ nodes, groups }: ClusterConfig): string | undefined {
  const participants = Object.entries(nodes).flatMap(([name, node]) => (node.role === 'participant' ? [name] : []));
  if (Object.keys(groups).length === 0) return 'groups names no group; at least one is needed.';
  for (const [group, { members }] of Object.entries(groups)) {
    for (const [index, member] of members.entries()) {
      const place = `groups.${group}.members.${index}`;
      if (!participants.includes(member)) {
        const hint = didYouMean(member, participants);
        const allowed = participants.length === 0 ? 'none is named' : participants.join(', ');
        return `${place}: ${JSON.stringify(member.slice(0, 60))} is not a participant; allowed: ${allowed}.${hint}`;
      }
      if (members.indexOf(member) !== index) return `${place}: ${member} is named twice.`;
    }
  }
  return undefined;
}

/**
 * Account numbers are given out 1, 2, 3…, so an opening can only name them in
 * that order; or, where several groups share the accounts of one bank, in the
 * order in which they are dealt out (bank/account-placement.ts).
 */
function openingsFit({ groups, opening }: ClusterConfig): string | undefined {
  for (const [group, accounts] of Object.entries(opening)) {
    const resource = Object.hasOwn(groups, group) ? groups[group]?.resource : undefined;
    if (resource !== 'ledger') {
      const ledgers = Object.entries(groups).flatMap(([name, held]) => (held.resource === 'ledger' ? [name] : []));
      const allowed = ledgers.length === 0 ? 'none' : ledgers.join(', ');
      return `opening.${group} is not a group with a ledger; allowed: ${allowed}.${didYouMean(group, ledgers)}`;
    }
    const ledgers = Object.keys(groups).filter((name) => groups[name]?.resource === 'ledger');
    const [first, step] = [ledgers.indexOf(group) + 1, ledgers.length];
    const odd = accounts.findIndex(({ account }, index) => account !== index + 1);
    const dealt = accounts.every(({ account }, index) => account === first + index * step);
    if (odd >= 0 && !dealt) {
      const others =
        step === 1 ? '' : `, or ${first}, ${first + step}, ${first + 2 * step}… for a bank of ${step} groups`;
      return `opening.${group}.${odd}.account is ${accounts[odd]?.account}; accounts are numbered 1, 2, 3… in order${others}.`;
    }
  }
  return undefined;
}

function protocolsNameGroups({ groups, protocol }: ClusterConfig): string | undefined {
  const known = ['default', ...Object.keys(groups)];
  const odd = Object.keys(protocol).find((key) => !known.includes(key));
  if (odd === undefined) return undefined;
  return `protocol.${odd} is neither default nor a group; allowed: ${known.join(', ')}.${didYouMean(odd, known)}`;
}

/** Each names a node that can go wrong so, and what it does is one of the rules. */
function faultsAreRules({ nodes, faults = [] }: ClusterConfig): string | undefined {
  const able = Object.keys(nodes).filter((name) => nodes[name]?.role !== 'server');
  for (const [index, { node, ...rule }] of faults.entries()) {
    const role = able.includes(node) ? nodes[node]?.role : undefined;
    if (role === undefined || role === 'server') {
      const named = JSON.stringify(node.slice(0, 60));
      return `faults.${index}.node: ${named} is no coordinator or participant; allowed: ${able.join(', ')}.${didYouMean(node, able)}`;
    }
    try {
      readFaultRule(rule, role, 'bad-config');
    } catch (error) {
      if (error instanceof ParleyError) return `faults.${index}: ${error.message}`;
      throw error;
    }
    if (rule['at'] === 'now') return `faults.${index}.at: now is a command, and no rule for a start.`;
  }
  return undefined;
}

/** The two inequalities that correctness rests on: a lease ends before the coordinator's wait does, a beat fits twice. */
function timingsFitTogether({ timings }: ClusterConfig): string | undefined {
  const { leaseMs, leaseWaitMs, heartbeatMs, deadMs } = timings;
  if (leaseWaitMs <= leaseMs) {
    return `timings.leaseWaitMs is ${leaseWaitMs}; it must be longer than timings.leaseMs, ${leaseMs}, or a removed replica could still answer reads.`;
  }
  if (deadMs < 2 * heartbeatMs) {
    return `timings.deadMs is ${deadMs}; it must be at least twice timings.heartbeatMs, ${heartbeatMs}, or one late beat breaks a link.`;
  }
  return undefined;
}
