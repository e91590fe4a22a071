/**
 * When it is right to be in doubt at the end (docs/protocols.md, "What blocks,
 * and when"). No atomic commit protocol decides in every case; these are the
 * cases in which ours must not.
 *
 * | protocol | must wait when |
 * | --- | --- |
 * | 2PC | the coordinator is away, and everyone reachable has promised and knows nothing |
 * | one-phase | the only participant is away |
 * | 3PC | those reachable are no quorum of the sites in `prepared`, and none has decided |
 * | parallel | somebody whose promise is needed is away |
 */
import { sidesOf } from './atomicity.ts';
import type { AttemptStory } from './attempt-story.ts';
import type { CheckInput } from './input.ts';
import { isQuorumOf, weigh } from './quorum-evidence.ts';
import type { Story } from './story.ts';

/** Whether waiting is right, and the reason either way, without a full stop. */
export interface Blocked {
  readonly legal: boolean;
  readonly text: string;
}

/** Judges an attempt that is in doubt somewhere in the final state. */
export function whyBlocked(story: Story, attempt: AttemptStory, { final }: CheckInput): Blocked {
  const { coordinator, listed = [], protocol, onePhase } = attempt;
  if (coordinator === undefined) return { legal: false, text: 'nobody knows its coordinator' };
  const isThere = (name: string): boolean => final?.nodes[name]?.reachable === true;
  const sites = [...new Set([coordinator, ...listed])];
  const there = sites.filter(isThere);
  const away = sites.filter((name) => !isThere(name));
  const decided = [...sidesOf(attempt).committed, ...sidesOf(attempt).aborted].map(({ node }) => node);
  const knows = there.find((name) => decided.includes(name));
  if (knows !== undefined) return { legal: false, text: `${knows} knows the decision and can be reached` };
  if (onePhase) {
    const legal = listed.some((name) => !isThere(name));
    return { legal, text: legal ? `${away.join(', ')} decides, and is away` : 'the participant that decides is there' };
  }
  if (protocol === '3pc') {
    const { own, all } = weigh(attempt, there);
    const text = `${there.join(', ') || 'nobody'} can be reached: weight ${own} of ${all}`;
    const legal = !isQuorumOf(attempt, there);
    return { legal, text: legal ? `${text}, no quorum` : `${text}, a quorum, which decides` };
  }
  if (away.length === 0) return { legal: false, text: 'everyone can be reached' };
  if (isThere(coordinator) && protocol !== 'parallel') {
    return { legal: false, text: `the coordinator ${coordinator} can be reached, and decides` };
  }
  const free = listed.find((name) => isThere(name) && attempt.sites.get(name)?.prepared === undefined);
  if (free !== undefined && story.mayBeGone(free, attempt) === undefined) {
    return { legal: false, text: `${free} can be reached and has not promised, so it aborts for all` };
  }
  return {
    legal: true,
    text: `${away.join(', ')} cannot be reached; ${there.join(', ')} have promised, and none of them knows the decision`,
  };
}
