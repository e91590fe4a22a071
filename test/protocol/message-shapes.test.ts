import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { parseMessage } from '../../src/protocol/message-shapes.ts';
import type { Message, MessageType } from '../../src/protocol/messages.ts';

const number = 'c0ffee.1.7';
const round = { counter: 2, site: 'P1' };
const reason = { code: 'insufficient-funds', detail: 'The account does not hold enough.' } as const;
const site = { name: 'P1', address: '127.0.0.1:7201' };

/** One of each type, with every member that it may carry. */
const WHOLE: { readonly [Type in MessageType]: Message & { readonly type: Type } } = {
  'register': {
    type: 'register',
    name: 'P1',
    incarnation: 'ab12',
    epoch: 3,
    address: '127.0.0.1:7201',
    durableSeq: 40,
    start: 'f00d',
    startSeq: 38,
    coordinatorSeen: { incarnation: 'ab12', epoch: 3, start: 'beef', seq: 17 },
    votesByHand: false,
  },
  'welcome': {
    type: 'welcome',
    name: 'C',
    incarnation: 'ab12',
    epoch: 3,
    start: 'f00d',
    views: { bank: ['P1', 'P2'] },
    addresses: { P1: '127.0.0.1:7201' },
    lowWater: number,
    refusal: reason,
  },
  'prepare': {
    type: 'prepare',
    number,
    id: 'TX001',
    protocol: '2pc',
    operations: [{ index: 0, operation: { group: 'bank', type: 'transfer', from: 1, to: 2, amount: 100 } }],
    participants: [site],
    coordinator: { name: 'C', address: '127.0.0.1:7100' },
    voteWithinMs: 6000,
    onePhase: true,
  },
  'vote': {
    type: 'vote',
    number,
    vote: 'yes',
    reason,
    results: [{ index: 0, result: null }],
    hashes: { bank: 'd1' },
  },
  'precommit': { type: 'precommit', number, round },
  'preabort': { type: 'preabort', number, round },
  'precommitted': { type: 'precommitted', number, round },
  'preaborted': { type: 'preaborted', number, round },
  'refused': { type: 'refused', number, round, lastElected: { counter: 3, site: 'C' } },
  'commit': { type: 'commit', number, round },
  'abort': { type: 'abort', number, round },
  'acknowledge': { type: 'acknowledge', number },
  'inquire': { type: 'inquire', number },
  'outcome': { type: 'outcome', number, outcome: 'aborted', reason, results: [{ index: 0, result: { balance: 5 } }] },
  'state-request': { type: 'state-request', number, round },
  'state': { type: 'state', number, round, state: 'prepared', lastAttempt: { counter: 0, site: '' } },
  'low-water': { type: 'low-water', number },
  'join': { type: 'join', group: 'bank', attempt: 1, source: site },
  'barrier': { type: 'barrier', group: 'bank', attempt: 1 },
  'joined': { type: 'joined', group: 'bank', stage: 'durable', attempt: 1 },
};

/** What may be left out, by type. */
const OPTIONAL: Partial<Record<MessageType, readonly string[]>> = {
  register: ['coordinatorSeen'],
  welcome: ['refusal'],
  prepare: ['onePhase'],
  vote: ['reason', 'results', 'hashes'],
  commit: ['round'],
  abort: ['round'],
  outcome: ['reason', 'results'],
};

const asSent = (message: object): unknown => JSON.parse(JSON.stringify(message));
const refusalOf = (value: unknown): unknown => {
  try {
    parseMessage(value);
    return 'accepted';
  } catch (error) {
    return error instanceof ParleyError ? error.code : error;
  }
};

describe('The door for messages of peers', () => {
  for (const [type, message] of Object.entries(WHOLE)) {
    it(`takes a whole ${type} as it was sent`, () => {
      expect(parseMessage(asSent(message))).to.deep.equal(message);
    });

    it(`refuses a ${type} that lacks a member or has one of another kind`, () => {
      const optional = OPTIONAL[type as MessageType] ?? [];
      for (const member of Object.keys(message).filter((name) => name !== 'type')) {
        const { [member]: _gone, ...rest } = message as unknown as Record<string, unknown>;
        expect(refusalOf(rest), `without ${member}`).to.equal(optional.includes(member) ? 'accepted' : 'bad-request');
        for (const wrong of [null, 5.5, [[]], { x: [1] }]) {
          expect(refusalOf({ ...rest, [member]: wrong }), `${member} ${JSON.stringify(wrong)}`).to.equal('bad-request');
        }
      }
    });
  }

  const malformed: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a text', 'prepare'],
    ['a list', [WHOLE.inquire]],
    ['no type', { number }],
    ['a type that is no text', { type: 7, number }],
    ['a type nobody knows', { type: 'rollback', number }],
    ['the name of something every object has', { type: 'toString', number }],
    ['the prototype as a type', { type: '__proto__', number }],
    ['a number of two parts', { ...WHOLE.inquire, number: 'c0ffee.1' }],
    ['a number that is no text', { ...WHOLE.inquire, number: 7 }],
    ['a number with a sign', { ...WHOLE.inquire, number: 'c0ffee.1.-7' }],
    ['a vote that is neither yes nor no', { ...WHOLE.vote, vote: 'maybe' }],
    ['an outcome nobody knows', { ...WHOLE.outcome, outcome: 'perhaps' }],
    ['a state that is no report', { ...WHOLE.state, state: 'committed' }],
    ['a protocol nobody speaks', { ...WHOLE.prepare, protocol: '4pc' }],
    ['a round without a site', { ...WHOLE.precommit, round: { counter: 2 } }],
    ['a round that counts in halves', { ...WHOLE.precommit, round: { counter: 1.5, site: 'P1' } }],
    ['participants that are no sites', { ...WHOLE.prepare, participants: ['P1'] }],
    ['an operation without a group', { ...WHOLE.prepare, operations: [{ index: 0, operation: {} }] }],
    ['an operation without its place', { ...WHOLE.prepare, operations: [{ operation: { group: 'bank' } }] }],
    ['results that are no list', { ...WHOLE.vote, results: 5 }],
    ['a hash that is no text', { ...WHOLE.vote, hashes: { bank: 1 } }],
    ['an id with a slash', { ...WHOLE.prepare, id: 'a/b' }],
  ];
  for (const [what, value] of malformed) {
    it(`refuses ${what}`, () => {
      expect(refusalOf(value)).to.equal('bad-request');
    });
  }

  it('says which member is wrong', () => {
    expect(() => parseMessage({ ...WHOLE.vote, vote: 'maybe' })).to.throw(ParleyError, 'bad vote');
  });
});
