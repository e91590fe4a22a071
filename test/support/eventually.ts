/** Waiting for a condition instead of sleeping and hoping. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/** The pause between two looks, in milliseconds: grows from the first to the second, so quick things stay quick. */
const PAUSE_MS_MIN = 2;
const PAUSE_MS_MAX = 50;
const DEADLINE_MS = 20_000;

/**
 * Looks again and again until `probe` gives something else than undefined or
 * false, and returns that. A probe that throws counts as "not yet"; what it
 * threw last is the cause of the failure.
 * @param what names the condition as a sentence could end: `Still missing after 20000 ms: P1 is ready.`
 * @param options.deadlineMs how long to look, default 20,000: many times what an idle machine takes, since a busy one is no fault; a look under way when it passes is abandoned
 * @throws Error when the deadline passes, saying what was still missing and what the last look gave
 */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly deadlineMs?: number } = {},
): Promise<T> {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const end = performance.now() + deadlineMs;
  let thrown: unknown;
  for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    const look = await lookOnce(probe, end - performance.now());
    if (look.seen === 'found') return look.value;
    if (look.seen === 'thrown') thrown = look.error;
    if (look.seen === 'absent') thrown = undefined;
    if (look.seen === 'stuck' || performance.now() >= end) {
      const why = look.seen === 'stuck' ? ' The last look never ended.' : lastError(thrown);
      throw new Error(`Still missing after ${deadlineMs} ms: ${what}.${why}`, { cause: thrown });
    }
    await delay(pauseMs);
  }
}

type Look<T> =
  | { readonly seen: 'found'; readonly value: T }
  | { readonly seen: 'absent' | 'stuck' }
  | { readonly seen: 'thrown'; readonly error: unknown };

/** One look, given at least a moment even when the deadline has just passed. */
async function lookOnce<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  leftMs: number,
): Promise<Look<T>> {
  const giveUp = new AbortController();
  const stuck = delay(Math.max(leftMs, PAUSE_MS_MAX), undefined, { signal: giveUp.signal }).then(
    (): Look<T> => ({ seen: 'stuck' }),
    (): Look<T> => ({ seen: 'stuck' }),
  );
  const look = (async (): Promise<Look<T>> => {
    try {
      const value = await probe();
      return value === undefined || value === false ? { seen: 'absent' } : { seen: 'found', value };
    } catch (error) {
      return { seen: 'thrown', error };
    }
  })();
  const first = await Promise.race([look, stuck]);
  giveUp.abort();
  return first;
}

function lastError(thrown: unknown): string {
  if (thrown === undefined) return '';
  return ` The last look threw: ${thrown instanceof Error ? thrown.message : inspect(thrown)}`;
}
