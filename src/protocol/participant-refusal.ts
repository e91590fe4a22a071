/**
 * Why a participant votes no on a new attempt before it looks at the
 * operations.
 */
import { isBelow } from './low-water.ts';
import type { PrepareMessage, Reason } from './messages.ts';
import type { ParticipantNode } from './participant-node.ts';

/** The reason of the no; undefined: none. `accepting`: the log has room for new work. */
export function refusalOf(
  { settings, lowWater }: ParticipantNode,
  { number, protocol }: PrepareMessage,
  accepting: boolean,
): Reason | undefined {
  const { name } = settings.self;
  if (protocol === '3pc-textbook' && settings.refusesTextbook) {
    return { code: 'lab-only', detail: `${name} takes no part in 3pc-textbook without --lab.` };
  }
  if (isBelow(number, lowWater)) {
    return { code: 'refused-number', detail: `The attempt ${number} is over; ${name} has forgotten it.` };
  }
  return accepting ? undefined : { code: 'log-full', detail: `The log of ${name} has no room for new work.` };
}
