/** `parley bank`: the bank's console, and the load generator beside it. */
import { bankLoadCommand } from './bank-load-command.ts';
import { bankTraceCommand } from './bank-trace-command.ts';
import { COMMAND_OPTION, CONFIG_OPTION, CREDENTIALS_OPTION, JSON_OPTION, TLS_CA_OPTION } from './command.ts';
import type { Command } from './command.ts';
import type { ParleyError } from '../base/errors.ts';

/** `parley bank`: a session, a script, or one command. */
export const bankCommand: Command = {
  spec: 'bank [port] [host]',
  summary: "the bank's console: CREATE, UPDATE, QUERY, TRANSFER, STATEMENT, STATISTICS, TOTAL",
  positionals: { port: 'port of the server', host: 'host of the server' },
  options: [COMMAND_OPTION, JSON_OPTION, CONFIG_OPTION, CREDENTIALS_OPTION, TLS_CA_OPTION],
  examples: [
    ['bank', 'talks to the server of the cluster file'],
    ['bank 8023 127.0.0.1', 'talks to the server on that port'],
    ['bank -c "CREATE 100"', 'opens an account and ends'],
    ['bank < script.txt', 'runs a script, command by command'],
  ],
  children: [bankLoadCommand, bankTraceCommand],
  run: async (argv, io) => {
    const { withClient } = await import('./connection.ts');
    const { openTerminal } = await import('./session.ts');
    const { bankConsole } = await import('../console/bank-console.ts');
    const { repeatText, SETTLE } = await import('../console/api-client.ts');
    const { printable } = await import('../console/printable.ts');
    const terminal = openTerminal(argv, io, { console: 'bank', prompt: 'bank> ', comments: true });
    const onRepeat = (error: ParleyError): void => terminal.narrate(printable(repeatText(error, 'id')));
    return withClient('server', argv, io, (client) => {
      const wasThere = (): boolean => client.hasAnswered;
      return terminal.run(bankConsole(client, { ...SETTLE, onRepeat, wasThere, signal: terminal.signal }));
    });
  },
};
