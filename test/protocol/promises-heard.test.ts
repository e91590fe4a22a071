/** What a coordinator takes for the sign of a forced record, to tell the client what its transaction cost. */
import { expect } from 'chai';
import { abortedAnswer, committedAnswer, everyoneIn } from '../../src/protocol/answers.ts';
import { isPromise } from '../../src/protocol/coordinator-closed.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { A_REASON, NUMBER, round } from './attempts.ts';

const number = NUMBER;
const BASIS = {
  ...({ id: 'TX001', hash: 'h1', number, protocol: '2pc', participants: ['P1', 'P2'] } as const),
  cost: { forcedWrites: 3, messages: 8, ms: 12 },
};

describe('A message that says that a record was forced', () => {
  for (const [message, is] of [
    [{ type: 'vote', number, vote: 'yes' }, true],
    [{ type: 'vote', number, vote: 'no' }, false],
    [{ type: 'vote', number, vote: 'read-only' }, false],
    [{ type: 'outcome', number, outcome: 'committed' }, true],
    [{ type: 'outcome', number, outcome: 'aborted' }, true],
    [{ type: 'outcome', number, outcome: 'unknown' }, false],
    [{ type: 'acknowledge', number }, true],
    [{ type: 'precommitted', number, round: round(1, 'C') }, true],
    [{ type: 'preaborted', number, round: round(2, 'P1') }, true],
    [{ type: 'inquire', number }, false],
    [{ type: 'abort', number }, false],
  ] as const satisfies readonly (readonly [Message, boolean])[]) {
    it(`is ${is ? '' : 'not '}this: ${JSON.stringify(message)}`, () => {
      expect(isPromise(message)).to.equal(is);
    });
  }
});

describe('The answer to a client', () => {
  it('has the results in the order of the operations, and what it cost', () => {
    const results = [
      { index: 0, result: 'first' },
      { index: 1, result: { second: 2 } },
    ];
    expect(committedAnswer(BASIS, results).body).to.deep.include({
      ...{ id: 'TX001', outcome: 'committed', results: ['first', { second: 2 }], participants: ['P1', 'P2'] },
      cost: { forcedWrites: 3, messages: 8, ms: 12 },
    });
  });

  it('has as many results when it is a no, each of them null, and the reason', () => {
    expect(abortedAnswer(BASIS, A_REASON, 2).body).to.deep.include({
      ...{ id: 'TX001', outcome: 'aborted', results: [null, null], reason: A_REASON },
      cost: { forcedWrites: 3, messages: 8, ms: 12 },
    });
  });

  it('names everyone once, in order, who holds one of its groups', () => {
    expect(everyoneIn({ chat: ['P3', 'P2'], bank: ['P2', 'P1'] })).to.deep.equal(['P1', 'P2', 'P3']);
  });
});
