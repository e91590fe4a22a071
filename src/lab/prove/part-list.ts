/**
 * The parts of the long proof and how each is cut into slices: commands of the
 * product, each with one result, so that a run that was stopped goes on with
 * the next slice. A `share` below 1 takes that part of the slices, and of what
 * is counted within one when a single slice is more than its share.
 */
import { WORKLOAD_PROTOCOLS } from '../history-workload.ts';
import { shippedScenarios } from '../scenario-file.ts';
import { exploreArgs, PROVE, QUICK } from './explorer-bounds.ts';
import type { SliceLoad } from './lanes.ts';

/** Stands for the path of a file that the command writes its result to; else it is the last line of its output. */
export const RESULT_FILE = '%result-file%';

/** One command, run by itself. */
export interface Slice {
  /** Arguments of `parley`, or of node for a script of the checkout; RESULT_FILE among them is where it puts its JSON. */
  readonly args: readonly string[];
  readonly program: 'parley' | 'script';
  /** Exit code that shows the part is well: 1 where a machine that is known to be unsafe must be caught. */
  readonly expectedExit: 0 | 1;
  /** A guess, for the time left before anything was measured. */
  readonly guessS: number;
}

/** One part. */
export interface Part {
  readonly name: string;
  /** For the report: what it does, one sentence. */
  readonly title: string;
  /** What the whole of it should come to, as a sentence of the issue; for the report. */
  readonly target: string;
  /** What each of its slices does to the machine. */
  readonly load: SliceLoad;
  readonly slices: readonly Slice[];
}

/** Seeds in the whole proof. */
const SEEDS = 1_000_000;
const SEEDS_PER_SLICE = 20_000;
/** Ordered pairs are cut by the number of the first crash. */
const PAIR_SLICES = 40;
const POWER_STATES = 100_000;
const FLIP_SLICES = 8;
const KILL_CYCLES = 2_000;
const CYCLES_PER_SLICE = 50;
const COMMITTED_PER_CYCLE = 100;
const FUZZ_INPUTS = 10_000_000;
const INPUTS_PER_SLICE = 200_000;
const SLOW_CONNECTIONS = 5_000;
const HISTORIES = 20;
const HISTORY_SECONDS = 60;
/** Of each protocol; one case takes about 6 s. */
const MATRIX_SLICES = 12;

const PROTOCOLS = ['mixed', ...WORKLOAD_PROTOCOLS] as const;

/** Every part; `share` is from above 0 to 1. */
export function partList(share: number): readonly Part[] {
  const scaled: Scaled = (whole) => Math.max(1, Math.round(whole * share));
  return [
    seedsPart(scaled(SEEDS)),
    ...crashPointParts(scaled),
    explorerPart(share),
    ...logParts(scaled, share),
    killsPart(scaled(KILL_CYCLES)),
    ...processParts(scaled, share),
    ...checkoutParts(scaled),
  ];
}

/** A share of a whole, and at least 1. */
type Scaled = (whole: number) => number;

function crashPointParts(scaled: Scaled): readonly Part[] {
  return [
    {
      name: 'points',
      title: 'Every single crash point of the simulated protocols, each under kill, power loss and torn writes',
      target: 'all',
      load: 'works',
      slices: [parley(30, 'simulate', '--crash-points', 'single', '--json')],
    },
    {
      name: 'pairs',
      title: 'Every ordered pair of crash points, the second also during recovery',
      target: 'all ordered pairs',
      load: 'works',
      slices: range(scaled(PAIR_SLICES)).map((index) =>
        parley(60, 'simulate', '--crash-points', 'pairs', '--slice', `${index + 1}/${PAIR_SLICES}`, '--json'),
      ),
    },
  ];
}

function logParts(scaled: Scaled, share: number): readonly Part[] {
  return [
    {
      name: 'power',
      title: 'States of the disk after a power cut, opened by the shipped log; with two controls that must fail',
      target: '5,000 in each test run; 100,000 here',
      load: 'works',
      slices: [parley(70 * share, 'prove', 'power', '--states', String(scaled(POWER_STATES)), '--json')],
    },
    {
      name: 'flips',
      title: 'Every single bit of a log of 200 records flipped: refused, or cut when it is in the last record',
      target: 'every bit; 0 silent accepts, 0 refused torn tails',
      load: 'works',
      slices: range(scaled(FLIP_SLICES)).map((first) =>
        parley(20, 'prove', 'flips', '--first', String(first), '--step', String(FLIP_SLICES), '--json'),
      ),
    },
  ];
}

function processParts(scaled: Scaled, share: number): readonly Part[] {
  return [
    {
      name: 'histories',
      title: 'Black-box histories: 8 clients on real processes, a fault every few seconds, then the checker',
      target: '20 of 60 s',
      load: 'waits',
      slices: range(scaled(HISTORIES)).map((index) =>
        parley(
          HISTORY_SECONDS + 15,
          ...['prove', 'history', '--seconds', String(share < 1 / HISTORIES ? 15 : HISTORY_SECONDS)],
          ...['--seed', String(1000 + index), '--protocol', PROTOCOLS[index % PROTOCOLS.length] ?? 'mixed', '--json'],
        ),
      ),
    },
    {
      name: 'matrix',
      title: 'Every crash point on real processes under kill, power loss and stop, then the checker',
      target: 'every point of the three protocols under all three; what was not reached is counted',
      load: 'waits',
      slices: WORKLOAD_PROTOCOLS.flatMap((protocol) =>
        range(scaled(MATRIX_SLICES)).map((index) =>
          parley(180, 'prove', 'matrix', '--protocol', protocol, '--slice', `${index + 1}/${MATRIX_SLICES}`, '--json'),
        ),
      ),
    },
    {
      name: 'lab',
      title: 'Every scenario file on real processes',
      target: 'all',
      load: 'waits',
      slices: shippedScenarios().map(({ id }) => parley(8, 'lab', 'run', id, '--json')),
    },
  ];
}

/** Fewer would be no crowd. */
function slowOnes(scaled: Scaled): number {
  return Math.max(500, scaled(SLOW_CONNECTIONS));
}

/** What needs a checkout, since it runs its tests. */
function checkoutParts(scaled: Scaled): readonly Part[] {
  const mocha = ['--import=tsx', 'node_modules/mocha/lib/cli/cli.js', '--reporter', 'dot'];
  return [
    {
      name: 'frames',
      title: 'Bad frames sent to a daemon, and a log cut at each of its bytes: the tests of both',
      target: 'all',
      load: 'works',
      slices: [script(40, ...mocha, 'test/processes/frames.test.ts', 'test/wal/log-damage.test.ts')],
    },
    {
      name: 'vectors',
      title: 'Bad frames, the slow ones too, to a server, a coordinator and a participant, plain and over TLS',
      target: 'all vectors, three ways each: 0 failed',
      load: 'waits',
      slices: [script(700, '--import=tsx', 'scripts/frames.mjs', '--slow', '--tls', '--json')],
    },
    {
      name: 'crowd',
      title: 'Good requests to a daemon beside slow connections, and its memory under peers that never read',
      target: '5,000 slow connections: the p99 of good requests, from when each was due, at most twice that without',
      slices: [script(90, '--import=tsx', 'scripts/crowd.mjs', '--slow', String(slowOnes(scaled)), '--json')],
      load: 'alone',
    },
    {
      name: 'fuzz',
      title: 'Mutated requests to our server and to the strict one of Node; every difference is signed off or a bug',
      target: '10,000,000 inputs: 0 crashes, hangs, extra executions',
      load: 'works',
      slices: range(Math.ceil(scaled(FUZZ_INPUTS) / INPUTS_PER_SLICE)).map((index) => {
        const runs = Math.min(INPUTS_PER_SLICE, scaled(FUZZ_INPUTS) - index * INPUTS_PER_SLICE);
        const wanted = ['--runs', String(runs), '--seed', String(1 + index), '--json'];
        return script(runs / 5_000, '--import=tsx', 'scripts/fuzz.mjs', ...wanted);
      }),
    },
    {
      name: 'mutants',
      title: 'Planted bugs, each of which its proof must catch',
      target: 'at least 20, all caught',
      load: 'works',
      slices: [script(180, '--import=tsx', 'scripts/mutants.mjs', '--json', RESULT_FILE)],
    },
  ];
}

function seedsPart(seeds: number): Part {
  const slices = range(Math.ceil(seeds / SEEDS_PER_SLICE)).map((index) => {
    const count = Math.min(SEEDS_PER_SLICE, seeds - index * SEEDS_PER_SLICE);
    const protocol = PROTOCOLS[index % PROTOCOLS.length] ?? 'mixed';
    const from = String(1 + index * SEEDS_PER_SLICE);
    return parley(
      count / 300,
      ...['simulate', '--seeds', String(count), '--seed', from, '--protocol', protocol, '--json'],
    );
  });
  return {
    name: 'seeds',
    title: 'Whole clusters in a deterministic world, with network, disk, process and clock faults drawn from seeds',
    target: '1,000,000 seeds',
    load: 'works',
    slices,
  };
}

function killsPart(cycles: number): Part {
  const slices = range(Math.ceil(cycles / CYCLES_PER_SLICE)).map((index) => {
    const count = Math.min(CYCLES_PER_SLICE, cycles - index * CYCLES_PER_SLICE);
    return parley(
      count * 1.5,
      ...['prove', 'kills', '--cycles', String(count), '--committed', String(COMMITTED_PER_CYCLE)],
      ...['--seed', String(1 + index), '--protocol', PROTOCOLS[index % PROTOCOLS.length] ?? 'mixed', '--json'],
    );
  });
  return {
    name: 'kills',
    title: 'kill -9 of real processes with work in flight, invariants after each cycle, the checker at the end',
    target: '2,000 cycles, 200,000 acknowledged operations',
    load: 'waits',
    slices,
  };
}

/** Small worlds whole; the last two are not safe, and must be caught. */
function explorerPart(share: number): Part {
  const chosen = share < 1 ? QUICK : PROVE;
  return {
    name: 'explorer',
    title: 'Every interleaving of one transaction on the shipped machines; what is known to be unsafe must be caught',
    target: 'two participants with rounds up to 4, three with rounds up to 3 in both weightings, no violation',
    load: 'works',
    slices: [
      ...chosen.map((bounds) => parley(QUICK.includes(bounds) ? 5 : 60, ...exploreArgs(bounds), '--json')),
      caught(parley(10, 'explore', '--protocol', '3pc-textbook', '--json')),
      caught(parley(10, 'explore', '--protocol', '2pc', '--unsafe', 'roll-back-in-ready', '--json')),
    ],
  };
}

function parley(guessS: number, ...args: readonly string[]): Slice {
  return { args, program: 'parley', expectedExit: 0, guessS };
}

/** What is known to be unsafe: not to find it would be the failure. */
function caught(slice: Slice): Slice {
  return { ...slice, expectedExit: 1 };
}

function script(guessS: number, ...args: readonly string[]): Slice {
  return { args, program: 'script', expectedExit: 0, guessS };
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
