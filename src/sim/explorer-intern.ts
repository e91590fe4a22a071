/**
 * Site states and messages as small integers, so that a world is a short text
 * and two equal worlds are found equal by one look-up. What a machine never
 * branches on (reasons, results, effects) is left out of the comparison.
 */
import { canonicalJson } from '../base/canonical-json.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { recoveredRun } from './explorer-machines.ts';
import type { Running, Setting, SiteState } from './explorer-sites.ts';

/** A message on its way; it may be delivered any number of times, or never. */
export interface Sent {
  readonly from: NodeName;
  readonly to: NodeName;
  readonly message: Message;
}

const IGNORED = new Set(['reason', 'results', 'prepared', 'effects', 'hashes', 'operations', 'participants']);

function comparable(value: unknown): string {
  const text = JSON.stringify(value, (key, member: unknown) => (IGNORED.has(key) ? undefined : member));
  return canonicalJson(JSON.parse(text));
}

/** Equal values get the same number, in order of appearance. */
class Numbering<Value> {
  readonly values: Value[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(key: string, value: Value): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.values.length);
    return this.values.push(value) - 1;
  }
}

/** Numbers for site states and messages; one per exploration, since what a restart gives is part of a state. */
export class Interner {
  private readonly siteStates = new Numbering<SiteState>();
  private readonly messages = new Numbering<Sent>();
  private readonly setting: Setting;

  constructor(setting: Setting) {
    this.setting = setting;
  }

  get siteStateCount(): number {
    return this.siteStates.values.length;
  }

  /** The number of a site state. Two disks are equal when they hold the same kinds of records and come back the same. */
  siteState(site: SiteState): number {
    const { name, running, synced, written, forcing = false } = site;
    const kinds = [...new Set(synced.map(({ type }) => type))].sort();
    const key = [name, shown(running), shown(this.recovered(site)), kinds, written.map(outline), forcing];
    return this.siteStates.numberOf(comparable(key), site);
  }

  siteStateAt(id: number): SiteState {
    const site = this.siteStates.values[id];
    if (site === undefined) throw new RangeError(`no site state ${id}`);
    return site;
  }

  message(sent: Sent): number {
    return this.messages.numberOf(comparable(sent), sent);
  }

  messageAt(id: number): Sent {
    const sent = this.messages.values[id];
    if (sent === undefined) throw new RangeError(`no message ${id}`);
    return sent;
  }

  /** What would run here after a crash that keeps only what is synced. */
  recovered({ name, running, synced }: SiteState): Running {
    const { attempt, machines } = this.setting;
    if (running.role === 'coordinator') {
      return { role: 'coordinator', machine: machines.recoverCoordinator(attempt, synced) };
    }
    return { role: 'participant', run: recoveredRun(this.setting, name, synced) };
  }
}

function outline(record: ProtocolRecord): unknown {
  return 'round' in record ? [record.type, record.round] : record.type;
}

/** A reader of states: the machine, and whether the attempt is known by more than its number. */
function shown(running: Running): unknown {
  if (running.role === 'coordinator') return running.machine ?? ('ended' in running ? 'ended' : 'closed');
  const { run } = running;
  return run === undefined ? 'unheard' : [run.attempt.id !== '', run.machine];
}
