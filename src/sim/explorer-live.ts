/**
 * Runs without faults from any explored world: they must decide, and not
 * against a decision made anywhere before.
 *
 * 3PC: every quorum of live sites, led by any of them that is in doubt, with
 * nobody else reachable. 2PC: all sites alive. Messages already on their way
 * are left out: a run that needed one would wait for something that may be lost.
 * The answer depends on nothing but where these sites stand, so it is kept.
 */
import { assert } from '../base/assert.ts';
import { isQuorum } from '../protocol/quorum.ts';
import { placesOf } from './explorer-machines.ts';
import { isInDoubt, phaseOf } from './explorer-sites.ts';
import type { Setting } from './explorer-sites.ts';
import { ABORT, COMMIT } from './explorer-world.ts';
import type { World, Worlds } from './explorer-world.ts';

/** Timers may ring this often before a run counts as blocked: a refused leader learns the round from the refusal. */
const RINGS_MAX = 6;
/** A run of a few sites is over long before; more deliveries are a loop. */
const DELIVERIES_MAX = 10_000;

/** Judges worlds by the runs that could follow; keeps what it found. */
export class FaultFreeRuns {
  private readonly worlds: Worlds;
  private readonly setting: Setting;
  private readonly names: readonly string[];
  /** Places of every quorum. */
  private readonly quorums: readonly (readonly number[])[];
  private readonly known = new Map<string, number>();

  constructor(setting: Setting, worlds: Worlds) {
    this.setting = setting;
    this.worlds = worlds;
    const { self, participants } = setting.attempt;
    this.names = placesOf(setting.attempt);
    const electorate = { coordinator: self.name, participants: participants.map(({ name }) => name) };
    const places = Array.from({ length: participants.length + 1 }, (_, place) => place);
    const subsets = Array.from({ length: 2 ** places.length }, (_, bits) =>
      places.filter((place) => (bits >> place) & 1),
    );
    this.quorums = subsets.filter((subset) =>
      isQuorum(
        subset.map((place) => this.names[place] ?? ''),
        electorate,
      ),
    );
  }

  /** What is wrong with this world, if anything. */
  fault(world: World): string | undefined {
    if (this.setting.attempt.protocol === '2pc') return this.faultOfAll(world);
    for (const quorum of this.quorums) {
      for (const leader of quorum) {
        const site = this.worlds.site(world.sites[leader] ?? -1);
        if (!isInDoubt(site.running)) continue;
        const made = this.ledBy(world, quorum, leader);
        const who = `the quorum ${quorum.map((place) => this.names[place]).join(' ')}, led by ${site.name}`;
        if (made === 0) return `${who}, does not decide`;
        if ((made | world.decided) === (COMMIT | ABORT)) {
          return `${who}, decides ${made === COMMIT ? 'commit' : 'abort'}; the other was decided before`;
        }
      }
    }
    return undefined;
  }

  private ledBy(world: World, quorum: readonly number[], leader: number): number {
    const key = `${leader}:${quorum.map((place) => `${place}=${world.sites[place]}`).join()}`;
    return this.remembered(key, () => {
      const sites = new Map(quorum.map((place) => [place, world.sites[place] ?? -1]));
      const decision = (): number => this.worlds.factsOf(sites.get(leader) ?? -1).made;
      for (let ring = 0; ring < RINGS_MAX && decision() === 0; ring += 1) this.ring(sites, [leader]);
      return decision();
    });
  }

  private faultOfAll(world: World): string | undefined {
    const made = this.remembered(world.sites.join(), () => {
      const sites = new Map(world.sites.entries());
      for (let ring = 0; ring < RINGS_MAX && this.isWaiting(sites); ring += 1) this.ring(sites, [...sites.keys()]);
      if (this.isWaiting(sites)) return 0;
      return [...sites.values()].reduce((bits, site) => bits | this.worlds.factsOf(site).made, 0);
    });
    if (made === 0) return 'all sites alive and connected do not decide';
    return (made | world.decided) === (COMMIT | ABORT) ? 'all sites alive and connected decide otherwise' : undefined;
  }

  /** Someone is in doubt, or the coordinator still collects votes. */
  private isWaiting(sites: ReadonlyMap<number, number>): boolean {
    return [...sites.values()].some((id) => {
      const { running } = this.worlds.site(id);
      return isInDoubt(running) || phaseOf(running) === 'working';
    });
  }

  /** The timers of `ringing` fire, and everything said then and after is delivered in order. */
  private ring(sites: Map<number, number>, ringing: readonly number[]): void {
    const queue: number[] = [];
    for (const place of ringing) {
      for (const input of this.worlds.factsOf(sites.get(place) ?? -1).kicks) {
        // An earlier input may have moved the site, and with it what its timers do.
        if (!this.worlds.factsOf(sites.get(place) ?? -1).kicks.includes(input)) continue;
        const effect = this.worlds.act(sites.get(place) ?? -1, input);
        sites.set(place, effect.site);
        queue.push(...effect.sent);
      }
    }
    for (let next = 0; next < queue.length; next += 1) {
      assert(next < DELIVERIES_MAX, 'a run without faults comes to rest');
      const id = queue[next] ?? -1;
      const place = this.names.indexOf(this.worlds.interner.messageAt(id).to);
      const site = sites.get(place);
      if (site === undefined) continue;
      const effect = this.worlds.deliver(site, id);
      sites.set(place, effect.site);
      queue.push(...effect.sent);
    }
  }

  private remembered(key: string, run: () => number): number {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const made = run();
    this.known.set(key, made);
    return made;
  }
}
