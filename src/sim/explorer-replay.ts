/**
 * Plays a run of the explorer again, step by step, on the shipped nodes in the
 * shipped host (explorer-replay-node.ts), and says what came of it. After each
 * step a site must stand where the explorer saw it.
 *
 * Registration is no step: it happens when the run needs it. All that is sent
 * about the attempt is kept, and delivered when the run says so. Where the
 * explorer let one message stand for the decision that a settled site tells
 * whoever asks, the receiver asks here.
 */
import { assert } from '../base/assert.ts';
import { describeMessage, describeState } from '../protocol/describe.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { Counterexample, CounterexampleStep } from './explorer-counterexample.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { exploredAttempt, NUMBER, placesOf } from './explorer-machines.ts';
import { ReplayCoordinator, ReplayParticipant } from './explorer-replay-node.ts';
import { decisionToldBy } from './explorer-spent.ts';
import { isParallel } from './explorer-standing.ts';

/** What a run that was played came to. */
export interface Replayed {
  /** `split`: commit and abort were both decided; `blocked`: someone is still in doubt at the end. */
  readonly verdict: 'split' | 'alarm' | 'blocked' | 'agreed' | 'differs';
  /** Each step and how its site stood after it. */
  readonly lines: readonly string[];
  /** What each site decided, by its log and its state. */
  readonly decisions: Readonly<Record<NodeName, string>>;
}

interface Kept {
  readonly from: NodeName;
  readonly to: NodeName;
  readonly message: Message;
}

const PREPARED = { effects: [], results: [], hashes: { g: 'same' } };

/** Plays the steps; stops where a site does not stand where the explorer saw it. */
export function replay(counterexample: Counterexample): Replayed {
  return new Replay(counterexample).play();
}

class Replay {
  private readonly run: Counterexample;
  private readonly coordinator: ReplayCoordinator;
  private readonly participants: readonly ReplayParticipant[];
  private readonly kept: Kept[] = [];
  private readonly passing: Kept[] = [];
  private readonly isParallel: boolean;
  private readonly alarms: string[] = [];
  private readonly lines: string[] = [];
  private readonly seen = new Map<NodeName, Set<string>>();
  private delivering = false;

  constructor(run: Counterexample) {
    const { protocol, participants, readers, unsafe } = run;
    const attempt = exploredAttempt(protocol, participants, readers);
    const [self = '', ...others] = placesOf(attempt);
    const ports = {
      send: (from: NodeName, to: NodeName, message: Message) => this.sent({ from, to, message }),
      alarm: (text: string) => void this.alarms.push(text),
    };
    this.run = run;
    this.isParallel = isParallel(attempt);
    const writing = attempt.participants.map(({ name }) => name);
    const reading = attempt.readers.map(({ name }) => [`of-${name}`, { members: [name] }] as const);
    const groups = { g: { members: writing }, ...Object.fromEntries(reading) };
    this.coordinator = new ReplayCoordinator(self, ports, this.isParallel, groups);
    this.participants = others.map((name) => new ReplayParticipant(name, ports, this.isParallel, unsafe));
  }

  play(): Replayed {
    this.begin();
    for (const step of this.run.steps) {
      const problem = this.take(step);
      this.look();
      const at = siteOf(step);
      this.lines.push(`${step.step}. ${textOf(step)}${at === undefined ? '' : ` → ${this.outline(at)}`}`);
      const expected = 'then' in step ? step.then : undefined;
      const differs = expected !== undefined && at !== undefined && !isSame(expected, this.outline(at));
      if (problem !== undefined || differs) {
        this.lines.push(problem ?? `the explorer saw here: ${expected}`);
        return this.result('differs');
      }
    }
    return this.result(undefined);
  }

  private begin(): void {
    this.coordinator.start();
    this.coordinator.tables.sequence = 6;
    for (const node of this.participants) {
      node.start();
      this.register(node);
    }
    const { protocol, readers, participants } = this.run;
    const writes = participants > 0 ? [{ index: 0, operation: { group: 'g' }, reads: false }] : [];
    const reads = Array.from({ length: readers }, (_, index) => {
      return { index: index + 1, operation: { group: `of-R${index + 1}` }, reads: true };
    });
    const transaction = { id: 'TX', hash: 'h', protocol, operations: [...writes, ...reads], timeoutMs: 6000 };
    this.coordinator.handle({ type: 'request', request: 'client', transaction, accepting: true });
  }

  /** A new link: the participant registers and is welcomed. */
  private register(node: ReplayParticipant): void {
    this.coordinator.link('link-up', node.name);
    node.link('link-up', this.coordinator.name);
  }

  /** A restarted coordinator hears nobody before they register; those that did take no prepare of its earlier start. */
  private registerOnce(name: NodeName): void {
    const node = this.participants.find((one) => one.name === name);
    if (node?.alive !== true || this.coordinator.tables.peers.get(name)?.registered === true) return;
    this.register(node);
  }

  /** Messages about the attempt wait for their step; all others arrive. */
  private sent(one: Kept): void {
    if ('number' in one.message && one.message.type !== 'low-water') {
      this.kept.push(one);
      return;
    }
    this.passing.push(one);
    if (this.delivering) return;
    this.delivering = true;
    for (let next = this.passing.shift(); next !== undefined; next = this.passing.shift()) {
      this.nodeOf(next.to)?.hear(next.from, next.message);
    }
    this.delivering = false;
  }

  /** One step; what is wrong with it, if it cannot be taken. */
  private take(step: CounterexampleStep): string | undefined {
    switch (step.kind) {
      case 'deliver':
        return this.deliver(step.from, step.to, step.message);
      case 'vote': {
        const node = this.participants.find(({ name }) => name === step.at);
        const reason = { code: 'voted-no', detail: 'no' } as const;
        if (step.vote === 'yes') node?.handle({ type: 'resource-yes', number: NUMBER, prepared: PREPARED });
        else node?.handle({ type: 'resource-no', number: NUMBER, reason });
        return undefined;
      }
      case 'timer':
        this.nodeOf(step.at)?.ring(`${step.timer}:${NUMBER}`);
        return undefined;
      case 'crash':
        this.nodeOf(step.at)?.crash(step.kept);
        return undefined;
      case 'restart':
        this.nodeOf(step.at)?.start();
        return undefined;
      case 'sync':
        this.nodeOf(step.at)?.sync();
        return undefined;
      case 'link':
        this.participants.filter(({ name }) => name === step.from).forEach((node) => this.register(node));
        return undefined;
      case 'resend':
      case 'drop':
        // What was sent once is kept for ever here, and may be delivered again or never.
        return undefined;
    }
  }

  private deliver(from: NodeName, to: NodeName, message: Message): string | undefined {
    const receiver = this.nodeOf(to);
    const node = this.participants.find(({ name }) => name === to);
    // After a restart nobody has welcomed it yet, so it would not take a prepare.
    if (message.type === 'prepare' && node?.node?.views === undefined && node !== undefined) this.register(node);
    const sent = this.kept.find((one) => one.from === from && one.to === to && sameMessage(one.message, message));
    const told = sent ?? this.askFor(to, message);
    if (told === undefined) return `nobody has sent ${describeMessage(message)} from ${from} to ${to}`;
    if (to === this.coordinator.name) this.registerOnce(told.from);
    receiver?.hear(told.from, told.message);
    return undefined;
  }

  /** The same decision from anyone who tells it: sent before, or asked for now. */
  private askFor(to: NodeName, message: Message): Kept | undefined {
    const decision = decisionToldBy(message);
    if (decision === undefined) return undefined;
    const tells = (one: Kept): boolean => one.to === to && decisionToldBy(one.message) === decision;
    for (const node of [this.coordinator, ...this.participants]) {
      if (this.kept.some(tells)) break;
      const isOver = ['committed', 'aborted', 'closed'].includes(this.phaseAt(node.name));
      if (node.name === to || !node.alive || !isOver) continue;
      if (node === this.coordinator) this.registerOnce(to);
      node.hear(to, { type: 'inquire', number: NUMBER });
    }
    const from = this.kept.find(tells)?.from;
    return from === undefined ? undefined : { from, to, message };
  }

  private nodeOf(name: NodeName): ReplayCoordinator | ReplayParticipant | undefined {
    return [this.coordinator, ...this.participants].find((node) => node.name === name);
  }

  private machineAt(name: NodeName) {
    if (name === this.coordinator.name) return this.coordinator.tables.open.get(NUMBER)?.machine;
    return this.participants.find((node) => node.name === name)?.node?.rows.get(NUMBER)?.machine;
  }

  private phaseAt(name: NodeName): string {
    return this.machineAt(name)?.state.phase ?? (name === this.coordinator.name ? 'closed' : 'unheard');
  }

  private outline(name: NodeName): string {
    if (!(this.nodeOf(name)?.alive ?? false)) return `${name} is down`;
    const machine = this.machineAt(name);
    return `${name} ${machine === undefined ? this.phaseAt(name) : describeState(machine.state)}`;
  }

  /** Notes what each site has decided so far. */
  private look(): void {
    for (const node of [this.coordinator, ...this.participants]) {
      const seen = this.seen.get(node.name) ?? new Set<string>();
      this.seen.set(node.name, seen);
      // Where records imply the decision, an abort that a crash can take back is none yet.
      const types = typesOf(this.isParallel ? node.syncedLog : node.log);
      const isClosed = node === this.coordinator && node.alive && this.phaseAt(node.name) === 'closed';
      const isOver = isClosed && !(this.isParallel && typesOf(node.log).has('begin') && !types.has('abort'));
      if (types.has('begin') && this.phaseAt(node.name) === 'decided') seen.add('committed');
      if (types.has('commit') || types.has('committed')) seen.add('committed');
      else if (types.has('abort') || isOver) seen.add('aborted');
      // A no that nobody relies on may be undone with its lazy record; after a yes it is final.
      if (types.has('aborted') && (types.has('prepared') || this.phaseAt(node.name) === 'aborted')) seen.add('aborted');
    }
  }

  private result(differs: 'differs' | undefined): Replayed {
    const decisions = Object.fromEntries([...this.seen].map(([name, seen]) => [name, [...seen].join(' and ')]));
    const all = new Set([...this.seen.values()].flatMap((seen) => [...seen]));
    const inDoubt = placesOf(exploredAttempt(this.run.protocol, this.run.participants, this.run.readers)).filter(
      (name) => ['prepared', 'precommitted', 'preaborted'].includes(this.phaseAt(name)),
    );
    const lines = [...this.lines, ...this.alarms.map((text) => `alarm ${text}`)];
    const found = all.size > 1 ? 'split' : this.alarms.length > 0 ? 'alarm' : inDoubt.length > 0 ? 'blocked' : 'agreed';
    assert(this.run.steps.length >= this.lines.length - 1, 'each step has one line');
    return { verdict: differs ?? found, lines, decisions };
  }
}

/** What a log holds about the attempt. */
function typesOf(records: readonly ProtocolRecord[]): ReadonlySet<ProtocolRecord['type']> {
  return new Set(records.flatMap((record) => ('number' in record && record.number === NUMBER ? record.type : [])));
}

/** The site that a step is about. */
function siteOf(step: CounterexampleStep): NodeName | undefined {
  if (step.kind === 'deliver') return step.to;
  return 'at' in step ? step.at : undefined;
}

function textOf(step: CounterexampleStep): string {
  switch (step.kind) {
    case 'deliver':
      return `${step.to} gets ${describeMessage(step.message)} from ${step.from}`;
    case 'drop':
      return `${describeMessage(step.message)} from ${step.from} to ${step.to} never arrives`;
    case 'vote':
      return `${step.at} votes ${step.vote}`;
    case 'timer':
      return `the timer ${step.timer} rings at ${step.at}`;
    case 'sync':
      return `${step.at} syncs what it has written`;
    case 'link':
      return `${step.from} registers with ${step.at} on a new link`;
    case 'resend':
      return `${step.from} sends to ${step.to} again`;
    case 'crash':
      return `${step.at} crashes, and keeps ${step.kept} of its unsynced records`;
    case 'restart':
      return `${step.at} starts again`;
  }
}

const COMPARED = ['type', 'round', 'lastElected', 'state', 'lastAttempt', 'outcome', 'vote', 'onePhase'] as const;

/** Equal in all that a machine branches on. */
function sameMessage(a: Message, b: Message): boolean {
  const shown = (message: Message): string =>
    JSON.stringify(
      COMPARED.map((key) => (key in message ? (message as unknown as Record<string, unknown>)[key] : null)),
    );
  return shown(a) === shown(b);
}

/** One that never heard of the attempt may also stay so when it is told abort: either way it has no record and is free. */
function isSame(expected: string, found: string): boolean {
  const free = / state aborted$| unheard$/;
  return plain(expected) === plain(found) || (free.test(plain(expected)) && / unheard$/.test(found));
}

/** A site without why it aborted, and without what it has not synced: those are told in other words by the explorer. */
function plain(outline: string): string {
  return outline.replace(/ \+ .*$/, '').replace(/, reason .*$/, '');
}
