/** Every step of every machine from every constructed state, in one list, for rules that hold of all of them. */
import { stepCoordinator2pc } from '../../src/protocol/coordinator-2pc.ts';
import { stepCoordinator3pc } from '../../src/protocol/coordinator-3pc.ts';
import { stepCoordinatorOnePhase } from '../../src/protocol/coordinator-one-phase.ts';
import { stepParticipant2pc } from '../../src/protocol/participant-2pc.ts';
import { stepParticipant3pc } from '../../src/protocol/participant-3pc.ts';
import type { Step } from '../../src/protocol/attempt.ts';
import type { Round } from '../../src/protocol/messages.ts';
import type { Leading } from '../../src/protocol/site-3pc.ts';
import { coordinatorAttempt, participantAttempt } from './attempts.ts';
import {
  COORDINATOR_2PC_EVENTS,
  COORDINATOR_2PC_STATES,
  COORDINATOR_3PC_EVENTS,
  coordinator3pcStates,
  ONE_PHASE_EVENTS,
  ONE_PHASE_STATES,
  PARTICIPANT_2PC_STATES,
  PARTICIPANT_3PC_EVENTS,
  participant3pcStates,
  VOTING_EVENTS,
} from './machine-cases.ts';

/** A state, as far as the rules look at it. */
export interface AnyState {
  readonly phase: string;
  readonly durable?: boolean;
  readonly lastElected?: Round;
  readonly lastAttempt?: Round;
  readonly leading?: Leading;
}

export interface AnyEvent {
  readonly type: string;
  readonly from?: string;
  readonly round?: Round;
}

/** One step, and the same event once more after it. */
export interface WalkedStep {
  readonly machine: 'participant' | 'coordinator' | 'one-phase coordinator' | 'one-phase participant';
  readonly before: AnyState;
  readonly event: AnyEvent;
  readonly step: Step<AnyState>;
  readonly again: Step<AnyState>;
}

/** Combinations that break an assertion are no steps; tables.test.ts says which those are. */
function* walk<State extends AnyState, Event extends AnyEvent>(
  machine: WalkedStep['machine'],
  states: readonly State[],
  events: readonly Event[],
  run: (state: State, event: Event) => Step<State>,
): Generator<WalkedStep> {
  for (const before of states) {
    for (const event of events) {
      const step = run(before, event);
      yield { machine, before, event, step, again: run(step.state, event) };
    }
  }
}

/** All of them: about 60,000. */
export function* everyStep(): Generator<WalkedStep> {
  for (const listed of [['P1', 'P2'], ['P2']]) {
    const attempt = participantAttempt({ listed });
    yield* walk('participant', PARTICIPANT_2PC_STATES, VOTING_EVENTS, (state, event) =>
      stepParticipant2pc(attempt, state, event),
    );
  }
  const alone = participantAttempt({ listed: ['P1'], onePhase: true });
  const decidedAlone = PARTICIPANT_2PC_STATES.filter(({ phase }) => phase !== 'prepared');
  yield* walk('one-phase participant', decidedAlone, VOTING_EVENTS, (state, event) =>
    stepParticipant2pc(alone, state, event),
  );
  const participant = participantAttempt({ protocol: '3pc' });
  yield* walk('participant', participant3pcStates(), PARTICIPANT_3PC_EVENTS, (state, event) =>
    stepParticipant3pc(participant, state, event),
  );
  const coordinator2pc = coordinatorAttempt({});
  yield* walk('coordinator', COORDINATOR_2PC_STATES, COORDINATOR_2PC_EVENTS, (state, event) =>
    stepCoordinator2pc(coordinator2pc, state, event),
  );
  const coordinator3pc = coordinatorAttempt({ protocol: '3pc' });
  yield* walk('coordinator', coordinator3pcStates(['P1', 'P2']), COORDINATOR_3PC_EVENTS, (state, event) =>
    stepCoordinator3pc(coordinator3pc, state, event),
  );
  yield* onePhaseSteps();
}

function onePhaseSteps(): Generator<WalkedStep> {
  const attempt = coordinatorAttempt({ listed: ['P1'] });
  return walk('one-phase coordinator', ONE_PHASE_STATES, ONE_PHASE_EVENTS, (state, event) =>
    stepCoordinatorOnePhase(attempt, state, event),
  );
}
