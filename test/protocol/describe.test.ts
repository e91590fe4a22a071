/** The words that console, trace, checker and transcripts share: each record, message, work and timer once. */
import { expect } from 'chai';
import {
  describeAppend,
  describeMessage,
  describeOutgoing,
  describeRecord,
  describeState,
  describeStep,
  describeTimer,
  describeWork,
} from '../../src/protocol/describe.ts';
import { timerOff, timerOn } from '../../src/protocol/attempt.ts';
import type { Message } from '../../src/protocol/messages.ts';
import type { ProtocolRecord } from '../../src/protocol/records.ts';
import { ROUND_ZERO } from '../../src/protocol/quorum.ts';
import { A_REASON, COORDINATOR, NUMBER, PREPARED, round, siteOf } from './attempts.ts';

const number = NUMBER;
const begin = {
  ...({ type: 'begin', number, id: 'TX001', hash: 'h1', protocol: '2pc', participants: [] } as const),
  ...{ groups: {}, operations: 1 },
};
const cost = { forcedWrites: 1, messages: 2, ms: 3 };

const RECORDS: readonly (readonly [string, ProtocolRecord])[] = [
  ['start P1 participant k3v9x0ab', { type: 'start', name: 'P1', role: 'participant', incarnation: 'k3v9x0ab' }],
  ['begin TX001 2pc', begin],
  ['begin TX001 2pc one-phase', { ...begin, onePhase: true }],
  ['commit', { type: 'commit', number, results: [] }],
  ['abort (insufficient-funds)', { type: 'abort', number, reason: A_REASON }],
  [
    'answer (insufficient-funds)',
    {
      ...{ type: 'answer', number, id: 'TX001', hash: 'h1', protocol: '2pc', reason: A_REASON },
      ...{ participants: [], operations: 1, cost },
    },
  ],
  ['end', { type: 'end', number }],
  ['end, left P2 P3', { type: 'end', number, left: ['P2', 'P3'] }],
  ['low-water c0ffee.1.7', { type: 'low-water', number }],
  ['view bank 2: P1 P2 (P3 left)', { type: 'view', group: 'bank', version: 2, members: ['P1', 'P2'], why: 'P3 left' }],
  ['peer P1 i1', { type: 'peer', name: 'P1', incarnation: 'i1', epoch: 1, start: 's', address: 'a' }],
  [
    'coordinator C c0ffee epoch 3',
    { type: 'coordinator', name: 'C', incarnation: 'c0ffee', epoch: 3, start: 's', addresses: {}, lowWater: number },
  ],
  [
    'prepared',
    {
      ...({ type: 'prepared', number, id: 'TX001', protocol: '3pc', coordinator: COORDINATOR } as const),
      ...{ participants: [], operations: [], ...PREPARED },
    },
  ],
  ['precommitted 1.C', { type: 'precommitted', number, round: round(1, 'C') }],
  ['preaborted 2.P1', { type: 'preaborted', number, round: round(2, 'P1') }],
  ['promised 2.P1', { type: 'promised', number, round: round(2, 'P1') }],
  ['committed', { type: 'committed', number }],
  ['aborted (insufficient-funds)', { type: 'aborted', number, reason: A_REASON }],
  ['superseded bank', { type: 'superseded', number, group: 'bank' }],
  ['copied bank 1/2', { type: 'copied', group: 'bank', part: 1, parts: 2, lines: [] }],
];

const log = { incarnation: 'i1', epoch: 4, start: 's' };

const MESSAGES: readonly (readonly [string, Message])[] = [
  [
    'register P1 i1 epoch 4',
    { type: 'register', name: 'P1', ...log, address: 'a', durableSeq: 9, startSeq: 1, votesByHand: false },
  ],
  ['welcome C i1 epoch 4', { type: 'welcome', name: 'C', ...log, views: {}, addresses: {}, lowWater: number }],
  [
    'welcome C i1 epoch 4 (log-behind)',
    {
      ...{ type: 'welcome', name: 'C', ...log, views: {}, addresses: {}, lowWater: number },
      refusal: { code: 'log-behind', detail: 'It had more.' },
    },
  ],
  [
    'prepare TX001 3pc',
    {
      ...{ type: 'prepare', number, id: 'TX001', protocol: '3pc', operations: [], participants: [] },
      ...{ coordinator: COORDINATOR, voteWithinMs: 1 },
    },
  ],
  [
    'prepare TX001 2pc one-phase',
    {
      ...{ type: 'prepare', number, id: 'TX001', protocol: '2pc', operations: [], participants: [], onePhase: true },
      ...{ coordinator: COORDINATOR, voteWithinMs: 1 },
    },
  ],
  ['vote yes', { type: 'vote', number, vote: 'yes' }],
  ['vote no (insufficient-funds)', { type: 'vote', number, vote: 'no', reason: A_REASON }],
  ['precommit 1.C', { type: 'precommit', number, round: round(1, 'C') }],
  ['preabort 2.P1', { type: 'preabort', number, round: round(2, 'P1') }],
  ['precommitted 1.C', { type: 'precommitted', number, round: round(1, 'C') }],
  ['preaborted 2.P1', { type: 'preaborted', number, round: round(2, 'P1') }],
  ['state-request 2.P1', { type: 'state-request', number, round: round(2, 'P1') }],
  ['refused 2.P1, promised 3.P2', { type: 'refused', number, round: round(2, 'P1'), lastElected: round(3, 'P2') }],
  [
    'state 2.P1 prepared, attempted 0',
    { type: 'state', number, round: round(2, 'P1'), state: 'prepared', lastAttempt: ROUND_ZERO },
  ],
  ['commit', { type: 'commit', number }],
  ['commit 2.P1', { type: 'commit', number, round: round(2, 'P1') }],
  ['abort', { type: 'abort', number }],
  ['acknowledge', { type: 'acknowledge', number }],
  ['inquire', { type: 'inquire', number }],
  ['outcome unknown', { type: 'outcome', number, outcome: 'unknown' }],
  ['outcome aborted (insufficient-funds)', { type: 'outcome', number, outcome: 'aborted', reason: A_REASON }],
  ['low-water c0ffee.1.7', { type: 'low-water', number }],
  ['join bank from P2', { type: 'join', group: 'bank', attempt: 3, source: siteOf('P2') }],
  ['barrier bank 3', { type: 'barrier', group: 'bank', attempt: 3 }],
  ['joined bank 3 durable', { type: 'joined', group: 'bank', attempt: 3, stage: 'durable' }],
];

describe('What a step does, in words:', () => {
  for (const [text, record] of RECORDS) {
    it(`a record, forced or written: ${text}`, () => {
      expect(describeRecord(record)).to.equal(text);
      expect(describeAppend({ record, force: true })).to.equal(`force ${text}`);
      expect(describeAppend({ record, force: false })).to.equal(`write ${text}`);
    });
  }

  for (const [text, message] of MESSAGES) {
    it(`a message: ${text}`, () => {
      expect(describeMessage(message)).to.equal(text);
    });
  }

  it('when a message leaves', () => {
    expect(describeOutgoing({ to: 'P1', message: { type: 'commit', number } })).to.equal(
      'send P1 commit (once synced)',
    );
    expect(describeOutgoing({ to: 'P1', message: { type: 'inquire', number } })).to.equal('send P1 inquire (at once)');
  });

  it('what the resources are asked to do', () => {
    const operation = { index: 0, operation: { group: 'bank' } };
    const effect = { group: 'bank', effect: null };
    expect([
      describeWork({ type: 'prepare', operations: [operation] }),
      describeWork({ type: 'prepare', operations: [operation, operation] }),
      describeWork({ type: 'commit', effects: [effect] }),
      describeWork({ type: 'commit', effects: [] }),
      describeWork({ type: 'give-up' }),
      describeWork({ type: 'abort' }),
    ]).to.deep.equal([
      'work prepare 1 operation',
      'work prepare 2 operations',
      'work commit 1 effect',
      'work commit 0 effects',
      'work give-up',
      'work abort',
    ]);
  });

  it('timers, with the random part that the host adds', () => {
    expect([timerOn('ask', 1000), timerOn('elect', 2000, 500), timerOff('vote')].map(describeTimer)).to.deep.equal([
      'timer ask in 1000 ms',
      'timer elect in 2000 ms + 0..500 ms',
      'timer vote off',
    ]);
  });

  it('a state, with what the machine keeps beside the phase', () => {
    const site = { phase: 'precommitted', lastElected: round(2, 'P1'), lastAttempt: round(1, 'C') };
    const replies = {
      P1: { state: 'prepared', lastAttempt: ROUND_ZERO },
      C: { state: 'precommitted', lastAttempt: round(1, 'C') },
    };
    expect(
      [
        { phase: 'working', votes: {}, left: [] },
        { phase: 'working', votes: { P1: { vote: 'yes' }, P2: { vote: 'read-only' } }, left: ['P1'] },
        { phase: 'working', asking: true },
        { phase: 'working', asking: false },
        { phase: 'committed', waiting: ['P1', 'P2'], left: ['P3'] },
        { phase: 'aborted', reason: A_REASON },
        site,
        { ...site, leading: { stage: 'electing', round: round(2, 'P1'), replies } },
        { ...site, leading: { stage: 'proposing', round: round(2, 'P1'), kind: 'precommit', accepted: ['P1', 'C'] } },
      ].map(describeState),
    ).to.deep.equal([
      'state working, no votes',
      'state working, votes P1 yes P2 read-only, left P1',
      'state working, asking',
      'state working',
      'state committed, waiting for P1 P2, left P3',
      'state aborted, reason insufficient-funds',
      'state precommitted, promised 2.P1, attempted 1.C',
      'state precommitted, promised 2.P1, attempted 1.C, electing 2.P1 (P1 prepared 0, C precommitted 1.C)',
      'state precommitted, promised 2.P1, attempted 1.C, leading 2.P1 to precommit (accepted by P1 C)',
    ]);
  });

  it('all of a step, in the order state, records, work, messages, timers, alarm', () => {
    const lines = describeStep({
      state: { phase: 'committed' },
      records: [{ record: { type: 'committed', number }, force: true }],
      send: [{ to: 'C', message: { type: 'acknowledge', number } }],
      work: [{ type: 'abort' }],
      timers: [timerOff('ask')],
      alarm: 'something is wrong',
    });
    expect(lines).to.deep.equal([
      'state committed',
      'force committed',
      'work abort',
      'send C acknowledge (once synced)',
      'timer ask off',
      'alarm something is wrong',
    ]);
  });
});
