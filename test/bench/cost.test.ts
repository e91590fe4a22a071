/** Counts against the textbooks, written here by hand: presumed abort and three-phase commit with n writers. */
import { expect } from 'chai';
import { costCases, costOf } from '../../src/bench/cost-subject.ts';
import type { CostCase } from '../../src/bench/cost-subject.ts';

function counts(label: string): { readonly forced: number; readonly messages: number } {
  const found = costCases().find((one): one is CostCase => one.label === label);
  if (found === undefined) throw new Error(`there is no case ${label}`);
  const { messages, records } = costOf(found);
  return { forced: records.filter(({ forced }) => forced).length, messages: messages.length };
}

describe('the cost of a transaction', () => {
  for (const n of [2, 3, 5, 8]) {
    it(`2PC with ${n} participants forces 2n + 1 records and sends 4n messages, as presumed abort does`, () => {
      expect(counts(`2PC, ${n} participants`)).to.deep.equal({ forced: 2 * n + 1, messages: 4 * n });
    });

    it(`parallel with ${n} participants sends as many messages as 2PC, and forces its begin besides`, () => {
      expect(counts(`parallel, ${n} participants`)).to.deep.equal({ forced: 2 * n + 2, messages: 4 * n });
    });

    it(`3PC with ${n} participants sends 6n messages and forces no more than the textbook's 3n + 2 records`, () => {
      const { forced, messages } = counts(`3PC, ${n} participants`);
      expect(messages).to.equal(6 * n);
      // The decision rests on a quorum's precommits, so the coordinator's own commit need not be forced.
      expect(forced).to.equal(3 * n + 1);
    });
  }

  it('one-phase sends two messages, and forces what the participant did and that it was asked', () => {
    expect(counts('one-phase, 1 participant')).to.deep.equal({ forced: 2, messages: 2 });
  });

  it('a participant that only reads costs two messages and forces nothing', () => {
    expect(counts('2PC, 1 writes, 1 reads')).to.deep.equal({ forced: 3, messages: 6 });
  });

  it('every case commits, but the one that is made to abort', () => {
    for (const one of costCases()) {
      const { answer } = costOf(one);
      const outcome = 'body' in answer ? answer.body['outcome'] : answer.refused;
      expect(outcome, one.label).to.equal(one.label.includes('aborted') ? 'aborted' : 'committed');
    }
  });

  it('bytes are those of whole frames and whole lines of the log', () => {
    const found = costCases().find(({ label }) => label === '2PC, 2 participants');
    const { messages, records } = costOf(found as CostCase);
    for (const { bodyBytes, frameBytes, type } of messages) expect(frameBytes, type).to.be.above(bodyBytes + 100);
    // 8 digits, two spaces, LF, and the log's own members around the record.
    const committed = records.find(({ type }) => type === 'committed');
    expect(committed?.bytes).to.be.within(95, 120);
  });
});
