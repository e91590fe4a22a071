/**
 * Members that are connected and do not vote: two vote timeouts in a row, and a
 * member leaves the view like a dead one. One whose votes a person gives may
 * take as long as the person does, and a client's own short patience says
 * nothing about who did not answer.
 */
import type { MembershipContext } from './coordinator-membership.ts';
import type { AttemptRow, CoordinatorTables } from './coordinator-tables.ts';
import { isUnheard } from './coordinator-transactions.ts';
import type { NodeName } from './messages.ts';
import type { StepBuilder } from './node-step.ts';

/** It votes, late or not: the count begins again. */
export function heardVote(tables: CoordinatorTables, name: NodeName): void {
  const peer = tables.peers.get(name);
  if (peer !== undefined) peer.silent = 0;
}

/** The vote of an attempt is over: those that are silent for the second time in a row, barred and dropped. */
export function barSilent(
  { settings, tables }: MembershipContext,
  row: AttemptRow,
  out: StepBuilder,
): readonly NodeName[] {
  const { attempt } = row;
  if (attempt.voteWithinMs < settings.timings.voteTimeoutMs) return [];
  const barred: NodeName[] = [];
  for (const { name } of [...attempt.participants, ...attempt.readers]) {
    const peer = tables.peers.get(name);
    if (peer === undefined || peer.votesByHand || !peer.registered || !isUnheard(row, name)) continue;
    peer.silent += 1;
    if (peer.silent < 2) continue;
    peer.silent = 0;
    peer.barred = true;
    barred.push(name);
    out.drop.push(name);
    out.notice('warn', 'silent', `${name} did not vote twice in a row; it leaves the view.`, { peer: name });
  }
  return barred;
}
