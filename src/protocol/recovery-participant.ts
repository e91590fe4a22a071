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
 * A checkpoint is a shorter log: participant-records.ts gives records that lead
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
  /** A part of a copy, in order; the last one says so (endsCopy). */
  readonly copied: (record: CopiedRecord) => void;
}

/** Folds records into a node's rows. Feed it every record in order, then finish. */
export class ParticipantRecovery {
  private readonly evidence = new Map<AttemptNumber, Evidence>();
  private over: ParticipantAttempt | undefined;
  /** Keeps the place of a number until the log says what became of it. */
  private readonly unread: ParticipantRow;
  private readonly node: ParticipantNode;
  private readonly replay: ResourceReplay;

  constructor(node: ParticipantNode, replay: ResourceReplay) {
    this.node = node;
    this.replay = replay;
    const { self, timings } = node.settings;
    const attempt = unheardAttempt(self.name, '', { name: '', address: '' }, timings);
    this.unread = { attempt, machine: { kind: '2pc', state: { phase: 'initial' } }, superseded: [] };
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
        return this.aborted(record);
      case 'superseded':
        return this.superseded(record);
      case 'copied':
        return this.replay.copied(record);
      case 'coordinator': {
        const { name, incarnation, epoch, start, addresses } = record;
        this.node.coordinator = { name, incarnation, epoch, start, addresses };
        this.node.lowWater = record.lowWater;
        return;
      }
      case 'low-water':
        this.node.lowWater = record.number;
        this.node.coordinatorSeen = Object.values(record.peers ?? {})[0] ?? this.node.coordinatorSeen;
        this.node.forget();
        return;
      default:
        return;
    }
  }

  /** Puts the recovered rows into the node, and takes locks and holds of what is in doubt through `restore`. */
  finish(restore: (attempt: ParticipantAttempt, effects: readonly GroupEffect[]) => void): void {
    const { settings } = this.node;
    for (const [number, found] of this.evidence) {
      const machine = recoveredMachine(found, settings.unsafe);
      const { prepared, superseded } = found;
      if (machine === undefined || prepared === undefined) {
        if (this.node.rows.get(number) === this.unread) this.node.rows.delete(number);
        continue;
      }
      const row = { attempt: attemptFrom(prepared, settings), machine, superseded };
      this.node.rows.set(number, row);
      // A copy freed the locks of what it replaced, and others may have taken them since.
      const isKept = (group: string): boolean => !superseded.includes(group);
      const operations = row.attempt.operations.filter(({ operation }) => isKept(operation.group));
      const effects = prepared.effects.filter(({ group }) => isKept(group));
      restore({ ...row.attempt, operations }, effects);
    }
    this.evidence.clear();
    this.node.forget();
  }

  private of(number: AttemptNumber): Evidence {
    const known = this.evidence.get(number);
    if (known !== undefined) return known;
    const fresh: Evidence = { lastElected: ROUND_ZERO, superseded: [] };
    this.evidence.set(number, fresh);
    // Its place among the rows is that of its first record, as it was before the restart.
    if (!this.node.rows.has(number)) this.node.rows.set(number, this.unread);
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
    // The text of the number that the rows keep, not a second one.
    const number = found.prepared?.number ?? record.number;
    this.replay.committed(number, record.id ?? found.prepared?.id ?? '', left);
    this.decided(number, found);
  }

  private aborted(record: AbortedRecord): void {
    const found = this.of(record.number);
    found.aborted = record;
    this.decided(record.number, found);
  }

  /**
   * A decision is final, so what led to it goes at once: a log may be long, and what is undecided at its end is
   * little. What is kept of it is what a checkpoint keeps, with the id and the protocol.
   */
  private decided(number: AttemptNumber, found: Evidence): void {
    const { rows, settings } = this.node;
    const row = rows.get(number);
    const machine = recoveredMachine(found, settings.unsafe);
    assert(machine !== undefined, `a decision of ${number} says what it is now`);
    this.evidence.delete(number);
    const isFirst = row === undefined || row === this.unread;
    assert(isFirst || row.machine.state.phase === machine.state.phase, `${number} has one decision`);
    if (isFirst) rows.set(number, { attempt: this.overAttempt(number, found), machine, superseded: [] });
  }

  private overAttempt(number: AttemptNumber, { prepared, committed }: Evidence): ParticipantAttempt {
    const { self } = this.node.settings;
    const coordinator = prepared?.coordinator.name ?? this.node.coordinator?.name ?? '';
    // One after the other they differ in little, and share the rest.
    if (this.over?.coordinator.name !== coordinator) {
      this.over = unheardAttempt(self.name, number, { name: coordinator, address: '' }, this.node.settings.timings);
    }
    const id = prepared?.id ?? committed?.id ?? '';
    // Committed with results and no yes before it: the only participant decided by itself. A checkpoint keeps no yes
    // of what is committed, but results of one-phase only.
    const onePhase = prepared === undefined && committed?.results !== undefined;
    return { ...this.over, number, id, protocol: prepared?.protocol ?? this.over.protocol, onePhase };
  }

  private superseded(record: SupersededRecord): void {
    this.of(record.number).superseded.push(record.group);
  }
}

function higher(a: Round, b: Round): Round {
  return compareRounds(a, b) >= 0 ? a : b;
}

/** Committed, and nothing more to tell: one object for all that ended so. */
const COMMITTED = {
  '2pc': { kind: '2pc', state: { phase: 'committed' } },
  '3pc': { kind: '3pc', state: { phase: 'committed' } },
  '3pc-textbook': { kind: '3pc-textbook', state: { phase: 'committed' } },
} as const satisfies Readonly<Record<string, ParticipantMachine>>;

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
    return results === undefined ? COMMITTED[kind] : { kind, state: { phase: 'committed', results } };
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
