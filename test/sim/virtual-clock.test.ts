import { expect } from 'chai';
import { SeededRandom } from '../../src/sim/seeded-random.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';

describe('The virtual clock', () => {
  it('runs what is due in order of time, and what is due together in the order it was asked for', () => {
    const clock = new VirtualClock();
    const random = new SeededRandom(1);
    const ran: string[] = [];
    const wanted: { readonly atMs: number; readonly name: string }[] = [];
    for (let index = 0; index < 200; index += 1) {
      const atMs = random.whole(0, 20);
      wanted.push({ atMs, name: `${atMs}/${index}` });
      clock.after(atMs, () => ran.push(`${clock.nowMs}/${index}`));
    }
    // Stable: equal times stay in the order in which they were asked for.
    const expected = [...wanted].sort((a, b) => a.atMs - b.atMs).map(({ name }) => name);
    expect(clock.runUntil(20)).to.equal(200);
    expect(ran).to.deep.equal(expected);
  });

  it('runs nothing that was cancelled, and nothing that is not due', () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.after(5, () => ran.push('cancelled'))();
    clock.after(6, () => ran.push('later'));
    expect(clock.runUntil(5)).to.equal(0);
    expect(clock.nowMs).to.equal(5);
    clock.runUntil(6);
    expect(ran).to.deep.equal(['later']);
  });

  it('runs what is asked for while it runs, if that is due too', () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.nowMs);
      clock.after(10, again);
    };
    clock.after(0, again);
    clock.runUntil(35);
    expect(ran).to.deep.equal([0, 10, 20, 30]);
  });
});
