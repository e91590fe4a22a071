/**
 * How long transactions waited for their locks and holds, as the participants
 * measured it themselves: from the arrival of `prepare` until all were taken.
 * The front end asks each of them; who does not answer is left out.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { Percentiles } from '../base/recent-durations.ts';

/** What the participants that answered have measured since their starts. */
export type LockTimes = {
  readonly nodes: number;
  /** Attempts that got their locks, at all of these nodes together. */
  readonly taken: number;
  /** Of the slowest node by each figure: no node was slower. */
  readonly ms: Percentiles;
};

/**
 * Asks all at once.
 * @param ask the body of `GET /debug/state` of one; throws a ParleyError when it does not answer
 * @returns null when no participant has taken a lock, or none answers
 */
export async function lockTimesOf(
  addresses: readonly string[],
  ask: (address: string) => Promise<Json>,
): Promise<LockTimes | null> {
  const told = await Promise.all(addresses.map((address) => lockTimesAt(() => ask(address))));
  const known = told.filter((one) => one !== undefined);
  if (known.length === 0) return null;
  const most = (name: keyof Percentiles): number => Math.max(...known.map(({ ms }) => ms[name]));
  const taken = known.reduce((sum, one) => sum + one.taken, 0);
  const ms = { p50: most('p50'), p99: most('p99'), most: most('most') };
  return { nodes: known.length, taken, ms };
}

async function lockTimesAt(ask: () => Promise<Json>): Promise<Omit<LockTimes, 'nodes'> | undefined> {
  try {
    const { taken, ms } = membersOf(membersOf(await ask())['lockTimes']);
    const { p50, p99, most } = membersOf(ms);
    if (typeof p50 !== 'number' || typeof p99 !== 'number' || typeof most !== 'number') return undefined;
    return { taken: typeof taken === 'number' ? taken : 0, ms: { p50, p99, most } };
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    return undefined;
  }
}

function membersOf(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};
}
