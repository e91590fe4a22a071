/**
 * Single steps of a coordinator of 3PC, each in full: everything that is written, sent, asked
 * of the resources and timed, and nothing else, in the lines of describe.ts.
 */
import { expect } from 'chai';
import { stepCoordinator } from '../../src/protocol/coordinator-attempts.ts';
import type { CoordinatorEvent, CoordinatorMachine } from '../../src/protocol/coordinator-attempts.ts';
import { NO_VOTES } from '../../src/protocol/coordinator-voting.ts';
import type { BoundCoordinator } from '../../src/protocol/coordinator-3pc.ts';
import { describeStep } from '../../src/protocol/describe.ts';
import { ROUND_ZERO } from '../../src/protocol/quorum.ts';
import { A_REASON, coordinatorAttempt, NUMBER, PREPARED, round } from './attempts.ts';

const voted = { vote: 'yes', results: PREPARED.results, hashes: PREPARED.hashes } as const;
const collecting = (...names: readonly string[]): CoordinatorMachine => ({
  kind: '3pc',
  state: { ...NO_VOTES, votes: Object.fromEntries(names.map((name) => [name, voted])) },
});
const bound: CoordinatorMachine = {
  kind: '3pc',
  state: {
    ...{ phase: 'precommitted', lastElected: round(1, 'C'), lastAttempt: round(1, 'C'), counterSeen: 1 },
    ...{ results: PREPARED.results, left: [] },
    leading: { stage: 'proposing', round: round(1, 'C'), kind: 'precommit', accepted: ['C'] },
  },
};
const BOUND = 'state precommitted, promised 1.C, attempted 1.C, leading 1.C to precommit (accepted by C)';
const told: CoordinatorMachine = {
  kind: '3pc',
  state: { phase: 'committed', results: [], waiting: ['P1', 'P2'], left: [] },
};
const ELECTED: BoundCoordinator = {
  ...{ phase: 'preaborted', lastElected: round(2, 'C'), lastAttempt: round(2, 'C'), counterSeen: 2 },
  ...{ results: PREPARED.results, left: [] },
  leading: { stage: 'proposing', round: round(2, 'C'), kind: 'preabort', accepted: ['C'] },
};

const AT_COORDINATOR: readonly (readonly [string, CoordinatorMachine, CoordinatorEvent, readonly string[]])[] = [
  [
    'the last yes forces its precommit before it is proposed',
    ...([collecting('P1'), { type: 'vote', from: 'P2', vote: voted }] as const),
    [
      BOUND,
      'force precommitted 1.C',
      'send P1 precommit 1.C (once synced)',
      'send P2 precommit 1.C (once synced)',
      'timer vote off',
      'timer elect in 2000 ms + 0..1000 ms',
    ],
  ],
  [
    'asked for its state while it collects, it aborts alone, tells the asker first, then all',
    ...([collecting('P1'), { type: 'state-request', from: 'P1', round: round(2, 'P1') }] as const),
    [
      'state aborted, reason terminated',
      'write abort (terminated)',
      'send P1 outcome aborted (terminated) (once synced)',
      'send P1 abort (at once)',
      'send P2 abort (at once)',
      'timer vote off',
    ],
  ],
  [
    'a preabort while it collects is the same question',
    ...([collecting('P1'), { type: 'preabort', from: 'P1', round: round(2, 'P1') }] as const),
    [
      'state aborted, reason terminated',
      'write abort (terminated)',
      'send P1 outcome aborted (terminated) (once synced)',
      'send P1 abort (at once)',
      'send P2 abort (at once)',
      'timer vote off',
    ],
  ],
  [
    'a precommit while it collects is an alarm: nobody can have decided',
    ...([collecting('P1'), { type: 'precommit', from: 'P1', round: round(2, 'P1') }] as const),
    ['state working, votes P1 yes', `alarm precommit for ${NUMBER}, for which votes are still collected`],
  ],
  [
    'an abort that another site decided keeps its reason',
    ...([collecting('P1'), { type: 'abort', reason: A_REASON }] as const),
    [
      'state aborted, reason insufficient-funds',
      'write abort (insufficient-funds)',
      'send P1 abort (at once)',
      'send P2 abort (at once)',
      'timer vote off',
    ],
  ],
  [
    'bound, it does not know the outcome',
    ...([bound, { type: 'inquire', from: 'P2' }] as const),
    [BOUND, 'send P2 outcome unknown (once synced)'],
  ],
  [
    'bound, a lost link makes it lead a round soon',
    ...([bound, { type: 'hasten' }] as const),
    [BOUND, 'timer elect in 0 ms + 0..500 ms'],
  ],
  [
    'bound, it counts a member that left, once, and decides nothing by it',
    ...([bound, { type: 'member-left', from: 'P2' }] as const),
    [`${BOUND}, left P2`],
  ],
  [
    'bound, it proposes again to who has not accepted',
    ...([bound, { type: 'resend', to: 'P2' }] as const),
    [BOUND, 'send P2 precommit 1.C (once synced)'],
  ],
  ['bound, a late vote says nothing', bound, { type: 'vote', from: 'P2', vote: voted }, [BOUND]],
  [
    'bound, an abort that a quorum decided is written with its end, both lazily',
    ...([bound, { type: 'abort', reason: A_REASON }] as const),
    ['state aborted, reason insufficient-funds', 'write abort (insufficient-funds)', 'write end', 'timer elect off'],
  ],
  [
    'with a quorum for its preabort it decides, and tells all but itself',
    ...([
      { kind: '3pc', state: ELECTED },
      { type: 'preaborted', from: 'P1', round: round(2, 'C') },
    ] as const),
    [
      'state aborted, reason terminated',
      'write abort (terminated)',
      'write end',
      'send P1 abort 2.C (once synced)',
      'send P2 abort 2.C (once synced)',
      'timer elect off',
    ],
  ],
  [
    'with a quorum for its precommit it decides, tells all, and needs no forced record',
    ...([bound, { type: 'precommitted', from: 'P1', round: round(1, 'C') }] as const),
    [
      'state committed, waiting for P1 P2',
      'write commit',
      'send P1 commit (once synced)',
      'send P2 commit (once synced)',
      'timer elect off',
    ],
  ],
  [
    'committed, a leader that asks for its state is told the outcome',
    ...([told, { type: 'state-request', from: 'P2', round: round(3, 'P2') }] as const),
    ['state committed, waiting for P1 P2', 'send P2 outcome committed (once synced)'],
  ],
  [
    'committed, a leader that proposes abort is told the outcome',
    ...([told, { type: 'preabort', from: 'P2', round: round(3, 'P2') }] as const),
    ['state committed, waiting for P1 P2', 'send P2 outcome committed (once synced)'],
  ],
  [
    'committed, a vote that comes again is answered by the decision',
    ...([told, { type: 'vote', from: 'P2', vote: voted }] as const),
    ['state committed, waiting for P1 P2', 'send P2 commit (once synced)'],
  ],
  [
    'committed, an abort is an alarm and no abort',
    ...([told, { type: 'abort' }] as const),
    ['state committed, waiting for P1 P2', `alarm abort for ${NUMBER}, which is committed here`],
  ],
];

describe('One step of a coordinator of 3PC:', () => {
  for (const [title, machine, event, lines] of AT_COORDINATOR) {
    it(title, () => {
      const { step } = stepCoordinator(coordinatorAttempt({ protocol: '3pc' }), machine, event);
      expect(describeStep(step)).to.deep.equal(lines);
    });
  }

  it('keeps the results with its own precommit, so that it can tell them after a restart', () => {
    const event = { type: 'vote', from: 'P2', vote: voted } as const;
    const { step } = stepCoordinator(coordinatorAttempt({ protocol: '3pc' }), collecting('P1'), event);
    expect(step.records[0]?.record).to.deep.equal({
      ...{ type: 'precommitted', number: NUMBER, round: round(1, 'C') },
      results: PREPARED.results,
    });
  });

  it('puts no results into a preabort', () => {
    const leading = { stage: 'electing', round: round(2, 'C'), replies: {} } as const;
    const state: BoundCoordinator = { ...ELECTED, leading };
    const reply = {
      type: 'state',
      from: 'P1',
      round: round(2, 'C'),
      state: 'prepared',
      lastAttempt: ROUND_ZERO,
    } as const;
    const more = { ...reply, from: 'P2' };
    const attempt = coordinatorAttempt({ protocol: '3pc' });
    const { machine } = stepCoordinator(attempt, { kind: '3pc', state }, reply);
    const { step } = stepCoordinator(attempt, machine, more);
    expect(step.records.map(({ record }) => record)).to.deep.equal([
      { type: 'preaborted', number: NUMBER, round: round(2, 'C') },
    ]);
  });

  it('counts a member that left twice but once', () => {
    const event = { type: 'member-left', from: 'P2' } as const;
    const attempt = coordinatorAttempt({ protocol: '3pc' });
    const { machine } = stepCoordinator(attempt, stepCoordinator(attempt, bound, event).machine, event);
    expect('left' in machine.state ? machine.state.left : []).to.deep.equal(['P2']);
  });
});
