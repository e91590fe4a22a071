/**
 * kill -9 under eight clients, again and again, on two clusters at once: one
 * process mostly, sometimes two or all, some of them at a crash point. After
 * each cycle nothing may stay in doubt; at the end the checker reads the logs
 * and what every client was told.
 */
import { expect } from 'chai';
import { randomInt } from 'node:crypto';
import { runKillCycles } from '../../src/lab/kill-cycles.ts';
import { judgeRun } from '../../src/lab/prove/judge-run.ts';
import { launchCommand } from '../support/cluster.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import type { KillCyclesReport } from '../../src/lab/kill-cycles.ts';

const CYCLES_PER_LANE = 30;
const LANES = ['mixed', '3pc'] as const;

describe('a cluster under random kills', function () {
  this.timeout(300_000);

  it('S2-16: keeps every commit it told, once, and nothing of an abort, with equal replicas in the end', async () => {
    // Chance decides who dies and when; `PARLEY_TEST_SEED=n` chooses the same victims again.
    const seed = Number(process.env['PARLEY_TEST_SEED'] ?? randomInt(1, 1_000_000));
    const ended = await Promise.allSettled(LANES.map((protocol, lane) => killedUnderWork(seed + lane, protocol)));
    for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
  });
});

async function killedUnderWork(seed: number, protocol: (typeof LANES)[number]): Promise<void> {
  const lines: string[] = [];
  try {
    await withTemporaryDirectory(async (directory) => {
      const report = await runKillCycles({
        ...{ directory, seed, protocol, clients: 8, cycles: CYCLES_PER_LANE, committedPerCycle: 10, thinkMs: 20 },
        ...{ command: launchCommand(), say: (line) => lines.push(line) },
      });
      expectWellDone(report);
      const judged = await judgeRun(directory);
      expect(judged, 'the checker').to.deep.equal({ verdict: 'ok', violations: [], inconclusive: [] });
    });
  } catch (error) {
    const said = lines.slice(-5).join('; ');
    if (error instanceof Error) error.message = `(PARLEY_TEST_SEED=${seed}, ${protocol}: ${said}) ${error.message}`;
    throw error;
  }
}

function expectWellDone({ violations, cycles, kinds, settledMs, told }: KillCyclesReport): void {
  expect(violations, 'after each cycle').to.deep.equal([]);
  expect(cycles, 'cycles with work in flight').to.equal(CYCLES_PER_LANE);
  // By a signal from outside, or at an armed point: either ends one process.
  expect(kinds.one + kinds.point, 'most of them one process at a time').to.be.greaterThan(cycles / 2);
  expect(settledMs.length, 'heals').to.be.at.least(cycles);
  expect(told.committed, 'work that was done').to.be.at.least(cycles * 10);
}
