/**
 * `parley simulate` and `parley explore`: the machines that ship, in a
 * deterministic world and in every interleaving of a small one. Exit code 0
 * when nothing was violated, 1 when something was.
 */
import type { Argv, CliIo, Command } from './command.ts';
import { wholeOption, wordOption } from './option-values.ts';
import { simulateCommand } from './simulate-command.ts';

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
  simulateCommand,
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
