/** The closing line of `npm test`, which CI reads, and its exit code. */
import { expect } from 'chai';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { makeCheckout } from './checkout.ts';
import type { Finished } from './checkout.ts';

const PASSES = "it('passes', () => undefined);\n";
const FAILS = "it('fails', () => { throw new Error('planted'); });\n";
const SKIPS = "it.skip('skips', () => undefined);\n";

/** Runs scripts/test.mjs over one test file. */
function runTests(text: string, ...args: readonly string[]): Promise<Finished> {
  return withTemporaryDirectory(async (directory) => {
    const checkout = await makeCheckout(directory);
    await checkout.write('test/folder/one.test.ts', text);
    await checkout.write('test/two.test.ts', "it('stands in another file', () => undefined);\n");
    return checkout.run('scripts/test.mjs', ...args);
  });
}

function closingLines({ stdout }: Finished): string[] {
  return stdout.split('\n').filter((line) => /^\d+ passed, \d+ failed, \d+ skipped$/.test(line));
}

describe('scripts/test.mjs', () => {
  it('ends with the counts, once and last, and succeeds when nothing failed', async () => {
    const run = await runTests(PASSES + SKIPS);
    expect(run.stdout.endsWith('\n2 passed, 0 failed, 1 skipped\n'), run.stdout).to.equal(true);
    expect(closingLines(run)).to.have.lengthOf(1);
    expect(run.code).to.equal(0);
  });

  it('fails when a test failed', async () => {
    const run = await runTests(PASSES + FAILS, 'test/folder');
    expect(closingLines(run)).to.deep.equal(['1 passed, 1 failed, 0 skipped']);
    expect(run.code).to.equal(1);
  });

  it('fails, with the line, when a test file cannot even be loaded', async () => {
    const run = await runTests("import './absent.ts';\n");
    expect(closingLines(run)).to.deep.equal(['0 passed, 1 failed, 0 skipped']);
    expect(run.code).not.to.equal(0);
  });

  it('hands --grep on to mocha', async () => {
    const run = await runTests(PASSES + FAILS, '--grep', 'another file');
    expect(closingLines(run)).to.deep.equal(['1 passed, 0 failed, 0 skipped']);
    expect(run.code).to.equal(0);
  });

  it('runs the tests that wait for processes beside the others, shows each in one piece, and counts both', async () => {
    const run = await withTemporaryDirectory(async (directory) => {
      const checkout = await makeCheckout(directory);
      await checkout.write('test/processes/slow.test.ts', PASSES + FAILS);
      await checkout.write('test/quick.test.ts', "it('computes', () => undefined);\n" + SKIPS);
      return checkout.run('scripts/test.mjs');
    });
    expect(closingLines(run)).to.deep.equal(['2 passed, 1 failed, 1 skipped']);
    expect(run.code).to.equal(1);
    const ofProcesses = run.stdout.indexOf('planted');
    expect(run.stdout.indexOf('passes')).to.be.within(0, ofProcesses);
    expect(run.stdout.indexOf('computes')).to.be.above(ofProcesses);
  });
});
