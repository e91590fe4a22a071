/** What nobody caught: said, reported, and the process ends with the right code. */
import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

function bait(kind: string) {
  const script = join(import.meta.dirname, 'trap-bait.ts');
  return spawnSync(process.execPath, ['--import=tsx', script, kind], { encoding: 'utf8', timeout: 20_000 });
}

describe('the trap for what nobody caught', function () {
  this.timeout(300_000);

  for (const kind of ['exception', 'rejection']) {
    it(`ends the process with 6 after an ${kind}, with the stack, once all reporters were told`, () => {
      const { status, stdout, stderr } = bait(kind);
      expect(status).to.equal(6);
      expect(stdout).to.equal('reported planted\n');
      expect(stderr).to.match(/^internal: a bug ended this process \(exit code 6\)\.\nError: planted\n {4}at /);
    });
  }

  it('ends by the exit code of a known error, in one line', () => {
    const { status, stderr } = bait('known');
    expect(status).to.equal(5);
    expect(stderr).to.match(/^sync-failed: The disk said EIO\. Look at the disk; .*\n$/);
  });
});
