/**
 * From a client's request to its answer: admission, attempts, conclusion. A
 * transaction gets a new attempt only when the one before is decided abort
 * because a member left the view unheard, and there is time left; so at most
 * one number of an id commits.
 */
import { assert } from '../base/assert.ts';
import { attemptNumber } from '../base/ids.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { NO_MEMBERS } from '../base/no-members.ts';
import { abortedAnswer, committedAnswer, everyoneIn } from './answers.ts';
import type { CoordinatorAttempt } from './attempt.ts';
import { stepCoordinator } from './coordinator-attempts.ts';
import type { CoordinatorEvent, CoordinatorMachine } from './coordinator-attempts.ts';
import type {
  AdmittedTransaction,
  AttemptRow,
  CoordinatorSettings,
  CoordinatorTables,
  RunningTransaction,
} from './coordinator-tables.ts';
import { NO_VOTES } from './coordinator-voting.ts';
import type { IndexedResult, NodeName, Reason, Site } from './messages.ts';
import type { StepBuilder } from './node-step.ts';
import type { StoredOutcome } from './outcomes.ts';
import { planAttempt } from './plan.ts';
import { forced } from './records.ts';
import type { Append, Cost } from './records.ts';
import { membersOf } from './views.ts';

/** More open attempts than this are refused as busy: their memory and their locks have a bound. */
export const OPEN_ATTEMPTS_MAX = 10_000;

/** A client waits this much longer than its transaction may take, then is told `unknown`. */
export const UNKNOWN_AFTER_MS = 1_000;

/** What a transaction needs from the node around it. */
export interface TransactionContext {
  readonly settings: CoordinatorSettings;
  readonly tables: CoordinatorTables;
  readonly nowMs: number;
  /** An attempt was closed: a barrier may be waiting for it. */
  readonly closed: (row: AttemptRow, out: StepBuilder) => void;
  /** A member is needed that has no link: it may have to leave the view. */
  readonly needed: (name: NodeName, out: StepBuilder) => void;
}

/** Admits a request: the stored answer, a place in the queue of waiters, a refusal, or a first attempt. */
export function admit(
  context: TransactionContext,
  request: string,
  asked: AdmittedTransaction,
  out: StepBuilder,
): void {
  const { outcomes, running, open } = context.tables;
  const known = outcomes.get(asked.id) ?? running.get(asked.id);
  if (known !== undefined) {
    if (known.hash !== asked.hash) {
      out.answers.push({
        request,
        refused: 'id-reused',
        detail: `The id ${asked.id} was used before with another body.`,
      });
    } else if ('body' in known) {
      out.answers.push({ request, status: 200, body: known.body });
    } else {
      known.waiters.push(request);
      out.timerOn(`answer:${asked.id}`, Math.max(0, known.deadlineAtMs - context.nowMs) + UNKNOWN_AFTER_MS);
    }
    return;
  }
  const admitted = outcomes.admits(asked.id);
  if (admitted !== 'yes') {
    out.answers.push({ request, refused: admitted, detail: `The id ${asked.id} is not kept here and is not run.` });
    return;
  }
  if (open.size >= OPEN_ATTEMPTS_MAX) {
    out.answers.push({ request, refused: 'busy', detail: `${open.size} transactions are open here.` });
    return;
  }
  const transaction: RunningTransaction = {
    id: asked.id,
    hash: asked.hash,
    admitted: asked,
    startedAtMs: context.nowMs,
    deadlineAtMs: context.nowMs + asked.timeoutMs,
    waiters: [request],
    attempts: [],
    forcedWrites: 0,
    messages: 0,
  };
  running.set(asked.id, transaction);
  out.timerOn(`answer:${asked.id}`, asked.timeoutMs + UNKNOWN_AFTER_MS);
  startAttempt(context, transaction, asked, out);
}

/** A new attempt with the participants of the current views. */
function startAttempt(
  context: TransactionContext,
  transaction: RunningTransaction,
  admitted: AdmittedTransaction,
  out: StepBuilder,
): void {
  const { settings, tables, nowMs } = context;
  const plan = planAttempt(admitted.operations, membersOf(tables.views), (name) => isRegistered(tables, name));
  const { incarnation, epoch } = settings;
  const number = attemptNumber({ incarnation, epoch, sequence: ++tables.sequence });
  const site = (name: NodeName): Site => ({ name, address: tables.peers.get(name)?.address ?? '' });
  const onePhase = plan.listed.length === 1 && plan.readers.length === 0;
  const attempt: CoordinatorAttempt = {
    number,
    id: admitted.id,
    hash: admitted.hash,
    // What readers answer is in no record, and here the records under a decision are the decision.
    protocol: admitted.protocol === 'parallel' && plan.readers.length > 0 ? '2pc' : admitted.protocol,
    self: settings.self,
    participants: plan.listed.map(site),
    readers: plan.readers.map(site),
    operations: plan.operations,
    groups: plan.groups,
    operationCount: admitted.operations.length,
    voteWithinMs: Math.max(1, transaction.deadlineAtMs - nowMs),
    onePhase,
    timings: settings.timings,
  };
  transaction.attempts.push(number);
  writeDown(context, out);
  const row: AttemptRow = { attempt, transaction, machine: firstMachine(attempt), sentAtMs: nowMs };
  tables.open.set(number, row);
  stepRow(context, row, { type: 'begin' }, out);
  for (const name of [...plan.listed, ...plan.readers]) {
    if (!isRegistered(tables, name)) context.needed(name, out);
  }
}

/** Decisions that are implied ride in the sync of the next `begin`: written between two, each would cost one more. */
function writeDown(context: TransactionContext, out: StepBuilder): void {
  if (context.tables.unwritten.size === 0) return;
  for (const row of [...context.tables.unwritten]) stepRow(context, row, { type: 'write-down' }, out);
}

function firstMachine(attempt: CoordinatorAttempt): CoordinatorMachine {
  if (attempt.onePhase) return { kind: 'one-phase', state: { phase: 'working', asking: false } };
  return { kind: attempt.protocol, state: NO_VOTES };
}

/** One event into one open attempt, and what follows for its transaction. */
export function stepRow(context: TransactionContext, row: AttemptRow, event: CoordinatorEvent, out: StepBuilder): void {
  const { attempt, transaction } = row;
  const before = row.machine.state;
  const { machine, step } = stepCoordinator(attempt, row.machine, event);
  row.machine = machine;
  transaction.messages += step.send.length;
  for (const { force } of step.records) if (force) transaction.forcedWrites += 1;
  const after = machine.state;
  if (after.phase === before.phase) {
    out.take(attempt.number, attempt.id, step);
    return;
  }
  const cost = costOf(context, transaction);
  const decides = step.records.some(({ record }) => record.type === 'commit');
  out.take(
    attempt.number,
    attempt.id,
    decides ? { ...step, records: step.records.map((append) => withCost(append, cost)) } : step,
  );
  if (after.phase === 'ended' || after.phase === 'aborted') context.tables.open.delete(attempt.number);
  if (after.phase === 'decided') context.tables.unwritten.add(row);
  else if (before.phase === 'decided') context.tables.unwritten.delete(row);
  if (after.phase === 'ended') keepEnded(context.tables, attempt.number, after.left);
  if (after.phase === 'aborted') {
    concludeAborted(context, row, after.reason, after.mayRetry, out);
  } else if (isCommitted(after) && !isCommitted(before)) {
    concludeCommitted(context, row, after.results, cost, out);
  }
  if (after.phase === 'ended' || after.phase === 'aborted') context.closed(row, out);
}

/** The client may be told `committed`; in `parallel` before the record of the decision, which is implied then. */
function isCommitted(
  state: CoordinatorMachine['state'],
): state is Extract<CoordinatorMachine['state'], { readonly phase: 'decided' | 'committed' | 'ended' }> {
  return state.phase === 'decided' || state.phase === 'committed' || state.phase === 'ended';
}

/** Its vote is still waited for. */
export function isUnheard({ machine }: AttemptRow, name: NodeName): boolean {
  return machine.kind !== 'one-phase' && machine.state.phase === 'working' && !Object.hasOwn(machine.state.votes, name);
}

/** Remembers for a while that a number ended committed, and for as long as needed whom a view change answered for. */
function keepEnded(tables: CoordinatorTables, number: AttemptNumber, left: readonly NodeName[]): void {
  if (left.length > 0) tables.owed.set(number, left);
  tables.rememberCommitted(number);
}

/** The answer rides with the decision: it waits for the same sync (2PC), or rests on a quorum's records (3PC). */
function concludeCommitted(
  context: TransactionContext,
  { attempt, transaction }: AttemptRow,
  results: readonly IndexedResult[],
  cost: Cost,
  out: StepBuilder,
): void {
  const basis = { cost, ...attempt, participants: everyoneIn(attempt.groups) };
  conclude(context, transaction, committedAnswer(basis, results), out);
}

/** Tries again with the new view, or makes the no as durable as a yes and tells it. */
function concludeAborted(
  context: TransactionContext,
  { attempt, transaction }: AttemptRow,
  reason: Reason,
  mayRetry: boolean,
  out: StepBuilder,
): void {
  const { admitted } = transaction;
  transaction.lastReason = reason;
  if (mayRetry && admitted !== undefined && context.nowMs < transaction.deadlineAtMs) {
    startAttempt(context, transaction, admitted, out);
    return;
  }
  transaction.forcedWrites += 1;
  const { number, id, hash, protocol } = attempt;
  const cost = costOf(context, transaction);
  const participants = everyoneIn(attempt.groups);
  const operations = attempt.operationCount;
  out.records.push(forced({ type: 'answer', number, id, hash, protocol, reason, participants, operations, cost }));
  conclude(
    context,
    transaction,
    abortedAnswer({ number, id, hash, protocol, participants, cost }, reason, operations),
    out,
  );
}

function conclude(
  context: TransactionContext,
  transaction: RunningTransaction,
  outcome: StoredOutcome,
  out: StepBuilder,
): void {
  const { outcomes, running } = context.tables;
  assert(running.has(transaction.id), 'a transaction is concluded once');
  running.delete(transaction.id);
  outcomes.add(outcome);
  out.timerOff(`answer:${transaction.id}`);
  for (const request of transaction.waiters) out.answers.push({ request, status: 200, body: outcome.body });
}

/** Waited long enough: unknown, ask again with the id. The transaction goes on. */
export function answerUnknown(tables: CoordinatorTables, id: string, out: StepBuilder): void {
  const transaction = tables.running.get(id);
  if (transaction === undefined) return;
  const number = transaction.attempts.at(-1) ?? '';
  for (const request of transaction.waiters) {
    out.answers.push({ request, status: 202, body: { id, number, outcome: 'unknown' } });
  }
  transaction.waiters = [];
}

function costOf(context: TransactionContext, transaction: RunningTransaction): Cost {
  const { forcedWrites, messages, startedAtMs } = transaction;
  return { forcedWrites, messages, ms: Math.max(0, Math.round(context.nowMs - startedAtMs)) };
}

function withCost(append: Append, cost: Cost): Append {
  return append.record.type === 'commit' ? { ...append, record: { ...NO_MEMBERS, ...append.record, cost } } : append;
}

function isRegistered(tables: CoordinatorTables, name: NodeName): boolean {
  return tables.peers.get(name)?.registered ?? false;
}
