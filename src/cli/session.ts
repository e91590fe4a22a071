/** A console session on this process's streams, as every console command runs it. */
import { historyPath } from '../console/line-history.ts';
import { Terminal } from '../console/terminal.ts';
import { textOption } from './command.ts';
import type { Argv, CliIo } from './command.ts';

/** What differs between consoles. */
export interface SessionOptions {
  /** Names the history file. */
  readonly console: string;
  readonly prompt: string;
  readonly comments: boolean;
}

/** A terminal over the command's streams; `-c` and `--json` as typed. */
export function openTerminal(argv: Argv, io: CliIo, options: SessionOptions): Terminal {
  return new Terminal({
    input: io.input,
    output: io.output,
    errorOutput: io.errorOutput,
    prompt: options.prompt,
    json: argv['json'] === true,
    historyFile: historyPath(options.console, io.env),
    command: textOption(argv, 'command'),
    comments: options.comments,
  });
}
