import { expect } from 'chai';
import { everyStep } from './machine-walks.ts';
import type { WalkedStep } from './machine-walks.ts';

/** Not from a peer: a timer, a resource, the node itself. */
const NOT_A_MESSAGE = [
  'timeout',
  'hasten',
  'resource-yes',
  'resource-no',
  'begin',
  'vote-timeout',
  'member-left',
  'resend',
];
/** Messages that ask for something; the others are answers, and get none. */
const QUESTIONS = ['prepare', 'commit', 'inquire', 'precommit', 'preabort', 'state-request'];
/** The row of such an attempt is gone; the node answers for it. */
const CLOSED = ['aborted', 'ended', 'read'];

function* repeatedMessages(): Generator<WalkedStep> {
  for (const walked of everyStep()) if (!NOT_A_MESSAGE.includes(walked.event.type)) yield walked;
}

const titleOf = ({ machine, before, event }: WalkedStep): string => `${machine} ${before.phase} by ${event.type}`;

describe('A message that comes twice', () => {
  it('leaves the state that it left the first time', () => {
    let seen = 0;
    for (const walked of repeatedMessages()) {
      seen += 1;
      expect(walked.again.state, titleOf(walked)).to.deep.equal(walked.step.state);
    }
    expect(seen).to.be.greaterThan(1000);
  });

  it('forces nothing the second time', () => {
    const forcing = new Set<string>();
    for (const walked of repeatedMessages()) {
      if (walked.again.records.some(({ force }) => force)) forcing.add(titleOf(walked));
    }
    expect([...forcing]).to.deep.equal([]);
  });

  it('does no work the second time', () => {
    const working = new Set<string>();
    for (const walked of repeatedMessages()) if (walked.again.work.length > 0) working.add(titleOf(walked));
    expect([...working]).to.deep.equal([]);
  });

  it('gets the answer that it got the first time, if it asks for one', () => {
    const different = new Set<string>();
    for (const walked of repeatedMessages()) {
      const { event, step, again } = walked;
      if (!QUESTIONS.includes(event.type)) continue;
      if (walked.machine.includes('coordinator') && (CLOSED.includes(step.state.phase) || event.type === 'commit'))
        continue;
      // A promise is reported once; a second request of the round is told that it was promised.
      if (event.type === 'state-request' && step.send.some(({ message }) => message.type === 'state')) continue;
      if (JSON.stringify(again.send) !== JSON.stringify(step.send)) different.add(titleOf(walked));
    }
    expect([...different]).to.deep.equal([]);
  });
});
