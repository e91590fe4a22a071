/**
 * What the round records of a 3PC attempt amount to. The rule is written here
 * a second time, from docs/protocols.md, so that a mistake in the machines is
 * not a mistake here too: every site weighs 1, the coordinator 2 when the
 * number of sites is even, and a quorum is more than half of the weight.
 */
import type { NodeName, Round } from '../../protocol/messages.ts';
import type { AttemptedRecord } from '../../protocol/records.ts';
import type { AttemptStory, Entry } from './attempt-story.ts';
import type { Story } from './story.ts';

/** Who accepted what in one round. */
export interface RoundStory {
  readonly round: Round;
  readonly precommitted: Entry<AttemptedRecord>[];
  readonly preaborted: Entry<AttemptedRecord>[];
}

/** A round as text: `2@P1`. */
export function roundText({ counter, site }: Round): string {
  return `${counter}@${site}`;
}

/** The rounds of an attempt in which somebody accepted something. */
export function roundsOf(attempt: AttemptStory): readonly RoundStory[] {
  const rounds = new Map<string, RoundStory>();
  for (const site of attempt.sites.values()) {
    for (const entry of site.rounds) {
      const { record } = entry;
      if (record.type === 'promised') continue;
      const key = roundText(record.round);
      const found = rounds.get(key) ?? { round: record.round, precommitted: [], preaborted: [] };
      found[record.type].push({ ...entry, record });
      rounds.set(key, found);
    }
  }
  return [...rounds.values()];
}

/** The weight of these sites, and of all sites of the attempt. */
export function weigh(
  attempt: AttemptStory,
  names: Iterable<NodeName>,
): { readonly own: number; readonly all: number } {
  const { coordinator, listed = [] } = attempt;
  const sites = new Set([...(coordinator === undefined ? [] : [coordinator]), ...listed]);
  const weight = (name: NodeName): number => (name === coordinator && sites.size % 2 === 0 ? 2 : 1);
  const sum = (some: Iterable<NodeName>): number =>
    [...new Set(some)].filter((name) => sites.has(name)).reduce((total, name) => total + weight(name), 0);
  return { own: sum(names), all: sum(sites) };
}

/** More than half. */
export function isQuorumOf(attempt: AttemptStory, names: Iterable<NodeName>): boolean {
  const { own, all } = weigh(attempt, names);
  return 2 * own > all;
}

/** The records of a round's quorum, which are the decision whether or not anybody has written it down. */
export function decidedByQuorum(
  attempt: AttemptStory,
): readonly { readonly outcome: 'committed' | 'aborted'; readonly entries: readonly Entry<AttemptedRecord>[] }[] {
  if (attempt.protocol !== '3pc' || attempt.listed === undefined || attempt.coordinator === undefined) return [];
  return roundsOf(attempt).flatMap(({ precommitted, preaborted }) => {
    const byQuorum = (entries: readonly Entry[]): boolean =>
      isQuorumOf(
        attempt,
        entries.map(({ node }) => node),
      );
    return [
      ...(byQuorum(precommitted) ? [{ outcome: 'committed', entries: precommitted } as const] : []),
      ...(byQuorum(preaborted) ? [{ outcome: 'aborted', entries: preaborted } as const] : []),
    ];
  });
}

/** Could a quorum have precommitted one round, if every record that may be gone had been there? */
export function couldHavePrecommitted(story: Story, attempt: AttemptStory): boolean {
  const { coordinator, listed = [] } = attempt;
  if (coordinator === undefined) return true;
  const gone = [coordinator, ...listed].filter((name) => story.mayBeGone(name, attempt) !== undefined);
  if (isQuorumOf(attempt, gone)) return true;
  return roundsOf(attempt).some(({ precommitted }) =>
    isQuorumOf(attempt, [...gone, ...precommitted.map(({ node }) => node)]),
  );
}
