/**
 * A process that stops itself and goes on after a while. It cannot wake itself,
 * so it leaves a child behind that will; a child that ends with its parent,
 * because it reads the end of a pipe that only the parent holds.
 */
import { spawn } from 'node:child_process';
import { waitHere } from './crash-points.ts';

/** All threads have stopped within this, whichever of them took the signal. */
const STOPPING_MS = 20;

/** Sends SIGSTOP to this process; returns when a SIGCONT came, at the latest after about `durationMs`. */
export function standStill(durationMs: number): void {
  const wake = `process.kill(${process.pid}, 'SIGCONT'); process.exit();`;
  const script = `process.stdin.resume().on('end', () => process.exit()); setTimeout(() => { ${wake} }, ${durationMs});`;
  const waker = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'ignore', 'ignore'] });
  // Whoever else sends SIGCONT may end the pause early; the child is not waited for.
  waker.unref();
  waker.on('error', () => undefined);
  waker.stdin.on('error', () => undefined);
  process.kill(process.pid, 'SIGSTOP');
  waitHere(STOPPING_MS);
}
