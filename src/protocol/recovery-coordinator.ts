/**
 * A coordinator's tables from its log. Evidence in rows, cases in columns:
 *
 *                                  @A  @B  @C  @D  @E  @F  @G
 *   begin                           1   1   1   -   -   1   1
 *   one-phase                       0   1   -   -   -   0   0
 *   parallel                        0   -   -   -   -   0   1
 *   precommitted or preaborted      0   0   -   -   -   1   0
 *   commit                          0   0   1   -   0   0   0
 *   abort                           0   0   0   0   1   0   0
 *   end                             0   0   0   1   -   0   0
 *   ────────────────────────────────────────────────────────────
 *   what it is now            aborted ask tell over over bound asking all
 *
 *   @A  No decision on disk: presumed abort. Its votes are never collected again.
 *   @B  One-phase: the participant decided, or will promise abort when asked.
 *   @C  Committed: told again until everyone has acknowledged.
 *   @D, @E  Over; only the answer is kept.
 *   @F  3PC: bound like every site; decides nothing alone (clauses 3 and 8).
 *   @G  Parallel: decided if all of them voted yes, so each is asked; no record does not mean abort.
 *   Commit and abort together cannot happen (AC1), and is asserted.
 *
 * A checkpoint is a shorter log: `coordinatorRecords` gives records that lead
 * here to the same tables.
 */
import { assert } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { abortedAnswer, committedAnswer, everyoneIn } from './answers.ts';
import { namesOf } from './attempt.ts';
import type { CoordinatorAttempt } from './attempt.ts';
import { fittingCase } from './decision-table.ts';
import type { DecisionCase } from './decision-table.ts';
import type { CoordinatorMachine } from './coordinator-attempts.ts';
import type { AttemptRow, CoordinatorSettings, CoordinatorTables } from './coordinator-tables.ts';
import type { IndexedResult, LogSeen, Round } from './messages.ts';
import { compareRounds, ROUND_ZERO } from './quorum.ts';
import type {
  AnswerRecord,
  AttemptedRecord,
  BeginRecord,
  CommitRecord,
  EndRecord,
  PeerRecord,
  ProtocolRecord,
  ViewRecord,
} from './records.ts';

/** What the log says of one number. */
interface Evidence {
  begin?: BeginRecord;
  attempted?: AttemptedRecord;
  lastElected: Round;
  /** From the coordinator's own precommit; a later preabort record has none, and commit may still win. */
  results: readonly IndexedResult[];
  commit?: CommitRecord;
}

/** Folds records into a coordinator's tables. Feed it every record in order, then finish. */
export class CoordinatorRecovery {
  private readonly evidence = new Map<AttemptNumber, Evidence>();
  private readonly tables: CoordinatorTables;
  private readonly settings: CoordinatorSettings;

  constructor(settings: CoordinatorSettings, tables: CoordinatorTables) {
    this.settings = settings;
    this.tables = tables;
  }

  /** One record of the checkpoint or the log. */
  apply(record: ProtocolRecord): void {
    switch (record.type) {
      case 'begin':
        this.of(record.number).begin = record;
        return;
      case 'precommitted':
      case 'preaborted': {
        const found = this.of(record.number);
        found.attempted = record;
        found.results = record.results ?? found.results;
        found.lastElected = higher(found.lastElected, record.round);
        return;
      }
      case 'promised': {
        const found = this.of(record.number);
        found.lastElected = higher(found.lastElected, record.round);
        return;
      }
      case 'commit':
        this.of(record.number).commit = record;
        this.keepCommitted(record);
        return;
      case 'abort':
        assert(this.evidence.get(record.number)?.commit === undefined, `${record.number} has one decision`);
        this.evidence.delete(record.number);
        return;
      case 'answer':
        return this.keepAborted(record);
      case 'end':
        return this.ended(record);
      case 'view':
        return this.view(record);
      case 'peer':
        return this.peer(record);
      case 'low-water':
        for (const [name, seen] of Object.entries(record.peers ?? {})) this.durable(name, seen);
        return;
      default:
        return;
    }
  }

  /** Opens what is not over. `nowMs` is monotonic. */
  finish(nowMs: number): void {
    for (const name of [...this.tables.views.values()].flatMap(({ members }) => members)) {
      if (!this.tables.peers.has(name)) this.tables.expect(name, '');
    }
    for (const [number, found] of this.evidence) {
      const machine = recoveredMachine(found);
      if (machine === undefined || found.begin === undefined) continue;
      const attempt = attemptFrom(found.begin, this.settings);
      this.tables.open.set(number, openRow(attempt, machine, nowMs));
      const row = this.tables.open.get(number);
      if (row !== undefined && machine.state.phase !== 'committed')
        this.tables.running.set(attempt.id, row.transaction);
    }
  }

  private of(number: AttemptNumber): Evidence {
    const known = this.evidence.get(number);
    if (known !== undefined) return known;
    const fresh: Evidence = { lastElected: ROUND_ZERO, results: [] };
    this.evidence.set(number, fresh);
    return fresh;
  }

  private keepCommitted({ number, results, cost }: CommitRecord): void {
    const begin = this.evidence.get(number)?.begin;
    assert(begin !== undefined, `the log has begin before commit of ${number}`);
    const { id, hash, protocol, groups } = begin;
    this.tables.outcomes.add(
      committedAnswer({ id, hash, number, protocol, participants: everyoneIn(groups), cost }, results),
    );
  }

  private keepAborted(record: AnswerRecord): void {
    this.tables.outcomes.add(abortedAnswer(record, record.reason, record.operations));
  }

  private ended({ number, left }: EndRecord): void {
    this.evidence.delete(number);
    if (left === undefined) this.tables.owed.delete(number);
    else this.tables.owed.set(number, left);
  }

  private view({ group, version, members }: ViewRecord): void {
    if (!this.tables.views.has(group)) return;
    this.tables.views.set(group, { version, members });
    this.tables.recordedViews.add(group);
  }

  private peer({ name, incarnation, epoch, start, address }: PeerRecord): void {
    // One that is configured no more may still be in a view.
    const peer = this.tables.peers.get(name) ?? this.tables.expect(name, address);
    if (peer.incarnation !== incarnation) peer.durableSeq = 0;
    Object.assign(peer, { incarnation, epoch, start, address });
  }

  private durable(name: string, { incarnation, epoch, start, seq }: LogSeen): void {
    const peer = this.tables.peers.get(name);
    if (peer === undefined || peer.incarnation !== incarnation) return;
    peer.durableSeq = Math.max(peer.durableSeq, seq);
    Object.assign(peer, { epoch, start });
  }
}

function higher(a: Round, b: Round): Round {
  return compareRounds(a, b) >= 0 ? a : b;
}

/** What becomes of a number that was neither aborted nor ended; the table of the header, as data. */
// prettier-ignore
export const COORDINATOR_RECOVERY = [
  { label: '@A', begin: true, onePhase: false, parallel: false, bound: false, committed: false, becomes: 'forgotten' },
  { label: '@B', begin: true, onePhase: true, committed: false, becomes: 'asked' },
  { label: '@C', begin: true, onePhase: false, committed: true, owed: true, becomes: 'told' },
  { label: '@D one-phase', begin: true, onePhase: true, committed: true, becomes: 'forgotten' },
  { label: '@D read-only', begin: true, onePhase: false, committed: true, owed: false, becomes: 'forgotten' },
  { label: '@E', begin: false, becomes: 'forgotten' },
  { label: '@F', begin: true, onePhase: false, parallel: false, bound: true, committed: false, becomes: 'bound' },
  { label: '@G', begin: true, onePhase: false, parallel: true, committed: false, becomes: 'asking' },
] as const satisfies readonly DecisionCase<CoordinatorFact, { readonly becomes: string }>[];

type CoordinatorFact = 'begin' | 'onePhase' | 'parallel' | 'bound' | 'committed' | 'owed';
type CoordinatorFate = { readonly becomes: (typeof COORDINATOR_RECOVERY)[number]['becomes'] };

function recoveredMachine(found: Evidence): CoordinatorMachine | undefined {
  const { begin, attempted, lastElected, results, commit } = found;
  const waiting = namesOf(begin?.participants ?? []);
  const { becomes } = fittingCase<CoordinatorFact, CoordinatorFate>(COORDINATOR_RECOVERY, {
    begin: begin !== undefined,
    onePhase: begin?.onePhase ?? false,
    parallel: begin?.protocol === 'parallel',
    bound: attempted !== undefined,
    committed: commit !== undefined,
    owed: waiting.length > 0,
  });
  if (becomes === 'asking') return { kind: 'parallel', state: { phase: 'asking', votes: {}, left: [] } };
  if (becomes === 'asked') return { kind: 'one-phase', state: { phase: 'working', asking: true } };
  if (becomes === 'told' && begin !== undefined && commit !== undefined) {
    return { kind: begin.protocol, state: { phase: 'committed', results: commit.results, waiting, left: [] } };
  }
  if (becomes !== 'bound' || attempted === undefined) return undefined;
  const { type: phase, round: lastAttempt } = attempted;
  if (begin?.protocol === '3pc-textbook') {
    assert(phase === 'precommitted', 'the textbook has no preabort');
    const recovered = { accepted: [], lastElected, lastAttempt, recovered: true } as const;
    return { kind: '3pc-textbook', state: { phase, results, left: [], ...recovered } };
  }
  const counterSeen = Math.max(1, lastElected.counter);
  return { kind: '3pc', state: { phase, lastElected, lastAttempt, counterSeen, results, left: [] } };
}

function openRow(attempt: CoordinatorAttempt, machine: CoordinatorMachine, nowMs: number): AttemptRow {
  const { id, hash, number } = attempt;
  const transaction = {
    id,
    hash,
    startedAtMs: nowMs,
    deadlineAtMs: nowMs,
    waiters: [],
    attempts: [number],
    forcedWrites: 0,
    messages: 0,
  };
  return { attempt, machine, transaction, sentAtMs: nowMs };
}

function attemptFrom(begin: BeginRecord, settings: CoordinatorSettings): CoordinatorAttempt {
  const { number, id, hash, protocol, participants, groups, operations } = begin;
  return {
    number,
    id,
    hash,
    protocol,
    self: settings.self,
    participants,
    readers: [],
    operations: {},
    groups,
    operationCount: operations,
    voteWithinMs: settings.timings.voteTimeoutMs,
    onePhase: begin.onePhase ?? false,
    timings: settings.timings,
  };
}

/** Records that recover to the same open attempts, views and peers; outcomes are kept beside them as data. */
export function coordinatorRecords(tables: CoordinatorTables): ProtocolRecord[] {
  const records: ProtocolRecord[] = [];
  const peers: Record<string, LogSeen> = {};
  for (const { name, incarnation, address, epoch, start, durableSeq: seq } of tables.peers.values()) {
    if (incarnation === undefined) continue;
    records.push({ type: 'peer', name, incarnation, epoch, start, address });
    peers[name] = { incarnation, epoch, start, seq };
  }
  for (const [group, { version, members }] of tables.views) {
    records.push({ type: 'view', group, version, members, why: 'checkpoint' });
  }
  for (const [number, left] of tables.owed) records.push({ type: 'end', number, left });
  for (const row of tables.open.values()) records.push(...rowRecords(row));
  const [oldest] = tables.open.keys();
  if (Object.keys(peers).length > 0) records.push({ type: 'low-water', number: oldest ?? '', peers });
  return records;
}

function rowRecords({ attempt, machine }: AttemptRow): ProtocolRecord[] {
  const { number, id, hash, protocol, participants, groups, operationCount: operations } = attempt;
  const begin: BeginRecord = { type: 'begin', number, id, hash, protocol, participants, groups, operations };
  const { state } = machine;
  switch (state.phase) {
    case 'decided':
    case 'asking':
      return [begin];
    case 'working':
      // Undecided 2PC and 3PC votes are not kept: a restart presumes abort, as without a checkpoint.
      return [machine.kind === 'one-phase' ? { ...begin, onePhase: true } : begin];
    case 'precommitted':
    case 'preaborted': {
      const own = { number, round: state.lastAttempt, results: state.results };
      return [begin, { type: state.phase, ...own }, { type: 'promised', number, round: state.lastElected }];
    }
    case 'committed':
      return [begin, { type: 'commit', number, results: state.results }];
    default:
      return [];
  }
}
