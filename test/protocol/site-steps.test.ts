/**
 * Single steps of a participant in doubt by 3PC, as a site and as a leader:
 * what counts for its round, and what is of another round and does not.
 */
import { expect } from 'chai';
import { describeStep } from '../../src/protocol/describe.ts';
import { stepParticipant3pc } from '../../src/protocol/participant-3pc.ts';
import type { Participant3pc, Participant3pcEvent, Undecided3pc } from '../../src/protocol/participant-3pc.ts';
import { lockWaitMsOf } from '../../src/protocol/participant-replies.ts';
import { ROUND_ZERO } from '../../src/protocol/quorum.ts';
import { A_REASON, NUMBER, participantAttempt, PREPARED, round } from './attempts.ts';

const attempt = participantAttempt({ protocol: '3pc' });
const R2 = round(2, 'P1');
const inDoubt: Undecided3pc = {
  ...{ phase: 'prepared', prepared: PREPARED, lastElected: ROUND_ZERO, lastAttempt: ROUND_ZERO, counterSeen: 1 },
};
const electing: Undecided3pc = {
  ...{ ...inDoubt, lastElected: R2, counterSeen: 2 },
  leading: { stage: 'electing', round: R2, replies: { P1: { state: 'prepared', lastAttempt: ROUND_ZERO } } },
};
const proposing: Undecided3pc = {
  ...{ ...inDoubt, phase: 'preaborted', lastElected: R2, lastAttempt: R2, counterSeen: 2 },
  leading: { stage: 'proposing', round: R2, kind: 'preabort', accepted: ['P1'] },
};
const ELECTING = 'state prepared, promised 2.P1, attempted 0, electing 2.P1 (P1 prepared 0)';
const PROPOSING = 'state preaborted, promised 2.P1, attempted 2.P1, leading 2.P1 to preabort (accepted by P1)';
/** P1 is the first of the sites that wait: a quarter of electMs, and up to a half more by chance. */
const IN_TURN = 'timer elect in 2500 ms + 0..1000 ms';
const reply = { type: 'state', from: 'P2', state: 'prepared', lastAttempt: ROUND_ZERO } as const;

const STEPS: readonly (readonly [
  string,
  Participant3pc,
  Participant3pcEvent | { type: 'timeout' },
  readonly string[],
])[] = [
  [
    'a prepare that comes again gets the yes again',
    ...([inDoubt, { type: 'prepare' }] as const),
    ['state prepared, promised 0, attempted 0', 'send C vote yes (once synced)'],
  ],
  [
    'a question is answered unknown',
    ...([inDoubt, { type: 'inquire', from: 'P2' }] as const),
    ['state prepared, promised 0, attempted 0', 'send P2 outcome unknown (once synced)'],
  ],
  [
    'the timer starts a round above all that was seen, promised before it is asked for',
    ...([{ ...inDoubt, counterSeen: 5 }, { type: 'timeout' }] as const),
    [
      'state prepared, promised 6.P1, attempted 0, electing 6.P1 (P1 prepared 0)',
      'force promised 6.P1',
      'send C state-request 6.P1 (once synced)',
      'send P2 state-request 6.P1 (once synced)',
      IN_TURN,
    ],
  ],
  [
    'a reply to its round makes a quorum, which knows of no precommit: it forces its preabort, then proposes it',
    ...([electing, { ...reply, round: R2 }] as const),
    [
      PROPOSING,
      'force preaborted 2.P1',
      'send C preabort 2.P1 (once synced)',
      'send P2 preabort 2.P1 (once synced)',
      IN_TURN,
    ],
  ],
  ['a reply to another round does not count', electing, { ...reply, round: round(2, 'P2') }, [ELECTING]],
  ['a reply to an older round of its own does not count', electing, { ...reply, round: round(1, 'P1') }, [ELECTING]],
  ['a reply when it proposes already changes nothing', proposing, { ...reply, round: R2 }, [PROPOSING]],
  [
    'an acceptance of its round makes a quorum: it decides, and tells all but itself',
    ...([proposing, { type: 'preaborted', from: 'P2', round: R2 }] as const),
    [
      'state aborted, reason terminated',
      'force aborted (terminated)',
      'work abort',
      'send C abort 2.P1 (once synced)',
      'send P2 abort 2.P1 (once synced)',
      'timer elect off',
    ],
  ],
  [
    'an acceptance of another round does not count',
    ...([proposing, { type: 'preaborted', from: 'P2', round: round(3, 'P1') }] as const),
    [PROPOSING],
  ],
  [
    'an acceptance of the other kind does not count',
    ...([proposing, { type: 'precommitted', from: 'P2', round: R2 }] as const),
    [PROPOSING],
  ],
  [
    'a refusal of its round by one that promised a higher one makes it step down',
    ...([electing, { type: 'refused', from: 'P2', round: R2, lastElected: round(3, 'P2') }] as const),
    ['state prepared, promised 2.P1, attempted 0'],
  ],
  [
    'a refusal of its round by one that promised no higher one does not',
    ...([electing, { type: 'refused', from: 'P2', round: R2, lastElected: R2 }] as const),
    [ELECTING],
  ],
  [
    'a refusal of another round does not',
    ...([electing, { type: 'refused', from: 'P2', round: round(1, 'P1'), lastElected: round(3, 'P2') }] as const),
    [ELECTING],
  ],
  [
    'a proposal that it has accepted is acknowledged again, without a second record',
    ...([
      { ...inDoubt, phase: 'precommitted', lastElected: round(1, 'C'), lastAttempt: round(1, 'C') },
      { type: 'precommit', from: 'C', round: round(1, 'C') },
    ] as const),
    ['state precommitted, promised 1.C, attempted 1.C', 'send C precommitted 1.C (once synced)'],
  ],
  [
    'a proposal of the other kind in the round that it has accepted is refused',
    ...([
      { ...inDoubt, phase: 'precommitted', lastElected: round(1, 'C'), lastAttempt: round(1, 'C') },
      { type: 'preabort', from: 'C', round: round(1, 'C') },
    ] as const),
    ['state precommitted, promised 1.C, attempted 1.C', 'send C refused 1.C, promised 1.C (once synced)'],
  ],
  [
    'a lost link makes it start a round soon, in its turn',
    ...([inDoubt, { type: 'hasten' }] as const),
    ['state prepared, promised 0, attempted 0', 'timer elect in 500 ms + 0..1000 ms'],
  ],
  [
    'a precommit before its vote is an alarm and nothing more',
    ...([{ phase: 'working' }, { type: 'precommit', from: 'C', round: round(1, 'C') }] as const),
    ['state working', `alarm precommit for ${NUMBER}, which has not voted yes here`],
  ],
  [
    'an acceptance before its vote says nothing',
    ...([{ phase: 'working' }, { type: 'precommitted', from: 'C', round: round(1, 'C') }] as const),
    ['state working'],
  ],
  [
    'a precommit of what is aborted is answered by the outcome',
    ...([
      { phase: 'aborted', reason: A_REASON, durable: true },
      { type: 'precommit', from: 'C', round: round(1, 'C') },
    ] as const),
    ['state aborted, reason insufficient-funds', 'send C outcome aborted (insufficient-funds) (once synced)'],
  ],
  [
    'an acceptance of what is committed says nothing',
    ...([{ phase: 'committed' }, { type: 'precommitted', from: 'C', round: round(1, 'C') }] as const),
    ['state committed'],
  ],
];

describe('One step of a site of 3PC:', () => {
  for (const [title, state, event, lines] of STEPS) {
    it(title, () => {
      expect(describeStep(stepParticipant3pc(attempt, state, event))).to.deep.equal(lines);
    });
  }

  it('a refusal makes its next round higher than the one that was promised there', () => {
    const refused = { type: 'refused', from: 'P2', round: R2, lastElected: round(7, 'P2') } as const;
    const { state } = stepParticipant3pc(attempt, electing, refused);
    expect(describeStep(stepParticipant3pc(attempt, state, { type: 'timeout' }))).to.include('force promised 8.P1');
  });
});

describe('The wait for locks', () => {
  it('is the configured one, but no longer than half of the time for votes', () => {
    const within = (voteWithinMs: number): number => lockWaitMsOf({ ...attempt, voteWithinMs });
    expect([600_000, 6001, 5000, 1].map(within)).to.deep.equal([3000, 3000, 2500, 0]);
  });
});
