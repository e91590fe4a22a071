/** Every crash point with how often it was passed: made by the runs of point-runs.ts, so that no name in the list is a wish. */
import { CRASH_ROLES, crashPointsOf } from './crash-point.ts';
import { COORDINATOR } from './lab-cluster.ts';
import type { LabCluster } from './lab-cluster.ts';
import { pointRuns } from './point-runs.ts';
import { bodyOf } from './scenario-conditions.ts';
import { runScenario } from './scenario-run.ts';
import type { ScenarioRunOptions } from './scenario-run.ts';

/** One point. */
export interface PointRow {
  readonly point: string;
  readonly role: string;
  /** Passes by column, over all nodes of the role. */
  readonly hits: Readonly<Record<string, number>>;
}

/** What all runs came to. */
export interface PointList {
  readonly columns: readonly string[];
  readonly rows: readonly PointRow[];
  /** Points that no run passed. */
  readonly never: readonly string[];
  /** Runs that were not ok, and why. */
  readonly failed: readonly string[];
}

/** Makes all runs, one after the other. Processes that were killed take their counts with them; those at the end of each run are counted. */
export async function listPoints(options: ScenarioRunOptions): Promise<PointList> {
  const runs = pointRuns();
  const columns = [...new Set(runs.map(({ column }) => column))];
  const hits = new Map<string, Record<string, number>>();
  const failed: string[] = [];
  for (const { scenario, column } of runs) {
    options.say(`${scenario.id}: ${scenario.title}`);
    const look = async (cluster: LabCluster): Promise<void> => {
      for (const node of cluster.nodes.names) count(hits, column, await hitsAt(cluster, node));
    };
    const { verdict, why } = await runScenario(scenario, { ...options, look });
    if (verdict !== 'ok') failed.push(`${scenario.id} is ${verdict}: ${why.join(' ')}`);
  }
  const rows = CRASH_ROLES.flatMap((role) =>
    crashPointsOf(role).map((point) => ({ point, role, hits: hits.get(point) ?? {} })),
  );
  const never = rows.filter((row) => Object.keys(row.hits).length === 0).map(({ point }) => point);
  return { columns, rows, never, failed };
}

async function hitsAt(cluster: LabCluster, node: string): Promise<Readonly<Record<string, number>>> {
  const body = await bodyOf(cluster, node, '/lab/crash-points');
  return (body?.['hits'] ?? {}) as Readonly<Record<string, number>>;
}

function count(
  all: Map<string, Record<string, number>>,
  column: string,
  found: Readonly<Record<string, number>>,
): void {
  for (const [point, times] of Object.entries(found)) {
    const row = all.get(point) ?? {};
    row[column] = (row[column] ?? 0) + times;
    all.set(point, row);
  }
}

/** The list as a table in columns; the points that nobody passed are marked. */
export function pointLines({ columns, rows, never, failed }: PointList): readonly string[] {
  const width = Math.max(...rows.map(({ point }) => point.length));
  const cell = (text: string): string => text.padStart(10);
  const head = `${'crash point'.padEnd(width)}${columns.map(cell).join('')}`;
  const lines = rows.map(({ point, hits }) => {
    const cells = columns.map((column) => cell(hits[column] === undefined ? '·' : String(hits[column])));
    return `${point.padEnd(width)}${cells.join('')}${never.includes(point) ? '  NEVER PASSED' : ''}`;
  });
  const passed = rows.length - never.length;
  return [
    head,
    ...lines,
    `${passed} of ${rows.length} points of ${COORDINATOR} and participants were passed`,
    ...failed,
  ];
}
