/**
 * A daemon that was started by another process ends with it, even when that
 * process is killed by SIGKILL and can tell nobody.
 *
 * The starter keeps the write end of the child's stdin and never writes. The
 * kernel closes it when the starter is gone, in whatever way, and the child
 * reads the end of its input: no polling of a parent's pid, which may have
 * been given to another process by then.
 */
import type { Readable } from 'node:stream';

/**
 * Calls `stop` once when stdin ends: the starter is gone, or closed the pipe.
 * Call it at start when `--exit-with-parent` was given. It does not keep the
 * process alive by itself.
 * @param stop begins the graceful stop; by default the process sends itself
 *   SIGTERM, so that there is one way to stop, and a daemon that has no handler
 *   yet ends at once
 * @param input the pipe to watch, stdin unless a test gives another
 */
export function exitWhenParentGoes(
  stop: () => void = stopByOwnSignal,
  input: Readable & { unref?: () => unknown } = process.stdin,
): void {
  let told = false;
  const gone = (): void => {
    if (told) return;
    told = true;
    stop();
  };
  // A pipe whose other end was killed may end by a reset instead of an end.
  input.on('end', gone).on('close', gone).on('error', gone);
  input.resume();
  input.unref?.();
}

function stopByOwnSignal(): void {
  process.kill(process.pid, 'SIGTERM');
}
