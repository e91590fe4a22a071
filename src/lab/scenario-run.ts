/**
 * Runs a scenario on real processes and judges it:
 *
 * ```
 *   start, open accounts → steps → heal → wait → freeze, dump → checker → verdict
 * ```
 *
 * The verdict is `inconclusive` when a fault that was named did not hit, or the
 * checker has too little to say; `violated` when the checker finds something, a
 * step does not see what it expects, or something does not hold at the end.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { check } from './checker/check.ts';
import { gatherRun } from './checker/gather.ts';
import type { CheckReport } from './checker/verdict.ts';
import { COORDINATOR, startLabCluster } from './lab-cluster.ts';
import type { LabCluster } from './lab-cluster.ts';
import type { FinalState } from './run-directory.ts';
import { writeFinal, writeRun } from './run-directory.ts';
import { settle } from './scenario-clients.ts';
import { bodyOf, waitUntil } from './scenario-conditions.ts';
import { Unfulfilled } from './scenario-context.ts';
import type { ScenarioContext } from './scenario-context.ts';
import { finalState, heal, settled } from './scenario-end.ts';
import { unfulfilled } from './scenario-holds.ts';
import type { Remains } from './scenario-holds.ts';
import type { Scenario } from './scenario-shape.ts';
import { runStep } from './scenario-steps.ts';

/** How a run is made. */
export interface ScenarioRunOptions {
  /** Where the run directory is made and kept; a temporary one that is removed when absent. */
  readonly keep?: string | undefined;
  /** Program and first arguments of `parley`; this installation when absent. */
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What happens, line by line. */
  readonly say: (line: string) => void;
  /** Called when all is over and the processes still run. */
  readonly look?: ((cluster: LabCluster) => Promise<void>) | undefined;
  /** What the daemons say. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** What came of a run. `ok` also when something unsafe was expected, and seen. */
export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly verdict: 'ok' | 'violated' | 'inconclusive';
  /** Why it is not ok, one sentence each. */
  readonly why: readonly string[];
  readonly faults: readonly { readonly name: string; readonly hits: number }[];
  readonly checker: CheckReport;
  readonly ms: number;
  /** The run directory, when it was kept. */
  readonly directory: string | undefined;
}

const WHOLE_MS = 15_000;

/** Runs one scenario; every process it started is gone when it resolves. */
export async function runScenario(scenario: Scenario, options: ScenarioRunOptions): Promise<ScenarioResult> {
  const fromMs = performance.now();
  const directory = options.keep ?? mkdtempSync(join(tmpdir(), 'parley-lab-'));
  await mkdir(directory, { recursive: true });
  try {
    const { command, env, onLine } = options;
    const cluster = await startLabCluster({ scenario, directory, command, env, onLine });
    const played = await playAndEnd(scenario, cluster, options);
    const result = await judge(scenario, cluster, played);
    const { id, title } = scenario;
    return { id, title, ...result, ms: performance.now() - fromMs, directory: options.keep };
  } finally {
    if (options.keep === undefined) rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

interface Played {
  readonly why: readonly string[];
  readonly final: FinalState | undefined;
  readonly outcomes: Remains['outcomes'];
}

async function playAndEnd(scenario: Scenario, cluster: LabCluster, { say, look }: ScenarioRunOptions): Promise<Played> {
  try {
    const played = await play({ scenario, cluster, say, answers: new Map(), loads: [], paused: new Set() });
    await look?.(cluster);
    // Gently, so that what is lazily written is written: the logs are what is judged.
    await cluster.nodes.stop();
    return played;
  } finally {
    await cluster.end();
  }
}

async function play(context: ScenarioContext): Promise<Played> {
  const { cluster, scenario } = context;
  const why: string[] = [];
  const attempt = async (what: string, run: () => Promise<void>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof Unfulfilled)) throw error;
      why.push(`${what}: ${error.message}.`);
      context.say(`NOT SEEN: ${error.message}`);
    }
  };
  await openAccounts(context);
  await waitUntil(context, { wholeViews: true }, WHOLE_MS);
  for (const [index, step] of scenario.steps.entries()) {
    // What comes behind a step that did not see what it expects proves nothing.
    if (why.length === 0) await attempt(`step ${index + 1} (${step.do})`, () => runStep(context, step));
  }
  let final: FinalState | undefined;
  await attempt('the end', async () => {
    await heal(context);
    await Promise.all(context.answers.values());
    const told = await settled(context);
    final = await finalState(context, told);
  });
  await Promise.allSettled(context.loads);
  return { why, final, outcomes: await outcomesOf(cluster, Object.keys(scenario.holds.outcomes)) };
}

/** The accounts of the scenario, by one transaction: the first thing in the history. */
async function openAccounts(context: ScenarioContext): Promise<void> {
  const operations = Object.entries(context.scenario.cluster.opening).flatMap(([group, accounts]) =>
    accounts.map(({ account, balance }) => ({ group, resource: 'ledger', type: 'create', opening: balance, account })),
  );
  if (operations.length === 0) return;
  const { outcome, reason } = await settle(context, { id: 'opening', operations, protocol: '2pc' });
  if (outcome !== 'committed')
    throw new ParleyError('daemon-not-ready', `The accounts are not open: ${reason ?? outcome}.`);
}

/**
 * What the coordinator says of these ids, and each participant that took part
 * in the attempt it says it of: an earlier attempt may have come to something else.
 */
async function outcomesOf(cluster: LabCluster, ids: readonly string[]): Promise<Remains['outcomes']> {
  const found: Record<string, Record<string, string>> = {};
  for (const id of ids) {
    const { outcome, number } = (await bodyOf(cluster, COORDINATOR, `/transactions/${id}`)) ?? {};
    const places: Record<string, string> = typeof outcome === 'string' ? { [COORDINATOR]: outcome } : {};
    for (const name of cluster.participants) {
      const attempts = (await bodyOf(cluster, name, `/transactions/${id}`))?.['attempts'] as
        readonly { readonly number: string; readonly state: string }[] | undefined;
      const same = attempts?.find((attempt) => attempt.number === number);
      if (same !== undefined) places[name] = same.state;
    }
    found[id] = places;
  }
  return found;
}

async function judge(
  scenario: Scenario,
  { directory, faults, alarms, participants }: LabCluster,
  { why: notSeen, final, outcomes }: Played,
): Promise<Pick<ScenarioResult, 'verdict' | 'why' | 'faults' | 'checker'>> {
  const { cluster, holds, id } = scenario;
  const list = faults.list();
  await writeRun(directory, {
    version: 1,
    scenario: id,
    protocol: cluster.protocol,
    nodes: [
      { name: COORDINATOR, role: 'coordinator', directory: COORDINATOR },
      ...participants.map((name) => ({ name, role: 'participant' as const, directory: name })),
    ],
    groups: cluster.groups,
    faults: [...list],
    floor: { committed: 0 },
    mayBlock: holds.down.length > 0,
  });
  if (final !== undefined) await writeFinal(directory, final);
  const gathered = await gatherRun(directory);
  const checker = check(gathered);
  const why = [...notSeen];
  if (checker.verdict === 'violated' && holds.verdict !== 'violated') {
    why.push(...checker.violations.map(({ invariant, what }) => `the checker: ${invariant} ${what}`));
  } else if (checker.verdict !== holds.verdict && checker.verdict !== 'inconclusive') {
    why.push(`the checker says ${checker.verdict}, and should say ${holds.verdict}.`);
  }
  const seen = checker.violations.map(({ invariant }) => invariant as string);
  for (const one of holds.invariants) if (!seen.includes(one)) why.push(`the checker does not see ${one} violated.`);
  if (!scenario.expectedUnsafe) why.push(...alarms.map((alarm) => `${alarm}.`));
  if (final !== undefined) {
    const remains = {
      final,
      logs: gathered.nodes,
      outcomes,
      fileText: (path: string) => textOf(join(directory, path)),
    };
    why.push(...unfulfilled(scenario, remains).map((fault) => `${fault}.`));
  }
  const unhit = list.filter(({ hits }) => hits === 0).map(({ name }) => `the fault "${name}" never hit.`);
  const isUnclear = unhit.length > 0 || checker.verdict === 'inconclusive';
  const isViolated = checker.verdict === 'violated' && holds.verdict !== 'violated';
  // A fault that never hit explains whatever else was not seen; what the checker found stands.
  if (isUnclear && !isViolated) {
    return {
      verdict: 'inconclusive',
      why: [...new Set([...unhit, ...checker.inconclusive.map((one) => `${one}.`), ...why])],
      faults: list,
      checker,
    };
  }
  return { verdict: why.length === 0 ? 'ok' : 'violated', why, faults: list, checker };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
