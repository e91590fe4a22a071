/** `parley server | coordinator | participant | up`: one process each, in this shell. */
import { SETTINGS, settingsOf } from '../daemons/config-table.ts';
import type { ConfigRole } from '../daemons/config-table.ts';
import type { Argv, CliIo, Command, OptionRow } from './command.ts';

/** Options of a role, from the table of settings. */
export function optionsOf(role: ConfigRole): readonly OptionRow[] {
  return settingsOf(role).map((key) => {
    const { flag, form, meaning, allowed } = SETTINGS[key];
    const meaningAndAllowed = allowed.startsWith('one of')
      ? `${meaning} (${allowed.slice('one of '.length)})`
      : meaning;
    return { name: flag.slice(2), form, meaning: meaningAndAllowed };
  });
}

async function configured<R extends ConfigRole>(role: R, argv: Argv, io: CliIo) {
  const { resolveConfig } = await import('../daemons/config.ts');
  return resolveConfig(role, { flags: argv, env: io.env, stdinIsTerminal: io.input.isTTY === true }).settings;
}

/** The launcher and the three daemons. */
export const daemonCommands: readonly Command[] = [
  {
    spec: 'up',
    summary: 'starts the whole cluster as child processes',
    options: optionsOf('up'),
    examples: [
      ['up', 'three participants, a coordinator and a server on loopback'],
      ['up --backends 5 --protocol 3pc', 'five participants, everything by 3PC'],
    ],
    run: async (argv, io) => {
      const settings = await configured('up', argv, io);
      return (await import('../daemons/up.ts')).runUp(settings);
    },
  },
  {
    spec: 'server',
    summary: 'the front door for people: accounts, rooms, the bank',
    options: optionsOf('server'),
    examples: [['server --port 7000', 'listens on 127.0.0.1:7000']],
    run: async (argv, io) => {
      const settings = await configured('server', argv, io);
      return (await import('../daemons/server.ts')).runServer(settings);
    },
  },
  {
    spec: 'coordinator',
    summary: 'runs transactions: votes, decision, recovery',
    options: optionsOf('coordinator'),
    examples: [['coordinator --data-dir logs/coordinator', 'keeps its log there']],
    run: async (argv, io) => {
      const settings = await configured('coordinator', argv, io);
      return (await import('../daemons/coordinator.ts')).runCoordinator(settings);
    },
  },
  {
    spec: 'participant',
    summary: 'guards resources: ledger, history, notebook',
    options: optionsOf('participant'),
    examples: [
      ['participant --name P1', 'the participant P1 of the cluster file'],
      ['participant --name P2 --vote ask', 'asks a person for each vote'],
    ],
    run: async (argv, io) => {
      const settings = await configured('participant', argv, io);
      return (await import('../daemons/participant.ts')).runParticipant(settings);
    },
  },
];
