import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { startTask } from '../../src/bench/child-task.ts';
import { watchProcesses } from '../../src/bench/process-use.ts';
import { eventually } from '../support/eventually.ts';
import { processIsGone } from '../support/processes.ts';

/** The code of the error it is rejected with. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ParleyError) return error.code;
    throw error;
  }
  return 'resolved';
}

const MODULE = new URL('./task-fixture.ts', import.meta.url).href;

describe('a task in a process of its own', () => {
  it('answers what it is asked, with what it was started with', async () => {
    const task = await startTask({ name: 'adder', module: MODULE, run: 'adder', options: { base: 40 } });
    try {
      expect(await task.ask({ add: 2 })).to.deep.equal({ sum: 42 });
      expect(task.pid).not.to.equal(process.pid);
    } finally {
      await task.end();
    }
    await eventually('its process is gone', () => processIsGone(task.pid));
  });

  it('a throw in the task is the rejection of the question, and the task goes on', async () => {
    const task = await startTask({ name: 'adder', module: MODULE, run: 'adder', options: { base: 1 } });
    try {
      expect(await codeOf(task.ask({ fail: true }))).to.equal('bench-failed');
      expect(await task.ask({ add: 1 })).to.deep.equal({ sum: 2 });
    } finally {
      await task.end();
    }
  });

  it('a task that ends while it is asked is no hanging question', async () => {
    const task = await startTask({ name: 'adder', module: MODULE, run: 'adder', options: { base: 1 } });
    expect(await codeOf(task.ask({ exit: true }))).to.equal('bench-failed');
    await task.end();
  });

  it('what a process used is its own CPU time in the stretch, on Linux', async function () {
    if (process.platform !== 'linux') this.skip();
    const task = await startTask({ name: 'adder', module: MODULE, run: 'adder', options: { base: 1 } });
    try {
      const stop = watchProcesses([{ name: 'adder', pid: task.pid }]);
      await task.ask({ burnMs: 200 });
      const [used] = stop();
      expect(used?.name).to.equal('adder');
      // It turned until it had used 200 ms; the clock of the kernel counts in 10 ms.
      expect(used?.cpuMs).to.be.at.least(180);
      expect(used?.rssMiB).to.be.above(10);
    } finally {
      await task.end();
    }
  });
});
