/**
 * Single steps of a participant, each in full: everything that is written, sent, asked
 * of the resources and timed, and nothing else, in the lines of describe.ts.
 */
import { expect } from 'chai';
import { describeStep } from '../../src/protocol/describe.ts';
import { stepParticipant } from '../../src/protocol/participant-attempts.ts';
import type { ParticipantEvent, ParticipantMachine } from '../../src/protocol/participant-attempts.ts';
import { A_REASON, NUMBER, participantAttempt, PREPARED } from './attempts.ts';

type Attempt = Parameters<typeof participantAttempt>[0];

const working: ParticipantMachine = { kind: '2pc', state: { phase: 'working' } };
const initial: ParticipantMachine = { kind: '2pc', state: { phase: 'initial' } };
const committed: ParticipantMachine = { kind: '2pc', state: { phase: 'committed' } };
const alone: ParticipantMachine = { kind: '2pc', state: { phase: 'committed', results: PREPARED.results } };
const aborted: ParticipantMachine = { kind: '2pc', state: { phase: 'aborted', reason: A_REASON, durable: false } };
const ONE_PHASE = { listed: ['P1'], onePhase: true } as const;
const READER = { self: 'P3' } as const;

const AT_PARTICIPANT: readonly (readonly [string, Attempt, ParticipantMachine, ParticipantEvent, readonly string[]])[] =
  [
    [
      'a prepare takes the locks, and no longer than half of the time for votes',
      ...([{}, initial, { type: 'prepare' }] as const),
      ['state working', 'work prepare 1 operation', 'timer lock in 3000 ms'],
    ],
    ['a prepare that comes again changes nothing', {}, working, { type: 'prepare' }, ['state working']],
    ['the lock timer makes the resources give up', {}, working, { type: 'timeout' }, ['state working', 'work give-up']],
    ['a timer of an attempt never heard of does nothing', {}, initial, { type: 'timeout' }, ['state initial']],
    [
      'a no is written lazily and said',
      ...([{}, working, { type: 'resource-no', reason: A_REASON }] as const),
      [
        'state aborted, reason insufficient-funds',
        'write aborted (insufficient-funds)',
        'send C vote no (insufficient-funds) (once synced)',
        'timer lock off',
      ],
    ],
    [
      'the no of a reader is not written',
      ...([READER, working, { type: 'resource-no', reason: A_REASON }] as const),
      [
        'state aborted, reason insufficient-funds',
        'send C vote no (insufficient-funds) (once synced)',
        'timer lock off',
      ],
    ],
    [
      'the no of the only participant is the decision: forced, then told',
      ...([ONE_PHASE, working, { type: 'resource-no', reason: A_REASON }] as const),
      [
        'state aborted, reason insufficient-funds',
        'force aborted (insufficient-funds)',
        'send C outcome aborted (insufficient-funds) (once synced)',
        'timer lock off',
      ],
    ],
    [
      'the yes of the only participant is the decision: forced with its effect, then told',
      ...([ONE_PHASE, working, { type: 'resource-yes', prepared: PREPARED }] as const),
      [
        'state committed',
        'force committed',
        'work commit 1 effect',
        'send C outcome committed (once synced)',
        'timer lock off',
      ],
    ],
    [
      'a reader votes read-only and keeps nothing',
      ...([READER, working, { type: 'resource-yes', prepared: PREPARED }] as const),
      ['state read', 'work abort', 'send C vote read-only (once synced)', 'timer lock off'],
    ],
    [
      'an abort before the vote frees what was locked, and is written lazily',
      ...([{}, working, { type: 'abort', reason: A_REASON }] as const),
      [
        'state aborted, reason insufficient-funds',
        'write aborted (insufficient-funds)',
        'work abort',
        'timer lock off',
      ],
    ],
    [
      'an abort before the vote of a reader is not written',
      ...([READER, working, { type: 'abort', reason: A_REASON }] as const),
      ['state aborted, reason insufficient-funds', 'work abort', 'timer lock off'],
    ],
    [
      'an abort of what was never heard of is noted, so that a later prepare gets a no',
      ...([{}, initial, { type: 'abort', reason: A_REASON }] as const),
      ['state aborted, reason insufficient-funds'],
    ],
    [
      'a question before the vote forces a no, and frees what was locked',
      ...([{}, working, { type: 'inquire', from: 'P2' }] as const),
      [
        'state aborted, reason refused-number',
        'force aborted (refused-number)',
        'work abort',
        'send P2 outcome aborted (refused-number) (once synced)',
        'timer lock off',
      ],
    ],
    [
      'a question about what was never heard of forces a no, with nothing to free',
      ...([{}, initial, { type: 'inquire', from: 'P2' }] as const),
      [
        'state aborted, reason refused-number',
        'force aborted (refused-number)',
        'send P2 outcome aborted (refused-number) (once synced)',
      ],
    ],
    [
      'a commit before the vote is an alarm and no commit',
      ...([{}, working, { type: 'commit' }] as const),
      ['state working', `alarm commit for ${NUMBER}, which has not voted yes here`],
    ],
    [
      'a commit of what is aborted is an alarm and no commit',
      ...([{}, aborted, { type: 'commit' }] as const),
      ['state aborted, reason insufficient-funds', `alarm commit for ${NUMBER}, which is aborted here`],
    ],
    [
      'an abort of what is committed is an alarm and no abort',
      ...([{}, committed, { type: 'abort' }] as const),
      ['state committed', `alarm abort for ${NUMBER}, which is committed here`],
    ],
    [
      'what is committed is acknowledged again',
      ...([{}, committed, { type: 'commit' }] as const),
      ['state committed', 'send C acknowledge (once synced)'],
    ],
    [
      'what was committed alone is told again, whoever asks and however',
      ...([ONE_PHASE, alone, { type: 'inquire', from: 'P2' }] as const),
      ['state committed', 'send C outcome committed (once synced)'],
    ],
    [
      'a no that was lazy is forced when somebody asks',
      ...([{}, aborted, { type: 'inquire', from: 'P2' }] as const),
      [
        'state aborted, reason insufficient-funds',
        'force aborted (insufficient-funds)',
        'send P2 outcome aborted (insufficient-funds) (once synced)',
      ],
    ],
  ];

describe('One step of a participant:', () => {
  for (const [title, wanted, machine, event, lines] of AT_PARTICIPANT) {
    it(title, () => {
      const { step } = stepParticipant(participantAttempt(wanted), machine, event);
      expect(describeStep(step)).to.deep.equal(lines);
    });
  }

  it('remembers of an abort before the vote that it was told and is not forced', () => {
    for (const machine of [working, initial]) {
      const { step } = stepParticipant(participantAttempt({}), machine, { type: 'abort', reason: A_REASON });
      expect(step.state).to.deep.equal({ phase: 'aborted', reason: A_REASON, durable: false, decided: true });
    }
  });

  it('decides with the results of a one-phase commit, which a later question is told', () => {
    const event = { type: 'resource-yes', prepared: PREPARED } as const;
    const { step } = stepParticipant(participantAttempt(ONE_PHASE), working, event);
    expect(step.state).to.deep.equal({ phase: 'committed', results: PREPARED.results });
    expect(step.send[0]?.message).to.include({ results: PREPARED.results });
  });
});
