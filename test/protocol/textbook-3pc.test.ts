import { expect } from 'chai';
import type { CoordinatorAttempt, ParticipantAttempt, Step } from '../../src/protocol/attempt.ts';
import { firstParticipantMachine, stepParticipant } from '../../src/protocol/participant-attempts.ts';
import { stepParticipantRollBack, PARTICIPANT_ROLL_BACK } from '../../src/protocol/participant-roll-back.ts';
import type { Participant2pc, Participant2pcEvent } from '../../src/protocol/participant-2pc.ts';
import { ROUND_ZERO } from '../../src/protocol/quorum.ts';
import { stepTextbookCoordinator, TEXTBOOK_COORDINATOR } from '../../src/protocol/textbook-3pc-coordinator.ts';
import type {
  TextbookCoordinator,
  TextbookCoordinatorEvent,
  TextbookPrecommitted,
} from '../../src/protocol/textbook-3pc-coordinator.ts';
import { stepTextbookParticipant, TEXTBOOK_PARTICIPANT } from '../../src/protocol/textbook-3pc-participant.ts';
import type {
  TextbookParticipant,
  TextbookParticipantEvent,
  TextbookUndecided,
} from '../../src/protocol/textbook-3pc-participant.ts';
import { textbookChoice } from '../../src/protocol/textbook-3pc.ts';
import type { SiteReport } from '../../src/protocol/termination.ts';
import { coordinatorAttempt, participantAttempt, PREPARED, round, A_REASON } from './attempts.ts';
import {
  COORDINATOR_2PC_EVENTS,
  COORDINATOR_2PC_STATES,
  DECIDED_STATES,
  PARTICIPANT_2PC_STATES,
  VOTING_EVENTS,
} from './machine-cases.ts';
import { NOTHING_FOUND, walkTable } from './table-walk.ts';
import type { Start } from './table-walk.ts';

const protocol = '3pc-textbook';
const ROUNDS = [round(1, 'C'), round(2, 'P1'), round(2, 'P2'), round(3, 'P1')];

const undecided = (parts: Partial<TextbookUndecided> = {}): TextbookUndecided => ({
  phase: 'prepared',
  prepared: PREPARED,
  lastElected: ROUND_ZERO,
  lastAttempt: ROUND_ZERO,
  counterSeen: 1,
  ...parts,
});

const electing = (phase: 'prepared' | 'precommitted', replies = {}): TextbookUndecided => {
  const lastAttempt = phase === 'prepared' ? ROUND_ZERO : round(1, 'C');
  const own = { P1: { state: phase, lastAttempt } };
  const leading = { stage: 'electing', round: round(2, 'P1'), replies: { ...own, ...replies } } as const;
  return undecided({ phase, lastAttempt, lastElected: round(2, 'P1'), counterSeen: 2, leading });
};

const proposing = undecided({
  phase: 'precommitted',
  lastElected: round(2, 'P1'),
  lastAttempt: round(2, 'P1'),
  counterSeen: 2,
  leading: { stage: 'proposing', round: round(2, 'P1'), kind: 'precommit', accepted: ['P1'], waiting: ['P2'] },
});

const UNDECIDED: readonly TextbookUndecided[] = [
  undecided(),
  undecided({ lastElected: round(2, 'P2'), counterSeen: 2 }),
  undecided({ phase: 'precommitted', lastElected: round(1, 'C'), lastAttempt: round(1, 'C') }),
  electing('prepared'),
  electing('precommitted'),
  electing('prepared', { P2: { state: 'prepared', lastAttempt: ROUND_ZERO } }),
  electing('prepared', { P2: { state: 'precommitted', lastAttempt: round(1, 'C') } }),
  electing('prepared', {
    P2: { state: 'precommitted', lastAttempt: round(1, 'C') },
    C: { state: 'prepared', lastAttempt: ROUND_ZERO },
  }),
  electing('precommitted', { P2: { state: 'prepared', lastAttempt: ROUND_ZERO } }),
  electing('precommitted', { P2: { state: 'precommitted', lastAttempt: round(1, 'C') } }),
  electing('precommitted', { P2: { state: 'aborted', lastAttempt: ROUND_ZERO } }),
  proposing,
];

const STATES: readonly TextbookParticipant[] = [
  { phase: 'initial' },
  { phase: 'working' },
  ...UNDECIDED,
  ...UNDECIDED.map((state) => ({ ...state, recovered: true }) as const),
  ...DECIDED_STATES,
];

const EVENTS: readonly TextbookParticipantEvent[] = [
  ...VOTING_EVENTS,
  ...['C', 'P2'].flatMap((from) =>
    ROUNDS.flatMap((of): TextbookParticipantEvent[] => [
      { type: 'precommit', from, round: of },
      { type: 'precommitted', from, round: of },
      { type: 'state-request', from, round: of },
      { type: 'state', from, round: of, state: 'prepared', lastAttempt: ROUND_ZERO },
      { type: 'state', from, round: of, state: 'precommitted', lastAttempt: round(1, 'C') },
      { type: 'state', from, round: of, state: 'aborted', lastAttempt: ROUND_ZERO },
    ]),
  ),
];

const BOUND: TextbookPrecommitted = {
  phase: 'precommitted',
  results: PREPARED.results,
  left: [],
  accepted: [],
  lastElected: round(1, 'C'),
  lastAttempt: round(1, 'C'),
};

const COORDINATOR_EVENTS: readonly TextbookCoordinatorEvent[] = [
  ...COORDINATOR_2PC_EVENTS,
  { type: 'commit' },
  { type: 'abort' },
  { type: 'abort', reason: A_REASON },
  { type: 'hasten' },
  { type: 'timeout' },
  ...['P1', 'P2'].flatMap((from) =>
    ROUNDS.flatMap((of): TextbookCoordinatorEvent[] => [
      { type: 'precommit', from, round: of },
      { type: 'precommitted', from, round: of },
      { type: 'state-request', from, round: of },
    ]),
  ),
];

const sent = (step: Step<unknown>): readonly string[] => step.send.map(({ to, message }) => `${message.type} ${to}`);
const kept = (step: Step<unknown>): readonly string[] =>
  step.records.map(({ record, force }) => `${force ? 'force' : 'write'} ${record.type}`);

const participant = (state: TextbookParticipant, event: TextbookParticipantEvent, attempt?: ParticipantAttempt) =>
  stepTextbookParticipant(attempt ?? participantAttempt({ protocol }), state, event);
const coordinator = (state: TextbookCoordinator, event: TextbookCoordinatorEvent, attempt?: CoordinatorAttempt) =>
  stepTextbookCoordinator(attempt ?? coordinatorAttempt({ protocol }), state, event);

describe('3PC of the textbook', () => {
  it('has a table of the participant that says exactly what the machine does', () => {
    const kinds = [{}, { listed: ['P2', 'P3'] }, { listed: ['P1'], onePhase: true }];
    const starts = kinds.flatMap((kind) => {
      const attempt = participantAttempt({ protocol, ...kind });
      const neverInDoubt = Object.keys(kind).length > 0;
      return STATES.filter((state) => !(neverInDoubt && 'lastElected' in state)).map(
        (state): Start<TextbookParticipant, TextbookParticipantEvent> => ({
          state,
          step: (before, event) => participant(before, event, attempt),
        }),
      );
    });
    expect(walkTable(TEXTBOOK_PARTICIPANT, starts, EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('has a table of the coordinator that says exactly what the machine does', () => {
    const kinds = [
      { listed: ['P1', 'P2'], readers: [] },
      { listed: ['P1'], readers: ['P2'] },
      { listed: [], readers: ['P1', 'P2'] },
    ];
    const starts = kinds.flatMap(({ listed, readers }) => {
      const attempt = coordinatorAttempt({ protocol, listed, readers });
      const bound = [[], listed].flatMap((left) =>
        [{}, { recovered: true as const }].map((parts) => ({ ...BOUND, left, ...parts })),
      );
      const others = [...bound, { ...BOUND, accepted: ['P1'] }, { ...BOUND, lastElected: round(2, 'P2') }];
      return [...COORDINATOR_2PC_STATES, ...others].map(
        (state): Start<TextbookCoordinator, TextbookCoordinatorEvent> => ({
          state,
          step: (before, event) => coordinator(before, event, attempt),
        }),
      );
    });
    expect(walkTable(TEXTBOOK_COORDINATOR, starts, COORDINATOR_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('takes the silent for crashed: the coordinator commits when acknowledgements of its precommit do not come', () => {
    const step = coordinator(BOUND, { type: 'timeout' });
    expect(step.state.phase).to.equal('committed');
    expect(kept(step)).to.deep.equal(['force commit']);
    expect(sent(step)).to.deep.equal(['commit P1', 'commit P2']);
  });

  it('lets a restarted coordinator ask, since others may have decided without it', () => {
    const step = coordinator({ ...BOUND, recovered: true }, { type: 'timeout' });
    expect(step.state.phase).to.equal('precommitted');
    expect(sent(step)).to.deep.equal(['inquire P1', 'inquire P2']);
  });

  it('lets a participant that hears nobody abort when it is uncertain, and commit when it is precommitted', () => {
    const first = participant(undecided(), { type: 'timeout' });
    expect(sent(first)).to.deep.equal(['state-request C', 'state-request P2']);
    const alone = participant(first.state, { type: 'timeout' });
    expect(alone.state.phase).to.equal('aborted');
    expect(kept(alone)).to.deep.equal(['force aborted']);
    expect(sent(alone)).to.deep.equal(['abort C', 'abort P2']);
    const last = participant(electing('precommitted'), { type: 'timeout' });
    expect(last.state.phase).to.equal('committed');
    expect(kept(last)).to.deep.equal(['force precommitted', 'force committed']);
  });

  it('precommits whoever is uncertain before it commits (TR4), and goes on without those that stay silent', () => {
    const heard = electing('precommitted', { P2: { state: 'prepared', lastAttempt: ROUND_ZERO } });
    const step = participant(heard, { type: 'timeout' });
    expect(step.state.phase).to.equal('precommitted');
    expect(sent(step)).to.deep.equal(['precommit P2']);
    expect(participant(step.state, { type: 'timeout' }).state.phase).to.equal('committed');
    const acknowledged = { type: 'precommitted', from: 'P2', round: round(2, 'P1') } as const;
    expect(participant(step.state, acknowledged).state.phase).to.equal('committed');
  });

  it('decides nothing by silence after a restart: a participant asks until one knows or all have answered', () => {
    const back = { ...electing('prepared'), recovered: true } as const;
    const again = participant(back, { type: 'timeout' });
    expect(again.state.phase).to.equal('prepared');
    expect(sent(again)).to.deep.equal(['state-request C', 'state-request P2']);
    const one = {
      type: 'state',
      from: 'P2',
      round: round(2, 'P1'),
      state: 'prepared',
      lastAttempt: ROUND_ZERO,
    } as const;
    const heard = participant(back, one).state;
    expect(heard.phase).to.equal('prepared');
    expect(participant(heard, { ...one, from: 'C' }).state.phase).to.equal('aborted');
  });

  it('chooses by TR1 to TR4 among those that answered', () => {
    const of = (...states: SiteReport['state'][]): string =>
      textbookChoice(Object.fromEntries(states.map((state, at) => [`P${at}`, { state, lastAttempt: ROUND_ZERO }])));
    expect(of('prepared', 'aborted', 'precommitted')).to.equal('abort');
    expect(of('prepared', 'committed', 'precommitted')).to.equal('commit');
    expect(of('prepared', 'prepared')).to.equal('abort');
    expect(of('prepared', 'precommitted')).to.equal('precommit');
  });

  it('ignores a leader that was deposed', () => {
    const led = undecided({ lastElected: round(2, 'P2'), counterSeen: 2 });
    const step = participant(led, { type: 'precommit', from: 'C', round: round(1, 'C') });
    expect(step.state.phase).to.equal('prepared');
    expect(step.send).to.deep.equal([]);
  });
});

describe('2PC that rolls back in ready', () => {
  const attempt = participantAttempt({});
  const ready: Participant2pc = { phase: 'prepared', prepared: PREPARED };

  it('has a table that says exactly what the machine does, and differs from that of 2PC in one cell', () => {
    const starts = [{}, { listed: ['P2', 'P3'] }, { listed: ['P1'], onePhase: true }].flatMap((kind) =>
      PARTICIPANT_2PC_STATES.map((state): Start<Participant2pc, Participant2pcEvent> => ({
        state,
        step: (before, event) => stepParticipantRollBack(participantAttempt(kind), before, event),
      })),
    );
    expect(walkTable(PARTICIPANT_ROLL_BACK, starts, VOTING_EVENTS)).to.deep.equal(NOTHING_FOUND);
  });

  it('is chosen only where the rule is given, and rolls back where 2PC asks', () => {
    const kinds = [firstParticipantMachine(attempt).kind, firstParticipantMachine(attempt, 'roll-back-in-ready').kind];
    expect(kinds).to.deep.equal(['2pc', 'roll-back']);
    const waited = { type: 'timeout' } as const;
    const safe = stepParticipant(attempt, { kind: '2pc', state: ready }, waited);
    expect(sent(safe.step)).to.deep.equal(['inquire C', 'inquire P2']);
    const unsafe = stepParticipant(attempt, { kind: 'roll-back', state: ready }, waited);
    expect(unsafe.machine.state.phase).to.equal('aborted');
    expect(kept(unsafe.step)).to.deep.equal(['force aborted']);
    expect(sent(unsafe.step)).to.deep.equal([]);
  });
});
