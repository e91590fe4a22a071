/**
 * Worlds of one transaction: where each site stands, which messages are on
 * their way, which decisions were made. A world is a text of numbers, and a
 * step is looked up after the first time, so that most of the work of exploring
 * is joining texts.
 */
import { assert, AssertionFailed } from '../base/assert.ts';
import { Interner } from './explorer-intern.ts';
import type { Sent } from './explorer-intern.ts';
import { decisionAt, faultFreeInputs, firstSites, ownInputs, saidYes, stepSite } from './explorer-sites.ts';
import type { Setting, SiteInput, SiteState } from './explorer-sites.ts';
import { placesOf } from './explorer-machines.ts';
import { decisionToldBy, isSpent, settledAt } from './explorer-spent.ts';

/** A world by numbers: site states in the order C, P1 … Pn; messages in ascending order; decisions made by anyone. */
export interface World {
  readonly sites: readonly number[];
  readonly messages: readonly number[];
  readonly decided: number;
}

/** Bits of World.decided. */
export const COMMIT = 1;
/** The other bit. */
export const ABORT = 2;

/** One way on from a world. */
export interface Move {
  readonly place: number;
  readonly input: SiteInput;
  readonly world: World;
  readonly fault?: string;
}

interface Effect {
  readonly site: number;
  readonly sent: readonly number[];
  readonly fault?: string;
}

interface SiteFacts {
  readonly inputs: readonly SiteInput[];
  /** What its timers and resources do in a run without faults, past every bound. */
  readonly kicks: readonly SiteInput[];
  readonly settled: 'commit' | 'abort' | undefined;
  readonly made: number;
  readonly saidYes: boolean;
  readonly spent: Map<number, boolean>;
  readonly byMessage: Map<number, Effect>;
  readonly byInput: Map<SiteInput, Effect>;
}

/** More site states or messages than fit the text of a world: an explorer with such bounds needs another encoding. */
const NUMBERS_MAX = 0xffff;

/** The worlds of one setting, and the ways between them. */
export class Worlds {
  readonly interner: Interner;
  private readonly setting: Setting;
  private readonly facts: SiteFacts[] = [];
  /** Names of the sites by place. */
  private readonly names: readonly string[];

  constructor(setting: Setting) {
    this.setting = setting;
    this.interner = new Interner(setting);
    this.names = placesOf(setting.attempt);
  }

  first(): World {
    const { sites, send } = firstSites(this.setting);
    const from = this.setting.attempt.self.name;
    const messages = send.map((one) => this.interner.message({ from, ...one }));
    return this.settle(
      sites.map((site) => this.interner.siteState(site)),
      messages,
      0,
    );
  }

  /** Every step of every site that changes something. */
  *moves(world: World): Generator<Move> {
    for (const id of world.messages) {
      const { from, to, message } = this.interner.messageAt(id);
      const place = this.names.indexOf(to);
      const site = world.sites[place] ?? -1;
      const effect = this.deliver(site, id);
      if (changes(world, site, effect)) {
        yield this.move(world, place, { type: 'message', from, message }, effect);
      }
    }
    for (const [place, site] of world.sites.entries()) {
      const facts = this.factsOf(site);
      for (const input of facts.inputs) {
        const effect = this.act(site, input);
        if (changes(world, site, effect)) yield this.move(world, place, input, effect);
      }
    }
  }

  /** One input at one place, whatever is on its way: for runs without faults. */
  act(site: number, input: SiteInput): Effect {
    const { byInput } = this.factsOf(site);
    const known = byInput.get(input);
    if (known !== undefined) return known;
    const effect = this.effectOf(site, input);
    byInput.set(input, effect);
    return effect;
  }

  /** A message by its number. */
  deliver(site: number, id: number): Effect {
    const { byMessage } = this.factsOf(site);
    const known = byMessage.get(id);
    if (known !== undefined) return known;
    const { from, message } = this.interner.messageAt(id);
    const effect = this.effectOf(site, { type: 'message', from, message });
    byMessage.set(id, effect);
    return effect;
  }

  site(id: number): SiteState {
    return this.interner.siteStateAt(id);
  }

  /** Commit was decided, yet this place has no yes on its disk. */
  missingYes(world: World): string | undefined {
    const { length } = this.setting.attempt.participants;
    const missing = world.sites.findIndex((site, place) => place > 0 && place <= length && !this.factsOf(site).saidYes);
    return missing < 0 ? undefined : this.names[missing];
  }

  factsOf(id: number): SiteFacts {
    const known = this.facts[id];
    if (known !== undefined) return known;
    const site = this.interner.siteStateAt(id);
    const made = decisionAt(site);
    const facts: SiteFacts = {
      inputs: ownInputs(this.setting, site),
      kicks: faultFreeInputs(this.setting, site),
      settled: settledAt(site, this.interner.recovered(site)),
      made: made === undefined ? 0 : made === 'commit' ? COMMIT : ABORT,
      saidYes: saidYes(site),
      spent: new Map(),
      byMessage: new Map(),
      byInput: new Map(),
    };
    this.facts[id] = facts;
    return facts;
  }

  private effectOf(id: number, input: SiteInput): Effect {
    const site = this.interner.siteStateAt(id);
    const step = stepSite(this.setting, site, input);
    const sent = step.send
      .filter(({ message }) => message.type !== 'outcome' || message.outcome !== 'unknown')
      .map(({ to, message }) => this.interner.message({ from: site.name, to, message }));
    try {
      const effect = { site: this.interner.siteState(step.site), sent };
      return step.fault === undefined ? effect : { ...effect, fault: step.fault };
    } catch (error) {
      // To compare it, the site is started again from its new disk, and recovery found that disk impossible.
      if (!(error instanceof AssertionFailed)) throw error;
      return { site: id, sent, fault: `${site.name}, started again after this: ${error.message}` };
    }
  }

  private move(world: World, place: number, input: SiteInput, effect: Effect): Move {
    const sites = world.sites.with(place, effect.site);
    const after = this.settle(sites, [...world.messages, ...effect.sent], world.decided);
    const move = { place, input, world: after };
    return effect.fault === undefined ? move : { ...move, fault: effect.fault };
  }

  /** Notes decisions, drops what is spent, and lets settled sites speak with one message. */
  private settle(sites: readonly number[], messages: readonly number[], before: number): World {
    const decided = sites.reduce((bits, site) => bits | this.factsOf(site).made, before);
    const told = new Set(sites.map((site) => this.factsOf(site).settled).filter((one) => one !== undefined));
    const kept = new Set<number>();
    for (const id of messages) {
      const { to, message } = this.interner.messageAt(id);
      const site = sites[this.names.indexOf(to)] ?? -1;
      if (this.isSettled(site, id)) continue;
      const tells = decisionToldBy(message);
      if (tells !== undefined && told.has(tells)) continue;
      if (!this.isSpent(site, id)) kept.add(id);
    }
    for (const decision of told) {
      // Readers are told nothing but the coordinator's own abort.
      for (const [place, site] of sites.slice(0, this.setting.attempt.participants.length + 1).entries()) {
        if (this.factsOf(site).settled === undefined) kept.add(this.decisionFor(place, decision));
      }
    }
    return { sites, messages: [...kept].sort((a, b) => a - b), decided };
  }

  private isSettled(site: number, id: number): boolean {
    if (this.factsOf(site).settled === undefined) return false;
    // Acknowledgements still lead a committed coordinator to its end.
    const state = this.interner.siteStateAt(site);
    const sent = this.interner.messageAt(id);
    return sent.message.type !== 'acknowledge' || isSpent(state, this.interner.recovered(state), sent);
  }

  private isSpent(site: number, id: number): boolean {
    const { spent } = this.factsOf(site);
    const known = spent.get(id);
    if (known !== undefined) return known;
    const state = this.interner.siteStateAt(site);
    const byRule =
      !this.setting.keepsAll && isSpent(state, this.interner.recovered(state), this.interner.messageAt(id));
    const answer = byRule && this.deliver(site, id).site === site;
    spent.set(id, answer);
    return answer;
  }

  private decisionFor(place: number, decision: 'commit' | 'abort'): number {
    const from = this.names[place === 0 ? 1 : 0] ?? '';
    const to = this.names[place] ?? '';
    const { number } = this.setting.attempt;
    const outcome = decision === 'commit' ? 'committed' : 'aborted';
    // A participant is told, a coordinator hears the outcome: one-phase knows no other way.
    const message =
      place === 0 ? ({ type: 'outcome', number, outcome } as const) : ({ type: decision, number } as const);
    const sent: Sent = { from, to, message };
    return this.interner.message(sent);
  }
}

/** An effect that would not lead to another world. */
function changes(world: World, site: number, effect: Effect): boolean {
  return effect.site !== site || effect.fault !== undefined || effect.sent.some((id) => !world.messages.includes(id));
}

/** The text of a world: equal worlds, equal texts. */
export function textOf({ sites, messages, decided }: World): string {
  assert(
    messages.every((id) => id <= NUMBERS_MAX),
    'message numbers fit one character',
  );
  const places = sites.flatMap((id) => [id >>> 16, id & NUMBERS_MAX]);
  return String.fromCharCode(decided, ...places, ...messages);
}

/** The world of a text; `places` sites. */
export function worldOf(text: string, places: number): World {
  const code = (index: number): number => text.charCodeAt(index);
  const sites = Array.from({ length: places }, (_, place) => code(1 + 2 * place) * 65536 + code(2 + 2 * place));
  const messages = Array.from({ length: text.length - 1 - 2 * places }, (_, index) => code(1 + 2 * places + index));
  return { sites, messages, decided: code(0) };
}
