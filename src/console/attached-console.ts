/**
 * A console inside a daemon: on the daemon's own terminal, with the daemon's
 * narration above the prompt. When the person leaves, the daemon stops; when a
 * script on stdin merely ends, the daemon goes on without a console.
 */
import { historyPath } from './line-history.ts';
import { Terminal } from './terminal.ts';
import type { LineRunner } from './command-table.ts';

/** A console at work; `narrate` and `print` go above its prompt. */
export interface AttachedConsole {
  readonly print: (line: string) => void;
  readonly narrate: (line: string) => void;
  /** Ends it, for example because the daemon stops for another reason. */
  readonly close: () => void;
}

/**
 * Attaches a console to this process's streams.
 * @param options.console names the history file and the prompt
 * @param options.onLeave told once when the person leaves
 * @param options.onBug told when a command throws what is no ParleyError
 */
export function attachConsole(options: {
  readonly console: string;
  readonly runner: LineRunner;
  readonly onLeave: () => void;
  readonly onBug: (error: unknown) => void;
}): AttachedConsole {
  const terminal = new Terminal({
    input: process.stdin,
    output: process.stdout,
    errorOutput: process.stderr,
    prompt: `${options.console}> `,
    json: false,
    historyFile: historyPath(options.console, process.env),
    command: undefined,
    comments: true,
  });
  let closed = false;
  terminal.run(options.runner).then(() => {
    if (terminal.left && !closed) options.onLeave();
  }, options.onBug);
  return {
    print: (line) => terminal.print(line),
    narrate: (line) => terminal.narrate(line),
    close: () => {
      closed = true;
      terminal.end(0);
    },
  };
}
