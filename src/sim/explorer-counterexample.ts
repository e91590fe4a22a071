/**
 * A run of the explorer as data, so that it can be played again: in this
 * process on the shipped hosts (explorer-replay.ts), or by the lab on real
 * processes. `parley explore --json` prints it, `parley explore --replay FILE`
 * plays it.
 *
 * | kind | what happens |
 * | --- | --- |
 * | `deliver` | `to` gets a message that `from` has sent, now or long ago, for the first time or again |
 * | `vote` | the resources of `at`, or a person, vote |
 * | `timer` | this timer of the attempt rings at `at` |
 * | `resend` | `from` sends to `to` again what it waits for |
 * | `crash` | `at` dies; of what it had written and not synced the first `kept` records stay |
 * | `restart` | `at` starts again from its log |
 * | `sync` | all that `at` has written is synced (parallel commit) |
 * | `link` | `from` registers with `at` on a new link, and what the old one carried is gone (parallel commit) |
 * | `drop` | the message never arrives |
 */
import { ParleyError } from '../base/errors.ts';
import type { Message, NodeName, ProtocolName } from '../protocol/messages.ts';
import type { UnsafeRule } from '../protocol/participant-attempts.ts';
import { exploredAttempt, placesOf, shippedMachines } from './explorer-machines.ts';
import type { Sent } from './explorer-intern.ts';
import { firstSites, stepSite } from './explorer-sites.ts';
import type { Setting, SiteInput } from './explorer-sites.ts';
import { outlineOf } from './explorer-standing.ts';
import type { RunStep } from './explorer-transcript.ts';

/** What happens in one step. */
export type CounterexampleAct =
  | { readonly kind: 'deliver' | 'drop'; readonly from: NodeName; readonly to: NodeName; readonly message: Message }
  | { readonly kind: 'vote'; readonly at: NodeName; readonly vote: 'yes' | 'no' }
  | { readonly kind: 'timer'; readonly at: NodeName; readonly timer: 'vote' | 'ask' | 'elect' | 'write-down' }
  | { readonly kind: 'resend'; readonly from: NodeName; readonly to: NodeName }
  | { readonly kind: 'crash'; readonly at: NodeName; readonly kept: number }
  | { readonly kind: 'restart' | 'sync'; readonly at: NodeName }
  | { readonly kind: 'link'; readonly at: NodeName; readonly from: NodeName };

/** One step; `then` is how its site stands after it. */
export type CounterexampleStep = CounterexampleAct & { readonly step: number; readonly then?: string };

/** A whole run, from the first `prepare` to the violation. */
export interface Counterexample {
  readonly version: 1;
  readonly protocol: ProtocolName;
  readonly participants: number;
  readonly readers: number;
  readonly unsafe?: UnsafeRule;
  /** What is wrong at the end. */
  readonly violation: string;
  /** From this step on nothing fails: the rest is what the survivors do by themselves. */
  readonly faultFreeFrom?: number;
  readonly steps: readonly CounterexampleStep[];
}

/** What was explored. */
export interface ExploredWorld {
  readonly protocol: ProtocolName;
  readonly participants: number;
  readonly readers?: number;
  readonly unsafe?: UnsafeRule;
}

/** A run of the shipped machines as data. */
export function counterexampleOf(
  { protocol, participants, readers = 0, unsafe }: ExploredWorld,
  { what, run, after }: { readonly what: string; readonly run: readonly RunStep[]; readonly after: readonly RunStep[] },
): Counterexample {
  const attempt = exploredAttempt(protocol, participants, readers);
  const bounds = { roundsMax: Number.POSITIVE_INFINITY, electionsMax: Number.POSITIVE_INFINITY, keepsAll: true };
  const setting: Setting = { attempt, machines: shippedMachines(unsafe), ...bounds };
  const names = placesOf(attempt);
  const { sites: first, send } = firstSites(setting);
  const sites = [...first];
  const undelivered = new Map<string, Sent>();
  const keep = (from: NodeName, sent: typeof send): void => {
    for (const { to, message } of sent) undelivered.set(JSON.stringify([from, to, message]), { from, to, message });
  };
  keep(attempt.self.name, send);
  const acts: (CounterexampleAct & { readonly then?: string })[] = [];
  let faultFreeFrom: number | undefined;
  for (const [index, { place, input }] of [...run, ...after].entries()) {
    const site = sites[place];
    if (site === undefined) continue;
    if (index === run.length) faultFreeFrom = acts.length + 1;
    const done = stepSite(setting, site, input);
    sites[place] = done.site;
    keep(site.name, done.send);
    if (input.type === 'message') undelivered.delete(JSON.stringify([input.from, site.name, input.message]));
    const own = actsOf(site.name, input, protocol);
    acts.push(...own.slice(0, -1), ...own.slice(-1).map((act) => ({ ...act, then: outlineOf(done.site) })));
  }
  const drops = [...undelivered.values()].filter(({ to }) => names.includes(to));
  acts.push(...drops.map((sent) => ({ kind: 'drop', ...sent }) as const));
  const parts = {
    ...(unsafe === undefined ? {} : { unsafe }),
    violation: what,
    ...(faultFreeFrom === undefined ? {} : { faultFreeFrom }),
  };
  const steps = acts.map((act, index) => ({ step: index + 1, ...act }));
  return { version: 1, protocol, participants, readers, ...parts, steps };
}

function actsOf(at: NodeName, input: SiteInput, protocol: ProtocolName): readonly CounterexampleAct[] {
  switch (input.type) {
    case 'message':
      return [{ kind: 'deliver', from: input.from, to: at, message: input.message }];
    case 'restart':
      return [
        { kind: 'crash', at, kept: input.kept },
        { kind: 'restart', at },
      ];
    case 'sync':
      return [{ kind: 'sync', at }];
    case 'link':
      return [{ kind: 'link', at, from: input.peer }];
    case 'participant-event': {
      if (input.event.type === 'resource-yes') return [{ kind: 'vote', at, vote: 'yes' }];
      if (input.event.type === 'resource-no') return [{ kind: 'vote', at, vote: 'no' }];
      return [{ kind: 'timer', at, timer: protocol === '2pc' || protocol === 'parallel' ? 'ask' : 'elect' }];
    }
    case 'coordinator-event': {
      const { event } = input;
      if (event.type === 'resend') return [{ kind: 'resend', from: at, to: event.to }];
      if (event.type === 'write-down') return [{ kind: 'timer', at, timer: 'write-down' }];
      return [{ kind: 'timer', at, timer: event.type === 'vote-timeout' ? 'vote' : 'elect' }];
    }
  }
}

/**
 * Reads one back, alone or as the member `counterexample` of a result. Only its shape is checked; a step that cannot be
 * taken is found when it is played.
 *
 * @throws ParleyError `usage`
 */
export function readCounterexample(text: string, where: string): Counterexample {
  const value = jsonOf(text, where);
  const found = isRecord(value) && isRecord(value['more']) ? value['more']['counterexample'] : value;
  const isRun =
    isRecord(found) &&
    found['version'] === 1 &&
    typeof found['protocol'] === 'string' &&
    typeof found['participants'] === 'number' &&
    typeof found['readers'] === 'number' &&
    Array.isArray(found['steps']) &&
    found['steps'].every((step) => isRecord(step) && typeof step['kind'] === 'string');
  if (isRun) return found as unknown as Counterexample;
  throw new ParleyError('usage', `${where} holds no run of the explorer.`, {
    remedy: 'Give what parley explore --json printed when it found a violation.',
  });
}

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ParleyError('usage', `${where} is not JSON.`, { cause });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
