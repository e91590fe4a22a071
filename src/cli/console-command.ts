/** `parley console coordinator | participant`: the consoles of running daemons, over HTTP. */
import { COMMAND_OPTION, CONFIG_OPTION, CREDENTIALS_OPTION, JSON_OPTION, TLS_CA_OPTION } from './command.ts';
import type { Command, OptionRow } from './command.ts';
import type { ParleyError } from '../base/errors.ts';

/** How often a participant is asked whether it wants a vote. */
const VOTES_PAUSE_MS = 500;

const ADDRESS_OPTIONS: readonly OptionRow[] = [
  { name: 'host', form: 'text', meaning: 'host of the daemon' },
  { name: 'port', form: 'text', meaning: 'port of the daemon' },
];
const SHARED: readonly OptionRow[] = [
  ...ADDRESS_OPTIONS,
  COMMAND_OPTION,
  JSON_OPTION,
  CONFIG_OPTION,
  CREDENTIALS_OPTION,
  TLS_CA_OPTION,
];

const coordinator: Command = {
  spec: 'coordinator',
  summary: 'string, request, transfer, status, transactions, tx',
  options: SHARED,
  examples: [['console coordinator -c "transfer 1 2 100"', 'moves 100 and ends']],
  run: async (argv, io) => {
    const { withClient } = await import('./connection.ts');
    const { openTerminal } = await import('./session.ts');
    const { coordinatorConsole, httpCoordinatorDoor } = await import('../console/coordinator-console.ts');
    const { repeatText, SETTLE } = await import('../console/api-client.ts');
    const { printable } = await import('../console/printable.ts');
    const terminal = openTerminal(argv, io, { console: 'coordinator', prompt: 'coordinator> ', comments: true });
    const onRepeat = (error: ParleyError): void => terminal.narrate(printable(repeatText(error, 'id')));
    return withClient('coordinator', argv, io, (client) => {
      const wasThere = (): boolean => client.hasAnswered;
      const options = { ...SETTLE, onRepeat, wasThere, signal: terminal.signal };
      return terminal.run(coordinatorConsole(httpCoordinatorDoor(client, options)));
    });
  },
};

const participant: Command = {
  spec: 'participant',
  summary: 'status, commit, abort, in-doubt, notebook',
  options: [{ name: 'name', form: 'text', meaning: 'name of the participant in the cluster file' }, ...SHARED],
  examples: [
    ['console participant --name P1', 'the participant P1 of the cluster file'],
    ['console participant --port 7201 -c status', 'prints its state and ends'],
  ],
  run: async (argv, io) => {
    const { withClient } = await import('./connection.ts');
    const { openTerminal } = await import('./session.ts');
    const { httpParticipantDoor, participantConsole, watchVotes } = await import('../console/participant-console.ts');
    const { pause } = await import('../console/pause.ts');
    const terminal = openTerminal(argv, io, { console: 'participant', prompt: 'participant> ', comments: true });
    return withClient('participant', argv, io, async (client) => {
      const door = httpParticipantDoor(client);
      const options = { pauseMs: VOTES_PAUSE_MS, signal: terminal.signal, pause };
      const watching = terminal.interactive ? watchVotes(door, (line) => terminal.print(line), options) : undefined;
      const code = await terminal.run(participantConsole(door));
      await watching;
      return code;
    });
  },
};

/** `parley console`: one child per role that has a console. */
export const consoleCommand: Command = {
  spec: 'console',
  summary: 'the console of a running coordinator or participant',
  children: [coordinator, participant],
};
