/** One short black-box history: clients under faults, and the checker over all that was recorded. */
import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { NODES, PARTICIPANTS } from '../../src/lab/history-cluster.ts';
import { runHistory } from '../../src/lab/history-run.ts';
import { judgeRun } from '../../src/lab/prove/judge-run.ts';
import { readRunDirectory } from '../../src/lab/run-directory.ts';
import { launchCommand } from '../support/cluster.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const FOR_MS = 12_000;

describe('a history of eight clients under faults', function () {
  this.timeout(300_000);

  it('shows nothing that the invariants forbid, and leaves nothing open after the heal', async () => {
    const seed = Number(process.env['PARLEY_TEST_SEED'] ?? randomInt(1, 1_000_000));
    const lines: string[] = [];
    try {
      await withTemporaryDirectory(async (directory) => {
        const report = await runHistory({
          ...{ directory, seed, protocol: 'mixed', clients: 8, forMs: FOR_MS, thinkMs: 5, faultEveryMs: [200, 1_000] },
          ...{ command: launchCommand(), say: (line) => lines.push(line) },
        });
        expect(report.violations, 'after the heal').to.deep.equal([]);
        expect(report.settledMs, 'in doubt after the heal').to.be.a('number');
        const judged = await judgeRun(directory);
        expect(judged).to.deep.equal({ verdict: 'ok', violations: [], inconclusive: [] });
        const { history, run, final, faults } = await readRunDirectory(directory);
        expect(faults, 'faults of the run directory').to.deep.equal([]);
        expect(run?.seed).to.equal(seed);
        for (const name of PARTICIPANTS) expect(final?.nodes[name]).to.include({ locked: 0, waiting: 0 });
        // Only Linux lists what a process holds open; there nobody may be left out.
        const counted = Object.values(final?.nodes ?? {}).filter(({ handles }) => handles !== undefined);
        expect(counted.length).to.equal(process.platform === 'linux' ? NODES.length : 0);
        const { ok, fail, info } = report.events;
        expect(history.filter(({ kind }) => kind === 'invoke').length).to.equal(ok + fail + info);
      });
    } catch (error) {
      if (error instanceof Error) error.message = `(PARLEY_TEST_SEED=${seed}: ${lines.join('; ')}) ${error.message}`;
      throw error;
    }
  });
});
