/**
 * A deterministic cluster: the shipped host, machines and resources, one
 * coordinator and participants, clients that work, and faults drawn from a
 * seed. First a phase with faults; then everything heals, and the world must
 * come to rest, do one more transaction over every account at once, and hold
 * every promise (world-judge.ts). Write-ahead is watched all the time.
 */
import { assert } from '../base/assert.ts';
import { parseMessage } from '../protocol/message-shapes.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { Answer, Notice } from '../protocol/node-step.ts';
import { SimClients } from './clients.ts';
import { copyBetween } from './sim-copies.ts';
import { Faults } from './faults.ts';
import { Network } from './network.ts';
import { RunDigest } from './run-digest.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimCoordinator } from './sim-coordinator.ts';
import type { SimNode } from './sim-node.ts';
import type { Ending, SimPorts } from './sim-ports.ts';
import { SimParticipant } from './sim-participant.ts';
import { drawSpecial, protocolsBeside, SpecialFaults } from './special-faults.ts';
import type { SpecialFault } from './special-faults.ts';
import { audit } from './unsynced-tail.ts';
import type { DamagedTail } from './unsynced-tail.ts';
import { VirtualClock } from './virtual-clock.ts';
import { groupsAt, worldGroups } from './world-groups.ts';
import type { WorldGroups } from './world-groups.ts';
import { FAULTS_MIN, LOOK_MS, TEXT_EVERY, TIMINGS, WORK_MS, REPLAY_EVERY } from './world-options.ts';
import type { WorldHooks, WorldOptions, WorldReport } from './world-options.ts';
import { comeToRest, probe } from './world-heal.ts';
import { judgeWorld, restless } from './world-judge.ts';
import type { RestingWorld } from './world-judge.ts';
import { WriteAhead } from './write-ahead.ts';

/** See the header. */
export class World {
  private readonly options: WorldOptions;
  private readonly hooks: WorldHooks;
  readonly clock = new VirtualClock();
  private readonly random: SeededRandom;
  private readonly network: Network;
  readonly coordinator: SimCoordinator;
  readonly participants: readonly SimParticipant[];
  readonly clients: SimClients;
  private readonly violations: string[] = [];
  private readonly everyone: readonly SimNode<never>[];
  private readonly byName: ReadonlyMap<NodeName, SimNode<never>>;
  readonly faults: Faults;
  readonly groups: WorldGroups;
  private readonly special: SpecialFault;
  private readonly replays: boolean;
  private readonly specialFaults: SpecialFaults;
  private readonly writeAhead: WriteAhead;
  private readonly tails: DamagedTail[] = [];
  private readonly digest = new RunDigest();
  private events = 0;
  private restMs = 0;

  constructor(options: WorldOptions, hooks: WorldHooks = {}) {
    this.options = options;
    this.hooks = hooks;
    const { participants: count, seed } = options;
    this.random = new SeededRandom(seed);
    const { random, clock } = this;
    this.network = new Network(clock, random);
    const names = Array.from({ length: count }, (_, index) => `P${index + 1}`);
    this.special = options.special ?? drawSpecial(random, options);
    const victim = random.whole(0, count - 1);
    this.groups = worldGroups(names, random, this.special === 'fresh' ? names[victim] : undefined);
    this.network.delayMsMax = random.pick([5, 5, 40]);
    this.network.repeatChance = random.pick([0, 0.05]);
    this.replays = hooks.replays ?? seed % REPLAY_EVERY === 0;
    if (seed % TEXT_EVERY === 0) this.network.carry = asText;
    const fail = (text: string): void => this.fail(text);
    this.writeAhead = new WriteAhead((name) => this.byName.get(name)?.durableSeq ?? Infinity, fail);
    const ports = this.ports();
    this.coordinator = new SimCoordinator('coordinator', ports, this.groups, TIMINGS);
    this.participants = names.map((name) => new SimParticipant(name, ports, groupsAt(this.groups, name), TIMINGS));
    this.everyone = [this.coordinator, ...this.participants] as unknown as readonly SimNode<never>[];
    this.byName = new Map(this.everyone.map((node) => [node.name, node]));
    const partitions = Object.keys(this.groups).filter((group) => group.startsWith('part-'));
    const protocols = protocolsBeside(this.special, options.protocols);
    this.clients = new SimClients(random, clock, { partitions, ...options, protocols }, (request, transaction) =>
      this.coordinator.request(request, transaction),
    );
    const { network } = this;
    this.faults = new Faults({
      clock,
      random,
      network,
      nodes: () => this.everyone,
      onEnd: (node) => this.ended(node.name),
      onFault: (kind, node) => this.happened('fault', kind, node, 0),
    });
    const chosen = this.participants[victim];
    assert(chosen !== undefined, 'there is a participant');
    const tables = () => (this.coordinator.alive ? this.coordinator.tables : undefined);
    this.specialFaults = new SpecialFaults({ clock, random, network, names, victim: chosen, tables, fail });
  }

  /** Runs the whole life of the world. */
  run(): WorldReport {
    this.boot();
    const { random, clock, options } = this;
    const workMs = random.pick(WORK_MS);
    this.clients.work(workMs);
    for (let fault = 0; fault < options.faults; fault += 1) this.faults.plan(workMs);
    if (this.special !== 'none') {
      const { special } = this;
      clock.after(random.next() * workMs, () => this.specialFaults.happen(special));
    }
    this.runFor(workMs);
    // Some faults found nothing to hit; a world without any shows little.
    for (let more = 0; options.faults > 0 && this.faults.hit < FAULTS_MIN && more < FAULTS_MIN * 2; more += 1) {
      this.faults.happen(random.pick(['kill', 'torn', 'part', 'pause'] as const));
      this.runFor(200);
    }
    this.runFor(random.next() * 1_000);
    this.rest();
    this.judge();
    return this.report();
  }

  /** Damaged tails that a restart read. */
  get tailsRead(): number {
    return this.tails.length;
  }

  /** The tails that crashes left, read by the shipped scanner and repair too; more violations when they differ. */
  async audit(): Promise<readonly string[]> {
    for (const tail of this.tails) {
      const wrong = await audit(tail);
      if (wrong !== undefined) this.fail(wrong);
    }
    return this.violations;
  }

  /** Everyone starts, and the accounts are opened. */
  boot(): void {
    for (const node of this.everyone) node.start();
    this.runFor(300);
    this.clients.open();
    for (let looks = 0; looks < 40 && !this.isAtRest(); looks += 1) this.runFor(LOOK_MS);
  }

  /** Everything heals; the world comes to rest, stays there, and does one more transaction. */
  rest(): void {
    this.faults.heal();
    this.specialFaults.heal();
    for (const node of this.everyone) if (!node.alive) node.start();
    this.restMs = comeToRest(this, (text) => this.fail(text));
    probe(this, (text) => this.fail(text));
  }

  /** Holds everything against everything else. */
  judge(): void {
    judgeWorld(this.resting(), (text) => this.fail(text));
  }

  report(): WorldReport {
    const { events, restMs } = this;
    const { hit, hits } = this.faults;
    return {
      seed: this.options.seed,
      ...this.clients.counts(),
      faultsHit: hit + (this.specialFaults.hit ? 1 : 0),
      faults: { ...Object.fromEntries(hits), ...(this.specialFaults.hit ? { [this.special]: 1 } : {}) },
      events,
      restMs,
      outputsChecked: this.writeAhead.checked,
      digest: this.digest.text,
      violations: this.violations,
    };
  }

  /** Ends a node's life now; another begins after `downMs`. */
  crash(name: NodeName, ending: Ending, downMs: number): void {
    const node = this.byName.get(name);
    if (!node?.alive) return;
    node.die(ending);
    this.ended(name);
    this.clock.after(downMs, () => {
      if (!node.alive) node.start();
    });
  }

  /** Virtual time passes. */
  runFor(ms: number): void {
    this.events += this.clock.runUntil(this.clock.nowMs + ms);
  }

  /** Nothing is open, no client waits. */
  isAtRest(): boolean {
    return this.clients.idle && restless(this.resting()).length === 0;
  }

  private resting(): RestingWorld {
    const { coordinator, participants, groups } = this;
    return {
      coordinator,
      participants,
      groups,
      asked: this.clients.asked,
      lostLogs: this.special === 'fresh',
      replays: this.replays,
    };
  }

  private fail(text: string): void {
    this.violations.push(text);
    this.hooks.trace?.(`${this.clock.nowMs.toFixed(2)} VIOLATED ${text}`);
  }

  private ports(): SimPorts {
    const { clock, random, network, writeAhead } = this;
    return {
      clock,
      random,
      network,
      recordsAsText: this.options.seed % TEXT_EVERY === 0,
      seqsSeenBy: (node) => this.seqsSeenBy(node),
      onAnswer: (answer) => this.answered(answer),
      onNotice: (node, notice) => this.noticed(node, notice),
      onCopy: (learner, work) => copyBetween(this, this.random, learner, work),
      onCrashPoint: (node, what, where) => {
        this.hooks.onCrashPoint?.(node, what, where);
        this.faults.burn(node);
      },
      onFatal: (node, code, detail) => {
        if (!this.specialFaults.refused(node, code)) this.fail(`${node} must not go on: ${code} ${detail}`);
      },
      onDamage: (tail) => this.tails.push(tail),
      watch: {
        appended: (node, stored) => {
          writeAhead.appended(node, stored);
          this.happened('writes', stored.record.type, node, stored.seq);
        },
        lost: (node, seqFrom) => {
          writeAhead.lost(node, seqFrom);
          this.happened('ends', 'lost from', node, seqFrom);
        },
        sends: (from, to, message, durableSeq) => {
          writeAhead.sends(from, to, message, durableSeq);
          this.happened('sends', message.type, from, durableSeq);
          this.hooks.trace?.(`${this.clock.nowMs.toFixed(2)}   to ${to}: ${JSON.stringify(message)}`);
        },
        answers: (answer, durableSeq) => writeAhead.answers(answer, 'coordinator', durableSeq),
      },
    };
  }

  /** Into the digest, and the trace. */
  private happened(how: string, what: string, where: NodeName, seq: number): void {
    const { nowMs } = this.clock;
    this.digest.add(nowMs, what, where, seq);
    this.hooks.trace?.(`${nowMs.toFixed(2)} ${where} ${how} ${what} ${seq}`);
  }

  /** As heartbeats tell it: only over a link that stands. */
  private seqsSeenBy(node: NodeName): Record<NodeName, number> {
    const seen: Record<NodeName, number> = {};
    for (const { name, durableSeq } of this.everyone) {
      if (durableSeq !== undefined && this.network.isUp(node, name)) seen[name] = durableSeq;
    }
    return seen;
  }

  private answered(answer: Answer): void {
    this.happened('answers', 'refused' in answer ? answer.refused : String(answer.status), 'coordinator', 0);
    const fault = this.clients.answered(answer);
    if (fault !== undefined) this.fail(fault);
  }

  private noticed(node: NodeName, notice: Notice): void {
    this.hooks.trace?.(`${this.clock.nowMs.toFixed(2)} ${node} notes ${notice.message}`);
    if (notice.level !== 'alarm') return;
    // These two say just what was done to it.
    if (this.special === 'fresh' && ['fresh-log', 'log-behind'].includes(notice.event)) return;
    // It has forgotten what it promised, and says so; then it is refused.
    if (this.special === 'rolled-back' && ['log-behind', 'unknown-number'].includes(notice.event)) return;
    this.fail(`alarm at ${node}: ${notice.message}`);
  }

  private ended(name: NodeName): void {
    if (name !== 'coordinator') return;
    this.clients.coordinatorDied();
    this.specialFaults.coordinatorDied();
  }
}

function asText(message: Message): Message {
  return parseMessage(JSON.parse(JSON.stringify(message)));
}
