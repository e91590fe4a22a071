import { expect } from 'chai';
import { FeedDesk } from '../../src/daemons/feed-desk.ts';
import { served } from '../api/served-participant.ts';

const TRANSFER = { group: 'bank', resource: 'ledger', type: 'transfer', from: 1, to: 2, amount: 10 };

describe('The feed of a participant', () => {
  it('tells a change only when it is durable, and in order', () => {
    const { participant, loop, hear, prepare, log } = served();
    const feed = new FeedDesk(participant, loop);
    const before = feed.position;
    const told: number[] = [];
    feed.follow(({ position }) => told.push(position));
    const numbers = [prepare(TRANSFER), prepare(TRANSFER)];
    log.sync();
    for (const number of numbers) hear({ type: 'commit', number });
    // Applied, and not told: a power cut could still undo it.
    expect(participant.resources.position).to.equal(before + 2);
    expect([told, feed.position]).to.deep.equal([[], before]);
    log.sync();
    expect([told, feed.position]).to.deep.equal([[before + 1, before + 2], before + 2]);
  });

  it('tells nothing more to who has left, and nothing about what aborted', () => {
    const { participant, loop, hear, prepare, log } = served();
    const feed = new FeedDesk(participant, loop);
    const told: number[] = [];
    const leave = feed.follow(({ position }) => told.push(position));
    hear({ type: 'abort', number: prepare(TRANSFER) });
    leave();
    hear({ type: 'commit', number: prepare(TRANSFER) });
    log.sync();
    expect(told).to.deep.equal([]);
  });
});
