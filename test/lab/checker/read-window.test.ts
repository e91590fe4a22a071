/** What a read must have seen at least: what was told of its own key, and nothing that only stands before it in a log. */
import { expect } from 'chai';
import { inForce, windowOf } from '../../../src/lab/checker/reads.ts';
import type { GroupReplay } from '../../../src/lab/checker/participant-replay.ts';
import type { Asked } from '../../../src/lab/checker/client-story.ts';

/** Lines to the garden and the lobby, in the order of one participant's log; then a copy that brings two more. */
const PLACE = {
  applied: [
    { id: 'G1', uses: [{ key: 'room/garden', mode: 'exclusive' }] },
    { id: 'G2', uses: [{ key: 'room/garden', mode: 'exclusive' }] },
    { id: 'L1', uses: [{ key: 'room/lobby', mode: 'exclusive' }] },
  ],
  versions: new Map([
    [
      'room/garden',
      [
        { index: 1, value: 1 },
        { index: 2, value: 2 },
        { index: 3, value: 4, copied: true },
      ],
    ],
  ]),
} as unknown as GroupReplay;

const READ = { from: 10, to: 20, in: { room: 'garden' } } as unknown as Asked;
const ASKED = new Map([
  ['G1', 1],
  ['G2', 2],
  ['L1', 3],
]);

function leastLines(told: readonly (readonly [string, number])[]): number {
  const window = windowOf(PLACE, READ, { told: new Map(told), asked: ASKED }, 'room/garden');
  return Math.min(...inForce(PLACE, 'room/garden', window).map(Number));
}

describe('the window of a read', () => {
  it('begins with what was told of its key before it', () => {
    expect(leastLines([['G1', 5]])).to.equal(1);
    expect(
      leastLines([
        ['G1', 5],
        ['G2', 6],
      ]),
    ).to.equal(2);
  });

  it('does not begin later because something else was told that stands behind it in the log', () => {
    expect(
      leastLines([
        ['G1', 5],
        ['L1', 6],
      ]),
    ).to.equal(1);
  });

  it('may lie before a copy, though the copy stands behind the same commits', () => {
    const window = { low: 3, high: 3 };
    expect(inForce(PLACE, 'room/garden', window).map(Number)).to.deep.equal([2, 4]);
  });
});
