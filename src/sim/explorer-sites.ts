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
 */
import { AssertionFailed } from '../base/assert.ts';
import type { CoordinatorAttempt, Outgoing, Step } from '../protocol/attempt.ts';
import type { CoordinatorEvent, CoordinatorMachine } from '../protocol/coordinator-attempts.ts';
import { answerClosed } from '../protocol/coordinator-closed.ts';
import { NO_VOTES } from '../protocol/coordinator-voting.ts';
import { describeState, describeStep } from '../protocol/describe.ts';
import type { Message, NodeName } from '../protocol/messages.ts';
import { StepBuilder } from '../protocol/node-step.ts';
import { isQuestion, unheardAttempt } from '../protocol/participant-attempts.ts';
import type { ParticipantEvent, ParticipantMachine } from '../protocol/participant-attempts.ts';
import type { ProtocolRecord } from '../protocol/records.ts';
import { attemptAt, emptyTables, placesOf, recoveredRun } from './explorer-machines.ts';
import type { ExplorerMachines, ParticipantRun } from './explorer-machines.ts';

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
}

/** What can happen to a site. */
export type SiteInput =
  | { readonly type: 'message'; readonly from: NodeName; readonly message: Message }
  | { readonly type: 'coordinator-event'; readonly event: CoordinatorEvent }
  | { readonly type: 'participant-event'; readonly event: ParticipantEvent }
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
    return input.type === 'restart' ? restart(setting, site, input.kept) : act(setting, site, input);
  } catch (error) {
    if (!(error instanceof AssertionFailed)) throw error;
    return { site, send: [], lines: [error.message], fault: `${site.name}: ${error.message}` };
  }
}

type Act = Exclude<SiteInput, { readonly type: 'restart' }>;

function act(setting: Setting, site: SiteState, input: Act): SiteStep {
  const { running } = site;
  if (running.role === 'coordinator') {
    const { machine } = running;
    if (machine === undefined) return input.type === 'message' ? closed(setting, site, input) : idle(site);
    const event = coordinatorInput(setting, input);
    if (event === undefined) return idle(site);
    const { machine: after, step } = setting.machines.coordinator(setting.attempt, machine, event);
    return took(site, unlessOver(after), step);
  }
  const run = input.type === 'message' ? opened(setting, site, running.run, input.message) : running.run;
  const event = participantInput(setting, input);
  if (run === undefined || event === undefined) return idle(site);
  const { machine, step } = setting.machines.participant(run.attempt, run.machine, event);
  // The node drops the row of a vote that was read-only.
  const after = machine.state.phase === 'read' ? undefined : { attempt: run.attempt, machine };
  return took(site, { role: 'participant', run: after }, step);
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

function took(before: SiteState, running: Running, step: Step<{ readonly phase: string }>): SiteStep {
  const records = step.records.map(({ record }) => record);
  const forces = step.records.some(({ force }) => force);
  const { synced, written } = before;
  const site: SiteState = forces
    ? { ...before, running, synced: [...synced, ...written, ...records], written: [] }
    : { ...before, running, written: [...written, ...records] };
  const done = { site, send: step.send, lines: describeStep(step) };
  return step.alarm === undefined ? done : { ...done, fault: `${before.name}: ${step.alarm}` };
}

function restart(setting: Setting, site: SiteState, kept: number): SiteStep {
  const { attempt, machines } = setting;
  const { name, running, written } = site;
  const synced = [...site.synced, ...written.slice(0, kept)];
  const after: Running =
    running.role === 'coordinator'
      ? { role: 'coordinator', machine: machines.recoverCoordinator(attempt, synced) }
      : { role: 'participant', run: recoveredRun(setting, name, synced) };
  return { site: { name, running: after, synced, written: [] }, send: [], lines: [`comes back ${phaseOf(after)}`] };
}

/** What a site may do by itself, restarts included. */
export function ownInputs(setting: Setting, site: SiteState): readonly SiteInput[] {
  const inputs: SiteInput[] = Array.from({ length: site.written.length + 1 }, (_, kept) => ({ type: 'restart', kept }));
  const { running } = site;
  if (running.role === 'coordinator') {
    const events = running.machine === undefined ? [] : coordinatorEvents(setting, running.machine);
    return [...inputs, ...events.map((event) => ({ type: 'coordinator-event', event }) as const)];
  }
  const events = running.run === undefined ? [] : participantEvents(setting, running.run);
  return [...inputs, ...events.map((event) => ({ type: 'participant-event', event }) as const)];
}

function coordinatorEvents(
  { attempt, roundsMax }: Setting,
  { state }: CoordinatorMachine,
): readonly CoordinatorEvent[] {
  const resends = placesOf(attempt)
    .slice(1)
    .map((to) => ({ type: 'resend', to }) as const);
  if (state.phase === 'working') return [{ type: 'vote-timeout' }, ...resends];
  const isBound = state.phase === 'precommitted' || state.phase === 'preaborted';
  const mayRing = isBound && !('counterSeen' in state && state.counterSeen >= roundsMax);
  return mayRing ? [{ type: 'timeout' }, ...resends] : resends;
}

function participantEvents({ roundsMax }: Setting, { machine }: ParticipantRun): readonly ParticipantEvent[] {
  const { state } = machine;
  switch (state.phase) {
    case 'working':
      return [
        { type: 'resource-yes', prepared: { effects: [], results: [], hashes: { g: 'same' } } },
        { type: 'resource-no', reason: { code: 'voted-no', detail: 'no' } },
      ];
    case 'prepared':
    case 'precommitted':
    case 'preaborted':
      return beginsRound(machine) && 'counterSeen' in state && state.counterSeen >= roundsMax
        ? []
        : [{ type: 'timeout' }];
    default:
      return [];
  }
}

/** The timer of a site that leads a round of the textbook ends it; every other begins one. */
function beginsRound({ kind, state }: ParticipantMachine): boolean {
  return kind !== '3pc-textbook' || !('leading' in state) || 'recovered' in state;
}

/** What the timers of a site do in a run without faults, and its resources: they can commit. */
export function faultFreeInputs(setting: Setting, site: SiteState): readonly SiteInput[] {
  const inputs = ownInputs({ ...setting, roundsMax: Number.POSITIVE_INFINITY }, site);
  return inputs.filter(
    (input) =>
      input.type === 'coordinator-event' || (input.type === 'participant-event' && input.event.type !== 'resource-no'),
  );
}

/** The phase, or `closed` or `unheard` where no machine runs. */
export function phaseOf(running: Running): string {
  if (running.role === 'coordinator') return running.machine?.state.phase ?? 'closed';
  return running.run?.machine.state.phase ?? 'unheard';
}

/** A site in one line: where it stands, and what it has written but not synced. */
export function outlineOf({ name, running, written }: SiteState): string {
  const state = running.role === 'coordinator' ? running.machine?.state : running.run?.machine.state;
  const shown = state === undefined ? phaseOf(running) : describeState(state);
  return [`${name} ${shown}`, ...written.map(({ type }) => type)].join(' + ');
}

/** Voted yes, knows no decision; of the coordinator: bound by its own precommit. */
export function isInDoubt(running: Running): boolean {
  return ['prepared', 'precommitted', 'preaborted'].includes(phaseOf(running));
}

/** The decision this site has made or taken so far, on which others may act. */
export function decisionAt({ running, synced, written }: SiteState): 'commit' | 'abort' | undefined {
  const phase = phaseOf(running);
  const has = (records: readonly ProtocolRecord[], type: ProtocolRecord['type']): boolean =>
    records.some((record) => record.type === type);
  if (phase === 'committed') return 'commit';
  if (running.role === 'coordinator') {
    if (phase !== 'closed') return undefined;
    return has([...synced, ...written], 'commit') ? 'commit' : 'abort';
  }
  if (phase !== 'aborted') return undefined;
  // A no that nobody relies on yet may still be lost with its lazy record; after a yes, or once forced, it is final.
  return has([...synced, ...written], 'prepared') || has(synced, 'aborted') ? 'abort' : undefined;
}

/** The participant has said yes on disk, or decided by itself (one-phase). */
export function saidYes({ synced, written }: SiteState): boolean {
  return [...synced, ...written].some(({ type }) => type === 'prepared' || type === 'committed');
}
