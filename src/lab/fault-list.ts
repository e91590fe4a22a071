/**
 * The faults a run means to inject, and how often each has hit. A run whose
 * fault never hit shows nothing, so every fault is named here before it is
 * tried.
 */
import { crashSpecText, parseCrashSpec } from './crash-point.ts';
import type { ActiveRule } from './message-rule.ts';

interface Fault {
  readonly name: string;
  /** The node that is to die or to stand still, for a crash point. */
  readonly node: string | undefined;
  readonly action: 'kill' | 'stop' | 'power' | undefined;
  readonly rule: ActiveRule | undefined;
  hits: number;
}

/** See the header. */
export class FaultList {
  readonly #faults: Fault[] = [];

  /** A crash point that was armed in a node. */
  armed(node: string, point: string): void {
    const spec = { ...parseCrashSpec(point, 'point'), node: undefined };
    const { action } = spec;
    this.#faults.push({ name: `${crashSpecText(spec)} at ${node}`, node, action, rule: undefined, hits: 0 });
  }

  /** A rule for messages, under a name. */
  ruled(name: string, rule: ActiveRule): void {
    this.#faults.push({ name, node: undefined, action: undefined, rule, hits: 0 });
  }

  /** Something that was done from outside, and so has hit. */
  done(name: string): void {
    const known = this.#faults.find((fault) => fault.name === name);
    if (known !== undefined) known.hits += 1;
    else this.#faults.push({ name, node: undefined, action: undefined, rule: undefined, hits: 1 });
  }

  /** A node ended by its own SIGKILL: one of its crash points acted. False when none was armed there. */
  died(node: string): boolean {
    const fault = this.#faults.find((one) => one.node === node && one.action !== 'stop' && one.hits === 0);
    if (fault === undefined) return false;
    fault.hits += 1;
    return true;
  }

  /** A node says that this crash point has acted. */
  fired(node: string, point: string): void {
    const fault = this.#faults.find((one) => one.name === `${point} at ${node}` && one.hits === 0);
    if (fault !== undefined) fault.hits += 1;
  }

  /** Nodes with a crash point that stops them, of which nobody knows yet whether it acted. */
  unsure(): readonly string[] {
    return this.#faults.flatMap(({ node, action, hits }) => (action === 'stop' && hits === 0 && node ? [node] : []));
  }

  /** Whether the fault of this name has hit. */
  hasHit(name: string): boolean {
    return this.list().some((fault) => fault.name === name && fault.hits > 0);
  }

  /** For run.json. */
  list(): readonly { readonly name: string; readonly hits: number }[] {
    return this.#faults.map(({ name, hits, rule }) => ({ name, hits: rule?.hits ?? hits }));
  }
}
