/**
 * The console inside a daemon, on the shell it was started in. It uses the same
 * commands as the console over HTTP; leaving it stops the daemon, and the
 * daemon's narration is printed above its prompt.
 */
import { historyPath } from '../console/line-history.ts';
import { Terminal } from '../console/terminal.ts';
import type { LineRunner } from '../console/command-table.ts';
import type { DaemonShell } from './daemon.ts';

/** Attaches a console; returns the terminal, for asynchronous lines. */
export function attachConsole(
  options: { readonly console: string; readonly runner: (terminal: Terminal) => LineRunner },
  shell: DaemonShell,
): Terminal {
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
  if (terminal.interactive) shell.narrateTo((line) => terminal.narrate(line));
  void terminal.run(options.runner(terminal)).then(() => {
    // A script that ends leaves the daemon running; a person who leaves stops it.
    if (terminal.left) shell.stop();
  });
  return terminal;
}
