/**
 * `parley bank load`: many clients that move money, a progress bar, and the
 * check that none was made or lost. Exit code 0 when the money is right, 1
 * when it is not, 3 when an outcome is still unknown and so nothing can be said.
 */
import { CONFIG_OPTION, CREDENTIALS_OPTION, JSON_OPTION, TLS_CA_OPTION, textOption } from './command.ts';
import type { Argv, CliIo, Command } from './command.ts';

const EXIT_BY_VERDICT = { conserved: 0, violated: 1, open: 3 } as const;
const PERCENT = { least: 0, most: 100, otherwise: 0 } as const;

async function load(argv: Argv, io: CliIo): Promise<number> {
  const { wholeOption } = await import('./option-values.ts');
  const { withClient } = await import('./connection.ts');
  const { runLoad } = await import('../console/bank-load.ts');
  const { loadLines, loadVerdict, racesOf } = await import('../console/load-text.ts');
  const { readFaults, withFaults } = await import('../console/load-faults.ts');
  const { SETTLE } = await import('../console/api-client.ts');
  const { newId } = await import('../console/new-id.ts');
  const { SeededRandom } = await import('../base/seeded-random.ts');
  const { ProgressBar } = await import('../bench/progress-bar.ts');
  const whole = (name: string, least: number, most: number, otherwise: number): Promise<number> =>
    wholeOption(argv, name, { least, most, otherwise });
  const plan = {
    clients: await whole('clients', 1, 1000, 8),
    durationMs: 1000 * (await whole('seconds', 1, 86_400, 10)),
    rate: await whole('rate', 0, 100_000, 0),
    accounts: await whole('accounts', 2, 1000, 10),
    opening: await whole('opening', 0, 1_000_000_000, 1000),
    hot: (await wholeOption(argv, 'hot', PERCENT)) / 100,
    tooMuch: (await wholeOption(argv, 'too-much', PERCENT)) / 100,
    twice: (await wholeOption(argv, 'twice', PERCENT)) / 100,
    rounds: await whole('rounds', 0, 1000, 10),
  };
  const faults = readFaults(textOption(argv, 'faults') ?? '');
  const random = new SeededRandom(await whole('seed', 0, 4_294_967_295, 1));
  const bar = new ProgressBar(io.errorOutput, performance.now.bind(performance));
  return withClient('server', argv, io, async (client) => {
    const settle = { ...SETTLE, wasThere: () => client.hasAnswered };
    const onProgress = (done: number, { committed, rolledBack }: { committed: number; rolledBack: number }): void =>
      bar.show(`${committed} committed, ${rolledBack} rolled back`, done);
    try {
      const run = () => runLoad(plan, { client, settle, random, makeId: newId, onProgress });
      const tell = (line: string): void => void io.errorOutput.write(`${line}\n`);
      const result = await withFaults(client, faults, tell, run);
      bar.clear();
      const verdict = loadVerdict(result);
      const lines =
        argv['json'] === true
          ? [JSON.stringify({ ...result, races: racesOf(result) ?? null, verdict })]
          : loadLines(plan, result);
      for (const line of lines) io.output.write(`${line}\n`);
      return EXIT_BY_VERDICT[verdict];
    } finally {
      bar.clear();
    }
  });
}

/** See the header. */
export const bankLoadCommand: Command = {
  spec: 'load [port] [host]',
  summary: 'many clients move money; then it is checked that none was made or lost',
  positionals: { port: 'port of the server', host: 'host of the server' },
  options: [
    { name: 'clients', form: 'text', meaning: 'how many at once, default 8' },
    { name: 'seconds', form: 'text', meaning: 'how long, default 10' },
    { name: 'rate', form: 'text', meaning: 'transfers a second of all together; 0, the default: as fast as it goes' },
    { name: 'accounts', form: 'text', meaning: 'accounts opened for the run, default 10' },
    { name: 'opening', form: 'text', meaning: 'what each holds at first, default 1000' },
    { name: 'hot', form: 'text', meaning: 'percent of transfers with the first account on one side' },
    { name: 'too-much', form: 'text', meaning: 'percent of transfers of more than there is' },
    { name: 'twice', form: 'text', meaning: 'percent of transfers sent again with the same id' },
    {
      name: 'rounds',
      form: 'text',
      meaning: 'how many single transfers, and threes at once, are timed before the load, default 10',
    },
    {
      name: 'faults',
      form: 'text',
      meaning: 'fault rules for the time of the run, "<node> <kind> name=value …", several with ; between them',
    },
    { name: 'seed', form: 'text', meaning: 'of what is chosen by chance, default 1' },
    JSON_OPTION,
    CONFIG_OPTION,
    CREDENTIALS_OPTION,
    TLS_CA_OPTION,
  ],
  examples: [
    ['bank load', '8 clients for 10 seconds'],
    [
      'bank load --faults "Node6002 slow ms=50; Node6001 vote-no percent=10"',
      'under two fault rules, taken back after',
    ],
    ['bank load --clients 64 --hot 50 --too-much 5', 'one account is in half of the transfers; some are too large'],
  ],
  run: load,
};
