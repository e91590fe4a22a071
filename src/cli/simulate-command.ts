/**
 * `parley simulate`: the machines that ship, in a deterministic world. The
 * first line says everything a run is made from; a failure says the command
 * that repeats it. Exit code 1 when something was violated, else 0: scripts rely
 * on that. A run in which too little went wrong to show anything says so, in its
 * last line and as its verdict with --json, by which the long proof judges it.
 */
import type { PartResult } from '../lab/prove/part-result.ts';
import type { FailedSeed, SimulateOptions, SimulateProgress, SimulateResult } from '../sim/simulate.ts';
import type { CrashMatrixResult, MatrixSlice } from '../sim/crash-matrix.ts';
import { JSON_OPTION, textOption } from './command.ts';
import type { Argv, CliIo, Command } from './command.ts';
import { wholeOption, wordOption } from './option-values.ts';

const SEED_MAX = 2 ** 32 - 1;
/** Violations shown of one run; the rest follow from the first nearly always. */
const SHOWN_MAX = 5;
/** Between two lines of progress. */
const PROGRESS_MS = 500;

async function optionsOf(argv: Argv): Promise<SimulateOptions> {
  const { availableParallelism } = await import('node:os');
  const drawn = Math.floor(Math.random() * SEED_MAX);
  return {
    seed: await wholeOption(argv, 'seed', { least: 0, most: SEED_MAX, otherwise: drawn }),
    seeds: await wholeOption(argv, 'seeds', { least: 1, most: 10_000_000, otherwise: 100 }),
    protocol: await wordOption(argv, 'protocol', ['2pc', '3pc', 'parallel', 'mixed', '3pc-textbook'], 'mixed'),
    participants: await wholeOption(argv, 'participants', { least: 1, most: 9, otherwise: 3 }),
    transactions: await wholeOption(argv, 'transactions', { least: 1, most: 1_000, otherwise: 20 }),
    faults: await wholeOption(argv, 'faults', { least: 0, most: 100, otherwise: 6 }),
    workers: await wholeOption(argv, 'workers', { least: 0, most: 256, otherwise: availableParallelism() }),
  };
}

/** What a seed's run is made from, as typed; the number of workers changes nothing. */
function shaped({ protocol, participants, transactions, faults }: SimulateOptions): string {
  return `--protocol ${protocol} --participants ${participants} --transactions ${transactions} --faults ${faults}`;
}

async function simulateCommandRun(argv: Argv, io: CliIo): Promise<number> {
  if (textOption(argv, 'crash-points') !== undefined) return crashPoints(argv, io);
  const options = await optionsOf(argv);
  if (argv['trace'] === true) return traceOne(options, io);
  const asJson = argv['json'] === true;
  const { seed, seeds } = options;
  if (!asJson) io.output.write(`simulate --seed ${seed} --seeds ${seeds} ${shaped(options)}\n`);
  const { simulate } = await import('../sim/simulate.ts');
  const startedMs = performance.now();
  const progress = progressLine(io, asJson);
  const result = await simulate(options, (now) => progress.show(shownProgress(now)));
  progress.clear();
  const spentS = (performance.now() - startedMs) / 1_000;
  const part = asPart(options, result);
  if (asJson) io.output.write(`${JSON.stringify(part)}\n`);
  else for (const line of resultLines(options, result, spentS)) io.output.write(`${line}\n`);
  if (!asJson && part.verdict === 'inconclusive') {
    io.output.write(
      'INCONCLUSIVE: too little went wrong in most seeds; it takes 20 transactions and 3 faults that hit\n',
    );
  }
  return exitCode(part);
}

/** The same seed again, every record and message as a line. */
async function traceOne(options: SimulateOptions, io: CliIo): Promise<number> {
  const { World } = await import('../sim/world.ts');
  const { protocolsOf } = await import('../sim/simulate.ts');
  const { seed, participants, transactions, faults, protocol } = options;
  io.output.write(`simulate --seed ${seed} --seeds 1 ${shaped(options)} --trace\n`);
  const made = { seed, participants, transactions, faults, protocols: protocolsOf(protocol) };
  const world = new World(made, { trace: (line) => io.output.write(`${line}\n`) });
  world.run();
  const violations = await world.audit();
  io.output.write(`${violations.length} violations\n`);
  return violations.length === 0 ? 0 : 1;
}

function resultLines(options: SimulateOptions, result: SimulateResult, spentS: number): string[] {
  const { seeds, counted, committed, aborted, faultsHit, outputsChecked, tailsRead, failed } = result;
  return [
    ...failed.flatMap((one) => failureLines(options, one)),
    `faults that hit: ${Object.entries(result.faults)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`,
    `${outputsChecked} outputs held against the record behind them, ${tailsRead} damaged logs read, at rest at most ${result.restMsMax} virtual ms after the heal`,
    `${Math.round(seeds / spentS)} seeds a second; digest ${result.digest}`,
    `${seeds} seeds, ${counted} counted: ${committed} committed, ${aborted} aborted, ${faultsHit} faults hit, ${failed.length} seeds violated`,
  ];
}

function failureLines(options: SimulateOptions, { seed, violations }: FailedSeed): string[] {
  const left = violations.length - SHOWN_MAX;
  return [
    `VIOLATED by seed ${seed}; to repeat: npx parley simulate --seed ${seed} --seeds 1 ${shaped(options)}`,
    ...violations.slice(0, SHOWN_MAX).map((violation) => `  ${violation}`),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}

/** In the shape of a part of the proof. A run in which hardly a seed counts shows nothing; one seed is a repetition. */
function asPart(options: SimulateOptions, result: SimulateResult): PartResult {
  const { seeds, counted, committed, aborted, faultsHit, outputsChecked, tailsRead, events, failed } = result;
  const verdict = failed.length > 0 ? 'violated' : seeds > 1 && counted * 2 < seeds ? 'inconclusive' : 'ok';
  return {
    part: 'seeds',
    verdict,
    counts: { seeds, counted, committed, aborted, faultsHit, outputsChecked, tailsRead, events },
    violations: failed.map(({ seed, violations }) => {
      return `seed ${seed} (npx parley simulate --seed ${seed} --seeds 1 ${shaped(options)}): ${violations[0] ?? ''}`;
    }),
    more: { seed: options.seed, faults: result.faults, restMsMax: result.restMsMax, digest: result.digest },
  };
}

async function crashPoints(argv: Argv, io: CliIo): Promise<number> {
  const kind = await wordOption(argv, 'crash-points', ['single', 'pairs'], 'single');
  const slice = await sliceOf(argv);
  const { CRASH_ENDINGS, crashMatrix } = await import('../sim/crash-matrix.ts');
  const { CRASH_SUBJECTS } = await import('../sim/crash-subjects.ts');
  const asJson = argv['json'] === true;
  const part = slice.of === 1 ? '' : ` --slice ${slice.index + 1}/${slice.of}`;
  if (!asJson) io.output.write(`simulate --crash-points ${kind}${part}\n`);
  const progress = progressLine(io, asJson);
  const wanted = {
    subjects: CRASH_SUBJECTS,
    endings: CRASH_ENDINGS,
    shortUnder: CRASH_ENDINGS,
    pairs: kind === 'pairs',
    slice,
  };
  const result = await crashMatrix(wanted, (runs) => progress.show(`${runs} runs`));
  progress.clear();
  const matrix = matrixPart(kind, result);
  if (asJson) io.output.write(`${JSON.stringify(matrix)}\n`);
  else for (const line of matrixLines(result)) io.output.write(`${line}\n`);
  return exitCode(matrix);
}

/** Not that of other proofs, which have a code of its own for what shows nothing; see the header. */
async function exitCode({ verdict }: PartResult): Promise<number> {
  const { EXIT } = await import('../base/errors.ts');
  return verdict === 'violated' ? EXIT.failed : EXIT.ok;
}

/** `2/40`: the second of forty parts, cut by the first crash. */
async function sliceOf(argv: Argv): Promise<MatrixSlice> {
  const text = textOption(argv, 'slice') ?? '1/1';
  const [, number = '', of = ''] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (Number(number) >= 1 && Number(number) <= Number(of)) return { index: Number(number) - 1, of: Number(of) };
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--slice is ${text}; allowed: a number and how many, such as 2/40.`);
}

function matrixLines({ points, runs, hit, failed }: CrashMatrixResult): string[] {
  return [
    ...failed.flatMap(({ run, violations }) => [`VIOLATED by ${run}`, ...violations.map((text) => `  ${text}`)]),
    ...Object.entries(points).map(
      ([subject, count]) => `${subject}: ${count} passes before and after forces and sends`,
    ),
    `${runs} runs, ${hit} in which every crash came, ${failed.length} violated`,
  ];
}

function matrixPart(kind: string, { points, runs, hit, failed }: CrashMatrixResult): PartResult {
  return {
    part: kind === 'pairs' ? 'pairs' : 'points',
    verdict: failed.length > 0 ? 'violated' : hit < runs ? 'inconclusive' : 'ok',
    counts: { runs, hit },
    violations: failed.map(({ run, violations }) => `${run}: ${violations[0] ?? ''}`),
    more: { points },
  };
}

function shownProgress({ done, of, counted, failed }: SimulateProgress): string {
  return `${done} of ${of} seeds, ${counted} counted, ${failed} violated`;
}

/** One line that is written over, on a terminal only. */
function progressLine(io: CliIo, isQuiet: boolean): { show: (text: string) => void; clear: () => void } {
  const isShown = io.output.isTTY === true && !isQuiet;
  let shownMs = 0;
  return {
    show: (text) => {
      const nowMs = performance.now();
      if (!isShown || nowMs - shownMs < PROGRESS_MS) return;
      shownMs = nowMs;
      io.output.write(`\r\u001b[K${text}`);
    },
    clear: () => {
      if (isShown) io.output.write('\r\u001b[K');
    },
  };
}

/** The command. */
export const simulateCommand: Command = {
  spec: 'simulate',
  summary: 'whole clusters in a deterministic world, with faults drawn from seeds',
  options: [
    { name: 'seeds', form: 'text', meaning: 'how many seeds; default 100' },
    { name: 'seed', form: 'text', meaning: 'the first seed; drawn at random and printed if not given' },
    { name: 'protocol', form: 'text', meaning: '2pc, 3pc, parallel or mixed; 3pc-textbook, which splits' },
    { name: 'participants', form: 'text', meaning: 'how many; default 3' },
    { name: 'transactions', form: 'text', meaning: 'how many the clients ask for; default 20' },
    { name: 'faults', form: 'text', meaning: 'how many are tried while they work; default 6' },
    { name: 'workers', form: 'text', meaning: 'threads; default one a core; results do not depend on it' },
    { name: 'trace', form: 'switch', meaning: 'shows everything that the first seed does, line by line' },
    { name: 'crash-points', form: 'text', meaning: 'single or pairs: a crash at every point instead of seeds' },
    { name: 'slice', form: 'text', meaning: 'only a part of the crash points, such as 2/40' },
    JSON_OPTION,
  ],
  examples: [
    ['simulate --seeds 1000 --protocol 3pc', 'a thousand worlds'],
    ['simulate --seed 7 --seeds 1 --trace', 'what one world did'],
    ['simulate --crash-points single', 'a crash at every step of a transaction'],
  ],
  run: simulateCommandRun,
};
