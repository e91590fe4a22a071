import { expect } from 'chai';
import { AssertionFailed } from '../../src/base/assert.ts';
import { COORDINATOR_2PC, stepCoordinator2pc } from '../../src/protocol/coordinator-2pc.ts';
import { COORDINATOR_3PC, stepCoordinator3pc } from '../../src/protocol/coordinator-3pc.ts';
import type { Coordinator3pc, Coordinator3pcEvent } from '../../src/protocol/coordinator-3pc.ts';
import { COORDINATOR_ONE_PHASE, stepCoordinatorOnePhase } from '../../src/protocol/coordinator-one-phase.ts';
import type { CoordinatorOnePhase, CoordinatorOnePhaseEvent } from '../../src/protocol/coordinator-one-phase.ts';
import { COORDINATOR_PARALLEL, stepCoordinatorParallel } from '../../src/protocol/coordinator-parallel.ts';
import { PARTICIPANT_2PC, stepParticipant2pc } from '../../src/protocol/participant-2pc.ts';
import type { Participant2pc, Participant2pcEvent } from '../../src/protocol/participant-2pc.ts';
import { PARTICIPANT_3PC, stepParticipant3pc } from '../../src/protocol/participant-3pc.ts';
import type { Participant3pc, Participant3pcEvent } from '../../src/protocol/participant-3pc.ts';
import { coordinatorAttempt, participantAttempt, PREPARED, round } from './attempts.ts';
import {
  COORDINATOR_2PC_EVENTS,
  COORDINATOR_2PC_STATES,
  COORDINATOR_3PC_EVENTS,
  coordinator3pcStates,
  COORDINATOR_PARALLEL_EVENTS,
  COORDINATOR_PARALLEL_STATES,
  ONE_PHASE_EVENTS,
  ONE_PHASE_STATES,
  PARTICIPANT_2PC_STATES,
  PARTICIPANT_3PC_EVENTS,
  participant3pcStates,
  VOTING_EVENTS,
} from './machine-cases.ts';
import { NOTHING_FOUND, walkTable } from './table-walk.ts';
import type { Start } from './table-walk.ts';

/** A participant is listed, a reader, or alone with a decision that was handed to it. */
const PARTICIPANT_KINDS = [{}, { listed: ['P2', 'P3'] }, { listed: ['P1'], onePhase: true }];

describe('The transition tables', () => {
  it('of a participant of 2PC say exactly what the machine does', () => {
    const starts = PARTICIPANT_KINDS.map((kind) => participantAttempt(kind)).flatMap((attempt) =>
      PARTICIPANT_2PC_STATES.map((state): Start<Participant2pc, Participant2pcEvent> => ({
        state,
        step: (before, event) => stepParticipant2pc(attempt, before, event),
      })),
    );
    expect(walkTable(PARTICIPANT_2PC, starts, VOTING_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('of a participant of 3PC say exactly what the machine does', () => {
    const starts = PARTICIPANT_KINDS.flatMap((kind) => {
      const attempt = participantAttempt({ protocol: '3pc', ...kind });
      // Who only reads, or decides alone, is never in doubt.
      const neverInDoubt = Object.keys(kind).length > 0;
      return participant3pcStates()
        .filter((state) => !(neverInDoubt && 'lastElected' in state))
        .map((state): Start<Participant3pc, Participant3pcEvent> => ({
          state,
          step: (before, event) => stepParticipant3pc(attempt, before, event),
        }));
    });
    expect(walkTable(PARTICIPANT_3PC, starts, PARTICIPANT_3PC_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('of a coordinator of 2PC say exactly what the machine does', () => {
    const attempt = coordinatorAttempt({});
    const readers = coordinatorAttempt({ listed: [], readers: ['P1', 'P2'] });
    const starts = [attempt, readers].flatMap((one) =>
      COORDINATOR_2PC_STATES.map((state) => ({
        state,
        step: (before: typeof state, event: (typeof COORDINATOR_2PC_EVENTS)[number]) =>
          stepCoordinator2pc(one, before, event),
      })),
    );
    expect(walkTable(COORDINATOR_2PC, starts, COORDINATOR_2PC_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('of a coordinator of parallel commit say exactly what the machine does', () => {
    const attempt = coordinatorAttempt({ protocol: 'parallel' });
    const starts = COORDINATOR_PARALLEL_STATES.map((state) => ({
      state,
      step: (before: typeof state, event: (typeof COORDINATOR_PARALLEL_EVENTS)[number]) =>
        stepCoordinatorParallel(attempt, before, event),
    }));
    expect(walkTable(COORDINATOR_PARALLEL, starts, COORDINATOR_PARALLEL_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('of a coordinator of 3PC say exactly what the machine does', () => {
    // Beside the usual two: one listed participant and a reader, where the coordinator alone is a quorum; and readers only.
    const kinds = [
      { listed: ['P1', 'P2'], readers: [] },
      { listed: ['P1'], readers: ['P2'] },
      { listed: [], readers: ['P1', 'P2'] },
    ];
    const starts = kinds.flatMap(({ listed, readers }) => {
      const attempt = coordinatorAttempt({ protocol: '3pc', listed, readers });
      return coordinator3pcStates(listed).map((state): Start<Coordinator3pc, Coordinator3pcEvent> => ({
        state,
        step: (before, event) => stepCoordinator3pc(attempt, before, event),
      }));
    });
    expect(walkTable(COORDINATOR_3PC, starts, COORDINATOR_3PC_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('of a coordinator of one phase say exactly what the machine does', () => {
    const attempt = coordinatorAttempt({ listed: ['P1'] });
    const starts = ONE_PHASE_STATES.map((state): Start<CoordinatorOnePhase, CoordinatorOnePhaseEvent> => ({
      state,
      step: (before, event) => stepCoordinatorOnePhase(attempt, before, event),
    }));
    expect(walkTable(COORDINATOR_ONE_PHASE, starts, ONE_PHASE_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('have no cell for a proposal that completes after its leader accepted the other kind: no run gets there', () => {
    const crossed = {
      phase: 'precommitted',
      lastElected: round(3, 'C'),
      lastAttempt: round(3, 'C'),
      counterSeen: 3,
      leading: { stage: 'proposing', round: round(2, 'P1'), kind: 'preabort', accepted: ['P1'] },
      prepared: PREPARED,
    } as const;
    const attempt = participantAttempt({ protocol: '3pc' });
    const event = { type: 'preaborted', from: 'P2', round: round(2, 'P1') } as const;
    expect(() => stepParticipant3pc(attempt, crossed, event)).to.throw(AssertionFailed, 'precommitted does not go to');
  });
});
