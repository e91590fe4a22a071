/**
 * What the explorer runs: the shipped machines of one attempt and the shipped
 * way back from a log. A test may put broken ones in their place, to see that
 * the explorer would notice.
 */
import type { CoordinatorAttempt, ParticipantAttempt, Step } from '../protocol/attempt.ts';
import { coordinatorEventOf, stepCoordinator } from '../protocol/coordinator-attempts.ts';
import type { CoordinatorEvent, CoordinatorMachine } from '../protocol/coordinator-attempts.ts';
import { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { CoordinatorSettings } from '../protocol/coordinator-tables.ts';
import type { Message, NodeName, ProtocolName, Site } from '../protocol/messages.ts';
import { firstParticipantMachine, participantEventOf, stepParticipant } from '../protocol/participant-attempts.ts';
import type { ParticipantEvent, ParticipantMachine, UnsafeRule } from '../protocol/participant-attempts.ts';
import { ParticipantNode } from '../protocol/participant-node.ts';
import type { QuorumRule } from '../protocol/quorum.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { CoordinatorRecovery } from '../protocol/recovery-coordinator.ts';
import { ParticipantRecovery } from '../protocol/recovery-participant.ts';

/** An attempt at a participant with the machine that runs it. */
export interface ParticipantRun {
  readonly attempt: ParticipantAttempt;
  readonly machine: ParticipantMachine;
}

/** The seam: everything that decides. Each is a pure function. */
export interface ExplorerMachines {
  readonly coordinator: (
    attempt: CoordinatorAttempt,
    machine: CoordinatorMachine,
    event: CoordinatorEvent,
  ) => { readonly machine: CoordinatorMachine; readonly step: Step<CoordinatorMachine['state']> };
  readonly participant: (
    attempt: ParticipantAttempt,
    machine: ParticipantMachine,
    event: ParticipantEvent,
  ) => { readonly machine: ParticipantMachine; readonly step: Step<ParticipantMachine['state']> };
  /** What a message is to each of them; undefined: nothing. */
  readonly coordinatorEvent: (from: NodeName, message: Message, onePhase: boolean) => CoordinatorEvent | undefined;
  readonly participantEvent: (from: NodeName, message: Message) => ParticipantEvent | undefined;
  /** What runs at a participant that hears of the attempt for the first time. */
  readonly firstParticipant: (attempt: ParticipantAttempt) => ParticipantMachine;
  /** After a restart; undefined: closed, so presumed aborted or ended. */
  readonly recoverCoordinator: (
    attempt: CoordinatorAttempt,
    records: readonly ProtocolRecord[],
  ) => CoordinatorMachine | undefined;
  /** Sites that take part in a commit without a yes on their disk, in a machine that is broken so. */
  readonly votesWithoutYes?: readonly NodeName[];
  /** After a restart; undefined: as if never heard of. */
  readonly recoverParticipant: (self: Site, records: readonly ProtocolRecord[]) => ParticipantRun | undefined;
}

const TIMINGS = { voteTimeoutMs: 6000, lockWaitMs: 3000, askMs: 1000, electMs: 2000 };

/** The number that every run is about: the seventh of the coordinator's first start. */
export const NUMBER = 'c.1.7';
/** The coordinator's site. */
export const COORDINATOR: Site = { name: 'C', address: 'C:7100' };

/** Sites P1 to Pn, or R1 to Rn. */
function sitesUpTo(count: number, letter: 'P' | 'R'): readonly Site[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${letter}${index + 1}`,
    address: `${letter}${index + 1}:7200`,
  }));
}

/**
 * The one attempt, as its coordinator knows it: participants P that write group g, readers R of group r. One
 * participant and no reader is one-phase, as the node would plan it.
 */
export function exploredAttempt(
  protocol: ProtocolName,
  listed: number,
  reading: number,
  quorumRule?: QuorumRule,
): CoordinatorAttempt {
  const participants = sitesUpTo(listed, 'P');
  const readers = sitesUpTo(reading, 'R');
  const operationsOf = (sites: readonly Site[], group: string) =>
    sites.map(({ name }) => [name, [{ index: 0, operation: { group } }]] as const);
  return {
    number: NUMBER,
    id: 'TX',
    hash: 'h',
    // As the node plans it: what readers answer is in no record.
    protocol: protocol === 'parallel' && reading > 0 ? '2pc' : protocol,
    self: COORDINATOR,
    participants,
    readers,
    operations: Object.fromEntries([...operationsOf(participants, 'g'), ...operationsOf(readers, 'r')]),
    groups: { g: participants.map(({ name }) => name), r: readers.map(({ name }) => name) },
    operationCount: 1,
    voteWithinMs: 6000,
    onePhase: listed === 1 && reading === 0,
    timings: TIMINGS,
    ...(quorumRule === undefined ? {} : { quorumRule }),
  };
}

/** Everyone, the coordinator first, then those that write, then those that read: a site's place in a world. */
export function placesOf({ self, participants, readers }: CoordinatorAttempt): readonly NodeName[] {
  return [self, ...participants, ...readers].map(({ name }) => name);
}

/** The same attempt as a participant knows it. */
export function attemptAt(self: NodeName, attempt: CoordinatorAttempt): ParticipantAttempt {
  const { number, id, protocol, participants, voteWithinMs, onePhase, timings, quorumRule } = attempt;
  const operations = attempt.operations[self] ?? [];
  const rule = quorumRule === undefined ? {} : { quorumRule };
  return {
    number,
    id,
    protocol,
    self,
    coordinator: attempt.self,
    participants,
    operations,
    voteWithinMs,
    onePhase,
    timings,
    ...rule,
  };
}

/** A coordinator's tables with room for the explored number. */
export function emptyTables(attempt: CoordinatorAttempt): {
  readonly settings: CoordinatorSettings;
  readonly tables: CoordinatorTables;
} {
  const settings: CoordinatorSettings = {
    self: attempt.self,
    incarnation: 'c',
    epoch: 1,
    start: 'life',
    startSeq: 1,
    groups: Object.fromEntries(Object.entries(attempt.groups).map(([group, members]) => [group, { members }])),
    addresses: Object.fromEntries(attempt.participants.map(({ name, address }) => [name, address])),
    timings: { ...TIMINGS, leaseWaitMs: 1500, resendMs: 1000, barrierMs: 200 },
  };
  const tables = new CoordinatorTables(settings);
  tables.sequence = 7;
  return { settings, tables };
}

function recoverCoordinator(
  attempt: CoordinatorAttempt,
  records: readonly ProtocolRecord[],
): CoordinatorMachine | undefined {
  const { settings, tables } = emptyTables(attempt);
  const recovery = new CoordinatorRecovery(settings, tables);
  for (const record of records) recovery.apply(record);
  recovery.finish(0);
  return tables.open.get(attempt.number)?.machine;
}

function recoverParticipant(
  self: Site,
  records: readonly ProtocolRecord[],
  unsafe?: UnsafeRule,
): ParticipantRun | undefined {
  const settings = {
    self,
    incarnation: self.name,
    epoch: 1,
    start: 'life',
    startSeq: 1,
    votesByHand: false,
    timings: TIMINGS,
    ...(unsafe === undefined ? {} : { unsafe }),
  };
  const node = new ParticipantNode(settings, () => 0);
  const recovery = new ParticipantRecovery(node, { committed: () => undefined, copied: () => undefined });
  for (const record of records) recovery.apply(record);
  recovery.finish(() => undefined);
  return node.rows.get(NUMBER);
}

/** What ships, under a rule of the lab if one is given. */
export function shippedMachines(unsafe?: UnsafeRule): ExplorerMachines {
  return {
    coordinator: stepCoordinator,
    participant: stepParticipant,
    coordinatorEvent: coordinatorEventOf,
    participantEvent: participantEventOf,
    firstParticipant: (attempt) => firstParticipantMachine(attempt, unsafe),
    recoverCoordinator,
    recoverParticipant: (self, records) => recoverParticipant(self, records, unsafe),
  };
}

/** What ships. */
export const SHIPPED_MACHINES: ExplorerMachines = shippedMachines();

/** What a participant comes back with; the rule of quorums is no part of a log. */
export function recoveredRun(
  { attempt, machines }: { readonly attempt: CoordinatorAttempt; readonly machines: ExplorerMachines },
  name: NodeName,
  records: readonly ProtocolRecord[],
): ParticipantRun | undefined {
  const run = machines.recoverParticipant({ name, address: `${name}:7200` }, records);
  const { quorumRule } = attempt;
  return run === undefined || quorumRule === undefined ? run : { ...run, attempt: { ...run.attempt, quorumRule } };
}
