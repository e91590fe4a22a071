/** Runs scenarios one after the other and tells a person, or a program, what happened and what it came to. */
import { join } from 'node:path';
import { Chalk, supportsColor } from 'chalk';
import { reportLines } from './checker/report-text.ts';
import { runScenario } from './scenario-run.ts';
import type { ScenarioResult } from './scenario-run.ts';
import type { Scenario } from './scenario-shape.ts';

/** What to run and how to tell. */
export interface ReportOptions {
  readonly scenarios: readonly Scenario[];
  /** Run directories are made below this one and kept. */
  readonly keep: string | undefined;
  /** One JSON object a run instead of text. */
  readonly json: boolean;
  /** Also what the daemons say. */
  readonly daemonLines: boolean;
  readonly write: (line: string) => void;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly command?: readonly string[] | undefined;
}

const chalk = new Chalk({ level: supportsColor === false ? 0 : supportsColor.level });
const VERDICT_COLOURS = { ok: chalk.green, violated: chalk.red, inconclusive: chalk.yellow };

/** Resolves with the gravest verdict of all runs: violated, then inconclusive, then ok. */
export async function reportRuns(options: ReportOptions): Promise<ScenarioResult['verdict']> {
  const { scenarios, json, write } = options;
  const results: ScenarioResult[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    if (!json) write(`${chalk.bold(scenario.id)}  ${scenario.title}`);
    const result = await runOne(scenario, index, options);
    results.push(result);
    for (const line of json ? [JSON.stringify(result)] : resultLines(scenario, result)) write(line);
  }
  const count = (verdict: ScenarioResult['verdict']): number => results.filter((one) => one.verdict === verdict).length;
  if (!json && results.length > 1) {
    write(`${count('ok')} ok, ${count('violated')} violated, ${count('inconclusive')} inconclusive`);
  }
  if (count('violated') > 0) return 'violated';
  return count('inconclusive') > 0 ? 'inconclusive' : 'ok';
}

function runOne(scenario: Scenario, index: number, options: ReportOptions): Promise<ScenarioResult> {
  const { scenarios, json, keep, write, command, env, daemonLines } = options;
  const fromMs = performance.now();
  const tell = (line: string): void => {
    const seconds = ((performance.now() - fromMs) / 1000).toFixed(2).padStart(6);
    if (!json) write(`${chalk.dim(seconds)}  ${line}`);
  };
  const twice = scenarios.filter(({ id }) => id === scenario.id).length > 1;
  return runScenario(scenario, {
    keep: keep === undefined ? undefined : join(keep, twice ? `${scenario.id}.${index + 1}` : scenario.id),
    say: tell,
    command,
    env,
    ...(daemonLines ? { onLine: (line: string) => tell(chalk.dim(line)) } : {}),
  });
}

function resultLines({ expectedUnsafe }: Scenario, result: ScenarioResult): readonly string[] {
  const { verdict, why, faults, checker, ms, directory } = result;
  const colour = VERDICT_COLOURS[verdict];
  const unsafe = expectedUnsafe && verdict === 'ok' ? ' (unsafe, as expected: the checker catches it)' : '';
  const hits = faults.map(({ name, hits: times }) => `${name}: ${times}`).join('; ');
  return [
    `        ${colour(verdict.toUpperCase())}${unsafe} in ${(ms / 1000).toFixed(1)} s; faults that hit: ${hits === '' ? 'none meant' : hits}`,
    ...why.map((one) => `        ${colour('•')} ${one}`),
    ...(verdict === 'ok' && !expectedUnsafe ? [] : reportLines(checker).map((line) => `        ${chalk.dim(line)}`)),
    ...(directory === undefined ? [] : [`        kept in ${directory}`]),
    '',
  ];
}
