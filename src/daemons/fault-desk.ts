/**
 * The fault rules of one node (lab/fault-rule.ts says what they are), and what
 * they do to its votes. A rule that comes to bear is told in the node's log, so
 * that nobody takes it for a fault of Parley.
 *
 * Rules of the cluster file are set at every start; those set while the node
 * runs are gone when it dies. Of several rules about votes the first that hits
 * an attempt is applied.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { SeededRandom } from '../base/seeded-random.ts';
import type { WaitingVote } from '../host/resource-worker.ts';
import { parseCrashSpec } from '../lab/crash-point.ts';
import type { CrashRole } from '../lab/crash-point.ts';
import { amountOf, CRASH_IN_PREPARE, faultText, readFaultRule } from '../lab/fault-rule.ts';
import type { FaultRule } from '../lab/fault-rule.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import type { CrashPoints } from './crash-points.ts';
import type { NodeLog } from './node-log.ts';

/** How a node casts a vote that waits because of a rule; false when it waits no more. */
export type CastVote = (number: string, vote: 'commit' | 'abort', why: string, code?: ErrorCode) => boolean;

/** A node as its rules see it. */
export interface FaultWorld {
  readonly node: string;
  readonly role: CrashRole;
  /** False: it was not started for faults, and every rule is refused. */
  readonly isOpen: boolean;
  /** The count of the node's starts, so that a start draws other numbers than the one before. */
  readonly epoch: () => number;
  readonly points: CrashPoints | undefined;
  readonly log: Pick<NodeLog, 'warn' | 'info'>;
  /** Ends the process as kill -9 does, once the answer to who asked is on its way. */
  readonly crashSoon: () => void;
}

/** A rule as others see it. */
export interface FaultState {
  readonly fault: string;
  readonly rule: FaultRule;
  readonly text: string;
  /** Votes it has hit; a crash is not told by who is dead. */
  readonly hits: number;
}

interface Held {
  readonly fault: string;
  readonly rule: FaultRule;
  readonly random: SeededRandom;
  hits: number;
  readonly disarm: () => void;
}

/** More rules than this nobody can oversee. */
const RULES_MAX = 100;

/** See the header. */
export class FaultDesk {
  readonly #world: FaultWorld;
  readonly #rules: Held[] = [];
  /** What a rule does to a vote that waits, by attempt. */
  readonly #plans = new Map<string, Held>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #count = 0;

  constructor(world: FaultWorld) {
    this.#world = world;
  }

  /** `{node, epoch, open, faults}` for who asks. */
  state(): Readonly<Record<string, Json>> {
    const { node, isOpen, epoch } = this.#world;
    const faults = this.#rules.map(({ fault, rule, hits }) => ({
      fault,
      rule: { ...rule },
      text: faultText(rule),
      hits,
    }));
    return { node, epoch: epoch(), open: isOpen, faults };
  }

  /**
   * Sets a rule, aloud.
   * @throws ParleyError `no-faults`; `bad-request` for what is no rule; `busy` beyond 100 rules
   */
  add(value: Readonly<Record<string, Json>>): string {
    const { node, role } = this.#world;
    this.#requireOpen();
    const rule = readFaultRule(value, role);
    if (this.#rules.length >= RULES_MAX) throw new ParleyError('busy', `${node} has ${RULES_MAX} fault rules already.`);
    this.#count += 1;
    const fault = `F${this.#count}`;
    const random = new SeededRandom(seedOf(rule, node, this.#world.epoch(), this.#count));
    this.#world.log.warn('fault-rule', `FAULT RULE ${fault}: ${faultText(rule)}, on purpose.`, { ...rule });
    const held: Held = { fault, rule, random, hits: 0, disarm: this.#arm(rule, random) };
    this.#rules.push(held);
    return fault;
  }

  /** Takes a rule back; all when none is named. @throws ParleyError `no-faults`, `not-found` */
  remove(fault?: string): void {
    this.#requireOpen();
    const gone = this.#rules.filter((held) => fault === undefined || held.fault === fault);
    if (fault !== undefined && gone.length === 0) {
      throw new ParleyError('not-found', `${this.#world.node} has no fault rule ${fault.slice(0, 40)}.`, {
        remedy: `It has: ${this.#rules.map((held) => held.fault).join(', ') || 'none'}.`,
      });
    }
    for (const held of gone) {
      held.disarm();
      this.#rules.splice(this.#rules.indexOf(held), 1);
      this.#world.log.info('fault-rule-gone', `Fault rule ${held.fault} is taken back: ${faultText(held.rule)}.`);
    }
  }

  /** True when a rule has the vote on this attempt wait; asked once, when it would be a yes. */
  takes({ number, id, operations }: WaitingVote): boolean {
    const amount = amountOf(operations);
    const held = this.#rules.find((one) => hits(one, amount));
    if (held === undefined) return false;
    held.hits += 1;
    this.#plans.set(number, held);
    const text = `Fault rule ${held.fault} hits ${id} (${number}): ${faultText(held.rule)}.`;
    this.#world.log.warn('fault-rule-hits', text, { fault: held.fault, number, id });
    return true;
  }

  /** A vote waits, or no longer does. True when it waits because of a rule, and so for nobody. */
  waiting({ number }: WaitingVote, waits: boolean, cast: CastVote): boolean {
    const held = this.#plans.get(number);
    if (held === undefined) return false;
    if (!waits) {
      clearTimeout(this.#timers.get(number));
      this.#timers.delete(number);
      this.#plans.delete(number);
      return true;
    }
    const { fault, rule } = held;
    if (rule.do === 'vote-no') cast(number, 'abort', `Fault rule ${fault} has ${this.#world.node} vote no.`);
    if (rule.do === 'unreachable') {
      const over = rule.above === undefined ? '' : ` for amounts above ${rule.above}`;
      const why = `Connection timed out: by fault rule ${fault} ${this.#world.node} cannot be reached${over}.`;
      cast(number, 'abort', why, 'node-unreachable');
    }
    if (rule.do === 'slow') {
      this.#timers.set(
        number,
        setTimeout(() => cast(number, 'commit', ''), rule.ms ?? 0),
      );
    }
    return true;
  }

  /** Nothing is cast any more. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #requireOpen(): void {
    const { isOpen, node } = this.#world;
    if (!isOpen) throw new ParleyError('no-faults', `${node} was not started for faults.`);
  }

  /** Arms the crash point of a rule; returns what takes it back. */
  #arm(rule: FaultRule, random: SeededRandom): () => void {
    if (rule.do !== 'crash') return () => undefined;
    if (rule.at === 'now') {
      this.#world.crashSoon();
      return () => undefined;
    }
    const spec = parseCrashSpec(rule.at === 'prepare' ? CRASH_IN_PREPARE : (rule.at ?? ''), 'at', 'bad-request');
    const { percent } = rule;
    const draws = percent === undefined ? undefined : () => random.chance(percent / 100);
    return this.#world.points?.arm(spec, undefined, draws) ?? (() => undefined);
  }
}

function hits({ rule, random, hits: before }: Held, amount: number): boolean {
  if (rule.do === 'crash' || before >= (rule.times ?? Number.POSITIVE_INFINITY)) return false;
  if (rule.above !== undefined && amount <= rule.above) return false;
  return rule.percent === undefined || random.chance(rule.percent / 100);
}

/** Two nodes with one seed do not crash in step, nor does a node draw again what it drew before it died. */
function seedOf({ seed = 1 }: FaultRule, node: string, epoch: number, count: number): number {
  let hash = 0x811c9dc5;
  for (const character of `${seed} ${node} ${epoch} ${count}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash;
}
