import { expect } from 'chai';
import { siteOf } from './attempts.ts';
import { sentBy } from './driven-coordinator.ts';
import { DrivenParticipant } from './driven-participant.ts';

const NUMBER = 'c0ffee.1.1';

describe('A participant whose words were lost', () => {
  it('reads again when a prepare is repeated, for its read-only vote left nothing to repeat it from', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    const found = { effects: [], results: [{ index: 0, result: 1 }], hashes: {} };
    for (const time of ['first', 'again']) {
      expect(
        driven.prepares(NUMBER, { participants: [siteOf('P2')] }).work.map(({ work }) => work.type),
        time,
      ).to.deep.equal(['prepare']);
      const voted = driven.step({ type: 'resource-yes', number: NUMBER, prepared: found });
      expect(voted.send[0]?.message, time).to.include({ type: 'vote', vote: 'read-only' });
    }
  });

  it('goes on leading a round when its own request comes twice and the second is refused', () => {
    const driven = new DrivenParticipant();
    driven.welcomed();
    driven.prepares(NUMBER, { protocol: '3pc', participants: ['P1', 'P2', 'P3'].map(siteOf) });
    driven.yes(NUMBER);
    const [request] = driven.step({ type: 'timer', key: `elect:${NUMBER}` }).send;
    const round = request?.message.type === 'state-request' ? request.message.round : undefined;
    if (round === undefined) throw new Error('no round was begun');
    driven.hears({ type: 'refused', number: NUMBER, round, lastElected: round }, 'P2');
    const lastAttempt = { counter: 0, site: '' };
    const steps = ['P2', 'P3'].map((from) =>
      driven.hears({ type: 'state', number: NUMBER, round, state: 'prepared', lastAttempt }, from),
    );
    expect(steps.flatMap(sentBy)).to.include.members(['P2: preabort', 'P3: preabort']);
  });
});
