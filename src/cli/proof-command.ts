/**
 * `parley simulate` and `parley explore`: the machines that ship, in a
 * deterministic world and in every interleaving of a small one. Exit code 0
 * when nothing was violated, 1 when something was.
 */
import { textOption } from './command.ts';
import type { Argv, CliIo, Command } from './command.ts';

/** Whole numbers of the command line. */
async function wholeOption(argv: Argv, name: string, bounds: { least: number; most: number; otherwise: number }) {
  const text = textOption(argv, name);
  if (text === undefined) return bounds.otherwise;
  const { readWhole } = await import('../daemons/config-table.ts');
  const value = readWhole(text, bounds.least, bounds.most);
  if (value !== undefined) return value;
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${bounds.least} to ${bounds.most}.`);
}

/** One of some words. */
async function wordOption<Word extends string>(argv: Argv, name: string, words: readonly Word[], otherwise: Word) {
  const text = textOption(argv, name) ?? otherwise;
  const word = words.find((one) => one === text);
  if (word !== undefined) return word;
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${words.join(', ')}.`);
}

const SEED_MAX = 2 ** 32 - 1;

async function simulate(argv: Argv, io: CliIo): Promise<number> {
  const { World } = await import('../sim/world.ts');
  const seeds = await wholeOption(argv, 'seeds', { least: 1, most: 10_000_000, otherwise: 100 });
  const drawn = Math.floor(Math.random() * SEED_MAX);
  const first = await wholeOption(argv, 'seed', { least: 0, most: SEED_MAX, otherwise: drawn });
  const protocol = await wordOption(argv, 'protocol', ['2pc', '3pc', 'mixed'], 'mixed');
  const participants = await wholeOption(argv, 'participants', { least: 1, most: 9, otherwise: 3 });
  const transactions = await wholeOption(argv, 'transactions', { least: 1, most: 1_000, otherwise: 30 });
  const faults = await wholeOption(argv, 'faults', { least: 0, most: 100, otherwise: 8 });
  const fixed = `--protocol ${protocol} --participants ${participants} --transactions ${transactions} --faults ${faults}`;
  io.output.write(`simulate --seed ${first} --seeds ${seeds} ${fixed}\n`);
  const protocols = protocol === 'mixed' ? (['2pc', '3pc'] as const) : [protocol];
  const sums = { committed: 0, aborted: 0, faultsHit: 0, violated: 0 };
  for (let seed = first; seed < first + seeds; seed += 1) {
    const report = new World({ seed, participants, protocols, transactions, faults }).run();
    sums.committed += report.committed;
    sums.aborted += report.aborted;
    sums.faultsHit += report.faultsHit;
    if (report.violations.length === 0) continue;
    sums.violated += 1;
    io.output.write(`VIOLATED by seed ${seed}; to repeat: npx parley simulate --seed ${seed} --seeds 1 ${fixed}\n`);
    for (const violation of report.violations) io.output.write(`  ${violation}\n`);
  }
  const { committed, aborted, faultsHit, violated } = sums;
  io.output.write(
    `${seeds} seeds: ${committed} committed, ${aborted} aborted, ${faultsHit} faults hit, ${violated} seeds violated\n`,
  );
  return violated === 0 ? 0 : 1;
}

async function explore(argv: Argv, io: CliIo): Promise<number> {
  const { explore: run } = await import('../sim/explorer.ts');
  const protocol = await wordOption(argv, 'protocol', ['2pc', '3pc'], '3pc');
  const participants = await wholeOption(argv, 'participants', { least: 1, most: 5, otherwise: 2 });
  const roundsMax = await wholeOption(argv, 'rounds', { least: 1, most: 9, otherwise: 2 });
  const readers = await wholeOption(argv, 'readers', { least: 0, most: 3, otherwise: 0 });
  io.output.write(
    `explore --protocol ${protocol} --participants ${participants} --readers ${readers} --rounds ${roundsMax}\n`,
  );
  const { states, transitions, complete, violation } = run({ protocol, participants, readers, roundsMax });
  io.output.write(`${states} states, ${transitions} transitions, ${complete ? 'complete' : 'not complete'}\n`);
  if (violation === undefined) {
    io.output.write('no violation\n');
    return 0;
  }
  io.output.write(`VIOLATED in ${violation.steps} steps: ${violation.what}\n`);
  for (const line of violation.transcript) io.output.write(`  ${line}\n`);
  return 1;
}

/** The two commands. */
export const proofCommands: readonly Command[] = [
  {
    spec: 'simulate',
    summary: 'whole clusters in a deterministic world, with faults drawn from seeds',
    options: [
      { name: 'seeds', form: 'text', meaning: 'how many seeds; default 100' },
      { name: 'seed', form: 'text', meaning: 'the first seed; drawn at random and printed if not given' },
      { name: 'protocol', form: 'text', meaning: '2pc, 3pc or mixed' },
      { name: 'participants', form: 'text', meaning: 'how many; default 3' },
      { name: 'transactions', form: 'text', meaning: 'how many the clients ask for; default 30' },
      { name: 'faults', form: 'text', meaning: 'how many are tried while they work; default 8' },
    ],
    examples: [['simulate --seeds 1000 --protocol 3pc', 'a thousand worlds']],
    run: simulate,
  },
  {
    spec: 'explore',
    summary: 'every interleaving of one transaction on the machines that ship',
    options: [
      { name: 'protocol', form: 'text', meaning: '2pc or 3pc' },
      { name: 'participants', form: 'text', meaning: 'those that write; default 2' },
      { name: 'readers', form: 'text', meaning: 'those that only read; default 0' },
      { name: 'rounds', form: 'text', meaning: 'highest counter of a termination round; default 2' },
    ],
    examples: [['explore --protocol 3pc --participants 2 --rounds 3', 'some hundred thousand states']],
    run: explore,
  },
];
