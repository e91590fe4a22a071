/**
 * A node that lives, dies and comes back from what its log kept. It runs the
 * shipped host, machines and resources over a log in memory.
 */
import { assert } from '../base/assert.ts';
import type { Host, HostPorts } from '../host/host.ts';
import { parseMessage } from '../protocol/message-shapes.ts';
import type { NodeName } from '../protocol/messages.ts';
import type { Answer, CopyWork, Notice } from '../protocol/node-step.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { StoredRecord } from '../wal/log-store.ts';
import { MemoryLog } from '../wal/memory-log.ts';
import type { Network } from './network.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The world around a node. */
export interface SimPorts {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly onAnswer: (answer: Answer) => void;
  readonly onNotice: (node: NodeName, notice: Notice) => void;
  /** How much of its peers' logs a node has heard is synced, by heartbeats. */
  readonly seqsSeenBy: (node: NodeName) => Readonly<Record<NodeName, number>>;
  /** Copies run between nodes; the world knows them. */
  readonly onCopy: (learner: NodeName, work: CopyWork) => void;
  /** Passed at every force and send; the world may end the node's life here. */
  readonly onCrashPoint: (node: NodeName, point: string) => void;
}

/** How a life ends: what was written and not synced stays, or is lost. */
export type Ending = 'kill' | 'power';

/** Thrown by a crash point: the stack unwinds, and nothing after it happens. */
export class Died extends Error {}

/** Between two ticks of a node. */
const TICK_MS = 250;

/** How slow a sync may be. */
const SYNC_MS_MAX = 4;

/** A node through all its lives; see the header. */
export abstract class SimNode<Event> {
  readonly name: NodeName;
  protected readonly ports: SimPorts;
  private records: readonly StoredRecord<ProtocolRecord>[] = [];
  protected log: MemoryLog<ProtocolRecord> | undefined;
  protected loop: Host<Event> | undefined;
  /** Grows with each start; timers and syncs of earlier lives do nothing. */
  protected epoch = 0;
  /** How slow a sync may be now. */
  syncMsMax = SYNC_MS_MAX;
  /** While stopped (SIGSTOP): what happened meanwhile, in order. */
  private queue: (() => void)[] | undefined;
  protected startSeq = 0;

  constructor(name: NodeName, ports: SimPorts) {
    this.name = name;
    this.ports = ports;
  }

  get alive(): boolean {
    return this.loop !== undefined;
  }

  /** Every record of the log, of all lives, durable or not. */
  get history(): readonly StoredRecord<ProtocolRecord>[] {
    return this.log?.records ?? this.records;
  }

  /** An event from the world; the dead hear nothing. */
  handle(event: Event): void {
    this.living(() => this.loop?.handle(event));
  }

  get paused(): boolean {
    return this.queue !== undefined;
  }

  /** SIGSTOP: what comes from now on waits. */
  pause(): void {
    if (this.alive) this.queue ??= [];
  }

  /** SIGCONT: what waited happens now, in order. */
  resume(): void {
    const { queue = [] } = this;
    this.queue = undefined;
    for (const run of queue) this.living(run);
  }

  syncMsToDefault(): void {
    this.syncMsMax = SYNC_MS_MAX;
  }

  /** Runs in this node's life; a crash point inside it ends both. */
  living(run: () => void): void {
    if (this.queue !== undefined) {
      this.queue.push(run);
      return;
    }
    try {
      run();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
  }

  start(): void {
    assert(!this.alive, `${this.name} is not started twice`);
    this.epoch += 1;
    const { clock, random, network } = this.ports;
    const life = this.epoch;
    const log = new MemoryLog<ProtocolRecord>({
      epoch: this.epoch,
      records: this.records,
      onDurable: (seq) =>
        this.living(() => {
          if (this.epoch === life) this.loop?.durable(seq);
        }),
      onFatal: (error) => {
        throw error;
      },
      startSync: (complete, urgency) => {
        const delayMs = urgency === 'lazy' ? 50 : random.next() * this.syncMsMax;
        clock.after(delayMs, () => this.epoch === life && this.alive && complete());
      },
    });
    this.log = log;
    // As the file log does: a durable record begins every start.
    const { name } = this;
    this.startSeq = log.append({ type: 'start', name, role: 'simulated', incarnation: `log${name}` }, { force: true });
    log.sync();
    const records = this.records.map(({ record }) => record);
    this.loop = this.open(records, this.hostPorts(log, life));
    network.join(this.name, {
      message: (from, message) => this.hear(from, parseMessage(message)),
      up: (peer) => this.linkEvent('link-up', peer),
      down: (peer) => this.linkEvent('link-down', peer),
    });
    this.started();
  }

  /** Ends this life at once. */
  die(ending: Ending): void {
    const { log, loop } = this;
    if (log === undefined || loop === undefined) return;
    const unsynced = log.lastSeq - log.durableSeq;
    const written = ending === 'kill' ? this.ports.random.whole(0, unsynced) : 0;
    this.records = log.kill({ written });
    loop.stop();
    this.log = undefined;
    this.loop = undefined;
    this.queue = undefined;
    this.ports.network.leave(this.name);
  }

  /** How much of this node's log is synced; undefined while it is dead. */
  get durableSeq(): number | undefined {
    return this.log?.durableSeq;
  }

  /** Calls `run` regularly for as long as this life lasts. */
  protected everyTick(run: () => void): void {
    const life = this.epoch;
    const tick = (): void => {
      if (this.epoch !== life || !this.alive) return;
      run();
      this.ports.clock.after(TICK_MS, tick);
    };
    this.ports.clock.after(TICK_MS, tick);
  }

  protected abstract open(records: readonly ProtocolRecord[], ports: HostPorts): Host<Event>;
  protected abstract hear(from: NodeName, message: Parameters<Network['send']>[2]): void;
  protected abstract linkEvent(type: 'link-up' | 'link-down', peer: NodeName): void;
  protected abstract started(): void;

  private hostPorts(log: MemoryLog<ProtocolRecord>, life: number): HostPorts {
    const { clock, random, network, onAnswer, onNotice, onCopy, onCrashPoint } = this.ports;
    const isNow = (): boolean => this.epoch === life && this.alive;
    return {
      log,
      clock: {
        nowMs: () => Math.floor(clock.nowMs),
        after: (delayMs, run) => {
          // One that was disarmed while it waited behind a pause does not fire.
          let armed = true;
          const cancel = clock.after(delayMs, () => isNow() && this.living(() => armed && run()));
          return () => {
            armed = false;
            cancel();
          };
        },
        random: () => random.next(),
      },
      send: (to, message) => network.send(this.name, to, message),
      drop: (peer) => network.drop(this.name, peer),
      work: () => undefined,
      copy: (work) => onCopy(this.name, work),
      answer: onAnswer,
      notice: (notice) => onNotice(this.name, notice),
      fatal: (code, detail) => {
        throw new Error(`${this.name} must not go on: ${code} ${detail}`);
      },
      crashPoint: (what, where) => onCrashPoint(this.name, `${what}.${where}`),
    };
  }
}
