import { expect } from 'chai';
import { ResourceWorker } from '../../src/host/resource-worker.ts';
import type { VoteEvent } from '../../src/host/resource-worker.ts';
import { ResourceManager } from '../../src/resources/resource-manager.ts';
import { RECORD_BYTES_MAX } from '../../src/wal/record-codec.ts';

const NUMBER = 'c0ffee.1.1';

/** A worker on a room, asked to append so many lines of 4,000 characters. */
function appended(lines: number): { readonly votes: VoteEvent[]; readonly resources: ResourceManager } {
  const resources = new ResourceManager({ groups: [{ group: 'chat', kind: 'history' }] });
  const votes: VoteEvent[] = [];
  const worker = new ResourceWorker({ resources, voteMode: 'auto', emit: (vote) => votes.push(vote) });
  const line = (_: unknown, index: number) => ({ key: `k${index}`, author: 'ada', text: 'x'.repeat(4_000) });
  const operation = {
    group: 'chat',
    resource: 'history',
    type: 'append',
    room: 'lobby',
    lines: Array.from({ length: lines }, line),
  };
  worker.run({ number: NUMBER, id: 'TX1', work: { type: 'prepare', operations: [{ index: 0, operation }] } });
  return { votes, resources };
}

describe('The worker of a participant', () => {
  it('says no, and keeps nothing, when the operations and what they come to would not fit a record', () => {
    const { votes, resources } = appended(160);
    expect(votes.map((vote) => (vote.type === 'resource-no' ? vote.reason.code : vote.type))).to.deep.equal([
      'too-large',
    ]);
    expect(resources.locked()).to.deep.equal([]);
  });

  it('tells when an attempt asked for its locks, and when it had them, also if it waited; never of one that gave up', () => {
    const resources = new ResourceManager({ groups: [{ group: 'chat', kind: 'history' }] });
    const told: string[] = [];
    let asked = 0;
    const onLocking = (): (() => void) => {
      const name = `attempt ${++asked}`;
      told.push(`${name} asks`);
      return () => told.push(`${name} has them`);
    };
    const worker = new ResourceWorker({ resources, voteMode: 'auto', onLocking, emit: () => undefined });
    const lines = [{ key: 'k', author: 'ada', text: 'x' }];
    const operation = { group: 'chat', resource: 'history', type: 'append', room: 'lobby', lines };
    for (const number of ['c0ffee.1.1', 'c0ffee.1.2', 'c0ffee.1.3']) {
      worker.run({ number, id: number, work: { type: 'prepare', operations: [{ index: 0, operation }] } });
    }
    worker.run({ number: 'c0ffee.1.2', id: 'TX2', work: { type: 'give-up' } });
    told.push('the first ends');
    worker.run({ number: 'c0ffee.1.1', id: 'TX1', work: { type: 'abort' } });
    expect(told).to.deep.equal([
      ...['attempt 1 asks', 'attempt 1 has them', 'attempt 2 asks', 'attempt 3 asks'],
      ...['the first ends', 'attempt 3 has them'],
    ]);
  });

  it('says yes only to what fits', () => {
    const { votes } = appended(100);
    expect(votes.map(({ type }) => type)).to.deep.equal(['resource-yes']);
    expect(JSON.stringify(votes).length).to.be.below(RECORD_BYTES_MAX);
  });
});
