/**
 * Child processes of the scripts. Plain Node, nothing installed needed.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** How many characters of a captured output are kept: its end is where the reason stands. */
const OUTPUT_CHARS_MAX = 1_000_000;

/** The exit code a shell would show: 128 + n for a death by signal n. */
export function exitCodeOf(code, signal) {
  return signal === null ? code : 128 + (constants.signals[signal] ?? 0);
}

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{capture?: boolean, cwd?: string, onOutput?: (text: string) => void, shell?: boolean,
 *   onStart?: (child: import('node:child_process').ChildProcess) => void}} [options]
 *   `capture` keeps stdout and stderr together, in order, instead of passing them through; `onOutput` is handed them
 *   as they come; `cwd` is the checkout unless given
 * @returns {Promise<{code: number, output: string}>} rejects only when the program cannot be started
 */
export function run(command, args, { capture = false, cwd = root, onOutput, shell = false, onStart } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = capture || onOutput !== undefined ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(command, args, { cwd, stdio, shell });
    let output = '';
    const keep = (text) => {
      if (capture) output = (output + text).slice(-OUTPUT_CHARS_MAX);
      onOutput?.(text);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    const stopForwarding = forwardSignals(child);
    child.once('error', (error) => {
      stopForwarding();
      reject(error);
    });
    child.once('close', (code, signal) => {
      stopForwarding();
      resolve({ code: exitCodeOf(code, signal), output });
    });
    onStart?.(child);
  });
}

/**
 * Hands SIGTERM and SIGINT on to the child and waits for it. At a terminal,
 * Ctrl-C has reached the child already (same process group), and a second
 * SIGINT would mean "stop at once".
 */
function forwardSignals(child) {
  const onTerm = () => child.kill('SIGTERM');
  const onInt = () => process.stdin.isTTY || child.kill('SIGINT');
  process.on('SIGTERM', onTerm).on('SIGINT', onInt);
  return () => process.off('SIGTERM', onTerm).off('SIGINT', onInt);
}
