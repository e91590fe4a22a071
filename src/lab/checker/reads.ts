/**
 * What clients read against what the logs say was there to be read.
 *
 * A read of a value is right if the value was in force at some moment between
 * the request and the answer: after every commit that a client had been told
 * before it asked, and before any that nobody had asked for when it was
 * answered. A read that allows stale values need only have been right once.
 */
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/canonical-json.ts';
import { clientEvidence, listOf, memberOf } from './client-story.ts';
import type { Asked, ClientStory } from './client-story.ts';
import type { EndContext } from './end-state.ts';
import { numberIn, textIn } from './group-model.ts';
import type { GroupReplay, ParticipantReplay } from './participant-replay.ts';

type Replays = ReadonlyMap<string, ParticipantReplay>;

/** I6: balances and totals, as read. Rooms are chat.ts's. */
export function checkReads({ clients, findings }: EndContext, replays: Replays): void {
  const times = timesOf(clients);
  for (const read of clients.reads) {
    if (read.f !== 'account' && read.f !== 'total') continue;
    const key = read.f === 'total' ? 'total' : `account/${numberIn(read.in, 'account')}`;
    const value = memberOf(read.out, read.f === 'total' ? 'total' : 'balance');
    const places = placesOf(read, replays, 'ledger');
    if (value === undefined || places.length === 0) {
      findings.notChecked('I6', 'a read of which nobody knows what should have been there');
      continue;
    }
    findings.reads += 1;
    const seen = places.map((place) => inForce(place, key, windowOf(place, read, times, key)));
    if (seen.some((values) => values.some((one) => canonicalJson(one) === canonicalJson(value)))) continue;
    const could = [...new Set(seen.flat().map((one) => canonicalJson(one)))].slice(0, 8).join(', ') || 'nothing';
    const what = `A client read ${canonicalJson(value)} as ${key} of ${textIn(read.in, 'group')}; what could be read then was ${could}.`;
    findings.violate('I6', what, [clientEvidence(read)]);
  }
}

/** Where a read may have been answered: at the participant it names, else at any that holds such a group. */
export function placesOf(read: Asked, replays: Replays, kind: string): readonly GroupReplay[] {
  const node = textIn(read.in, 'node');
  const group = textIn(read.in, 'group');
  const chosen = replays.has(node) ? [replays.get(node)] : [...replays.values()];
  return chosen.flatMap((replay) =>
    [...(replay?.groups ?? [])]
      .filter(([name, one]) => one.kind === kind && (group === '' || name === group))
      .map(([, one]) => one),
  );
}

/** When clients had been told of a commit, and when anyone first asked for it. */
export interface Times {
  readonly told: ReadonlyMap<string, number>;
  readonly asked: ReadonlyMap<string, number>;
}

/** By id; an id that no client sent has no times, and may have committed at any moment. */
export function timesOf(clients: ClientStory): Times {
  const told = new Map<string, number>();
  const asked = new Map<string, number>();
  for (const { id, asks, seen } of clients.transactions.values()) {
    const yes = [...asks, ...seen].filter((one) => one.told === 'committed').map(({ to }) => to);
    if (yes.length > 0) told.set(id, Math.min(...yes));
    if (asks.length > 0) asked.set(id, Math.min(...asks.map(({ from }) => from)));
  }
  return { told, asked };
}

/**
 * How many commits of a place a read of a key saw at least, and at most. At
 * least those of the key itself that were told before it: a commit is told as
 * soon as it is decided, and a read waits only for undecided writes of its key.
 */
export function windowOf(
  place: GroupReplay,
  read: Asked,
  { told, asked }: Times,
  key: string,
): { low: number; high: number } {
  let low = 0;
  let high = place.applied.length;
  for (const [index, { id, uses }] of place.applied.entries()) {
    // Every commit of a ledger changes what is read as its total. (A copy changes keys too, and nobody was told of it.)
    const writes = key === 'total' || uses.some((use) => use.key === key);
    if (writes && (told.get(id) ?? Number.POSITIVE_INFINITY) <= read.from) low = index + 1;
    if ((asked.get(id) ?? Number.NEGATIVE_INFINITY) >= read.to) {
      high = index;
      break;
    }
  }
  const stale = memberOf(read.in, 'stale') === 'allow';
  return { low: stale ? 0 : Math.min(low, high), high };
}

/** The values of a key that were in force at some moment of the window. */
export function inForce(
  place: GroupReplay,
  key: string,
  { low, high }: { low: number; high: number },
): readonly Json[] {
  const versions = place.versions.get(key) ?? [];
  const first = versions.findLastIndex(({ index }) => index <= low);
  const from = versions[first];
  // A copy gives a key several values at one index: all of them were in force then, and so was the one before it.
  let start = from === undefined ? 0 : versions.findIndex(({ index }) => index === from.index);
  while (versions[start]?.copied === true && start > 0) start -= 1;
  return versions
    .slice(start)
    .filter(({ index }) => index <= high)
    .map(({ value }) => value);
}

/** Lines of an answer. */
export function linesIn(read: Asked): readonly Json[] {
  return listOf(read.out, 'lines');
}
