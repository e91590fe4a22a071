/**
 * `parley prove`: the long proof, and its parts one by one. Exit code 0 ok, 1
 * violated, 3 inconclusive or not everything was run.
 */
import { JSON_OPTION, textOption } from './command.ts';
import type { PartResult } from '../lab/prove/part-result.ts';
import type { Argv, CliIo, Command, OptionRow } from './command.ts';

/** A whole number of the command line. */
async function whole(argv: Argv, name: string, bounds: { least: number; most: number; otherwise: number }) {
  const text = textOption(argv, name);
  if (text === undefined) return bounds.otherwise;
  const { readWhole } = await import('../daemons/config-table.ts');
  const value = readWhole(text, bounds.least, bounds.most);
  if (value !== undefined) return value;
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${bounds.least} to ${bounds.most}.`);
}

/** One of these words of the command line. */
async function word<Word extends string>(argv: Argv, name: string, words: readonly Word[], otherwise: Word) {
  const text = textOption(argv, name) ?? otherwise;
  const found = words.find((one) => one === text);
  if (found !== undefined) return found;
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${words.join(', ')}.`);
}

const SEED_MAX = 2 ** 31 - 1;

async function runOptions(argv: Argv, io: CliIo) {
  const { WORKLOAD_PROTOCOLS } = await import('../lab/history-workload.ts');
  const protocol = await word(argv, 'protocol', [...WORKLOAD_PROTOCOLS, 'mixed'] as const, 'mixed');
  const drawn = 1 + Math.floor(Math.random() * 1_000_000);
  const seed = await whole(argv, 'seed', { least: 0, most: SEED_MAX, otherwise: drawn });
  const clients = await whole(argv, 'clients', { least: 1, most: 200, otherwise: 8 });
  return { seed, protocol, clients, directory: textOption(argv, 'dir'), say: sayer(argv, io) } as const;
}

/** Lines for a person; with --json stdout is for the result alone. */
function sayer(argv: Argv, io: CliIo): (line: string) => void {
  return argv['json'] === true ? () => undefined : (line) => io.output.write(`${line}\n`);
}

async function finish(argv: Argv, io: CliIo, result: PartResult): Promise<number> {
  const { exitCodeOf, resultLine, resultText } = await import('../lab/prove/part-result.ts');
  const lines = argv['json'] === true ? [resultLine(result)] : resultText(result);
  for (const line of lines) io.output.write(`${line}\n`);
  return exitCodeOf(result.verdict);
}

const RUN_OPTIONS: readonly OptionRow[] = [
  { name: 'seed', form: 'text', meaning: 'chooses the faults; drawn at random and printed if not given' },
  { name: 'protocol', form: 'text', meaning: '2pc, 3pc, parallel or mixed (default)' },
  { name: 'clients', form: 'text', meaning: 'how many work at once; default 8' },
  { name: 'dir', form: 'text', meaning: 'run directory to keep; default a temporary one' },
  JSON_OPTION,
];

const killsCommand: Command = {
  spec: 'kills',
  summary: 'kill -9 of real processes under work, then the checker',
  options: [
    { name: 'cycles', form: 'text', meaning: 'how many; default 50' },
    { name: 'committed', form: 'text', meaning: 'transactions committed in each cycle, at least; default 100' },
    ...RUN_OPTIONS,
  ],
  examples: [['prove kills --cycles 20 --seed 7', 'the same victims each time']],
  run: async (argv, io) => {
    const { killsPart } = await import('../lab/prove/part-commands.ts');
    const cycles = await whole(argv, 'cycles', { least: 1, most: 100_000, otherwise: 50 });
    const committed = await whole(argv, 'committed', { least: 1, most: 100_000, otherwise: 100 });
    const options = await runOptions(argv, io);
    const { seed, protocol, clients } = options;
    const fixed = `--seed ${seed} --protocol ${protocol} --clients ${clients}`;
    options.say(`prove kills --cycles ${cycles} --committed ${committed} ${fixed}`);
    return finish(argv, io, await killsPart({ ...options, cycles, committed }));
  },
};

const historyCommand: Command = {
  spec: 'history',
  summary: 'one black-box history of clients under faults, then the checker',
  options: [{ name: 'seconds', form: 'text', meaning: 'how long; default 60' }, ...RUN_OPTIONS],
  examples: [['prove history --seconds 15 --dir /tmp/run', 'keeps the run directory for parley check']],
  run: async (argv, io) => {
    const { historyPart } = await import('../lab/prove/part-commands.ts');
    const seconds = await whole(argv, 'seconds', { least: 1, most: 86_400, otherwise: 60 });
    const options = await runOptions(argv, io);
    const { seed, protocol, clients } = options;
    options.say(`prove history --seconds ${seconds} --seed ${seed} --protocol ${protocol} --clients ${clients}`);
    return finish(argv, io, await historyPart({ ...options, forMs: seconds * 1000 }));
  },
};

const matrixCommand: Command = {
  spec: 'matrix',
  summary: 'every crash point of real processes under kill, power and stop, then the checker',
  options: [
    { name: 'slice', form: 'text', meaning: 'which of how many slices, for example 3/12; default 1/1: all' },
    { name: 'protocol', form: 'text', meaning: '2pc, 3pc (default) or parallel' },
    { name: 'dir', form: 'text', meaning: 'run directory to keep; default a temporary one' },
    JSON_OPTION,
  ],
  examples: [['prove matrix --protocol 2pc --slice 1/50', 'every fiftieth case']],
  run: async (argv, io) => {
    const { ParleyError } = await import('../base/errors.ts');
    const { matrixPart } = await import('../lab/prove/part-commands.ts');
    const { WORKLOAD_PROTOCOLS } = await import('../lab/history-workload.ts');
    const protocol = await word(argv, 'protocol', WORKLOAD_PROTOCOLS, '3pc');
    const [, slice = 0, of = 0] = (/^(\d{1,4})\/(\d{1,4})$/.exec(textOption(argv, 'slice') ?? '1/1') ?? []).map(Number);
    if (slice < 1 || slice > of) {
      throw new ParleyError('usage', '--slice is a number and how many there are, for example 3/12.');
    }
    const directory = textOption(argv, 'dir');
    return finish(argv, io, await matrixPart({ protocol, slice, of, directory, say: sayer(argv, io) }));
  },
};

const powerCommand: Command = {
  spec: 'power',
  summary: 'opens the log in the states that a power cut could leave',
  options: [{ name: 'states', form: 'text', meaning: 'how many; default 5000' }, JSON_OPTION],
  run: async (argv, io) => {
    const { powerPart } = await import('../lab/prove/part-commands.ts');
    const states = await whole(argv, 'states', { least: 1, most: 100_000_000, otherwise: 5_000 });
    return finish(argv, io, await powerPart({ states, say: sayer(argv, io) }));
  },
};

const flipsCommand: Command = {
  spec: 'flips',
  summary: 'opens a log with each of its bits flipped',
  options: [
    { name: 'records', form: 'text', meaning: 'records of the log; default 200' },
    { name: 'step', form: 'text', meaning: 'flips every nth bit; default 1' },
    { name: 'first', form: 'text', meaning: 'the first bit; default 0' },
    JSON_OPTION,
  ],
  run: async (argv, io) => {
    const { flipsPart } = await import('../lab/prove/part-commands.ts');
    const records = await whole(argv, 'records', { least: 2, most: 10_000, otherwise: 200 });
    const step = await whole(argv, 'step', { least: 1, most: 1_000_000, otherwise: 1 });
    const first = await whole(argv, 'first', { least: 0, most: 1_000_000, otherwise: 0 });
    return finish(argv, io, await flipsPart({ records, first, step, say: sayer(argv, io) }));
  },
};

const allCommand: Command = {
  spec: 'all',
  summary: 'every part, in slices: a run that was stopped goes on where it was, and a report is written at the end',
  options: [
    { name: 'only', form: 'text', meaning: 'a comma list of parts' },
    { name: 'scale', form: 'text', meaning: 'a share of the whole, for example 0.01; default 1' },
    {
      name: 'jobs',
      form: 'text',
      meaning: 'how many slices at once: one that computes, the others of real processes, which mostly wait; default 1',
    },
    { name: 'resume', form: 'switch', meaning: 'keeps the slices that were done; without it they are run again' },
    { name: 'report', form: 'switch', meaning: 'runs nothing and writes the report of what is there' },
    { name: 'list', form: 'switch', meaning: 'runs nothing and lists the parts' },
    { name: 'results', form: 'text', meaning: 'where results are kept; default logs/prove' },
    { name: 'out', form: 'text', meaning: 'where the report goes; default docs/proof' },
  ],
  examples: [['prove all --only kills,flips --scale 0.01', 'a taste of two parts']],
  run: async (argv, io) => {
    const { proveAll } = await import('../lab/prove/prove-all.ts');
    return proveAll({
      only: textOption(argv, 'only'),
      scale: textOption(argv, 'scale') ?? '1',
      jobs: await whole(argv, 'jobs', { least: 1, most: 16, otherwise: 1 }),
      resume: argv['resume'] === true,
      reportOnly: argv['report'] === true,
      listOnly: argv['list'] === true,
      resultsDirectory: textOption(argv, 'results') ?? 'logs/prove',
      reportDirectory: textOption(argv, 'out') ?? 'docs/proof',
      output: io.output,
      errorOutput: io.errorOutput,
      isTerminal: io.output.isTTY === true,
    });
  },
};

/** `parley prove` with its parts. */
export const proveCommand: Command = {
  spec: 'prove',
  summary: 'the long proof, and its parts one by one',
  children: [allCommand, killsCommand, historyCommand, matrixCommand, powerCommand, flipsCommand],
};
