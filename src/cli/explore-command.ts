/**
 * `parley explore`: every interleaving of one transaction on the machines that
 * ship. Exit code 0: all was seen and nothing was violated; 1: something was,
 * and a shortest run to it is printed; 3: a limit stopped it, so nothing is
 * shown. `--replay FILE` plays a run that `--json` printed on the shipped nodes
 * and host, with 1 when it shows the violation again, 0 when not, and 3 when it
 * does not fit.
 */
import { JSON_OPTION, textOption } from './command.ts';
import type { Argv, CliIo, Command } from './command.ts';
import type { ExploreOptions, Explored } from '../sim/explorer.ts';
import type { QuorumRule } from '../protocol/quorum.ts';

const PROTOCOLS = ['2pc', '3pc', 'parallel', '3pc-textbook'] as const;
const PROGRESS_MS = 500;
const STATES_MAX = 2 ** 32 - 2;

/** A whole number of the command line; undefined when it is not given. */
async function whole(argv: Argv, name: string, least: number, most: number): Promise<number | undefined> {
  const text = textOption(argv, name);
  if (text === undefined) return undefined;
  const { readWhole } = await import('../daemons/config-table.ts');
  const value = readWhole(text, least, most);
  return value ?? (await refuse(name, text, `${least} to ${most}`));
}

async function word<Word extends string>(argv: Argv, name: string, words: readonly Word[]): Promise<Word | undefined> {
  const text = textOption(argv, name);
  const found = words.find((one) => one === text);
  return text === undefined || found !== undefined ? found : refuse(name, text, words.join(', '));
}

async function refuse(name: string, text: string, allowed: string): Promise<never> {
  const { ParleyError } = await import('../base/errors.ts');
  throw new ParleyError('usage', `--${name} is ${text}; allowed: ${allowed}.`);
}

/** Every site weighs 1, and more than half is needed. */
function equalWeights(participants: number): QuorumRule {
  return { coordinatorWeight: 1, quorumWeight: Math.floor((participants + 1) / 2) + 1 };
}

async function optionsOf(argv: Argv): Promise<ExploreOptions> {
  const protocol = (await word(argv, 'protocol', PROTOCOLS)) ?? '3pc';
  const participants = (await whole(argv, 'participants', 1, 5)) ?? 2;
  const readers = (await whole(argv, 'readers', 0, 3)) ?? 0;
  const roundsMax = (await whole(argv, 'rounds', 1, 9)) ?? 2;
  const electionsMax = await whole(argv, 'elections', 0, 9);
  const statesMax = await whole(argv, 'states', 1, STATES_MAX);
  const weights = await word(argv, 'weights', ['shipped', 'equal'] as const);
  const unsafe = await word(argv, 'unsafe', ['roll-back-in-ready'] as const);
  return {
    ...{ protocol, participants, readers, roundsMax },
    ...(electionsMax === undefined ? {} : { electionsMax }),
    ...(statesMax === undefined ? {} : { statesMax }),
    ...(weights === 'equal' ? { quorumRule: equalWeights(participants) } : {}),
    ...(unsafe === undefined ? {} : { unsafe }),
  };
}

function commandLine(options: ExploreOptions): string {
  const { protocol, participants, readers, roundsMax, electionsMax, statesMax, quorumRule, unsafe } = options;
  return [
    `explore --protocol ${protocol} --participants ${participants} --readers ${readers} --rounds ${roundsMax}`,
    ...(electionsMax === undefined ? [] : [`--elections ${electionsMax}`]),
    ...(statesMax === undefined ? [] : [`--states ${statesMax}`]),
    ...(quorumRule === undefined ? [] : ['--weights equal']),
    ...(unsafe === undefined ? [] : [`--unsafe ${unsafe}`]),
  ].join(' ');
}

async function explore(argv: Argv, io: CliIo): Promise<number> {
  const file = textOption(argv, 'replay');
  if (file !== undefined) return replayFile(file, argv['json'] === true, io);
  const options = await optionsOf(argv);
  const { explore: run } = await import('../sim/explorer.ts');
  const isJson = argv['json'] === true;
  if (!isJson) io.output.write(`${commandLine(options)}\n`);
  const from = performance.now();
  const explored = run({ ...options, onProgress: progressTo(io, from) });
  const seconds = Math.max(0.001, (performance.now() - from) / 1000);
  if (isJson) io.output.write(`${JSON.stringify(await resultOf(options, explored, seconds))}\n`);
  else tell(explored, seconds, io);
  if (explored.violation !== undefined) return 1;
  return explored.complete ? 0 : 3;
}

/** On a terminal one line is written over and over; elsewhere nothing. */
function progressTo({ errorOutput }: CliIo, from: number): NonNullable<ExploreOptions['onProgress']> {
  const isTerminal = 'isTTY' in errorOutput && errorOutput.isTTY === true;
  let last = from;
  return ({ states, waiting, steps }) => {
    const now = performance.now();
    if (!isTerminal || now - last < PROGRESS_MS) return;
    last = now;
    const rate = Math.round((1000 * states) / (now - from));
    errorOutput.write(`\r${states} states, ${waiting} waiting, ${steps} steps deep, ${rate} states/s \r`);
  };
}

function tell({ states, transitions, depth, complete, violation }: Explored, seconds: number, { output }: CliIo): void {
  const figures = `${states} states, ${transitions} transitions`;
  const rate = Math.round(states / seconds);
  if (violation !== undefined) {
    output.write(`${figures}, stopped by a violation\n`);
    output.write(`VIOLATED in ${violation.steps} steps: ${violation.what}\n`);
    for (const line of violation.transcript) output.write(`  ${line}\n`);
    return;
  }
  output.write(`${figures}, ${complete ? 'complete' : 'not complete'}\n`);
  output.write(`${depth} steps deep, ${rate} states/s\n`);
  output.write(complete ? 'no violation\n' : 'no violation so far; a limit stopped it, so nothing is shown\n');
}

/** One line, as the other proofs print it. */
async function resultOf(options: ExploreOptions, explored: Explored, seconds: number) {
  const { states, transitions, depth, complete, violation } = explored;
  const { counterexampleOf } = await import('../sim/explorer-counterexample.ts');
  const { protocol, participants, readers, roundsMax, electionsMax, unsafe, quorumRule } = options;
  const world = { protocol, participants, readers: readers ?? 0, ...(unsafe === undefined ? {} : { unsafe }) };
  const bounds = {
    ...{ ...world, rounds: roundsMax },
    ...(electionsMax === undefined ? {} : { elections: electionsMax }),
    ...{ weights: quorumRule === undefined ? 'shipped' : 'equal' },
  };
  const rate = Math.round(states / seconds);
  const more = { ...bounds, depth, complete, statesPerSecond: rate };
  const found =
    violation === undefined
      ? more
      : {
          ...more,
          steps: violation.steps,
          transcript: violation.transcript,
          counterexample: counterexampleOf(world, violation),
        };
  return {
    part: 'explorer',
    verdict: violation !== undefined ? 'violated' : complete ? 'ok' : 'inconclusive',
    counts: { states, transitions },
    violations: violation === undefined ? [] : [`${commandLine(options)}: ${violation.what}`],
    more: found,
  };
}

async function replayFile(file: string, isJson: boolean, { output }: CliIo): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const { ParleyError } = await import('../base/errors.ts');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ParleyError('usage', `--replay ${file} cannot be read.`, { cause });
  });
  const { readCounterexample } = await import('../sim/explorer-counterexample.ts');
  const { replay } = await import('../sim/explorer-replay.ts');
  const { verdict, lines, decisions } = replay(readCounterexample(text, file));
  if (isJson) output.write(`${JSON.stringify({ verdict, decisions, lines })}\n`);
  else {
    for (const line of lines) output.write(`${line}\n`);
    for (const [name, decision] of Object.entries(decisions)) output.write(`${name}: ${decision || 'undecided'}\n`);
    output.write(`${VERDICTS[verdict]}\n`);
  }
  return { split: 1, alarm: 1, blocked: 1, agreed: 0, differs: 3 }[verdict];
}

const VERDICTS = {
  split: 'VIOLATED: commit and abort were both decided',
  alarm: 'VIOLATED: a node was told what must not be',
  blocked: 'VIOLATED: someone is still in doubt where nothing fails any more',
  agreed: 'no violation: all that decided agree',
  differs: 'the run does not fit these machines',
} as const;

/** The subcommand. */
export const exploreCommand: Command = {
  spec: 'explore',
  summary: 'every interleaving of one transaction on the machines that ship',
  options: [
    { name: 'protocol', form: 'text', meaning: `one of ${PROTOCOLS.join(', ')}; default 3pc` },
    { name: 'participants', form: 'text', meaning: 'those that write; default 2' },
    { name: 'readers', form: 'text', meaning: 'those that only read; default 0' },
    { name: 'rounds', form: 'text', meaning: 'highest counter of a termination round; default 2' },
    { name: 'elections', form: 'text', meaning: 'termination rounds begun in one run; default: no other bound' },
    { name: 'weights', form: 'text', meaning: 'quorums of 3PC: shipped, or equal (every site counts once)' },
    { name: 'unsafe', form: 'text', meaning: 'a rule of the lab: roll-back-in-ready' },
    { name: 'states', form: 'text', meaning: 'stops at so many states, with exit code 3' },
    { name: 'replay', form: 'text', meaning: 'plays a run that --json printed on the shipped nodes' },
    JSON_OPTION,
  ],
  examples: [
    ['explore --protocol 3pc --participants 2 --rounds 3', 'some hundred thousand states'],
    ['explore --protocol 3pc-textbook', 'how the 3PC of the textbook splits'],
    ['explore --protocol 3pc-textbook --json > split.json && parley explore --replay split.json', 'the same, played'],
  ],
  run: explore,
};
