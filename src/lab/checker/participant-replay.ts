/**
 * One participant's log played through the models: what each promise should
 * have come to, what each commit changed, what could be read when, and what is
 * held in the end.
 *
 * At a promise the model is asked for the same operations, in the state that
 * the log before it gives; whatever conflicts must be decided by then. At a
 * commit the effect that was promised is applied, once, but not to a group
 * whose copy holds it already (`superseded`).
 */
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/canonical-json.ts';
import type { CommittedRecord, CopiedRecord, PreparedRecord } from '../../protocol/records.ts';
import { evidenceOf } from './attempt-story.ts';
import type { Entry, NodeStory } from './attempt-story.ts';
import { sameAnswer, textIn } from './group-model.ts';
import type { GroupModel, KeyUse, ModelOperation } from './group-model.ts';
import { LedgerModel } from './ledger-model.ts';
import { changeIn, kindOfEffect, kindOfLines } from './line-kinds.ts';
import type { CopiedChange } from './line-kinds.ts';
import { NotebookModel, RoomsModel } from './list-models.ts';
import type { Findings, Invariant } from './verdict.ts';

/** A commit as it was applied to one group. `segment` grows with every copy that replaced the group. */
export interface Applied {
  readonly number: string;
  readonly id: string;
  readonly segment: number;
  readonly uses: readonly KeyUse[];
  readonly entry: Entry;
}

/** A value of a key: `index` commits were applied when it got it, the last of them did it unless a copy brought it. */
export interface Version {
  readonly index: number;
  readonly value: Json;
  readonly copied?: true;
}

/** What one group at one participant came to. */
export interface GroupReplay {
  readonly model: GroupModel;
  readonly kind: string;
  /** In order. */
  readonly applied: Applied[];
  /** Key to its values, in the order of the log. */
  readonly versions: Map<string, Version[]>;
  segment: number;
}

/** What a record says that operations of one group came to. */
interface CameTo {
  readonly id: string;
  readonly number: string;
  readonly own: readonly IndexedModelOperation[];
  readonly effect: Json;
  readonly results: readonly { readonly index: number; readonly result: Json }[];
}

interface IndexedModelOperation {
  readonly index: number;
  readonly operation: ModelOperation;
}

interface Promised {
  readonly entry: Entry<PreparedRecord>;
  readonly dropped: Set<string>;
}

const KINDS: Readonly<Record<string, () => GroupModel>> = {
  ledger: () => new LedgerModel(),
  history: () => new RoomsModel(),
  notebook: () => new NotebookModel(),
};

/** Where the operations of a transaction can be looked up when its record has none (one-phase). */
export type OperationsOf = (id: string) => readonly Json[];

/** See the header. */
export class ParticipantReplay {
  readonly groups = new Map<string, GroupReplay>();
  readonly #node: NodeStory;
  readonly #findings: Findings;
  readonly #operationsOf: OperationsOf;
  readonly #undecided = new Map<string, Promised>();
  readonly #applied = new Set<string>();
  readonly #copying = new Map<string, Json[]>();

  constructor(node: NodeStory, kinds: ReadonlyMap<string, string>, operationsOf: OperationsOf, findings: Findings) {
    this.#node = node;
    this.#findings = findings;
    this.#operationsOf = operationsOf;
    for (const [group, kind] of kinds) this.#group(group, kind);
    for (const { group, kind, lines } of node.checkpoint?.resources ?? []) this.#load(group, kind, lines);
    for (const entry of node.entries) this.#take(entry);
  }

  #take(entry: Entry): void {
    const { record } = entry;
    switch (record.type) {
      case 'prepared':
        return this.#prepared({ ...entry, record });
      case 'committed':
        return this.#committed({ ...entry, record });
      case 'aborted':
        this.#undecided.delete(record.number);
        return;
      case 'superseded':
        this.#undecided.get(record.number)?.dropped.add(record.group);
        return;
      case 'copied':
        return this.#copied(record);
      default:
        return;
    }
  }

  #prepared(entry: Entry<PreparedRecord>): void {
    const { number, operations } = entry.record;
    // The state in which a promise of a checkpoint was made is gone.
    if (!entry.inCheckpoint) {
      for (const group of new Set(operations.map(({ operation }) => operation.group))) this.#promised(group, entry);
    }
    this.#undecided.set(number, { entry, dropped: new Set() });
  }

  #promised(group: string, entry: Entry<PreparedRecord>): void {
    const { id, number, operations, effects, results } = entry.record;
    const own = ofGroup(group, operations);
    const kind = textIn(own[0]?.operation, 'resource');
    const found = this.#group(group, kind);
    if (found === undefined) {
      this.#findings.notChecked('I7', `operations of the resource ${kind || '?'}: there is no model of it`);
      return;
    }
    const effect = effects.find((one) => one.group === group)?.effect ?? null;
    this.#conflicts(group, found, entry);
    this.#compare(group, found, entry, { id, number, own, effect, results });
  }

  /** What a record says that operations came to is what the model comes to, in the state that the log before it gives. */
  #compare(group: string, found: GroupReplay, entry: Entry, said: CameTo): void {
    const { id, number, own, effect, results } = said;
    const { kind } = found;
    const planned = found.model.plan(own.map(({ operation }) => operation));
    if (planned === undefined) {
      this.#findings.notChecked('I7', `operations of ${kind} that the model does not know`);
      return;
    }
    const say = (what: string): void => this.#violate('I7', `${id} (${number}) at ${group}: ${what}.`, [entry]);
    if (typeof planned === 'string') return say(`it was promised, and cannot be done: ${planned}`);
    if (canonicalJson(planned.effect) !== canonicalJson(effect)) {
      say(`it would change ${canonicalJson(effect)}; by the model ${canonicalJson(planned.effect)}`);
    }
    const told = new Map(results.map(({ index, result }) => [index, result]));
    for (const [place, { index }] of own.entries()) {
      const [model, real] = [planned.results[place] ?? null, told.get(index) ?? null];
      if (sameAnswer(kind, model, real)) continue;
      say(`operation ${index} was answered ${canonicalJson(real)}; by the model ${canonicalJson(model)}`);
    }
  }

  /** Locks and holds of what is undecided keep everyone else out. */
  #conflicts(group: string, found: GroupReplay, entry: Entry<PreparedRecord>): void {
    const { id, number, effects } = entry.record;
    const uses = found.model.uses(operationsIn(group, entry.record.operations));
    const held: Json[] = [];
    for (const { entry: other, dropped } of this.#undecided.values()) {
      if (dropped.has(group) || other.record.number === number) continue;
      const theirs = found.model.uses(operationsIn(group, other.record.operations));
      const clash = uses.find((use) => theirs.some((one) => one.key === use.key && inOrder(one, use)));
      if (clash !== undefined) {
        const what = `${id} (${number}) was promised at ${this.#node.name} while ${other.record.id} (${other.record.number}), which uses ${clash.key} of ${group} too, was undecided.`;
        this.#violate('I7', what, [other, entry]);
      }
      for (const one of other.record.effects) if (one.group === group) held.push(one.effect);
    }
    const effect = effects.find((one) => one.group === group)?.effect ?? null;
    const short = found.model.short(effect, held);
    if (short !== undefined)
      this.#violate('I6', `${id} (${number}) was promised at ${this.#node.name}, but ${short}.`, [entry]);
  }

  #committed(entry: Entry<CommittedRecord>): void {
    const { number, effects, results = [] } = entry.record;
    const promised = this.#undecided.get(number);
    this.#undecided.delete(number);
    // Its effect is in the checkpoint's resources; a second record is I4's.
    if (entry.inCheckpoint || this.#applied.has(number)) return;
    this.#applied.add(number);
    const id = promised?.entry.record.id ?? entry.record.id ?? '';
    for (const { group, effect } of effects ?? promised?.entry.record.effects ?? []) {
      if (promised?.dropped.has(group)) continue;
      const own = ofGroup(group, promised?.entry.record.operations ?? this.#asked(id));
      const found = this.#group(group, textIn(own[0]?.operation, 'resource') || kindOfEffect(effect));
      if (found === undefined) {
        if (effect !== null) this.#findings.notChecked('I7', `what ${group} holds: there is no model of it`);
        continue;
      }
      if (promised === undefined) this.#alone(group, found, entry, { id, number, own, effect, results });
      const operations = own.map(({ operation }) => operation);
      const uses = operations.length > 0 ? found.model.uses(operations) : found.model.usesOfEffect(effect);
      found.applied.push({ number, id, segment: found.segment, uses, entry });
      const { faults, readings } = found.model.apply(effect, number, id);
      const invariant = found.kind === 'history' ? 'I8' : found.kind === 'ledger' ? 'I6' : 'I7';
      for (const fault of faults)
        this.#violate(invariant, `${id} (${number}) at ${this.#node.name}, ${group}: ${fault}.`, [entry]);
      record(found, readings);
    }
  }

  /**
   * One-phase: the record is promise and commit in one, and nothing that conflicts came between. Who asked is known from
   * the clients only; without them the numbers that were given out can still be compared with those given before.
   */
  #alone(group: string, found: GroupReplay, entry: Entry, said: CameTo): void {
    if (said.own.length > 0) return this.#compare(group, found, entry, said);
    const fault = found.model.misnumbered?.(said.effect);
    if (fault !== undefined) this.#violate('I7', `${said.id} (${said.number}) at ${group}: ${fault}.`, [entry]);
  }

  #asked(id: string): readonly IndexedModelOperation[] {
    return this.#operationsOf(id).flatMap((operation, index) => {
      const isOperation = typeof operation === 'object' && operation !== null && 'group' in operation;
      return isOperation ? [{ index, operation: operation as unknown as ModelOperation }] : [];
    });
  }

  #copied({ group, part, parts, lines }: CopiedRecord): void {
    const all = part === 1 ? [] : (this.#copying.get(group) ?? []);
    for (const line of lines) all.push(line);
    this.#copying.set(group, all);
    if (part !== parts) return;
    this.#copying.delete(group);
    const changes = all.flatMap((line) => changeIn(line) ?? []);
    const snapshot = changes.length === 0 ? all : all.filter((line) => changeIn(line) === undefined);
    this.#load(group, kindOfLines(snapshot) ?? kindOfEffect(changes[0]?.effect ?? null), snapshot, changes);
  }

  #load(group: string, kind: string | undefined, lines: readonly Json[], changes: readonly CopiedChange[] = []): void {
    const found = this.#group(group, kind === undefined || kind === '' ? (this.groups.get(group)?.kind ?? '') : kind);
    if (found === undefined) return;
    found.segment += 1;
    record(found, found.model.load(lines), { copied: true });
    for (const { number, id, effect } of changes) {
      const { faults, readings } = found.model.apply(effect, number, id);
      for (const fault of faults) this.#violate('I7', `${id} (${number}) in a copy of ${group}: ${fault}.`, []);
      record(found, readings, { copied: true });
    }
  }

  #group(group: string, kind: string): GroupReplay | undefined {
    const known = this.groups.get(group);
    if (known !== undefined) return known;
    const make = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (make === undefined) return undefined;
    const fresh: GroupReplay = { model: make(), kind, applied: [], versions: new Map(), segment: 0 };
    this.groups.set(group, fresh);
    return fresh;
  }

  #violate(invariant: Invariant, what: string, entries: readonly Entry[]): void {
    this.#findings.violate(invariant, what, entries.map(evidenceOf));
  }
}

/** Two uses of one key that may not change places. */
export function inOrder(a: KeyUse, b: KeyUse): boolean {
  return a.mode === 'exclusive' || b.mode === 'exclusive' || a.mode !== b.mode;
}

function record(
  found: GroupReplay,
  readings: readonly (readonly [string, Json])[],
  origin: Pick<Version, 'copied'> = {},
): void {
  for (const [key, value] of readings) {
    const versions = found.versions.get(key) ?? [];
    found.versions.set(key, versions);
    versions.push({ index: found.applied.length, value, ...origin });
  }
}

function ofGroup(group: string, operations: readonly IndexedModelOperation[]): readonly IndexedModelOperation[] {
  return operations.filter(({ operation }) => operation.group === group);
}

function operationsIn(group: string, operations: readonly IndexedModelOperation[]): readonly ModelOperation[] {
  return ofGroup(group, operations).map(({ operation }) => operation);
}
