/**
 * `parley timeline`: a transaction by its id, over all its attempts, with the
 * checker's word on whether it is all or none.
 */
import { ParleyError } from '../../base/errors.ts';
import { nameOf, sidesOf } from '../checker/atomicity.ts';
import type { AttemptStory } from '../checker/attempt-story.ts';
import { doubtersOf } from '../checker/end-state.ts';
import type { CheckInput } from '../checker/input.ts';
import { Story } from '../checker/story.ts';
import { Findings } from '../checker/verdict.ts';
import { timelineOf } from './timeline-events.ts';
import type { Timeline } from './timeline-events.ts';
import { timelineLines } from './timeline-text.ts';

/** One attempt, drawn and judged. */
export interface DrawnAttempt {
  readonly title: string;
  /** `ATOMIC: both sides or none: …`, or what is wrong. */
  readonly verdict: string;
  readonly timeline: Timeline;
}

/** The attempts of an id, in the order of their numbers, or the one of this number. @throws ParleyError `not-seen` */
export function attemptsNamed(story: Story, id: string): readonly AttemptStory[] {
  const one = story.attempts.get(id);
  const attempts = story.byId.get(id) ?? (one === undefined ? [] : [one]);
  if (attempts.length > 0) return attempts;
  throw new ParleyError('not-seen', `No log here names ${id.slice(0, 80)}.`, {
    remedy: 'See parley log <dir> for the ids, or give another directory.',
  });
}

/**
 * All attempts of a transaction, in the order of their numbers.
 * @param id the client's id, or the number of one attempt
 * @throws ParleyError `not-seen` when no log names it
 */
export function drawTransaction(input: CheckInput, id: string): readonly DrawnAttempt[] {
  const story = new Story(input, new Findings());
  return attemptsNamed(story, id).map((attempt) => ({
    title: titleOf(attempt),
    verdict: atomicLine(attempt),
    timeline: timelineOf(story, attempt),
  }));
}

/** The lines for a terminal. */
export function transactionLines(attempts: readonly DrawnAttempt[]): readonly string[] {
  return attempts.flatMap(({ title, verdict, timeline }, index) => [
    ...(index === 0 ? [] : ['']),
    title,
    '',
    ...timelineLines(timeline),
    '',
    verdict,
  ]);
}

function titleOf(attempt: AttemptStory): string {
  const { protocol = 'protocol unknown', listed = [], coordinator = '?', onePhase } = attempt;
  const how = onePhase ? 'one-phase' : protocol;
  return `${nameOf(attempt)}  ${how}  coordinator ${coordinator}, participants ${listed.join(', ') || '?'}`;
}

/** All or none, as the decisions in all logs show it. */
export function atomicLine(attempt: AttemptStory): string {
  const { committed, aborted } = sidesOf(attempt);
  const places = (entries: readonly { readonly node: string }[]): string =>
    [...new Set(entries.map(({ node }) => node))].sort().join(', ');
  const doubt = doubtersOf(attempt);
  const open = doubt.length === 0 ? '' : `; in doubt at ${doubt.join(', ')}`;
  if (committed.length > 0 && aborted.length > 0) {
    return `NOT ATOMIC: committed at ${places(committed)}, aborted at ${places(aborted)}${open}`;
  }
  if (committed.length > 0) return `ATOMIC: both sides or none: committed at ${places(committed)}${open}`;
  if (aborted.length > 0) return `ATOMIC: both sides or none: aborted at ${places(aborted)}, committed nowhere${open}`;
  return `UNDECIDED: nobody has committed or aborted${open}`;
}
