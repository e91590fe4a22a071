/** One limit of time at a time: what passes, what does not, and that none passes early. */
import { expect } from 'chai';
import { Deadline } from '../../src/net/deadline.ts';
import { eventually } from '../support/eventually.ts';

describe('a deadline', () => {
  const passed: { readonly what: string; readonly atMs: number }[] = [];
  let deadline: Deadline<'short' | 'other' | 'long'>;

  beforeEach(() => {
    passed.length = 0;
    deadline = new Deadline((what) => passed.push({ what, atMs: performance.now() }));
  });
  afterEach(() => deadline.end());

  const firstPassed = async (): Promise<{ what: string; atMs: number } | undefined> => {
    await eventually('a limit has passed', () => passed.length > 0);
    return passed[0];
  };

  it('passes once, and not before its time', async () => {
    const startedMs = performance.now();
    deadline.arm('short', 25);
    const first = await firstPassed();
    expect(first?.what).to.equal('short');
    expect((first?.atMs ?? 0) - startedMs).to.be.at.least(25);
    expect(passed).to.have.length(1);
  });

  it('is not started anew by the same name', async () => {
    deadline.arm('short', 20);
    deadline.arm('short', 600_000);
    expect((await firstPassed())?.what).to.equal('short');
  });

  it('is that of the newest name, whether it is due before the one given up or after it', async () => {
    deadline.arm('long', 600_000);
    deadline.arm('short', 10);
    expect((await firstPassed())?.what).to.equal('short');
    passed.length = 0;
    const startedMs = performance.now();
    deadline.arm('other', 5);
    deadline.arm('long', 60);
    const first = await firstPassed();
    expect(first?.what).to.equal('long');
    expect((first?.atMs ?? 0) - startedMs).to.be.at.least(60);
  });

  it('passes no more once it is given up, and counts in full when it is armed again', async () => {
    deadline.arm('short', 5);
    deadline.disarm();
    const startedMs = performance.now();
    deadline.arm('short', 50);
    const first = await firstPassed();
    expect((first?.atMs ?? 0) - startedMs).to.be.at.least(50);
    expect(passed).to.have.length(1);
  });

  it('leaves no timer behind at its end', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
    const before = timers();
    deadline.arm('long', 600_000);
    expect(timers()).to.equal(before + 1);
    deadline.end();
    expect(timers()).to.equal(before);
  });
});
