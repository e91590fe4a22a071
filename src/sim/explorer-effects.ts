/**
 * What every input does to every site state, by number: worked out by the
 * machines once, looked up from then on.
 */
import { AssertionFailed } from '../base/assert.ts';
import { Interner } from './explorer-intern.ts';
import { placesOf } from './explorer-machines.ts';
import { faultFreeInputs, ownInputs } from './explorer-inputs.ts';
import { stepSite } from './explorer-sites.ts';
import type { Setting, SiteInput, SiteState } from './explorer-sites.ts';
import { decisionToldBy, isSpent, saysNothingNew, settledAt } from './explorer-spent.ts';
import { decisionAt, saidYes } from './explorer-standing.ts';

/** Bits of what was decided, told, or made. */
export const COMMIT = 1;
/** The other bit. */
export const ABORT = 2;

/** What one input does to one site. */
export interface Effect {
  readonly site: number;
  readonly sent: readonly number[];
  /** It begins a termination round. */
  readonly elects: boolean;
  readonly fault?: string;
}

/** What holds of a site state, wherever it is met. */
export interface SiteFacts {
  readonly inputs: readonly SiteInput[];
  /** What its timers and resources do in a run without faults, past every bound. */
  readonly kicks: readonly SiteInput[];
  /** Bit of the decision that stands on its disk. */
  readonly settled: number;
  /** Bit of the decision made or taken here. */
  readonly made: number;
  readonly saidYes: boolean;
  readonly place: number;
}

interface Known {
  readonly facts: SiteFacts;
  readonly spent: Map<number, boolean>;
  readonly byMessage: Map<number, Effect>;
  readonly byInput: Map<SiteInput, Effect>;
}

function bitOf(decision: 'commit' | 'abort' | undefined): number {
  return decision === undefined ? 0 : decision === 'commit' ? COMMIT : ABORT;
}

/** See the header. */
export class Effects {
  readonly interner: Interner;
  /** Names of the sites by place. */
  readonly names: readonly string[];
  private readonly setting: Setting;
  private readonly known: Known[] = [];

  constructor(setting: Setting) {
    this.setting = setting;
    this.interner = new Interner(setting);
    this.names = placesOf(setting.attempt);
  }

  /** The number of a site state. */
  numberOf(site: SiteState): number {
    return this.interner.siteState(site);
  }

  /** The site state of a number. */
  site(id: number): SiteState {
    return this.interner.siteStateAt(id);
  }

  facts(id: number): SiteFacts {
    return this.knownOf(id).facts;
  }

  /** One input that comes from the site itself. */
  act(id: number, input: SiteInput): Effect {
    const { byInput } = this.knownOf(id);
    const known = byInput.get(input);
    if (known !== undefined) return known;
    const effect = this.effectOf(id, input);
    byInput.set(input, effect);
    return effect;
  }

  /** A message by its number. */
  deliver(id: number, message: number): Effect {
    const { byMessage } = this.knownOf(id);
    const known = byMessage.get(message);
    if (known !== undefined) return known;
    const effect = this.effectOf(id, this.inputOf(message));
    byMessage.set(message, effect);
    return effect;
  }

  /** A message by its number, as an input. */
  inputOf(message: number): SiteInput {
    const sent = this.interner.messageAt(message);
    return { type: 'message', from: sent.from, message: sent.message };
  }

  /** The place a message is for. */
  placeOf(message: number): number {
    return this.names.indexOf(this.interner.messageAt(message).to);
  }

  /** The place a message is from. */
  senderOf(message: number): number {
    return this.names.indexOf(this.interner.messageAt(message).from);
  }

  /** By the rules of explorer-spent.ts the message can do nothing here any more, and indeed it does nothing now. */
  isGone(id: number, message: number): boolean {
    const { spent } = this.knownOf(id);
    const known = spent.get(message);
    if (known !== undefined) return known;
    const answer = this.isOver(id, message) || this.isSpent(id, message);
    spent.set(message, answer);
    return answer;
  }

  /** The bit of the decision that a message tells. */
  toldBy(message: number): number {
    return bitOf(decisionToldBy(this.interner.messageAt(message).message));
  }

  /** The one message that stands for all that a settled site would say. */
  decisionFor(place: number, bit: number): number {
    const from = this.names[place === 0 ? 1 : 0] ?? '';
    const to = this.names[place] ?? '';
    const { number } = this.setting.attempt;
    const [type, outcome] = bit === COMMIT ? (['commit', 'committed'] as const) : (['abort', 'aborted'] as const);
    // A participant is told, a coordinator hears the outcome: one-phase knows no other way.
    const message = place === 0 ? ({ type: 'outcome', number, outcome } as const) : ({ type, number } as const);
    return this.interner.message({ from, to, message });
  }

  private knownOf(id: number): Known {
    const known = this.known[id];
    if (known !== undefined) return known;
    const site = this.site(id);
    const facts: SiteFacts = {
      inputs: ownInputs(this.setting, site),
      kicks: faultFreeInputs(this.setting, site),
      settled: bitOf(settledAt(site, this.interner.recovered(site))),
      made: bitOf(decisionAt(site)),
      saidYes: saidYes(site),
      place: this.names.indexOf(site.name),
    };
    const fresh: Known = { facts, spent: new Map(), byMessage: new Map(), byInput: new Map() };
    this.known[id] = fresh;
    return fresh;
  }

  private effectOf(id: number, input: SiteInput): Effect {
    const site = this.site(id);
    const step = stepSite(this.setting, site, input);
    const sent = step.send.map(({ to, message }) => this.interner.message({ from: site.name, to, message }));
    const elects = step.send.some(({ message }) => message.type === 'state-request');
    try {
      const effect = { site: this.interner.siteState(step.site), sent, elects };
      return step.fault === undefined ? effect : { ...effect, fault: step.fault };
    } catch (error) {
      // To compare it, the site is started again from its new disk, and recovery found that disk impossible.
      if (!(error instanceof AssertionFailed)) throw error;
      return { site: id, sent, elects, fault: `${site.name}, started again after this: ${error.message}` };
    }
  }

  /** The receiver is settled, and says nothing but that. */
  private isOver(id: number, message: number): boolean {
    if (this.facts(id).settled === 0) return false;
    // Acknowledgements still lead a committed coordinator to its end.
    const sent = this.interner.messageAt(message);
    const site = this.site(id);
    if (sent.message.type === 'acknowledge' && !isSpent(site, this.interner.recovered(site), sent)) return false;
    return this.saysNothingNew(id, message);
  }

  private isSpent(id: number, message: number): boolean {
    if (this.setting.keepsAll) return false;
    const site = this.site(id);
    if (!isSpent(site, this.interner.recovered(site), this.interner.messageAt(message))) return false;
    const { site: after, fault } = this.deliver(id, message);
    return after === id && fault === undefined && this.saysNothingNew(id, message);
  }

  private saysNothingNew(id: number, message: number): boolean {
    const asked = this.interner.messageAt(message);
    const { sent } = this.deliver(id, message);
    return sent.every((answer) => saysNothingNew(this.site(id), asked, this.interner.messageAt(answer)));
  }
}
