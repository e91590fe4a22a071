/** `parley tx list | show | explain`: the operator's view of transactions. */
import { CONFIG_OPTION, CREDENTIALS_OPTION, JSON_OPTION, TLS_CA_OPTION, textOption } from './command.ts';
import type { JsonObject } from '../console/transaction-text.ts';
import type { Argv, CliIo, Command, OptionRow } from './command.ts';

const SHARED: readonly OptionRow[] = [
  JSON_OPTION,
  { name: 'host', form: 'text', meaning: 'host of the coordinator' },
  { name: 'port', form: 'text', meaning: 'port of the coordinator' },
  CONFIG_OPTION,
  CREDENTIALS_OPTION,
  TLS_CA_OPTION,
];
const ID = { id: 'id of the transaction' };

/** Asks the coordinator and prints what `lines` makes of the answer, or the answer itself with --json. */
async function ask(
  argv: Argv,
  io: CliIo,
  path: string,
  lines: (answer: JsonObject) => readonly string[],
  json: (answer: JsonObject) => unknown = (answer) => answer,
): Promise<number> {
  const { withClient } = await import('./connection.ts');
  const { printable } = await import('../console/printable.ts');
  const answer = await withClient('coordinator', argv, io, (client) => client.get(path));
  const texts = argv['json'] === true ? [JSON.stringify(json(answer))] : lines(answer);
  for (const text of texts) io.output.write(`${printable(text)}\n`);
  return 0;
}

const transactionPath = (argv: Argv): string => `/transactions/${encodeURIComponent(textOption(argv, 'id') ?? '')}`;

/** `parley tx`: asks the coordinator, changes nothing. */
export const txCommand: Command = {
  spec: 'tx',
  summary: 'transactions: list, show one, explain one',
  children: [
    {
      spec: 'list',
      summary: 'lists transactions',
      options: [{ name: 'state', form: 'text', meaning: 'only these, for example in-doubt' }, ...SHARED],
      examples: [['tx list --state in-doubt', 'those that wait for a decision']],
      run: async (argv, io) => {
        const { listLines, transactionsOf } = await import('../console/transaction-text.ts');
        const state = textOption(argv, 'state');
        const path = state === undefined ? '/transactions' : `/transactions?state=${encodeURIComponent(state)}`;
        return ask(argv, io, path, (answer) => listLines(transactionsOf(answer)), transactionsOf);
      },
    },
    {
      spec: 'show <id>',
      summary: 'shows all that the coordinator knows of one transaction',
      positionals: ID,
      options: SHARED,
      examples: [['tx show TX001 --json', 'as JSON']],
      run: async (argv, io) =>
        ask(argv, io, transactionPath(argv), (await import('../console/transaction-text.ts')).showLines),
    },
    {
      spec: 'explain <id>',
      summary: 'says where one transaction stands, why, and what to do',
      positionals: ID,
      options: SHARED,
      run: async (argv, io) =>
        ask(argv, io, transactionPath(argv), (await import('../console/transaction-text.ts')).explainLines),
    },
  ],
};
