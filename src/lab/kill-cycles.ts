/**
 * kill -9 under work, again and again, on real processes:
 *
 * ```
 *   work → kill one, two or all, or let one die at a crash point → work goes on → start them again
 *        → nobody begins anything new → nothing in doubt within 5 s → cheap invariants → work …
 * ```
 *
 * At the end everything is frozen and written down as a run directory, for the
 * checker. A cycle counts only when work was in flight as the victim died.
 */
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../base/seeded-random.ts';
import { HistoryClients } from './history-clients.ts';
import { checkpointedNodes, COORDINATOR, HistoryCluster, NODES } from './history-cluster.ts';
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
import { clusterDescription } from './history-run.ts';
import { drawKill, KillTally, killText } from './kill-plan.ts';
import { HistoryWriter, writeFinal, writeRun } from './run-directory.ts';
import type { ToldCounts } from './history-clients.ts';
import type { WorkloadProtocol } from './history-workload.ts';
import type { KillPlan } from './kill-plan.ts';
import type { RunDescription } from './run-directory.ts';

/** How many, where, and from which seed. */
export interface KillCyclesOptions {
  /** The run directory; made if it is missing, and not removed. */
  readonly directory: string;
  /** Cycles that count. */
  readonly cycles: number;
  readonly seed: number;
  readonly protocol: WorkloadProtocol;
  readonly clients: number;
  /** So many transactions are committed in each cycle before the kill, at least. */
  readonly committedPerCycle: number;
  /** Between two requests of a client, on average. */
  readonly thinkMs: number;
  readonly command?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Told each cycle as it begins, and what is found. */
  readonly say?: (line: string) => void;
  readonly onCycle?: (done: number) => void;
}

/** What came of it. */
export interface KillCyclesReport {
  /** Cycles in which the victim died with work in flight. */
  readonly cycles: number;
  readonly notCounted: number;
  /** Points that were armed and not passed in time; their victims were killed from outside. */
  readonly late: number;
  /** By what killed. */
  readonly kinds: Readonly<Record<KillPlan['kind'], number>>;
  readonly kills: number;
  /** Taken, and starts of nodes that had one. */
  readonly checkpoints: HistoryCluster['checkpoints'];
  readonly told: ToldCounts;
  /** From all being back until nothing was in doubt, one a cycle. */
  readonly settledMs: readonly number[];
  /** Empty when all is well so far; the checker has the last word. */
  readonly violations: readonly string[];
  readonly directory: string;
}

/** More cycles than this that do not count, per cycle asked for, and the run gives up. */
const TRIES_PER_CYCLE = 3;
/** An armed point that is not passed by then is given up, and its victim killed. */
const POINT_MS = 5_000;
const WORK_MS_MAX = 15_000;
const LOOK_MS = 5;

/** Runs the cycles. Every process is ended when it resolves or rejects. */
export async function runKillCycles(options: KillCyclesOptions): Promise<KillCyclesReport> {
  await mkdir(options.directory, { recursive: true });
  const { command, env, directory } = options;
  const cluster = new HistoryCluster({ directory, command, env, checkpointed: checkpointedNodes(options.seed) });
  const writer = new HistoryWriter(directory);
  const recorder = new HistoryRecorder((event) => writer.add(event));
  try {
    await cluster.start(recorder);
    return await new KillRun(options, cluster, recorder).run();
  } finally {
    await cluster.end();
  }
}

class KillRun {
  readonly #options: KillCyclesOptions;
  readonly #cluster: HistoryCluster;
  readonly #random: SeededRandom;
  readonly #clients: HistoryClients;
  readonly #violations: string[] = [];
  readonly #settledMs: number[] = [];
  readonly #tally = new KillTally();
  #kills = 0;

  constructor(options: KillCyclesOptions, cluster: HistoryCluster, recorder: HistoryRecorder) {
    const { seed, protocol, clients, thinkMs } = options;
    this.#options = options;
    this.#cluster = cluster;
    this.#random = new SeededRandom(seed);
    this.#clients = new HistoryClients({ cluster, recorder, clients, protocol, seed, thinkMs });
  }

  async run(): Promise<KillCyclesReport> {
    const { cycles, directory, say, onCycle, protocol } = this.#options;
    const tally = this.#tally;
    const triesMax = cycles * TRIES_PER_CYCLE;
    try {
      for (let tries = 0; tally.counted < cycles && tries < triesMax && this.#violations.length === 0; tries += 1) {
        const plan = drawKill(this.#random, { nodes: NODES, coordinator: COORDINATOR, protocol });
        say?.(`cycle ${tally.counted + 1} of ${cycles}: ${killText(plan)}`);
        await this.#cycle(plan);
        onCycle?.(tally.counted);
      }
      await this.#finish();
    } finally {
      await this.#clients.end();
    }
    for (const violation of this.#violations) say?.(`VIOLATED ${violation}`);
    return {
      cycles: tally.counted,
      notCounted: tally.notCounted,
      late: tally.late,
      kinds: { ...tally.kinds },
      kills: this.#kills,
      checkpoints: { ...this.#cluster.checkpoints },
      told: { ...this.#clients.told },
      settledMs: this.#settledMs,
      violations: this.#violations,
      directory,
    };
  }

  async #cycle(plan: KillPlan): Promise<void> {
    await this.#work(plan.afterMs);
    const late = plan.kind === 'point' && !(await this.#diesAtPoint(plan));
    // What was in flight when it died by itself is in flight still: nobody has answered it.
    const inFlight = plan.kind === 'point' && !late ? this.#clients.busy > 0 : await this.#kill(plan.victims);
    this.#tally.add(plan.kind, { inFlight, late });
    await delay(plan.downMs);
    await this.#bringBack();
    this.#clients.pause();
    const settled = await untilSettled(this.#cluster, () => this.#clients.busy === 0);
    if ('ms' in settled) this.#settledMs.push(settled.ms);
    else this.#violated(`5 s after all were back: ${openText(settled.open, this.#clients.busy)}`);
    for (const missing of await untilJoined(this.#cluster)) this.#violated(missing);
    for (const wrong of await cheapInvariants(this.#cluster)) this.#violated(wrong);
    for (const alarm of this.#cluster.alarms) this.#violated(alarm);
    this.#clients.resume();
  }

  /** Until so much was committed, and for so long. */
  async #work(forMs: number): Promise<void> {
    const from = performance.now();
    const goal = this.#clients.told.committed + this.#options.committedPerCycle;
    while (this.#clients.told.committed < goal || performance.now() - from < forMs) {
      if (performance.now() - from > WORK_MS_MAX) {
        return this.#violated(`with all nodes up, fewer than ${this.#options.committedPerCycle} transactions in 15 s`);
      }
      await delay(LOOK_MS);
    }
  }

  /** True when work was in flight, which it is as soon as a client has thought. */
  async #kill(victims: readonly string[]): Promise<boolean> {
    const from = performance.now();
    while (this.#clients.busy === 0 && performance.now() - from < WORK_MS_MAX) await delay(1);
    const inFlight = this.#clients.busy > 0;
    await Promise.all(victims.map((name) => this.#cluster.nodes.kill9(name)));
    this.#kills += victims.length;
    return inFlight;
  }

  /** A crash point is armed in the victim while it works; false when nobody passes it in time. */
  async #diesAtPoint({ victims, point }: KillPlan): Promise<boolean> {
    const [victim = ''] = victims;
    this.#cluster.mayDie(victim);
    await this.#cluster.arm(victim, point ?? '');
    const daemon = this.#cluster.nodes.node(victim);
    const late = delay(POINT_MS, 'late' as const, { ref: false });
    const first = await Promise.race([daemon.exited, late]);
    if (first === 'late') {
      this.#options.say?.(`${point ?? ''} was not passed in ${POINT_MS} ms`);
      return false;
    }
    this.#kills += 1;
    return true;
  }

  async #bringBack(): Promise<void> {
    const dead = NODES.filter((name) => !this.#cluster.nodes.running().includes(name));
    await Promise.all(dead.map((name) => this.#cluster.nodes.restart(name)));
  }

  async #finish(): Promise<void> {
    const { directory } = this.#options;
    this.#clients.pause();
    const settled = await untilSettled(this.#cluster, () => this.#clients.busy === 0);
    const probed = await probe(this.#cluster);
    if (probed.outcome !== 'committed') this.#violated(`a transfer over every account is ${probed.outcome}`);
    const settledMs = 'ms' in settled ? settled.ms : null;
    const final = await finalState(this.#cluster, { settledMs, probe: probed });
    for (const wrong of unequalReplicas(final)) this.#violated(wrong);
    await writeFinal(directory, final);
    await writeRun(directory, this.#description());
  }

  #description(): RunDescription {
    const { seed, protocol, cycles, committedPerCycle } = this.#options;
    return {
      ...{ version: 1, scenario: 'kill-cycles', protocol, seed },
      ...clusterDescription(),
      faults: this.#tally.faults(),
      floor: { committed: cycles * committedPerCycle },
      mayBlock: false,
    };
  }

  #violated(what: string): void {
    this.#violations.push(`in cycle ${this.#tally.counted} of seed ${this.#options.seed}: ${what}`);
  }
}
