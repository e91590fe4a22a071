/**
 * Every crash point on real processes, under kill, power and stop: one
 * cluster, clients at work, and for each case
 *
 * ```
 *   arm the point in one node → do what makes work pass it, until it acts → start the node again
 *        → nothing in doubt within 5 s → cheap invariants → the next case
 * ```
 *
 * Ordinary work passes most points; others are passed only when somebody is
 * missing, comes back, or starts. So each case tries these in turn and says
 * which it was. A point that nothing of this passes is listed as not reached,
 * and never counts as run. At the end the checker reads the whole run.
 */
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ParleyError } from '../../base/errors.ts';
import { CRASH_ACTIONS, CRASH_ROLES, crashPointsWith } from '../crash-point.ts';
import { HistoryClients } from '../history-clients.ts';
import { COORDINATOR, HistoryCluster, NODES, PARTICIPANTS } from '../history-cluster.ts';
import {
  cheapInvariants,
  finalState,
  openText,
  probe,
  unequalReplicas,
  untilJoined,
  untilSettled,
} from '../history-final.ts';
import { HistoryRecorder } from '../history-recorder.ts';
import { clusterDescription } from '../history-run.ts';
import { HistoryWriter, writeFinal, writeRun } from '../run-directory.ts';
import type { CrashAction } from '../crash-point.ts';
import type { DrawnProtocol } from '../history-workload.ts';

/** One case. */
export interface MatrixCase {
  readonly node: string;
  readonly point: string;
  readonly action: CrashAction;
}

/** Which cases, where. */
export interface MatrixOptions {
  readonly directory: string;
  readonly protocol: DrawnProtocol;
  readonly cases: readonly MatrixCase[];
  readonly seed: number;
  readonly command?: readonly string[] | undefined;
  readonly say?: ((line: string) => void) | undefined;
}

/** What came of them. */
export interface MatrixReport {
  /** Cases whose point acted. */
  readonly hit: number;
  readonly notReached: readonly string[];
  readonly settledMs: readonly number[];
  readonly violations: readonly string[];
  readonly directory: string;
}

interface ArmedPoint {
  readonly point: string;
  readonly fired: boolean;
}

/** The participant in which points are armed; any would do, they are alike. */
const ARMED_PARTICIPANT = 'P2';
const ACT_MS = 700;
/** Three vote timeouts, and a little: that long a process stands still at a point. */
const STOP_MS = 5_500;
const LOOK_MS = 15;
const WORKING_CLIENTS = 6;

/** Every point of both roles that a protocol has, under every action, in a fixed order. */
export function matrixCases(protocol: DrawnProtocol): readonly MatrixCase[] {
  return CRASH_ROLES.flatMap((role) => {
    const node = role === 'coordinator' ? COORDINATOR : ARMED_PARTICIPANT;
    return crashPointsWith(role, protocol === '3pc').flatMap((point) =>
      CRASH_ACTIONS.map((action) => ({ node, point, action })),
    );
  });
}

/** Of the cases every `of`th, beginning with number `slice` (from 1): the slices have about the same work. */
export function sliceOfCases(cases: readonly MatrixCase[], slice: number, of: number): readonly MatrixCase[] {
  return cases.filter((_, index) => index % of === slice - 1);
}

/** Runs the cases on one cluster. Every process is ended when it resolves or rejects. */
export async function runCrashMatrix(options: MatrixOptions): Promise<MatrixReport> {
  const { directory, command, protocol, seed } = options;
  await mkdir(directory, { recursive: true });
  const cluster = new HistoryCluster({ directory, command, checkpointed: [COORDINATOR, ARMED_PARTICIPANT] });
  const writer = new HistoryWriter(directory);
  const recorder = new HistoryRecorder((event) => writer.add(event));
  for (const node of NODES) cluster.mayDie(node);
  try {
    await cluster.start(recorder);
    const clients = new HistoryClients({ cluster, recorder, clients: WORKING_CLIENTS, protocol, seed, thinkMs: 5 });
    try {
      return await new MatrixRun(options, cluster, clients).run();
    } finally {
      await clients.end();
    }
  } finally {
    await cluster.end();
  }
}

class MatrixRun {
  readonly #options: MatrixOptions;
  readonly #cluster: HistoryCluster;
  readonly #clients: HistoryClients;
  readonly #violations: string[] = [];
  readonly #notReached: string[] = [];
  readonly #settledMs: number[] = [];
  readonly #hits = { kill: 0, power: 0, stop: 0 };

  constructor(options: MatrixOptions, cluster: HistoryCluster, clients: HistoryClients) {
    this.#options = options;
    this.#cluster = cluster;
    this.#clients = clients;
  }

  async run(): Promise<MatrixReport> {
    const { cases, say, directory } = this.#options;
    for (const [index, one] of cases.entries()) {
      const how = await this.#tryAll(one);
      say?.(`${index + 1} of ${cases.length}: ${one.point}=${one.action}: ${how ?? 'not reached'}`);
      if (how === undefined) this.#notReached.push(`${one.point}=${one.action}`);
      else this.#hits[one.action] += 1;
      await this.#judge(`${one.point}=${one.action}`);
      if (this.#violations.length > 0) break;
    }
    await this.#finish();
    for (const violation of this.#violations) say?.(`VIOLATED ${violation}`);
    const { kill, power, stop } = this.#hits;
    return {
      ...{ hit: kill + power + stop, notReached: this.#notReached, settledMs: this.#settledMs },
      ...{ violations: this.#violations, directory },
    };
  }

  /** How the point came to be passed; undefined when it was not. */
  async #tryAll(one: MatrixCase): Promise<string | undefined> {
    const { node, point, action } = one;
    const armed = `${point}=${action}`;
    const { nodes } = this.#cluster;
    const others = PARTICIPANTS.filter((name) => name !== node);
    await this.#cluster.tryAsk(node, 'DELETE', '/lab/crash-points');
    const stages: readonly (readonly [name: string, run: () => Promise<unknown>])[] = [
      ['at work', () => this.#cluster.arm(node, armed)],
      // Somebody who is missing makes leaders, rounds, questions and view changes; so does their return.
      ['with another dead', () => this.#without(node === COORDINATOR ? (others[0] ?? '') : COORDINATOR, one)],
      ['as another came back', () => this.#restartDead(node)],
      ['with a peer dead', () => this.#without(others[1] ?? '', one)],
      ['as the peer came back', () => this.#restartDead(node)],
      ['as all came back', () => this.#restartAll(node, armed)],
      [
        'as it started',
        async () => {
          await nodes.kill9(node);
          await nodes.restart(node, { args: ['--crash-at', armed] }).catch(atCrash);
        },
      ],
    ];
    for (const [name, run] of stages) {
      await run();
      if (await this.#acted(one)) return name;
    }
    return undefined;
  }

  async #without(victim: string, { node }: MatrixCase): Promise<void> {
    const { nodes } = this.#cluster;
    if (victim !== node && nodes.running().includes(victim)) await nodes.kill9(victim);
  }

  async #restartDead(node: string): Promise<void> {
    const { nodes } = this.#cluster;
    const dead = NODES.filter((name) => name !== node && !nodes.running().includes(name));
    await Promise.all(dead.map((name) => nodes.restart(name).catch(atCrash)));
  }

  /** Everyone dies at work, so that whoever is back first finds others in doubt and leads. */
  async #restartAll(node: string, armed: string): Promise<void> {
    const { nodes } = this.#cluster;
    await delay(ACT_MS);
    await Promise.all(nodes.running().map((name) => nodes.kill9(name)));
    const start = (name: string) => nodes.restart(name, name === node ? { args: ['--crash-at', armed] } : {});
    await Promise.all(NODES.map((name) => start(name).catch(atCrash)));
  }

  /** Waits a while for the point to act: the process is gone, or says that it stood still. */
  async #acted({ node, point, action }: MatrixCase): Promise<boolean> {
    const end = performance.now() + ACT_MS;
    for (;;) {
      if (!this.#cluster.nodes.running().includes(node)) return true;
      if (action === 'stop' && (await this.#stoodStill(node, `${point}=${action}`))) return true;
      if (performance.now() > end) return false;
      await delay(LOOK_MS);
    }
  }

  /** A process that stands still does not answer until it goes on; then it says that its point has acted. */
  async #stoodStill(node: string, name: string): Promise<boolean> {
    const end = performance.now() + STOP_MS;
    while (performance.now() < end) {
      const answer = await this.#cluster.tryAsk(node, 'GET', '/lab/crash-points');
      const armed = answer?.body['armed'];
      // Points of cases before this one may still be listed, as fired.
      if (Array.isArray(armed))
        return (armed as readonly ArmedPoint[]).some(({ point, fired }) => point === name && fired);
      await delay(LOOK_MS);
    }
    return false;
  }

  async #judge(name: string): Promise<void> {
    const { nodes } = this.#cluster;
    const dead = NODES.filter((node) => !nodes.running().includes(node));
    await Promise.all(dead.map((node) => nodes.restart(node)));
    this.#clients.pause();
    const settled = await untilSettled(this.#cluster, () => this.#clients.busy === 0);
    if ('ms' in settled) this.#settledMs.push(settled.ms);
    else this.#violated(name, `5 s after all were back: ${openText(settled.open, this.#clients.busy)}`);
    const wrong = [...(await untilJoined(this.#cluster)), ...(await cheapInvariants(this.#cluster))];
    for (const what of [...wrong, ...this.#cluster.alarms]) this.#violated(name, what);
    this.#clients.resume();
  }

  async #finish(): Promise<void> {
    const { directory, protocol, seed, cases } = this.#options;
    this.#clients.pause();
    const settled = await untilSettled(this.#cluster, () => this.#clients.busy === 0);
    const probed = await probe(this.#cluster);
    if (probed.outcome !== 'committed') this.#violated('the end', `a transfer over every account is ${probed.outcome}`);
    const final = await finalState(this.#cluster, { settledMs: 'ms' in settled ? settled.ms : null, probe: probed });
    for (const wrong of unequalReplicas(final)) this.#violated('the end', wrong);
    await writeFinal(directory, final);
    await writeRun(directory, {
      ...{ version: 1, scenario: 'crash-matrix', protocol, seed, mayBlock: false, ...clusterDescription() },
      faults: actionHits(cases, this.#hits),
      floor: { committed: cases.length },
    });
  }

  #violated(where: string, what: string): void {
    this.#violations.push(`${where} (${this.#options.protocol}): ${what}`);
  }
}

/**
 * For run.json: each action that was asked for, and how often it acted. An action that never did makes the run
 * inconclusive; the single points that were not reached are listed by the report.
 */
export function actionHits(
  cases: readonly MatrixCase[],
  hits: Readonly<Record<CrashAction, number>>,
): readonly { readonly name: string; readonly hits: number }[] {
  return CRASH_ACTIONS.filter((action) => cases.some((one) => one.action === action)).map((action) => ({
    name: action,
    hits: hits[action],
  }));
}

/** A start that passes its armed point ends there: that is what it was armed for. */
function atCrash(error: unknown): void {
  const expected =
    error instanceof ParleyError && (error.code === 'daemon-failed' || error.code === 'daemon-not-ready');
  if (!expected) throw error;
}
