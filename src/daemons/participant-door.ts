/** The participant console's door inside the daemon: no request between the person and the vote. */
import { waitingVoteJson } from '../api/participant-routes.ts';
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import { oldest } from '../console/participant-console.ts';
import type { ParticipantDoor } from '../console/participant-console.ts';
import type { ParticipantHost } from '../host/participant-host.ts';

/** The door; `groups` are those held here, `status` what `status` shows. */
export function participantDoor(
  participant: ParticipantHost,
  groups: readonly string[],
  status: () => Readonly<Record<string, Json>>,
): ParticipantDoor {
  const votesWaiting = () => participant.worker.votesWaiting().map(waitingVoteJson);
  return {
    votesWaiting,
    vote: (number, vote, reason) => {
      const wanted = number ?? oldest(votesWaiting());
      if (!participant.worker.voteByHand(wanted, vote, reason ?? 'A person voted no.')) {
        throw new ParleyError('usage', `No vote on ${wanted} waits here.`, {
          remedy: 'Type status to see what waits.',
        });
      }
      return wanted;
    },
    status,
    inDoubt: () => participant.node.inDoubt().map(({ number, id, phase }) => ({ number, id, state: phase })),
    notebook: () =>
      groups
        .flatMap((group) => participant.resources.groups.notebook(group)?.strings() ?? [])
        .map(({ string }) => string),
  };
}
