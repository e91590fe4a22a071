/**
 * One row per open attempt at the coordinator: which machine runs it, and how a
 * message becomes an event of that machine. An event that a machine has no
 * column for is none of its business and changes nothing.
 */
import { assertNever } from '../base/assert.ts';
import { stay } from './attempt.ts';
import type { CoordinatorAttempt, Step } from './attempt.ts';
import { COORDINATOR_2PC, stepCoordinator2pc } from './coordinator-2pc.ts';
import type { Coordinator2pc, Coordinator2pcEvent } from './coordinator-2pc.ts';
import { COORDINATOR_3PC, stepCoordinator3pc } from './coordinator-3pc.ts';
import type { Coordinator3pc, Coordinator3pcEvent } from './coordinator-3pc.ts';
import { COORDINATOR_ONE_PHASE, stepCoordinatorOnePhase } from './coordinator-one-phase.ts';
import type { CoordinatorOnePhase, CoordinatorOnePhaseEvent } from './coordinator-one-phase.ts';
import { COORDINATOR_PARALLEL, stepCoordinatorParallel } from './coordinator-parallel.ts';
import type { CoordinatorParallel, CoordinatorParallelEvent } from './coordinator-parallel.ts';
import type { Message, NodeName } from './messages.ts';
import { siteEventOf } from './site-3pc.ts';
import { stepTextbookCoordinator, TEXTBOOK_COORDINATOR } from './textbook-3pc-coordinator.ts';
import type { TextbookCoordinator, TextbookCoordinatorEvent } from './textbook-3pc-coordinator.ts';

/** Any machine of the coordinator with its state. */
export type CoordinatorMachine =
  | { readonly kind: '2pc'; readonly state: Coordinator2pc }
  | { readonly kind: '3pc'; readonly state: Coordinator3pc }
  | { readonly kind: 'parallel'; readonly state: CoordinatorParallel }
  | { readonly kind: '3pc-textbook'; readonly state: TextbookCoordinator }
  | { readonly kind: 'one-phase'; readonly state: CoordinatorOnePhase };

/** An event of any of the machines. */
export type CoordinatorEvent =
  | Coordinator2pcEvent
  | Coordinator3pcEvent
  | CoordinatorOnePhaseEvent
  | CoordinatorParallelEvent
  | TextbookCoordinatorEvent;

/** One event into whichever machine runs the attempt. */
export function stepCoordinator(
  attempt: CoordinatorAttempt,
  machine: CoordinatorMachine,
  event: CoordinatorEvent,
): { readonly machine: CoordinatorMachine; readonly step: Step<CoordinatorMachine['state']> } {
  switch (machine.kind) {
    case '2pc': {
      const step = isOf<Coordinator2pcEvent>(COORDINATOR_2PC.working, event)
        ? stepCoordinator2pc(attempt, machine.state, event)
        : stay(machine.state);
      return { machine: { kind: '2pc', state: step.state }, step };
    }
    case '3pc': {
      const step = isOf<Coordinator3pcEvent>(COORDINATOR_3PC.working, event)
        ? stepCoordinator3pc(attempt, machine.state, event)
        : stay(machine.state);
      return { machine: { kind: '3pc', state: step.state }, step };
    }
    case 'parallel': {
      const step = isOf<CoordinatorParallelEvent>(COORDINATOR_PARALLEL.working, event)
        ? stepCoordinatorParallel(attempt, machine.state, event)
        : stay(machine.state);
      return { machine: { kind: 'parallel', state: step.state }, step };
    }
    case '3pc-textbook': {
      const step = isOf<TextbookCoordinatorEvent>(TEXTBOOK_COORDINATOR.working, event)
        ? stepTextbookCoordinator(attempt, machine.state, event)
        : stay(machine.state);
      return { machine: { kind: '3pc-textbook', state: step.state }, step };
    }
    case 'one-phase': {
      const step = isOf<CoordinatorOnePhaseEvent>(COORDINATOR_ONE_PHASE.working, event)
        ? stepCoordinatorOnePhase(attempt, machine.state, event)
        : stay(machine.state);
      return { machine: { kind: 'one-phase', state: step.state }, step };
    }
    default:
      return assertNever(machine, 'machine');
  }
}

/** A machine takes the events its transition table has columns for. */
function isOf<Event extends { readonly type: string }>(
  columns: Readonly<Record<Event['type'], unknown>>,
  event: { readonly type: string },
): event is Event {
  return Object.hasOwn(columns, event.type);
}

/** The event that a message is to an open attempt; undefined when it says nothing to a coordinator. */
export function coordinatorEventOf(from: NodeName, message: Message, onePhase: boolean): CoordinatorEvent | undefined {
  switch (message.type) {
    case 'vote':
      return voteEvent(from, message);
    case 'acknowledge':
    case 'inquire':
      return { type: message.type, from };
    case 'outcome':
      return outcomeEvent(message, onePhase);
    case 'commit':
    case 'abort':
      return { type: message.type };
    default:
      return siteEventOf(from, message);
  }
}

function voteEvent(from: NodeName, message: Extract<Message, { type: 'vote' }>): CoordinatorEvent {
  const { vote, results = [], hashes = {} } = message;
  if (vote !== 'no') return { type: 'vote', from, vote: { vote, results, hashes } };
  const reason = message.reason ?? { code: 'voted-no', detail: `${from} voted no.` };
  return { type: 'vote', from, vote: { vote: 'no', reason } };
}

function outcomeEvent(message: Extract<Message, { type: 'outcome' }>, onePhase: boolean): CoordinatorEvent | undefined {
  const { outcome, results = [] } = message;
  const reason = message.reason ?? { code: 'terminated', detail: 'The participant aborted.' };
  if (outcome === 'unknown') return undefined;
  if (onePhase) return outcome === 'committed' ? { type: 'told-committed', results } : { type: 'told-aborted', reason };
  return outcome === 'committed' ? { type: 'commit' } : { type: 'abort', reason };
}
