/** The command `parley`: runs the command line of this process. See src/cli/command-line.ts. */
import { runCommandLine } from './cli/command-line.ts';
import { sayLast, trapBugs } from './daemons/bug-trap.ts';

/** A link that somebody left open must not keep a finished command alive longer than this. */
const LINGER_MS = 1000;

trapBugs();
// A reader that went away is no error of ours; consoles end by it (terminal.ts).
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
const io = { input: process.stdin, output: process.stdout, errorOutput: process.stderr, env: process.env };
runCommandLine(process.argv.slice(2), io).then(
  (exitCode) => {
    process.exitCode = exitCode;
    setTimeout(() => process.exit(), LINGER_MS).unref();
  },
  (error: unknown) => process.exit(sayLast(error)),
);
