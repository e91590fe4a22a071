/**
 * One black-box history: clients work on a cluster of real processes while
 * faults come and go; then everything heals, is waited for, frozen and written
 * down as a run directory.
 *
 * ```
 *   warm-up → a fault every few seconds → heal → wait → freeze → dump → (checker)
 * ```
 */
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../base/seeded-random.ts';
import { HistoryClients } from './history-clients.ts';
import { checkpointedNodes, COORDINATOR, NODES, proxiedHistoryCluster } from './history-cluster.ts';
import { LINK_FAULTS, PROCESS_FAULTS } from './history-faults.ts';
import {
  cheapInvariants,
  finalState,
  openText,
  probe,
  unequalReplicas,
  untilJoined,
  untilSettled,
} from './history-final.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { HISTORY_GROUPS } from './history-workload.ts';
import { HistoryWriter, writeFinal, writeRun } from './run-directory.ts';
import type { ToldCounts } from './history-clients.ts';
import type { HistoryCluster } from './history-cluster.ts';
import type { FaultKind } from './history-faults.ts';
import type { HistoryCounts } from './history-recorder.ts';
import type { WorkloadProtocol } from './history-workload.ts';
import type { RunDescription } from './run-directory.ts';

/** How long, where, and from which seed. */
export interface HistoryOptions {
  /** The run directory; made if it is missing, and not removed. */
  readonly directory: string;
  readonly forMs: number;
  readonly seed: number;
  readonly protocol: WorkloadProtocol;
  readonly clients: number;
  /** Between the end of a fault and the next; the correctness page says 5 to 10 s. */
  readonly faultEveryMs: readonly [least: number, most: number];
  /** Between two requests of a client, on average. */
  readonly thinkMs: number;
  readonly faults?: readonly FaultKind[];
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly say?: (line: string) => void;
}

/** What came of it. */
export interface HistoryReport {
  readonly forMs: number;
  readonly told: ToldCounts;
  readonly events: HistoryCounts;
  /** By name; those that met something while work was in flight. */
  readonly faults: Readonly<Record<string, number>>;
  readonly settledMs: number | null;
  /** Taken, and starts of nodes that had one. */
  readonly checkpoints: HistoryCluster['checkpoints'];
  /** Empty when all is well so far; the checker has the last word. */
  readonly violations: readonly string[];
  readonly directory: string;
}

/** Fewer commits than this a second, faults or not, and the history shows little. */
const COMMITTED_PER_S_MIN = 2;
const WARM_UP_MS = 500;
/** So long a fault waits for work, and goes on until it has met something. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 1;

/** Runs one history. Every process is ended when it resolves or rejects. */
export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { directory, command, env, clients, protocol, seed, thinkMs } = options;
  await mkdir(directory, { recursive: true });
  const checkpointed = checkpointedNodes(seed);
  const cluster = await proxiedHistoryCluster({ directory, command, env, checkpointed }, new SeededRandom(seed));
  const writer = new HistoryWriter(directory);
  const recorder = new HistoryRecorder((event) => writer.add(event));
  try {
    await cluster.start(recorder);
    const working = new HistoryClients({ cluster, recorder, clients, protocol, seed, thinkMs });
    try {
      const faults = await injectFaults(options, cluster, working);
      return await freeze(options, { cluster, working, recorder, faults });
    } finally {
      await working.end();
    }
  } finally {
    await cluster.end();
  }
}

/** Faults until the time is up; answers how often each hit. */
async function injectFaults(
  options: HistoryOptions,
  cluster: HistoryCluster,
  working: HistoryClients,
): Promise<ReadonlyMap<string, number>> {
  const { forMs, seed, faultEveryMs, faults = [...PROCESS_FAULTS, ...LINK_FAULTS], say } = options;
  const random = new SeededRandom(seed);
  const hits = new Map<string, number>();
  const from = performance.now();
  const left = (): number => forMs - (performance.now() - from);
  await delay(WARM_UP_MS);
  while (left() > 0) {
    const { name, text, run } = random.pick(faults)(random);
    say?.(`${Math.round(performance.now() - from)} ms: ${text}`);
    const end = performance.now() + PATIENCE_MS;
    while (working.busy === 0 && performance.now() < end) await delay(LOOK_MS);
    const hit = await run(
      { nodes: cluster.nodes, network: cluster.network, patienceMs: PATIENCE_MS },
      () => working.busy > 0,
    );
    if (!hit) say?.(`${Math.round(performance.now() - from)} ms: it met nothing`);
    hits.set(name, (hits.get(name) ?? 0) + (hit ? 1 : 0));
    await delay(Math.max(0, Math.min(random.whole(...faultEveryMs), left())));
  }
  return hits;
}

interface Ended {
  readonly cluster: HistoryCluster;
  readonly working: HistoryClients;
  readonly recorder: HistoryRecorder;
  readonly faults: ReadonlyMap<string, number>;
}

async function freeze(options: HistoryOptions, { cluster, working, recorder, faults }: Ended): Promise<HistoryReport> {
  const { directory, forMs, say } = options;
  working.pause();
  const settled = await untilSettled(cluster, () => working.busy === 0);
  const settledMs = 'ms' in settled ? settled.ms : null;
  const violations = 'ms' in settled ? [] : [`5 s after the heal: ${openText(settled.open, working.busy)}`];
  violations.push(...(await untilJoined(cluster)), ...(await cheapInvariants(cluster)));
  const probed = await probe(cluster);
  if (probed.outcome !== 'committed') violations.push(`a transfer over every account is ${probed.outcome}`);
  const final = await finalState(cluster, { settledMs, probe: probed });
  violations.push(...unequalReplicas(final), ...cluster.alarms);
  await writeFinal(directory, final);
  await writeRun(directory, descriptionOf(options, faults));
  for (const violation of violations) say?.(`VIOLATED ${violation}`);
  return {
    ...{ forMs, told: { ...working.told }, events: recorder.counts, settledMs, violations, directory },
    faults: Object.fromEntries(faults),
    checkpoints: { ...cluster.checkpoints },
  };
}

function descriptionOf(options: HistoryOptions, faults: ReadonlyMap<string, number>): RunDescription {
  const { seed, protocol, forMs } = options;
  return {
    ...{ version: 1, scenario: 'history', protocol, seed, mayBlock: false },
    ...clusterDescription(),
    faults: [...faults].map(([name, hits]) => ({ name, hits })),
    floor: { committed: Math.floor((forMs / 1000) * COMMITTED_PER_S_MIN) },
  };
}

/** The nodes and groups of these runs, for run.json. */
export function clusterDescription(): Pick<RunDescription, 'nodes' | 'groups'> {
  return {
    nodes: NODES.map((name) => ({
      ...{ name, directory: name },
      role: name === COORDINATOR ? ('coordinator' as const) : ('participant' as const),
    })),
    groups: Object.fromEntries(
      Object.entries(HISTORY_GROUPS).map(([group, { resource, members }]) => [group, { resource, members }]),
    ),
  };
}
