/** `parley lab`: scenarios on real processes, and the crash points they use. */
import { JSON_OPTION, textOption } from './command.ts';
import type { Argv, CliIo, Command } from './command.ts';

/** Exit code by verdict; of several runs the gravest counts. */
const EXIT_BY_VERDICT = { ok: 0, violated: 1, inconclusive: 3 } as const;
const REPEAT_MAX = 1_000;

async function list(argv: Argv, io: CliIo): Promise<number> {
  const { shippedScenarios } = await import('../lab/scenario-file.ts');
  for (const { id, title } of shippedScenarios()) {
    io.output.write(argv['json'] === true ? `${JSON.stringify({ id, title })}\n` : `${id.padEnd(28)} ${title}\n`);
  }
  return 0;
}

async function run(argv: Argv, io: CliIo): Promise<number> {
  const { scenariosNamed } = await import('../lab/scenario-file.ts');
  const { readWhole } = await import('../daemons/config-table.ts');
  const { ParleyError } = await import('../base/errors.ts');
  const { reportRuns } = await import('../lab/scenario-report.ts');
  const scenarios = scenariosNamed(textOption(argv, 'scenario') ?? '');
  const repeat = readWhole(textOption(argv, 'repeat') ?? '1', 1, REPEAT_MAX);
  if (repeat === undefined) {
    throw new ParleyError('usage', `--repeat must be a whole number from 1 to ${REPEAT_MAX}.`);
  }
  const verdict = await reportRuns({
    scenarios: scenarios.flatMap((scenario) => Array.from({ length: repeat }, () => scenario)),
    keep: textOption(argv, 'keep'),
    json: argv['json'] === true,
    daemonLines: argv['verbose'] === true,
    write: (line) => io.output.write(`${line}\n`),
    env: io.env,
  });
  return EXIT_BY_VERDICT[verdict];
}

async function points(argv: Argv, io: CliIo): Promise<number> {
  const { listPoints, pointLines } = await import('../lab/point-list.ts');
  const isJson = argv['json'] === true;
  const say = (line: string): void => void (isJson || io.errorOutput.write(`${line}\n`));
  const list = await listPoints({ say, env: io.env });
  const lines = isJson ? [JSON.stringify(list)] : pointLines(list);
  for (const line of lines) io.output.write(`${line}\n`);
  return list.never.length === 0 && list.failed.length === 0 ? 0 : 1;
}

/** `parley lab list | run | points`. */
export const labCommand: Command = {
  spec: 'lab',
  summary: 'scenarios on real processes: who dies where, what must hold',
  children: [
    {
      spec: 'points',
      summary: 'every crash point and how often runs that pass them all passed it; exit code 1 when one was not passed',
      options: [JSON_OPTION],
      run: points,
    },
    { spec: 'list', summary: 'the scenarios that are shipped', options: [JSON_OPTION], run: list },
    {
      spec: 'run <scenario>',
      summary: 'runs scenarios and judges them: exit code 0 ok, 1 violated, 3 inconclusive',
      positionals: { scenario: 'an id, the beginning of ids, all, or the path of a .json file' },
      options: [
        { name: 'keep', form: 'text', meaning: 'keeps the run directories below this one' },
        { name: 'repeat', form: 'text', meaning: 'runs each so many times; default 1' },
        { name: 'verbose', form: 'switch', meaning: 'shows what the daemons say' },
        JSON_OPTION,
      ],
      examples: [
        ['lab run S2-14', 'kills the coordinator between two COMMITs'],
        ['lab run all', 'every scenario that is shipped'],
      ],
      run,
    },
  ],
};
