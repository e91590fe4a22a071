/**
 * Bad frames against a daemon as people start it. The vectors and their runner are a program of their own
 * (test/testdata/frames), which sees the daemon as a black box: every frame whole, byte by byte and cut at random.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { withCluster } from '../support/cluster.ts';

/** Frames of the same rules that are not among the first ones. */
const OWN_FRAMES = join(import.meta.dirname, '..', 'testdata', 'frames-own', 'frames.json');
const RUNNER = join(import.meta.dirname, '..', 'testdata', 'frames', 'run.mjs');
const RUN_MS_MAX = 120_000;
/** The machine is shared with the other tests; the runner's own patience is for an idle one. */
const PATIENCE = '4';

/** What the runner printed, and its exit code. */
function runFrames(port: number, ...more: readonly string[]): Promise<{ code: number; output: string }> {
  const args = [RUNNER, '--port', String(port), '--path', '/lab/frames', '--patience', PATIENCE, ...more];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: RUN_MS_MAX, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

describe('bad frames', function () {
  this.timeout(RUN_MS_MAX + 30_000);

  it('S0-8: never run anything, never lose the answer to a good one, and end as the rules say, at a coordinator', async () => {
    await withCluster({ only: ['coordinator', 'P1'], opening: [] }, async (cluster) => {
      const { port } = cluster.nodes.address('coordinator');
      for (const more of [[], ['--file', OWN_FRAMES]]) {
        const { code, output } = await runFrames(port, '--seed', '1', ...more);
        expect(output.trim().split('\n').at(-1), output.slice(-4000)).to.match(/^[1-9]\d* passed, 0 failed$/);
        expect(code).to.equal(0);
      }
    });
  });
});
