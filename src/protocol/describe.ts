/**
 * What a step does, in lines that a person reads: one for the state, one for
 * every record, message, work and timer. The console, the trace, the checker
 * and the transcripts of test/testdata/protocol print the same words, so a line
 * seen in one can be looked for in the others. Pure; nothing is decided here.
 *
 *   state prepared, promised 0, attempted 0
 *   force prepared
 *   send C vote yes (once synced)
 *   timer elect in 1250 ms + 0..500 ms
 */
import { assertNever } from '../base/assert.ts';
import { leavesAtOnce } from './messages.ts';
import type { Message, NodeName, Reason, Round } from './messages.ts';
import type { Append, ProtocolRecord } from './records.ts';
import type { Outgoing, Step, TimerChange, Work } from './attempt.ts';

/** A state of any machine, as far as it is printed. */
interface PrintableState {
  readonly phase: string;
  readonly votes?: Readonly<Record<NodeName, { readonly vote: string }>>;
  readonly waiting?: readonly NodeName[];
  readonly left?: readonly NodeName[];
  readonly asking?: boolean;
  readonly reason?: Reason;
  readonly lastElected?: Round;
  readonly lastAttempt?: Round;
  readonly leading?: {
    readonly stage: string;
    readonly round: Round;
    readonly kind?: string;
    readonly accepted?: readonly NodeName[];
    readonly replies?: Readonly<Record<NodeName, { readonly state: string; readonly lastAttempt: Round }>>;
  };
}

/** Everything a step gives back, one line each: state, records, work, messages, timers, alarm. */
export function describeStep(step: Step<PrintableState>): readonly string[] {
  return [
    describeState(step.state),
    ...step.records.map(describeAppend),
    ...step.work.map(describeWork),
    ...step.send.map(describeOutgoing),
    ...step.timers.map(describeTimer),
    ...(step.alarm === undefined ? [] : [`alarm ${step.alarm}`]),
  ];
}

/** `round 2.P1`, the counter and who leads it; `0` before every round. */
export function describeRound(round: Round): string {
  return round.counter === 0 ? '0' : `${round.counter}.${round.site}`;
}

/** The phase, and what the machine keeps beside it. */
export function describeState(state: PrintableState): string {
  const parts = [`state ${state.phase}`];
  const { votes, waiting = [], left = [], lastElected, lastAttempt, leading, reason } = state;
  if (votes !== undefined) {
    const given = Object.entries(votes).map(([name, { vote }]) => `${name} ${vote}`);
    parts.push(given.length === 0 ? 'no votes' : `votes ${given.join(' ')}`);
  }
  if (state.asking) parts.push('asking');
  if (lastElected !== undefined) parts.push(`promised ${describeRound(lastElected)}`);
  if (lastAttempt !== undefined) parts.push(`attempted ${describeRound(lastAttempt)}`);
  if (leading !== undefined) parts.push(describeLeading(leading));
  if (waiting.length > 0) parts.push(`waiting for ${waiting.join(' ')}`);
  if (left.length > 0) parts.push(`left ${left.join(' ')}`);
  if (reason !== undefined) parts.push(`reason ${reason.code}`);
  return parts.join(', ');
}

function describeLeading({ stage, round, kind, accepted, replies }: NonNullable<PrintableState['leading']>): string {
  const which = describeRound(round);
  if (stage === 'electing') {
    const reports = Object.entries(replies ?? {}).map(
      ([name, { state, lastAttempt }]) => `${name} ${state} ${describeRound(lastAttempt)}`,
    );
    return `electing ${which} (${reports.join(', ')})`;
  }
  return `leading ${which} to ${kind} (accepted by ${(accepted ?? []).join(' ')})`;
}

/** `force prepared` or `write begin`: a written record is synced with whatever is synced next. */
export function describeAppend({ record, force }: Append): string {
  return `${force ? 'force' : 'write'} ${describeRecord(record)}`;
}

/** A record, without the number it is of. */
export function describeRecord(record: ProtocolRecord): string {
  switch (record.type) {
    case 'begin':
      return `begin ${record.id} ${record.protocol}${record.onePhase ? ' one-phase' : ''}`;
    case 'precommitted':
    case 'preaborted':
    case 'promised':
      return `${record.type} ${describeRound(record.round)}`;
    case 'abort':
    case 'answer':
    case 'aborted':
      return `${record.type} (${record.reason.code})`;
    case 'end':
      return record.left === undefined ? 'end' : `end, left ${record.left.join(' ')}`;
    case 'view':
      return `view ${record.group} ${record.version}: ${record.members.join(' ')} (${record.why})`;
    case 'copied':
      return `copied ${record.group} ${record.part}${record.parts === undefined ? '' : `/${record.parts}`}`;
    case 'superseded':
      return `superseded ${record.group}`;
    case 'start':
      return `start ${record.name} ${record.role} ${record.incarnation}`;
    case 'peer':
      return `peer ${record.name} ${record.incarnation}`;
    case 'coordinator':
      return `coordinator ${record.name} ${record.incarnation} epoch ${record.epoch}`;
    case 'low-water':
      return `low-water ${record.number}`;
    case 'commit':
    case 'committed':
    case 'prepared':
      return record.type;
    default:
      return assertNever(record, 'record');
  }
}

/** `send P1 commit (once synced)`. */
export function describeOutgoing({ to, message }: Outgoing): string {
  return `send ${to} ${describeMessage(message)} (${leavesAtOnce(message) ? 'at once' : 'once synced'})`;
}

/** A message, without the number it is about. */
export function describeMessage(message: Message): string {
  switch (message.type) {
    case 'prepare':
      return `prepare ${message.id} ${message.protocol}${message.onePhase ? ' one-phase' : ''}`;
    case 'vote':
      return `vote ${message.vote}${because(message.reason)}`;
    case 'precommit':
    case 'preabort':
    case 'precommitted':
    case 'preaborted':
    case 'state-request':
      return `${message.type} ${describeRound(message.round)}`;
    case 'refused':
      return `refused ${describeRound(message.round)}, promised ${describeRound(message.lastElected)}`;
    case 'state':
      return `state ${describeRound(message.round)} ${message.state}, attempted ${describeRound(message.lastAttempt)}`;
    case 'commit':
    case 'abort':
      return message.round === undefined ? message.type : `${message.type} ${describeRound(message.round)}`;
    case 'outcome':
      return `outcome ${message.outcome}${because(message.reason)}`;
    case 'acknowledge':
    case 'inquire':
      return message.type;
    case 'register':
      return `register ${message.name} ${message.incarnation} epoch ${message.epoch}`;
    case 'welcome':
      return `welcome ${message.name} ${message.incarnation} epoch ${message.epoch}${because(message.refusal)}`;
    case 'low-water':
      return `low-water ${message.number}`;
    case 'join':
      return `join ${message.group} from ${message.source.name}`;
    case 'barrier':
      return `barrier ${message.group} ${message.attempt}`;
    case 'joined':
      return `joined ${message.group} ${message.attempt} ${message.stage}`;
    default:
      return assertNever(message, 'message');
  }
}

/** What the resources are asked to do. */
export function describeWork(work: Work): string {
  switch (work.type) {
    case 'prepare':
      return `work prepare ${work.operations.length} ${work.operations.length === 1 ? 'operation' : 'operations'}`;
    case 'commit':
      return `work commit ${work.effects.length} ${work.effects.length === 1 ? 'effect' : 'effects'}`;
    case 'give-up':
    case 'abort':
      return `work ${work.type}`;
    default:
      return assertNever(work, 'work');
  }
}

/** `timer vote in 6000 ms`, with the random part that the host adds. */
export function describeTimer(change: TimerChange): string {
  if (change.set === 'off') return `timer ${change.timer} off`;
  const jitter = change.jitterMs > 0 ? ` + 0..${change.jitterMs} ms` : '';
  return `timer ${change.timer} in ${change.afterMs} ms${jitter}`;
}

function because(reason: Reason | undefined): string {
  return reason === undefined ? '' : ` (${reason.code})`;
}
