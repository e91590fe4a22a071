/**
 * Runs without faults from any explored world: they must decide, and not
 * against a decision made anywhere before.
 *
 * 3PC: every quorum of live sites, led by any of them that is in doubt, with
 * nobody else reachable. Every other protocol: all sites alive. Messages
 * already on their way are left out: a run that needed one would wait for
 * something that may be lost. The answer depends on nothing but where these
 * sites stand, so it is kept.
 */
import { assert } from '../base/assert.ts';
import { electorateOf, isQuorum } from '../protocol/quorum.ts';
import type { Electorate } from '../protocol/quorum.ts';
import { ABORT, COMMIT } from './explorer-effects.ts';
import type { Effects } from './explorer-effects.ts';
import type { Setting } from './explorer-sites.ts';
import { isInDoubt, isWaiting } from './explorer-standing.ts';
import { PairTable } from './explorer-table.ts';
import type { RunStep } from './explorer-transcript.ts';

/** Timers may ring this often before a run counts as blocked: a refused leader learns the round from the refusal. */
const RINGS_MAX = 6;
/** A run of a few sites is over long before; more deliveries are a loop. */
const DELIVERIES_MAX = 10_000;

/** Beside the bits of decisions: some run does not decide. */
const BLOCKED = 4;

/** What a run without faults does wrong, and its steps. */
export interface LiveFault {
  readonly what: string;
  readonly run: readonly RunStep[];
}

/** Judges worlds by the runs that could follow; keeps what it found. */
export class FaultFreeRuns {
  private readonly effects: Effects;
  private readonly names: readonly string[];
  /** Places of every quorum; undefined: everyone is needed. */
  private readonly quorums: readonly (readonly number[])[] | undefined;
  private readonly made = new Map<string, number>();
  /** Numbers of the first sites of a world, by those before and one more; the last table gives the bits. */
  private readonly prefixes: readonly PairTable[];
  private readonly counts: number[];

  constructor({ attempt }: Setting, effects: Effects) {
    this.effects = effects;
    this.names = effects.names;
    const { self, protocol, onePhase } = attempt;
    if (protocol === '3pc' && !onePhase) this.quorums = quorumsOf(effects.names, electorateOf(self.name, attempt));
    this.prefixes = effects.names.map(() => new PairTable());
    this.counts = effects.names.map(() => 0);
  }

  /** What is wrong with a world where the sites stand so and these decisions were made; undefined: nothing. */
  fault(sites: readonly number[], decided: number): LiveFault | undefined {
    const bits = this.bitsOf(sites);
    const isAgainst = decided !== 0 && (bits | decided) === (COMMIT | ABORT);
    const isSplit = this.quorums === undefined && bits === (COMMIT | ABORT);
    if ((bits & BLOCKED) === 0 && !isAgainst && !isSplit) return undefined;
    if (this.quorums === undefined) {
      const run: RunStep[] = [];
      this.runOfEveryone(sites, run);
      return { what: `all sites alive and connected ${bits & BLOCKED ? 'do not decide' : 'decide otherwise'}`, run };
    }
    for (const { quorum, leader } of this.runsFrom(sites)) {
      const run: RunStep[] = [];
      const made = this.lead(sites, quorum, leader, run);
      const who = `the quorum ${quorum.map((place) => this.names[place]).join(' ')}, led by ${this.names[leader]}`;
      if (made === 0) return { what: `${who}, does not decide`, run };
      if (decided !== 0 && made !== decided) {
        const what = `${who}, decides ${made === COMMIT ? 'commit' : 'abort'}; the other was decided before`;
        return { what, run };
      }
    }
    return undefined;
  }

  /** The decisions of all runs together, and whether one of them does not decide. */
  private bitsOf(sites: readonly number[]): number {
    let prefix = 0;
    for (const [place, site] of sites.entries()) {
      const table = this.prefixes[place];
      assert(table !== undefined, 'a table for each place');
      const known = table.get(prefix, site);
      const isLast = place === sites.length - 1;
      const value = known ?? (isLast ? this.runAll(sites) : (this.counts[place] ?? 0));
      if (known === undefined) {
        table.set(prefix, site, value);
        this.counts[place] = (this.counts[place] ?? 0) + 1;
      }
      prefix = value;
    }
    return prefix;
  }

  private runAll(sites: readonly number[]): number {
    if (this.quorums === undefined) return this.runOfEveryone(sites, []) || BLOCKED;
    let bits = 0;
    for (const { quorum, leader } of this.runsFrom(sites)) bits |= this.ledBy(sites, quorum, leader) || BLOCKED;
    return bits;
  }

  private *runsFrom(sites: readonly number[]): Generator<{ quorum: readonly number[]; leader: number }> {
    for (const quorum of this.quorums ?? []) {
      for (const leader of quorum) {
        if (isInDoubt(this.effects.site(sites[leader] ?? -1).running)) yield { quorum, leader };
      }
    }
  }

  private ledBy(at: readonly number[], quorum: readonly number[], leader: number): number {
    const key = `${leader}:${quorum.map((place) => `${place}=${at[place]}`).join()}`;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const made = this.lead(at, quorum, leader, []);
    this.made.set(key, made);
    return made;
  }

  /** One run, led by one site with these reachable; its steps are added to `run`. */
  private lead(at: readonly number[], quorum: readonly number[], leader: number, run: RunStep[]): number {
    const sites = new Map(quorum.map((place) => [place, at[place] ?? -1]));
    const decision = (): number => this.effects.facts(sites.get(leader) ?? -1).made;
    for (let ring = 0; ring < RINGS_MAX && decision() === 0; ring += 1) this.ring(sites, [leader], run);
    return decision();
  }

  private runOfEveryone(at: readonly number[], run: RunStep[]): number {
    const sites = new Map(at.entries());
    for (let ring = 0; ring < RINGS_MAX && this.isWaiting(sites); ring += 1) this.ring(sites, [...sites.keys()], run);
    if (this.isWaiting(sites)) return 0;
    // What is decided and lazily written is synced in the end.
    for (const place of sites.keys()) this.sync(sites, place, run);
    return [...sites.values()].reduce((bits, site) => bits | this.effects.facts(site).made, 0);
  }

  /** Someone is in doubt, or the coordinator is not done. */
  private isWaiting(sites: ReadonlyMap<number, number>): boolean {
    return [...sites.values()].some((id) => isWaiting(this.effects.site(id).running));
  }

  private sync(sites: Map<number, number>, place: number, run: RunStep[]): void {
    const site = sites.get(place) ?? -1;
    const input = this.effects.facts(site).kicks.find(({ type }) => type === 'sync');
    if (input === undefined) return;
    run.push({ place, input });
    sites.set(place, this.effects.act(site, input).site);
  }

  /** The timers of `ringing` fire, and everything said then and after is delivered in order. */
  private ring(sites: Map<number, number>, ringing: readonly number[], run: RunStep[]): void {
    const queue: number[] = [];
    for (const place of ringing) {
      for (const input of this.effects.facts(sites.get(place) ?? -1).kicks) {
        // An earlier input may have moved the site, and with it what its timers do.
        if (!this.effects.facts(sites.get(place) ?? -1).kicks.includes(input)) continue;
        const effect = this.effects.act(sites.get(place) ?? -1, input);
        run.push({ place, input });
        sites.set(place, effect.site);
        queue.push(...effect.sent);
      }
    }
    for (let next = 0; next < queue.length; next += 1) {
      assert(next < DELIVERIES_MAX, 'a run without faults comes to rest');
      const id = queue[next] ?? -1;
      const place = this.effects.placeOf(id);
      const site = sites.get(place);
      if (site === undefined) continue;
      const effect = this.effects.deliver(site, id);
      if (effect.site !== site || effect.sent.length > 0) run.push({ place, input: this.effects.inputOf(id) });
      sites.set(place, effect.site);
      queue.push(...effect.sent);
    }
  }
}

function quorumsOf(names: readonly string[], electorate: Electorate): readonly (readonly number[])[] {
  const places = Array.from({ length: electorate.participants.length + 1 }, (_, place) => place);
  const subsets = Array.from({ length: 2 ** places.length }, (_, bits) =>
    places.filter((place) => (bits >> place) & 1),
  );
  return subsets.filter((subset) =>
    isQuorum(
      subset.map((place) => names[place] ?? ''),
      electorate,
    ),
  );
}
