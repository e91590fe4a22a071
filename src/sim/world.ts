/**
 * A deterministic cluster: the shipped host, machines and resources, one
 * coordinator and participants, clients that move money and send lines, and
 * faults drawn from a seed. All participants replicate a ledger; a history is
 * replicated by all of them or all but the first; each has a partition of its
 * own. First a phase with faults; then everything heals, and progress is
 * demanded.
 */
import { assert } from '../base/assert.ts';
import { digest } from '../base/canonical-json.ts';
import { SimClients } from './clients.ts';
import { Faults } from './faults.ts';
import { Network } from './network.ts';
import type { NodeName, ProtocolName } from '../protocol/messages.ts';
import type { NodeTimings } from '../protocol/coordinator-tables.ts';
import type { Answer, CopyWork, Notice } from '../protocol/node-step.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimCoordinator } from './sim-coordinator.ts';
import type { SimNode, SimPorts } from './sim-node.ts';
import { SimParticipant } from './sim-participant.ts';
import type { GroupConfig } from '../resources/group-resources.ts';
import type { ResourceKind } from '../resources/resource.ts';
import type { ResourceManager } from '../resources/resource-manager.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a run is made from; the same options give the same run. */
export interface WorldOptions {
  readonly seed: number;
  readonly participants: number;
  readonly protocols: readonly ProtocolName[];
  readonly transactions: number;
  /** Faults tried while clients work. */
  readonly faults: number;
}

/** What a run was and what it found; `violations` is empty when all holds. */
export interface WorldReport {
  readonly seed: number;
  readonly committed: number;
  readonly aborted: number;
  readonly faultsHit: number;
  readonly events: number;
  readonly violations: readonly string[];
}

/** Short durations: virtual time costs nothing, but retries cost events. */
const TIMINGS: NodeTimings = {
  voteTimeoutMs: 600,
  lockWaitMs: 250,
  askMs: 100,
  electMs: 200,
  leaseWaitMs: 150,
  resendMs: 200,
  barrierMs: 50,
};

const FAULT_PHASE_MS = 6_000;
const HEAL_PHASE_MS = 20_000;

/** See the header. */
export class World {
  private readonly options: WorldOptions;
  private readonly clock = new VirtualClock();
  private readonly random: SeededRandom;
  private readonly network: Network;
  readonly coordinator: SimCoordinator;
  readonly participants: readonly SimParticipant[];
  private readonly clients: SimClients;
  private readonly violations: string[] = [];
  private readonly faults: Faults;
  private readonly groups: Readonly<Record<string, { readonly kind: ResourceKind; readonly members: NodeName[] }>>;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed);
    this.network = new Network(this.clock, this.random);
    const names = Array.from({ length: options.participants }, (_, index) => `P${index + 1}`);
    this.groups = groupsOf(names, this.random);
    this.network.delayMsMax = this.random.pick([5, 5, 40]);
    this.network.repeatChance = this.random.pick([0, 0.05]);
    const ports: SimPorts = {
      clock: this.clock,
      random: this.random,
      network: this.network,
      seqsSeenBy: (node) => this.seqsSeenBy(node),
      onAnswer: (answer) => this.answered(answer),
      onNotice: (node, notice) => this.noticed(node, notice),
      onCopy: (learner, work) => this.copy(learner, work),
      onCrashPoint: (node) => this.faults.burn(node),
    };
    this.coordinator = new SimCoordinator('coordinator', ports, this.groups, TIMINGS);
    this.participants = names.map((name) => new SimParticipant(name, ports, this.groupsAt(name), TIMINGS));
    const partitions = Object.keys(this.groups).filter((group) => group.startsWith('part-'));
    this.clients = new SimClients(this.random, this.clock, { ...options, partitions }, (request, transaction) =>
      this.coordinator.handle({ type: 'request', request, transaction, accepting: true }),
    );
    const { clock, random, network } = this;
    const onEnd = (node: SimNode<never>): void => {
      if (node.name === 'coordinator') this.clients.coordinatorDied();
    };
    this.faults = new Faults({ clock, random, network, nodes: () => this.nodes(), onEnd });
  }

  /** Runs the whole life of the world. */
  run(): WorldReport {
    for (const node of this.nodes()) node.start();
    let events = this.clock.runUntil(300);
    this.clients.open();
    events += this.clock.runUntil(1_000);
    this.clients.work();
    for (let fault = 0; fault < this.options.faults; fault += 1) this.faults.plan(FAULT_PHASE_MS * 0.8);
    events += this.clock.runUntil(1_000 + FAULT_PHASE_MS);
    this.faults.heal();
    for (const node of this.nodes()) if (!node.alive) node.start();
    events += this.clock.runUntil(1_000 + FAULT_PHASE_MS + HEAL_PHASE_MS);
    this.judge();
    const { committed, aborted } = this.clients.counts();
    return {
      seed: this.options.seed,
      committed,
      aborted,
      faultsHit: this.faults.hit,
      events,
      violations: this.violations,
    };
  }

  private nodes(): readonly SimNode<never>[] {
    return [this.coordinator, ...this.participants] as unknown as readonly SimNode<never>[];
  }

  private seqsSeenBy(node: NodeName): Record<NodeName, number> {
    const seen: Record<NodeName, number> = {};
    for (const { name, durableSeq } of this.nodes()) {
      if (durableSeq !== undefined && this.network.isUp(node, name)) seen[name] = durableSeq;
    }
    return seen;
  }

  private groupsAt(name: NodeName): GroupConfig[] {
    const held = Object.entries(this.groups).filter(([, { members }]) => members.includes(name));
    return held.map(([group, { kind }]) => ({ group, kind }));
  }

  private answered(answer: Answer): void {
    const fault = this.clients.answered(answer);
    if (fault !== undefined) this.violations.push(fault);
  }

  private noticed(node: NodeName, notice: Notice): void {
    if (notice.level === 'alarm') this.violations.push(`alarm at ${node}: ${notice.message}`);
  }

  /** The copier's work between two simulated nodes. */
  private copy(learner: NodeName, work: CopyWork): void {
    const target = this.participants.find(({ name }) => name === learner);
    assert(target !== undefined && work.type !== 'install-copy', 'a learner is a participant');
    const { group, attempt } = work;
    this.clock.after(this.random.next() * 20, () => {
      if (work.type === 'copy') {
        target.handle({ type: 'copied', group, attempt });
        return;
      }
      const source = this.sourceOf(group, learner);
      if (source === undefined) return;
      const lines = source.participant?.resources.snapshotGroup(group) ?? [];
      source.whenDurable(() => {
        if (target.alive) target.handle({ type: 'copy-finished', group, attempt, lines: structuredClone(lines) });
      });
    });
  }

  private sourceOf(group: string, learner: NodeName): SimParticipant | undefined {
    const join = this.coordinator.tables.joins.get(group);
    return this.participants.find(({ name, alive }) => alive && name === join?.source && name !== learner);
  }

  /** Everything has healed: nothing is in doubt, replicas are equal, the clients' answers hold. */
  private judge(): void {
    const { tables } = this.coordinator;
    const fail = (text: string): void => void this.violations.push(text);
    if (tables.open.size > 0) fail(`${tables.open.size} attempts are still open after the heal`);
    for (const [group, { members }] of tables.views) {
      if (members.length !== this.groups[group]?.members.length)
        fail(`the view of ${group} is still ${members.join()}`);
    }
    for (const { name, participant } of this.participants) {
      const doubt = participant?.node.inDoubt() ?? [];
      if (doubt.length > 0) fail(`${name} is still in doubt about ${doubt.map(({ number }) => number).join(', ')}`);
      if ((participant?.resources.locked().length ?? 0) > 0) fail(`${name} still holds locks`);
    }
    for (const [group, { members }] of Object.entries(this.groups)) {
      const states = members.map((name) => digest(this.resourcesAt(name)?.snapshotGroup(group) ?? []));
      if (new Set(states).size > 1) fail(`the replicas of ${group} differ`);
    }
    this.judgeDecisions(fail);
    this.clients.judge((group) => this.resourcesAt(this.groups[group]?.members[0]), fail);
  }

  private resourcesAt(name: NodeName | undefined): ResourceManager | undefined {
    return this.participants.find((node) => node.name === name)?.participant?.resources;
  }

  /** AC1 over all logs of all lives: no number both committed and aborted. */
  private judgeDecisions(fail: (text: string) => void): void {
    const committed = new Set<string>();
    const aborted = new Set<string>();
    for (const node of this.nodes()) {
      for (const { record } of node.history) {
        if (record.type === 'commit' || record.type === 'committed') committed.add(record.number);
        if (record.type === 'abort' || record.type === 'aborted') aborted.add(record.number);
      }
    }
    for (const number of committed) if (aborted.has(number)) fail(`${number} is committed and aborted`);
  }
}

/** The groups of a world; some worlds have a participant that holds the ledger and not the history. */
function groupsOf(names: readonly NodeName[], random: SeededRandom) {
  const withoutFirst = names.length > 1 && random.chance(0.5);
  const partitions = names.map((name) => [`part-${name}`, { kind: 'ledger' as const, members: [name] }] as const);
  return {
    bank: { kind: 'ledger' as const, members: [...names] },
    chat: { kind: 'history' as const, members: withoutFirst ? names.slice(1) : [...names] },
    ...Object.fromEntries(partitions),
  };
}
