/**
 * A participant's attempts from its log. Evidence in rows, cases in columns:
 *
 *                                @A  @B  @C  @D  @E  @F  @G
 *   prepared                      0   -   -   1   1   1   1
 *   protocol is 3pc               -   -   -   0   1   1   1
 *   newest of precommitted,       -   -   -   -  none pre- pre-
 *     preaborted                                     com. ab.
 *   committed                     0   0   1   0   0   0   0
 *   aborted                       0   1   0   0   0   0   0
 *   ──────────────────────────────────────────────────────────
 *   phase                   (no row) ab. com. prep. prep. precom. preab.
 *
 *   @A     Only promised nothing: as if never heard of; free to abort.
 *   @B, @C A decision is final.
 *   @D, @E In doubt: locks and holds are taken again before the node listens, then it asks.
 *   @F, @G The same, bound by the last accepted round (3PC).
 *   Committed and aborted together cannot happen (AC1), and is asserted.
 *
 * A checkpoint is a shorter log: `participantRecords` gives records that lead
 * here to the same rows.
 */
import { assert } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import type { ParticipantAttempt, Prepared } from './attempt.ts';
import { fittingCase } from './decision-table.ts';
import type { DecisionCase } from './decision-table.ts';
import type { ParticipantMachine, UnsafeRule } from './participant-attempts.ts';
import type { ParticipantNode, ParticipantRow, ParticipantSettings } from './participant-node.ts';
import { compareRounds, ROUND_ZERO } from './quorum.ts';
import { unheardAttempt } from './participant-attempts.ts';
import type {
  AbortedRecord,
  AttemptedRecord,
  CommittedRecord,
  CopiedRecord,
  GroupEffect,
  PreparedRecord,
  PromisedRecord,
  ProtocolRecord,
  SupersededRecord,
} from './records.ts';
import type { Round } from './messages.ts';
import type { Json } from '../base/canonical-json.ts';

/** What the log says of one number. */
interface Evidence {
  prepared?: PreparedRecord;
  attempted?: AttemptedRecord;
  lastElected: Round;
  committed?: CommittedRecord;
  aborted?: AbortedRecord;
  superseded: string[];
}

/** What the log does to the resources, in log order. */
export interface ResourceReplay {
  readonly committed: (number: AttemptNumber, id: string, effects: readonly GroupEffect[]) => void;
  readonly copied: (group: string, lines: readonly Json[]) => void;
}

/** Folds records into a node's rows. Feed it every record in order, then finish. */
export class ParticipantRecovery {
  private readonly evidence = new Map<AttemptNumber, Evidence>();
  private readonly copying = new Map<string, Json[]>();
  private readonly node: ParticipantNode;
  private readonly replay: ResourceReplay;

  constructor(node: ParticipantNode, replay: ResourceReplay) {
    this.node = node;
    this.replay = replay;
  }

  /** One record of the checkpoint or the log. */
  apply(record: ProtocolRecord): void {
    switch (record.type) {
      case 'prepared':
        this.of(record.number).prepared = record;
        return;
      case 'precommitted':
      case 'preaborted':
        return this.attempted(record);
      case 'promised':
        return this.promised(record);
      case 'committed':
        return this.committed(record);
      case 'aborted':
        this.of(record.number).aborted = record;
        return;
      case 'superseded':
        return this.superseded(record);
      case 'copied':
        return this.copied(record);
      case 'coordinator': {
        const { name, incarnation, epoch, start, addresses } = record;
        this.node.coordinator = { name, incarnation, epoch, start, addresses };
        this.node.lowWater = record.lowWater;
        return;
      }
      case 'low-water':
        this.node.lowWater = record.number;
        this.node.coordinatorSeen = Object.values(record.peers ?? {})[0] ?? this.node.coordinatorSeen;
        return;
      default:
        return;
    }
  }

  /** Puts the recovered rows into the node, and takes locks and holds of what is in doubt through `restore`. */
  finish(restore: (attempt: ParticipantAttempt, effects: readonly GroupEffect[]) => void): void {
    for (const [number, found] of this.evidence) {
      const row = recoveredRow(number, found, this.node.settings, this.node.coordinator?.name ?? '');
      if (row === undefined) continue;
      this.node.rows.set(number, row);
      if (found.prepared === undefined || found.committed !== undefined || found.aborted !== undefined) continue;
      // A copy freed the locks of what it replaced, and others may have taken them since.
      const isKept = (group: string): boolean => !found.superseded.includes(group);
      const operations = row.attempt.operations.filter(({ operation }) => isKept(operation.group));
      const effects = found.prepared.effects.filter(({ group }) => isKept(group));
      restore({ ...row.attempt, operations }, effects);
    }
    this.node.forget();
  }

  private of(number: AttemptNumber): Evidence {
    const known = this.evidence.get(number);
    if (known !== undefined) return known;
    const fresh: Evidence = { lastElected: ROUND_ZERO, superseded: [] };
    this.evidence.set(number, fresh);
    return fresh;
  }

  private attempted(record: AttemptedRecord): void {
    const found = this.of(record.number);
    found.attempted = record;
    found.lastElected = higher(found.lastElected, record.round);
  }

  private promised(record: PromisedRecord): void {
    const found = this.of(record.number);
    found.lastElected = higher(found.lastElected, record.round);
  }

  private committed(record: CommittedRecord): void {
    const found = this.of(record.number);
    found.committed = record;
    const effects = record.effects ?? found.prepared?.effects ?? [];
    const left = effects.filter(({ group }) => !found.superseded.includes(group));
    this.replay.committed(record.number, record.id ?? found.prepared?.id ?? '', left);
  }

  private superseded(record: SupersededRecord): void {
    this.of(record.number).superseded.push(record.group);
  }

  /** A copy counts only when its last part is there: a crash between parts leaves the old state, outside the view. */
  private copied({ group, part, parts, lines }: CopiedRecord): void {
    const gathered = part === 1 ? [] : (this.copying.get(group) ?? []);
    gathered.push(...lines);
    this.copying.set(group, gathered);
    if (part < parts) return;
    this.copying.delete(group);
    this.replay.copied(group, gathered);
  }
}

function higher(a: Round, b: Round): Round {
  return compareRounds(a, b) >= 0 ? a : b;
}

function recoveredRow(
  number: AttemptNumber,
  found: Evidence,
  settings: ParticipantSettings,
  coordinator: string,
): ParticipantRow | undefined {
  const { prepared, committed, superseded } = found;
  const attempt =
    prepared === undefined
      ? {
          ...unheardAttempt(settings.self.name, number, { name: coordinator, address: '' }, settings.timings),
          // Committed with results and no yes before it: the only participant decided by itself. A checkpoint keeps
          // no yes of what is committed, but results of one-phase only.
          onePhase: committed?.results !== undefined,
          id: committed?.id ?? '',
        }
      : attemptFrom(prepared, settings);
  const machine = recoveredMachine(found, settings.unsafe);
  return machine === undefined ? undefined : { attempt, machine, superseded };
}

/** The table of the header, as data. */
// prettier-ignore
export const PARTICIPANT_RECOVERY = [
  { label: '@A', prepared: false, committed: false, aborted: false, becomes: 'unheard' },
  { label: '@B', committed: false, aborted: true, becomes: 'aborted' },
  { label: '@C', committed: true, aborted: false, becomes: 'committed' },
  { label: '@D', prepared: true, threePhase: false, committed: false, aborted: false, becomes: 'asking' },
  { label: '@E', prepared: true, threePhase: true, precommitted: false, preaborted: false, committed: false, aborted: false, becomes: 'prepared' },
  { label: '@F', prepared: true, threePhase: true, precommitted: true, committed: false, aborted: false, becomes: 'precommitted' },
  { label: '@G', prepared: true, threePhase: true, preaborted: true, committed: false, aborted: false, becomes: 'preaborted' },
] as const satisfies readonly DecisionCase<ParticipantFact, { readonly becomes: string }>[];

type ParticipantFact = 'prepared' | 'threePhase' | 'precommitted' | 'preaborted' | 'committed' | 'aborted';
type ParticipantFate = { readonly becomes: (typeof PARTICIPANT_RECOVERY)[number]['becomes'] };

function recoveredMachine(found: Evidence, unsafe: UnsafeRule | undefined): ParticipantMachine | undefined {
  const { prepared, attempted, lastElected, committed, aborted } = found;
  const threePhase = prepared?.protocol === '3pc' || prepared?.protocol === '3pc-textbook';
  const kind = threePhase ? prepared.protocol : '2pc';
  const { becomes } = fittingCase<ParticipantFact, ParticipantFate>(PARTICIPANT_RECOVERY, {
    prepared: prepared !== undefined,
    threePhase,
    precommitted: attempted?.type === 'precommitted',
    preaborted: attempted?.type === 'preaborted',
    committed: committed !== undefined,
    aborted: aborted !== undefined,
  });
  if (becomes === 'aborted' && aborted !== undefined) {
    return { kind, state: { phase: 'aborted', reason: aborted.reason, durable: true } };
  }
  if (becomes === 'committed') {
    const results = committed?.results;
    return { kind, state: results === undefined ? { phase: 'committed' } : { phase: 'committed', results } };
  }
  if (becomes === 'unheard' || becomes === 'aborted' || prepared === undefined) return undefined;
  const promise: Prepared = { effects: prepared.effects, results: prepared.results, hashes: prepared.hashes };
  if (becomes === 'asking') {
    const asking = { phase: 'prepared', prepared: promise } as const;
    return { kind: unsafe === undefined ? '2pc' : 'roll-back', state: asking };
  }
  const lastAttempt = attempted?.round ?? ROUND_ZERO;
  const counterSeen = Math.max(1, lastElected.counter);
  const site = { prepared: promise, lastElected, lastAttempt, counterSeen };
  if (kind === '3pc-textbook') {
    assert(becomes !== 'preaborted', 'the textbook has no preabort');
    return { kind, state: { phase: becomes, ...site, recovered: true } };
  }
  return { kind: '3pc', state: { phase: becomes, ...site } };
}

function attemptFrom(record: PreparedRecord, settings: ParticipantSettings): ParticipantAttempt {
  const { number, id, protocol, coordinator, participants, operations } = record;
  return {
    number,
    id,
    protocol,
    self: settings.self.name,
    coordinator,
    participants,
    operations,
    voteWithinMs: 0,
    onePhase: false,
    timings: settings.timings,
  };
}

/** Records that recover to the same node: the protocol's part of a checkpoint. Resources keep their own. */
export function participantRecords(node: ParticipantNode): ProtocolRecord[] {
  const records: ProtocolRecord[] = [];
  const { coordinator, coordinatorSeen: seen, lowWater } = node;
  if (coordinator !== undefined && lowWater !== undefined) {
    const peers = seen === undefined ? {} : { peers: { [coordinator.name]: seen } };
    records.push({ type: 'coordinator', ...coordinator, lowWater }, { type: 'low-water', number: lowWater, ...peers });
  }
  for (const [number, row] of node.rows) records.push(...rowRecords(number, row));
  return records;
}

function rowRecords(number: AttemptNumber, { attempt, machine, superseded }: ParticipantRow): ProtocolRecord[] {
  const { state } = machine;
  const { id, protocol, coordinator, participants, operations } = attempt;
  switch (state.phase) {
    case 'committed': {
      // The effect is in the resources' part; without it the replay applies nothing a second time.
      const told = state.results === undefined ? {} : { results: state.results };
      return [{ type: 'committed', number, id, effects: [], ...told }];
    }
    case 'aborted':
      return [{ type: 'aborted', number, reason: state.reason }];
    case 'prepared':
    case 'precommitted':
    case 'preaborted': {
      const records: ProtocolRecord[] = [
        { type: 'prepared', number, id, protocol, coordinator, participants, operations, ...state.prepared },
      ];
      if ('lastElected' in state) {
        if (state.phase !== 'prepared') records.push({ type: state.phase, number, round: state.lastAttempt });
        records.push({ type: 'promised', number, round: state.lastElected });
      }
      return [...records, ...superseded.map((group) => ({ type: 'superseded', number, group }) as const)];
    }
    default:
      return [];
  }
}
