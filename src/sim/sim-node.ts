/**
 * A node that lives, dies and comes back from what its log kept. It runs the
 * shipped host, machines and resources over a log in memory. Every call through
 * a port of the host is a crash point, and so is every step of a start: the
 * world may end the life of the node there.
 */
import { assert } from '../base/assert.ts';
import type { Host, HostPorts } from '../host/host.ts';
import type { LogStart, Message, NodeName } from '../protocol/messages.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import type { StoredRecord } from '../wal/log-store.ts';
import { MemoryLog } from '../wal/memory-log.ts';
import { DIED } from './sim-ports.ts';
import type { CrashPlace, Ending, SimPorts } from './sim-ports.ts';
import { SimTimers } from './sim-timers.ts';
import { damageTail } from './unsynced-tail.ts';

/** Between two ticks of a node. */
const TICK_MS = 400;

/** How slow a sync may be. */
const SYNC_MS_MAX = 4;

/** A node through all its lives; see the header. */
export abstract class SimNode<Event> {
  readonly name: NodeName;
  protected readonly ports: SimPorts;
  private records: readonly StoredRecord<ProtocolRecord>[] = [];
  protected log: MemoryLog<ProtocolRecord> | undefined;
  protected loop: Host<Event> | undefined;
  /** Counts the starts that the log holds. */
  protected epoch = 0;
  /** Counts the processes: a log that was rolled back counts an epoch again, but no process is another. */
  protected life = 0;
  private readonly timers: SimTimers;
  /** How slow a sync may be now. */
  syncMsMax = SYNC_MS_MAX;
  /** False while the disk is full: the reserve serves what was promised, and no new work is taken. */
  accepting = true;
  /** The identity of the log; a fresh one is another. */
  protected incarnation: string;
  /** While stopped (SIGSTOP): what happened meanwhile, in order. */
  private queue: (() => void)[] | undefined;
  protected startSeq = 0;
  protected earlierStarts: readonly LogStart[] = [];

  constructor(name: NodeName, ports: SimPorts, incarnation: string) {
    this.name = name;
    this.ports = ports;
    this.incarnation = incarnation;
    this.timers = new SimTimers(ports.clock, (run) => this.living(run));
  }

  get alive(): boolean {
    return this.log !== undefined;
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

  /** The machine was asleep: its monotonic clock stands this much later, and every timer is due. */
  suspend(forMs: number): void {
    this.timers.leap(forMs);
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
    untilDeath(run);
  }

  /** A new process on the log that the last one left. */
  start(): void {
    assert(!this.alive, `${this.name} is not started twice`);
    untilDeath(() => this.begin());
  }

  private begin(): void {
    this.life += 1;
    this.epoch = (this.records.at(-1)?.epoch ?? 0) + 1;
    const { random, network, watch } = this.ports;
    const { life, name, incarnation } = this;
    const log = this.openLog(life);
    this.log = log;
    this.at('start', 'start');
    // As the file log does: a durable record begins every start.
    this.earlierStarts = startsIn(this.records);
    const start: ProtocolRecord = { type: 'start', name, role: 'simulated', incarnation, start: `life${life}` };
    this.startSeq = log.append(start, { force: true });
    watch.appended(name, { seq: this.startSeq, epoch: this.epoch, record: start });
    this.at('start-record', 'start');
    log.sync();
    this.at('recovery', 'start');
    const records = this.records.map(({ record }) => record);
    this.loop = this.open(records, this.hostPorts(log, life));
    this.at('listening', 'start');
    network.join(name, {
      message: (from, message) => this.hear(from, message),
      up: (peer) => this.linkEvent('link-up', peer),
      down: (peer) => this.linkEvent('link-down', peer),
    });
    // Nodes are not started in step, so neither do they tick in step.
    this.started(random.next() * TICK_MS);
  }

  private openLog(life: number): MemoryLog<ProtocolRecord> {
    const { clock, random } = this.ports;
    const log: MemoryLog<ProtocolRecord> = new MemoryLog<ProtocolRecord>({
      epoch: this.epoch,
      records: this.records,
      onDurable: (seq) => {
        const tell = (): void => {
          if (this.life === life && this.alive) this.durable(log, seq);
        };
        // During a start there is no event around it in which it could die alone.
        if (this.loop === undefined) tell();
        else this.living(tell);
      },
      onFatal: () => this.die('eio'),
      startSync: (complete, urgency) => {
        const delayMs = urgency === 'lazy' ? 50 : random.next() * this.syncMsMax;
        clock.after(delayMs, () => this.life === life && this.alive && complete());
      },
      copies: this.ports.recordsAsText,
    });
    return log;
  }

  /** A sync has ended, and nobody knows yet. */
  private durable(log: MemoryLog<ProtocolRecord>, seq: number): void {
    const forced = log.takeForced();
    for (const type of forced) this.at(type, 'forced');
    this.loop?.durable(seq);
  }

  /** Ends this life at once. */
  die(ending: Ending): void {
    const { log, loop } = this;
    if (log === undefined) return;
    const { random, watch, network, onDamage } = this.ports;
    const unsynced = log.lastSeq - log.durableSeq;
    let written = ending === 'power' ? 0 : ending === 'whole' ? unsynced : random.whole(0, unsynced);
    if (ending === 'torn') {
      const tail = damageTail(log.records.slice(log.durableSeq), log.durableSeq, random);
      onDamage(tail);
      written = tail.whole;
    }
    this.records = log.kill({ written });
    watch.lost(this.name, this.records.length + 1);
    loop?.stop();
    this.timers.stop();
    this.log = undefined;
    this.loop = undefined;
    this.queue = undefined;
    network.leave(this.name);
  }

  /** The sync that is under way, or the next, fails: the process ends at once and has sent nothing of it. */
  failSync(): void {
    this.log?.failSync();
  }

  /** While it is down: its directory is gone, or an older copy of itself; what is returned puts the right one back. */
  replaceLog(kept: number, incarnation = this.incarnation): () => void {
    assert(!this.alive, 'a log is replaced while nobody uses it');
    const { records: before, incarnation: own } = this;
    this.records = before.slice(0, kept);
    // An older copy is not the end of the newer one: that is put back.
    if (incarnation !== this.incarnation) this.ports.watch.lost(this.name, kept + 1);
    this.incarnation = incarnation;
    return () => this.restoreLog(before, own);
  }

  private restoreLog(records: readonly StoredRecord<ProtocolRecord>[], incarnation: string): void {
    assert(!this.alive, 'a log is replaced while nobody uses it');
    this.ports.watch.lost(this.name, 1);
    this.records = records;
    this.incarnation = incarnation;
    for (const stored of records) this.ports.watch.appended(this.name, stored);
  }

  /** How much of this node's log is synced; undefined while it is dead. */
  get durableSeq(): number | undefined {
    return this.log?.durableSeq;
  }

  /** Calls `run` regularly for as long as this life lasts. */
  protected everyTick(firstMs: number, run: () => void): void {
    const { life } = this;
    const tick = (): void => {
      if (this.life !== life || !this.alive) return;
      run();
      this.ports.clock.after(TICK_MS, tick);
    };
    this.ports.clock.after(firstMs, tick);
  }

  protected abstract open(records: readonly ProtocolRecord[], ports: HostPorts): Host<Event>;
  protected abstract hear(from: NodeName, message: Message): void;
  protected abstract linkEvent(type: 'link-up' | 'link-down', peer: NodeName): void;
  protected abstract started(firstTickMs: number): void;

  /** A crash point of this node. */
  protected at(what: string, where: CrashPlace): void {
    this.ports.onCrashPoint(this.name, what, where);
  }

  private hostPorts(log: MemoryLog<ProtocolRecord>, life: number): HostPorts {
    const { random, network, onAnswer, onNotice, onCopy, onFatal, watch } = this.ports;
    const { name } = this;
    return {
      log: {
        get durableSeq() {
          return log.durableSeq;
        },
        append: (record, options) => {
          const seq = log.append(record, options);
          watch.appended(name, { seq, epoch: this.epoch, record });
          return seq;
        },
      },
      clock: {
        nowMs: () => this.timers.nowMs(),
        after: (delayMs, run) => this.timers.after(delayMs, () => this.life === life && run()),
        random: () => random.next(),
      },
      send: (to, message) => {
        watch.sends(name, to, message, log.durableSeq);
        network.send(name, to, message);
      },
      drop: (peer) => {
        this.at('drop', 'port');
        network.drop(name, peer);
      },
      work: () => undefined,
      copy: (work) => {
        this.at(work.type, 'port');
        onCopy(name, work);
      },
      answer: (answer) => {
        this.at('answer', 'before-send');
        watch.answers(answer, log.durableSeq);
        onAnswer(answer);
        this.at('answer', 'sent');
      },
      notice: (notice) => onNotice(name, notice),
      fatal: (code, detail) => {
        this.die('kill');
        onFatal(name, code, detail);
        throw DIED;
      },
      crashPoint: (what, where) => this.at(what, where),
    };
  }
}

function startsIn(records: readonly StoredRecord<ProtocolRecord>[]): readonly LogStart[] {
  return records.flatMap(({ seq, epoch, record }) =>
    record.type === 'start' ? [{ epoch, start: record.start ?? '', seq }] : [],
  );
}

function untilDeath(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (error !== DIED) throw error;
  }
}
