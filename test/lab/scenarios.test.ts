/**
 * Every scenario that is shipped, on real processes: one test each, its id
 * first in its title. Most of a scenario is waiting, so two run at once, and
 * the tests wait for their turn to be judged.
 */
import { expect } from 'chai';
import { shippedScenarios } from '../../src/lab/scenario-file.ts';
import { runScenario } from '../../src/lab/scenario-run.ts';
import type { ScenarioResult } from '../../src/lab/scenario-run.ts';
import type { Scenario } from '../../src/lab/scenario-shape.ts';
import { launchCommand } from '../support/cluster.ts';
import { daemonEnvironment } from '../support/processes.ts';

const LANES = 2;
/** A run that did not hit its fault shows nothing and is made again, so many times in all; it never counts as ok. */
const TRIES = 3;
/** A scenario that hangs is a failure; the longest takes some ten seconds on a busy machine. */
const SCENARIO_MS = 300_000;

const scenarios = shippedScenarios();

/** A run, and what it said: shown with a failure. */
interface Run {
  readonly result: ScenarioResult;
  readonly lines: readonly string[];
}

async function run(scenario: Scenario): Promise<Run> {
  let last = await runOnce(scenario);
  for (let tries = 1; tries < TRIES && last.result.verdict === 'inconclusive'; tries += 1)
    last = await runOnce(scenario);
  return last;
}

async function runOnce(scenario: Scenario): Promise<Run> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const [command, env] = [launchCommand(), daemonEnvironment()];
  return { lines, result: await runScenario(scenario, { command, env, say, onLine: say }) };
}

describe('the scenarios of the lab', function () {
  this.timeout(SCENARIO_MS);
  const runs = new Map<string, Promise<Run>>();

  before(() => {
    const settle = new Map<string, (run: Promise<Run>) => void>();
    for (const { id } of scenarios) {
      const promise = new Promise<Run>((resolve) => settle.set(id, resolve));
      // Judged by its own test; until then a failure is no unhandled one.
      promise.catch(() => undefined);
      runs.set(id, promise);
    }
    const waiting = [...scenarios];
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const running = run(next);
        settle.get(next.id)?.(running);
        await running.catch(() => undefined);
      }
    };
    for (let count = 0; count < LANES; count += 1) void lane();
  });

  for (const scenario of scenarios) {
    it(`${scenario.id}: ${scenario.title}`, async () => {
      const { result, lines } = (await runs.get(scenario.id)) ?? expect.fail('it was not run');
      expect(result.verdict, [...result.why, '', ...lines.slice(-60)].join('\n')).to.equal('ok');
      expect(result.checker.verdict).to.equal(scenario.holds.verdict);
      for (const { name, hits } of result.faults) expect(hits, name).to.be.at.least(1);
    });
  }
});
