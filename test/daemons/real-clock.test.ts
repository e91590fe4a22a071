import { expect } from 'chai';
import { realClock } from '../../src/daemons/real-clock.ts';
import { eventually } from '../support/eventually.ts';

/** Long enough to share a timer with others. */
const LONG_MS = 260;

describe('the real clock', () => {
  it('never calls back early, whether a delay is short or shared', async () => {
    const startedMs = performance.now();
    const late: Record<string, number> = {};
    for (const delayMs of [0, 30, LONG_MS, LONG_MS + 7, LONG_MS + 55]) {
      realClock.after(delayMs, () => (late[delayMs] = performance.now() - startedMs - delayMs));
    }
    await eventually('all have been called', () => Object.keys(late).length === 5);
    // Node counts its timers from the beginning of a turn and in whole milliseconds.
    for (const [delayMs, ms] of Object.entries(late)) expect(ms, `after ${delayMs} ms`).to.be.at.least(-1);
  });

  it('does not call back what was disarmed, and calls the others that are due with it', async () => {
    const called: string[] = [];
    const disarm = ['a', 'b', 'c'].map((name) => realClock.after(LONG_MS, () => called.push(name)));
    disarm[1]?.();
    await eventually('the others have been called', () => called.length === 2);
    expect(called).to.deep.equal(['a', 'c']);
    // Disarming what has run, or twice, harms nobody.
    for (const each of disarm) each();
  });

  it('one that is disarmed by another that is due with it is not called', async () => {
    const called: string[] = [];
    let disarmSecond = (): void => undefined;
    realClock.after(LONG_MS, () => {
      called.push('first');
      disarmSecond();
    });
    disarmSecond = realClock.after(LONG_MS, () => called.push('second'));
    realClock.after(LONG_MS + 60, () => called.push('last'));
    await eventually('the last has been called', () => called.includes('last'));
    expect(called).to.deep.equal(['first', 'last']);
  });

  it('what is armed again after all was disarmed is called', async () => {
    let isCalled = false;
    realClock.after(LONG_MS, () => undefined)();
    realClock.after(LONG_MS, () => (isCalled = true));
    await eventually('it has been called', () => isCalled);
  });
});
