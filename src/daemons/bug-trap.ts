/**
 * What nobody caught ends the process at once, said on stderr before the exit:
 * a known error with its own exit code and one line, anything else as a bug,
 * with its stack and exit code 6. Going on would mean working with a state
 * nobody understands; the write-ahead log makes the stop safe.
 */
import { writeSync } from 'node:fs';
import { EXIT, lineOf, ParleyError } from '../base/errors.ts';

/** Told first, synchronously; a node log is one. */
export type BugReporter = (error: unknown) => void;

const reporters: BugReporter[] = [];

/** Sets the trap for this process; once, by cli.ts. */
export function trapBugs(): void {
  process.on('uncaughtException', (error: unknown) => {
    for (const report of reporters) {
      try {
        report(error);
      } catch {
        // A reporter that fails must not hide what it was to report.
      }
    }
    process.exit(sayLast(error));
  });
}

/** Adds a reporter, for example the log of the node that runs here. */
export function reportBugsTo(report: BugReporter): void {
  reporters.push(report);
}

/** Writes the last words of a process to stderr and returns its exit code. */
export function sayLast(error: unknown): number {
  const known = error instanceof ParleyError;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    writeSync(
      2,
      known ? `${lineOf(error)}\n` : `internal: a bug ended this process (exit code ${EXIT.bug}).\n${stack}\n`,
    );
  } catch {
    // Nobody reads stderr; the exit code says it.
  }
  return known ? error.exitCode : EXIT.bug;
}
