/**
 * What the scripts say while they work, on stderr. A terminal gets a spinner
 * with the seconds gone by; a pipe gets one line at the beginning of a step
 * and one at its end.
 */
const FRAMES = ['-', '\\', '|', '/'];
const FRAME_MS = 120;

/** Seconds with one decimal, for example `12.3 s`. */
export function seconds(fromMs) {
  return `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;
}

/** Writes one line of narration. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs one step and shows it.
 * @template T
 * @param {{doing: string, done: (result: T) => string | undefined, quiet: boolean}} words
 *   `doing` is shown during the step; `done` words its end, undefined when it failed
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step({ doing, done, quiet }, work) {
  if (quiet) return work();
  const from = performance.now();
  const stopSpinner = startSpinner(doing, from);
  try {
    const result = await work();
    stopSpinner();
    const words = done(result);
    if (words !== undefined) say(`${words} in ${seconds(from)}`);
    return result;
  } catch (error) {
    stopSpinner();
    throw error;
  }
}

function startSpinner(doing, from) {
  const animated = process.stderr.isTTY === true && process.env.TERM !== 'dumb' && process.env.CI === undefined;
  if (!animated) {
    say(`${doing} ...`);
    return () => undefined;
  }
  let frame = 0;
  const draw = () => {
    process.stderr.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${doing} ${seconds(from)}`);
  };
  draw();
  const timer = setInterval(draw, FRAME_MS);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[K');
  };
}
