/** `parley chat`: the chat's console. */
import {
  COMMAND_OPTION,
  CONFIG_OPTION,
  CREDENTIALS_OPTION,
  JSON_OPTION,
  TLS_CA_OPTION,
  textOption,
} from './command.ts';
import type { CliIo, Command } from './command.ts';
import type { ParleyError } from '../base/errors.ts';

/** `parley chat`: a session, a script, or one command. */
export const chatCommand: Command = {
  spec: 'chat [port] [host]',
  summary: "the chat's console: what is typed is said in the room",
  positionals: { port: 'port of the server', host: 'host of the server' },
  options: [
    { name: 'user', alias: 'u', form: 'text', meaning: 'your name; asked for at a terminal when absent' },
    { name: 'room', form: 'text', meaning: 'the room to enter; default lobby' },
    COMMAND_OPTION,
    JSON_OPTION,
    CONFIG_OPTION,
    CREDENTIALS_OPTION,
    TLS_CA_OPTION,
  ],
  examples: [
    ['chat --user uthira', 'enters the lobby'],
    ['chat --user uthira -c "/history lobby"', 'prints the last lines and ends'],
  ],
  run: async (argv, io) => {
    const { withClient } = await import('./connection.ts');
    const { openTerminal } = await import('./session.ts');
    const { ChatConsole, readRoom } = await import('../console/chat-console.ts');
    const { repeatText, SETTLE } = await import('../console/api-client.ts');
    const { printable } = await import('../console/printable.ts');
    const user =
      textOption(argv, 'user') ?? io.env['PARLEY_USER'] ?? (await askUser(argv['command'] === undefined, io));
    const room = readRoom(textOption(argv, 'room') ?? 'lobby');
    const terminal = openTerminal(argv, io, { console: 'chat', prompt: `${room}> `, comments: false });
    return withClient('server', argv, io, async (client) => {
      const onRepeat = (error: ParleyError): void => terminal.narrate(printable(repeatText(error, 'key')));
      const wasThere = (): boolean => client.hasAnswered;
      const chat = new ChatConsole({
        client,
        user,
        room,
        live: terminal.interactive,
        settle: { ...SETTLE, onRepeat, wasThere, signal: terminal.signal },
        print: (line) => terminal.print(line),
        narrate: (line) => terminal.narrate(printable(line)),
        onRoom: (name) => terminal.setPrompt(`${name}> `),
      });
      const following = textOption(argv, 'command') === undefined ? chat.follow(terminal.signal) : undefined;
      const code = await terminal.run(chat);
      await following;
      return code;
    });
  },
};

/** The first thing a chat asks for; a script has nobody to ask. */
async function askUser(mayAsk: boolean, io: CliIo): Promise<string> {
  const { ParleyError } = await import('../base/errors.ts');
  const missing = new ParleyError('usage', 'It is not said who you are.', { remedy: 'Give --user NAME.' });
  if (!mayAsk || io.input.isTTY !== true) throw missing;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: io.input, output: io.output });
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  lines.once('SIGINT', () => lines.close());
  try {
    const name = (await lines.question('user name: ', { signal: closed.signal })).trim();
    if (name === '') throw missing;
    return name;
  } catch (error) {
    if (closed.signal.aborted) throw missing;
    throw error;
  } finally {
    lines.close();
  }
}
