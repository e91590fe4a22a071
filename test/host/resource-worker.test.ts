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

  it('says yes only to what fits', () => {
    const { votes } = appended(100);
    expect(votes.map(({ type }) => type)).to.deep.equal(['resource-yes']);
    expect(JSON.stringify(votes).length).to.be.below(RECORD_BYTES_MAX);
  });
});
