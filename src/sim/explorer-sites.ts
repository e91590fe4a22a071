/**
 * One site of the explored world and every step it can take: a message, a vote
 * of its resources, a timer, a crash with restart.
 *
 * The disk. A step that forces a record syncs all that was written before it,
 * and its messages leave behind that sync; so step, sync and sending are one
 * move here. A crash in between needs no move of its own: before the sync
 * nothing but lazy records is lost, which is the crash before the step; after
 * it, unsent messages are messages that were sent and never arrive. Lazy
 * records stay in `written`, and a crash keeps any first part of them.
 *
 * Parallel commit needs more: the messages that leave beside a forced `begin`
 * do not wait for it, the client's answer does, and an abort may be taken back
 * until somebody else's record carries it. There, a forced record under messages
 * that leave at once stays in `written` as well, and the sync is a move of its
 * own: it stands for the end of that force, for the forced answer to the client
 * behind an abort, and for any record of another transaction.
 */
import { AssertionFailed } from '../base/assert.ts';
import type { CoordinatorAttempt, Outgoing, Step } from '../protocol/attempt.ts';
import type { CoordinatorEvent, CoordinatorMachine } from '../protocol/coordinator-attempts.ts';
import { answerClosed } from '../protocol/coordinator-closed.ts';
import { NO_VOTES } from '../protocol/coordinator-voting.ts';
import { describeStep } from '../protocol/describe.ts';
import { leavesAtOnce } from '../protocol/messages.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import { StepBuilder } from '../protocol/node-step.ts';
import { isQuestion, unheardAttempt } from '../protocol/participant-attempts.ts';
import type { ParticipantEvent } from '../protocol/participant-attempts.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { attemptAt, emptyTables, placesOf, recoveredRun } from './explorer-machines.ts';
import type { ExplorerMachines, ParticipantRun } from './explorer-machines.ts';
import { isParallel, phaseOf } from './explorer-standing.ts';

/** What runs at a site: nothing (closed, or never heard of), or a machine. */
export type Running =
  /** `ended`: closed after a commit, in this life, so it still knows. */
  | { readonly role: 'coordinator'; readonly machine: CoordinatorMachine | undefined; readonly ended?: true }
  | { readonly role: 'participant'; readonly run: ParticipantRun | undefined };

/** A site: what runs, what is on its disk, what is written and not synced. */
export interface SiteState {
  readonly name: NodeName;
  readonly running: Running;
  readonly synced: readonly ProtocolRecord[];
  readonly written: readonly ProtocolRecord[];
  /** One of those written is forced, so whatever does not leave at once waits for the sync. */
  readonly forcing?: true;
}

/** What can happen to a site. */
export type SiteInput =
  | { readonly type: 'message'; readonly from: NodeName; readonly message: Message }
  | { readonly type: 'coordinator-event'; readonly event: CoordinatorEvent }
  | { readonly type: 'participant-event'; readonly event: ParticipantEvent }
  /** All that is written is synced. */
  | { readonly type: 'sync' }
  /** At the coordinator: a participant has registered on a new link. */
  | { readonly type: 'link'; readonly peer: NodeName }
  /** Crash, and start from the disk with the first `kept` written records beside the synced ones. */
  | { readonly type: 'restart'; readonly kept: number };

/** What a step did. */
export interface SiteStep {
  readonly site: SiteState;
  readonly send: readonly Outgoing[];
  /** For people: what describe.ts says of it. */
  readonly lines: readonly string[];
  /** An alarm or a broken assertion: neither may happen between correct nodes. */
  readonly fault?: string;
}

/** The setting that all sites share. */
export interface Setting {
  readonly attempt: CoordinatorAttempt;
  readonly machines: ExplorerMachines;
  /** Termination rounds have counters up to this. */
  readonly roundsMax: number;
  /** So many termination rounds are begun in one run. */
  readonly electionsMax: number;
  /** False in a test: what was said on links of an earlier life of the coordinator may still be heard. */
  readonly hasLinks?: boolean;
  /** Keeps every message until its receiver is settled, also those that can do nothing any more. */
  readonly keepsAll: boolean;
}

/** The coordinator with its prepares sent, and participants that have heard nothing. */
export function firstSites(setting: Setting): {
  readonly sites: readonly SiteState[];
  readonly send: readonly Outgoing[];
} {
  const { attempt } = setting;
  const coordinator: SiteState = {
    name: attempt.self.name,
    running: { role: 'coordinator', machine: firstMachine(attempt) },
    synced: [],
    written: [],
  };
  const begun = stepSite(setting, coordinator, { type: 'coordinator-event', event: { type: 'begin' } });
  const others = placesOf(attempt).slice(1);
  const participants = others.map((name): SiteState => ({
    name,
    running: { role: 'participant', run: undefined },
    synced: [],
    written: [],
  }));
  return { sites: [begun.site, ...participants], send: begun.send };
}

function firstMachine({ onePhase, protocol }: CoordinatorAttempt): CoordinatorMachine {
  return onePhase
    ? { kind: 'one-phase', state: { phase: 'working', asking: false } }
    : { kind: protocol, state: NO_VOTES };
}

/** One input into one site. */
export function stepSite(setting: Setting, site: SiteState, input: SiteInput): SiteStep {
  try {
    if (input.type === 'restart') return restart(setting, site, input.kept);
    if (input.type === 'sync') return sync(site);
    if (input.type !== 'link') return act(setting, site, input);
    return act(setting, site, { type: 'coordinator-event', event: { type: 'resend', to: input.peer } });
  } catch (error) {
    if (!(error instanceof AssertionFailed)) throw error;
    return { site, send: [], lines: [error.message], fault: `${site.name}: ${error.message}` };
  }
}

type Act = Exclude<SiteInput, { readonly type: 'restart' | 'sync' | 'link' }>;

function act(setting: Setting, site: SiteState, input: Act): SiteStep {
  const { running } = site;
  if (running.role === 'coordinator') {
    const { machine } = running;
    if (machine === undefined) return input.type === 'message' ? closed(setting, site, input) : idle(site);
    const event = coordinatorInput(setting, input);
    if (event === undefined) return idle(site);
    const { machine: after, step } = setting.machines.coordinator(setting.attempt, machine, event);
    return took(setting, site, unlessOver(after), step);
  }
  const run = input.type === 'message' ? opened(setting, site, running.run, input.message) : running.run;
  const event = participantInput(setting, input);
  if (run === undefined || event === undefined) return idle(site);
  const { machine, step } = setting.machines.participant(run.attempt, run.machine, event);
  // The node drops the row of a vote that was read-only.
  const after = machine.state.phase === 'read' ? undefined : { attempt: run.attempt, machine };
  return took(setting, site, { role: 'participant', run: after }, step);
}

/** The node closes an attempt that is over. */
function unlessOver(machine: CoordinatorMachine): Running {
  if (machine.state.phase === 'ended') return { role: 'coordinator', machine: undefined, ended: true };
  return { role: 'coordinator', machine: machine.state.phase === 'aborted' ? undefined : machine };
}

function coordinatorInput({ attempt, machines }: Setting, input: Act): CoordinatorEvent | undefined {
  if (input.type === 'message') return machines.coordinatorEvent(input.from, input.message, attempt.onePhase);
  return input.type === 'coordinator-event' ? input.event : undefined;
}

function participantInput({ machines }: Setting, input: Act): ParticipantEvent | undefined {
  if (input.type === 'message') return machines.participantEvent(input.from, input.message);
  return input.type === 'participant-event' ? input.event : undefined;
}

/** The row that a message finds or opens, as participant-node.ts does. */
function opened(
  { attempt, machines }: Setting,
  { name }: SiteState,
  run: ParticipantRun | undefined,
  message: Message,
): ParticipantRun | undefined {
  const known = attemptAt(name, attempt);
  if (message.type === 'prepare') {
    if (run === undefined) return { attempt: known, machine: machines.firstParticipant(known) };
    return run.attempt.id === '' ? { ...run, attempt: known } : run;
  }
  if (run !== undefined || !(isQuestion(message) || message.type === 'abort')) return run;
  const unheard = unheardAttempt(name, attempt.number, attempt.self, attempt.timings);
  return { attempt: unheard, machine: machines.firstParticipant(unheard) };
}

function closed({ attempt }: Setting, site: SiteState, { from, message }: Extract<Act, { type: 'message' }>): SiteStep {
  if (!('number' in message)) return idle(site);
  const out = new StepBuilder();
  const context = emptyTables(attempt);
  if ('ended' in site.running) context.tables.rememberCommitted(attempt.number);
  answerClosed(context, from, message, out);
  return { site, send: out.send, lines: out.send.map(({ to, message: { type } }) => `closed: send ${to} ${type}`) };
}

function idle(site: SiteState): SiteStep {
  return { site, send: [], lines: [] };
}

function took(setting: Setting, before: SiteState, running: Running, step: Step<{ readonly phase: string }>): SiteStep {
  const records = step.records.map(({ record }) => record);
  const forces = step.records.some(({ force }) => force);
  const waits = !isParallel(setting.attempt) || step.send.some(({ message }) => !leavesAtOnce(message));
  const site: SiteState = { ...before, running, written: [...before.written, ...records] };
  const after = forces && waits ? synced(site) : forces ? { ...site, forcing: true as const } : site;
  const done = { site: after, send: step.send, lines: describeStep(step) };
  return step.alarm === undefined ? done : { ...done, fault: `${before.name}: ${step.alarm}` };
}

function sync(site: SiteState): SiteStep {
  return { site: synced(site), send: [], lines: [`synced ${site.written.map(({ type }) => type).join(', ')}`] };
}

function synced({ name, running, synced: before, written }: SiteState): SiteState {
  return { name, running, synced: [...before, ...written], written: [] };
}

function restart(setting: Setting, site: SiteState, kept: number): SiteStep {
  const { attempt, machines } = setting;
  const { name, running, written } = site;
  const disk = [...site.synced, ...written.slice(0, kept)];
  const after: Running =
    running.role === 'coordinator'
      ? { role: 'coordinator', machine: machines.recoverCoordinator(attempt, disk) }
      : { role: 'participant', run: recoveredRun(setting, name, disk) };
  return {
    site: { name, running: after, synced: disk, written: [] },
    send: [],
    lines: [`comes back ${phaseOf(after)}`],
  };
}
