/**
 * A deterministic cluster: the shipped host, machines and resources, one
 * coordinator and participants that replicate a ledger and a history, clients
 * that move money and send lines, and faults drawn from a seed. First a phase
 * with faults; then everything heals, and progress is demanded.
 */
import { assert } from '../base/assert.ts';
import { digest } from '../base/canonical-json.ts';
import { OPENING_BALANCE, SimClients } from './clients.ts';
import { Network } from './network.ts';
import type { NodeName, ProtocolName } from '../protocol/messages.ts';
import type { NodeTimings } from '../protocol/coordinator-tables.ts';
import type { Answer, CopyWork, Notice } from '../protocol/node-step.ts';
import { SeededRandom } from './seeded-random.ts';
import { Died, SimCoordinator, SimParticipant } from './sim-node.ts';
import type { Ending, SimNode, SimPorts } from './sim-node.ts';
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
  private faultsHit = 0;
  /** Passing this many more crash points ends a node's life. */
  private fuse: { readonly node: NodeName; left: number; readonly ending: Ending } | undefined;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed);
    this.network = new Network(this.clock, this.random);
    const names = Array.from({ length: options.participants }, (_, index) => `P${index + 1}`);
    const groups = { bank: { members: names }, chat: { members: names } };
    const ports: SimPorts = {
      clock: this.clock,
      random: this.random,
      network: this.network,
      onAnswer: (answer) => this.answered(answer),
      onNotice: (node, notice) => this.noticed(node, notice),
      onCopy: (learner, work) => this.copy(learner, work),
      onCrashPoint: (node, point) => this.burn(node, point),
    };
    this.coordinator = new SimCoordinator('coordinator', ports, groups, TIMINGS);
    const kinds = [
      { group: 'bank', kind: 'ledger' },
      { group: 'chat', kind: 'history' },
    ] as const;
    this.participants = names.map((name) => new SimParticipant(name, ports, kinds, TIMINGS));
    this.clients = new SimClients(this.random, this.clock, options, (request, transaction) =>
      this.coordinator.handle({ type: 'request', request, transaction, accepting: true }),
    );
  }

  /** Runs the whole life of the world. */
  run(): WorldReport {
    for (const node of this.nodes()) node.start();
    let events = this.clock.runUntil(300);
    this.clients.open();
    events += this.clock.runUntil(1_000);
    this.clients.work();
    for (let fault = 0; fault < this.options.faults; fault += 1) this.planFault();
    events += this.clock.runUntil(1_000 + FAULT_PHASE_MS);
    this.fuse = undefined;
    for (const node of this.nodes()) if (!node.alive) node.start();
    events += this.clock.runUntil(1_000 + FAULT_PHASE_MS + HEAL_PHASE_MS);
    this.judge();
    const { committed, aborted } = this.clients.counts();
    return {
      seed: this.options.seed,
      committed,
      aborted,
      faultsHit: this.faultsHit,
      events,
      violations: this.violations,
    };
  }

  private nodes(): readonly SimNode<never>[] {
    return [this.coordinator, ...this.participants] as unknown as readonly SimNode<never>[];
  }

  private planFault(): void {
    const { random, clock } = this;
    clock.after(random.next() * FAULT_PHASE_MS * 0.8, () => {
      const node = random.pick(this.nodes());
      const kind = random.pick(['fuse', 'fuse', 'kill', 'power', 'part', 'isolate'] as const);
      if (kind === 'fuse') {
        this.fuse = { node: node.name, left: random.whole(1, 12), ending: random.pick(['kill', 'power']) };
      } else if (kind === 'kill' || kind === 'power') {
        if (node.alive) this.end(node, kind);
      } else {
        const others = this.nodes().filter((other) => other !== node);
        const cut = kind === 'part' ? [random.pick(others)] : others;
        const heal = cut.map((other) => this.network.part(node.name, other.name, random.whole(0, 200)));
        this.faultsHit += 1;
        clock.after(random.next() * 1_500, () => heal.forEach((run) => run()));
      }
    });
  }

  /** A crash point was passed: the fuse of this node burns down. */
  private burn(node: NodeName, _point: string): void {
    const { fuse } = this;
    if (fuse?.node !== node) return;
    fuse.left -= 1;
    if (fuse.left > 0) return;
    this.fuse = undefined;
    const dying = this.nodes().find(({ name }) => name === node);
    if (dying === undefined) return;
    this.end(dying, fuse.ending);
    throw new Died();
  }

  private end(node: SimNode<never>, ending: Ending): void {
    this.faultsHit += 1;
    node.die(ending);
    if (node.name === 'coordinator') this.clients.coordinatorDied();
    this.clock.after(this.random.next() * 1_200, () => {
      if (!node.alive) node.start();
    });
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
      if (members.length !== this.participants.length) fail(`the view of ${group} is still ${members.join(', ')}`);
    }
    const digests = new Set<string>();
    for (const { name, participant } of this.participants) {
      if (participant === undefined) continue;
      const doubt = participant.node.inDoubt();
      if (doubt.length > 0) fail(`${name} is still in doubt about ${doubt.map(({ number }) => number).join(', ')}`);
      if (participant.resources.locked().length > 0) fail(`${name} still holds locks`);
      digests.add(digest([participant.resources.snapshotGroup('bank'), participant.resources.snapshotGroup('chat')]));
    }
    if (digests.size > 1) fail('the replicas differ');
    this.judgeDecisions(fail);
    const first = this.participants[0]?.participant;
    if (first !== undefined) this.clients.judge(first.resources, OPENING_BALANCE, fail);
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
