/**
 * A node of a run that is played again: the shipped node in the shipped host,
 * over a log in memory that syncs a forced record at once and a lazy one never,
 * but where the run says when: in parallel commit `begin`, the answer behind an
 * abort, and what a registration forces leave the attempt as it was. No timer rings by itself and no message arrives by itself.
 */
import { Host } from '../host/host.ts';
import type { HostPorts } from '../host/host.ts';
import { CoordinatorNode } from '../protocol/coordinator-node.ts';
import type { CoordinatorNodeEvent } from '../protocol/coordinator-node.ts';
import { CoordinatorTables } from '../protocol/coordinator-tables.ts';
import type { CoordinatorSettings } from '../protocol/coordinator-tables.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { UnsafeRule } from '../protocol/participant-attempts.ts';
import { ParticipantNode } from '../protocol/participant-node.ts';
import type { ParticipantNodeEvent } from '../protocol/participant-node.ts';
import { CoordinatorRecovery } from '../protocol/recovery-coordinator.ts';
import { ParticipantRecovery } from '../protocol/recovery-participant.ts';
import type { Append, ProtocolRecord } from '../protocol/records.ts';

const TIMINGS = {
  ...{ voteTimeoutMs: 6000, lockWaitMs: 3000, askMs: 1000, electMs: 2000 },
  ...{ leaseWaitMs: 1500, resendMs: 1000, barrierMs: 200 },
};

/** The world around a node. */
export interface ReplayPorts {
  readonly send: (from: NodeName, to: NodeName, message: Message) => void;
  readonly alarm: (text: string) => void;
}

/** A node through all its lives. */
abstract class ReplayNode<Event> {
  readonly name: NodeName;
  protected readonly ports: ReplayPorts;
  protected records: Append[] = [];
  protected epoch = 0;
  private synced = 0;
  private readonly syncsByStep: boolean;
  private host: Host<Event> | undefined;

  /** `syncsByStep`: of the attempt only what is forced with its outputs is synced without a step of the run. */
  constructor(name: NodeName, ports: ReplayPorts, syncsByStep: boolean) {
    this.name = name;
    this.ports = ports;
    this.syncsByStep = syncsByStep;
  }

  get alive(): boolean {
    return this.host !== undefined;
  }

  /** All that is on its disk or on its way there. */
  get log(): readonly ProtocolRecord[] {
    return this.records.map(({ record }) => record);
  }

  /** The same without what a crash could still take. */
  get syncedLog(): readonly ProtocolRecord[] {
    return this.log.slice(0, this.synced);
  }

  /** All that is written is synced. */
  sync(): void {
    this.synced = this.records.length;
  }

  start(): void {
    this.epoch += 1;
    this.host = this.open(this.log, this.hostPorts());
    this.handle(this.startEvent());
  }

  /** Dies with what was synced, and the first `kept` records about attempts of what was not. */
  crash(kept: number): void {
    this.host?.stop();
    this.host = undefined;
    let left = kept;
    // A registration is no step of the run, so what it wrote stays whatever it stands behind.
    this.records = this.records.filter(({ record }, index) => {
      if (index < this.synced || !isOfAttempt(record)) return true;
      left -= 1;
      return left >= 0;
    });
    this.synced = this.records.length;
  }

  handle(event: Event): void {
    this.host?.handle(event);
  }

  abstract hear(from: NodeName, message: Message): void;
  abstract link(type: 'link-up' | 'link-down', peer: NodeName): void;
  abstract ring(key: string): void;
  protected abstract open(records: readonly ProtocolRecord[], ports: HostPorts): Host<Event>;
  protected abstract startEvent(): Event;

  private syncsNow(record: ProtocolRecord): boolean {
    const isStep = record.type === 'begin' || record.type === 'answer';
    return !this.syncsByStep || (isOfAttempt(record) && !isStep);
  }

  private hostPorts(): HostPorts {
    const nothing = (): void => undefined;
    const append = (record: ProtocolRecord, { force }: { readonly force: boolean }): number => {
      this.records.push({ record, force });
      if (force && this.syncsNow(record)) this.synced = this.records.length;
      return this.records.length;
    };
    const node = this;
    return {
      log: {
        append,
        // What the host lets out is not held back: the run says what arrives.
        get durableSeq() {
          return node.records.length;
        },
      },
      clock: { nowMs: () => 0, after: () => nothing, random: () => 0 },
      send: (to, message) => this.ports.send(this.name, to, message),
      ...{ drop: nothing, work: nothing, copy: nothing, answer: nothing, crashPoint: nothing },
      notice: ({ level, message }) => {
        if (level === 'alarm') this.ports.alarm(`${this.name}: ${message}`);
      },
      fatal: (code, detail) => this.ports.alarm(`${this.name} must not go on: ${code} ${detail}`),
    };
  }
}

function isOfAttempt(record: ProtocolRecord): boolean {
  return 'number' in record && record.type !== 'low-water';
}

/** The coordinator. */
export class ReplayCoordinator extends ReplayNode<CoordinatorNodeEvent> {
  tables: CoordinatorTables;
  private readonly settings: Omit<CoordinatorSettings, 'epoch'>;

  constructor(name: NodeName, ports: ReplayPorts, syncsByStep: boolean, groups: CoordinatorSettings['groups']) {
    super(name, ports, syncsByStep);
    const self = { name, address: `${name}:7100` };
    this.settings = { self, incarnation: 'c', start: 'life', startSeq: 1, groups, addresses: {}, timings: TIMINGS };
    this.tables = new CoordinatorTables({ ...this.settings, epoch: 1 });
  }

  hear(from: NodeName, message: Message): void {
    this.handle({ type: 'message', from, message });
  }

  link(type: 'link-up' | 'link-down', peer: NodeName): void {
    this.handle({ type, peer });
  }

  ring(key: string): void {
    this.handle({ type: 'timer', key });
  }

  protected open(records: readonly ProtocolRecord[], ports: HostPorts): Host<CoordinatorNodeEvent> {
    const settings = { ...this.settings, epoch: this.epoch };
    this.tables = new CoordinatorTables(settings);
    const recovery = new CoordinatorRecovery(settings, this.tables);
    for (const record of records) recovery.apply(record);
    recovery.finish(0);
    return new Host(new CoordinatorNode(settings, this.tables), (key) => ({ type: 'timer', key }), ports);
  }

  protected startEvent(): CoordinatorNodeEvent {
    return { type: 'start' };
  }
}

/** A participant without resources: votes are steps of the run. */
export class ReplayParticipant extends ReplayNode<ParticipantNodeEvent> {
  node: ParticipantNode | undefined;
  private readonly unsafe: UnsafeRule | undefined;

  constructor(name: NodeName, ports: ReplayPorts, syncsByStep: boolean, unsafe: UnsafeRule | undefined) {
    super(name, ports, syncsByStep);
    this.unsafe = unsafe;
  }

  hear(from: NodeName, message: Message): void {
    this.handle({ type: 'message', from, message, accepting: true });
  }

  link(type: 'link-up' | 'link-down', peer: NodeName): void {
    this.handle({ type, peer });
  }

  ring(key: string): void {
    this.handle({ type: 'timer', key });
  }

  protected open(records: readonly ProtocolRecord[], ports: HostPorts): Host<ParticipantNodeEvent> {
    const node = new ParticipantNode(
      {
        self: { name: this.name, address: `${this.name}:7200` },
        incarnation: this.name,
        epoch: this.epoch,
        ...{ start: `life${this.epoch}`, startSeq: this.records.length + 1, votesByHand: false, timings: TIMINGS },
        ...(this.unsafe === undefined ? {} : { unsafe: this.unsafe }),
      },
      () => this.records.length,
    );
    node.configuredCoordinator = 'C';
    const recovery = new ParticipantRecovery(node, { committed: () => undefined, copied: () => undefined });
    for (const record of records) recovery.apply(record);
    recovery.finish(() => undefined);
    this.node = node;
    return new Host(node, (key) => ({ type: 'timer', key }), ports);
  }

  protected startEvent(): ParticipantNodeEvent {
    return { type: 'start' };
  }
}
