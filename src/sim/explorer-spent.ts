/**
 * Messages that can have no effect any more, by rule of the protocol, are taken
 * out of a world, or it would grow with all that was ever said. A rule counts
 * only if the message indeed leaves its receiver as it is now, and gets no answer
 * but those that tell nobody anything new (explorer-effects.ts tries it). So a
 * machine that breaks the protocol keeps the message that it reacts to, also
 * where it only says something that it has not written down.
 *
 * A site is settled when its decision stands on its disk. From then on it only
 * answers with it, so its messages give way to one: the decision, for everyone.
 */
import type { Message, Round } from '../protocol/messages.ts';
import { compareRounds } from '../protocol/quorum.ts';
import type { Leading } from '../protocol/site-3pc.ts';
import type { Sent } from './explorer-intern.ts';
import type { Running, SiteState } from './explorer-sites.ts';
import { decisionAt, isImplied, phaseOf } from './explorer-standing.ts';

/**
 * The decision on this site's disk, if it tells it to whoever asks, now and after a restart. A coordinator that ended a
 * commit does not: it forgets by a restart, and then answers what presumed abort says. Nobody should have to ask it.
 */
export function settledAt(site: SiteState, recovered: Running): 'commit' | 'abort' | undefined {
  const phase = phaseOf(site.running);
  const again = phaseOf(recovered);
  if (phase === 'committed' && again === 'committed') return 'commit';
  if (phase === 'aborted' && again === 'aborted') return 'abort';
  if (phase !== 'closed' || again !== 'closed') return undefined;
  // A crash may keep `begin` alone, and then it asks.
  if (isImplied(site.written)) return undefined;
  return [...site.synced, ...site.written].some(({ type }) => type === 'commit') ? undefined : 'abort';
}

/** True when, by the protocol, `sent` can do nothing any more at a site that is not settled. */
export function isSpent(site: SiteState, recovered: Running, { from, message }: Sent): boolean {
  const disk = roundsOf(recovered);
  const now = roundsOf(site.running);
  switch (message.type) {
    case 'prepare':
      return disk !== undefined || phaseOf(recovered) === 'prepared';
    case 'vote':
      return disk !== undefined || phaseOf(recovered) === 'committed';
    case 'acknowledge':
      // Kept while the coordinator may still wait for it, so that its end is explored too.
      return (
        isCoordinatorOver(site.running) || (phaseOf(site.running) === 'committed' && !waitsFor(site.running, from))
      );
    case 'state-request':
      return disk !== undefined && compareRounds(message.round, disk.lastElected) <= 0;
    case 'precommit':
    case 'preabort':
      if (disk === undefined) return false;
      return compareRounds(message.round, disk.lastAttempt) <= 0 || compareRounds(message.round, disk.lastElected) < 0;
    case 'precommitted':
    case 'preaborted':
    case 'state':
    case 'refused':
      if (disk === undefined || compareRounds(message.round, disk.lastElected) > 0) return false;
      if (message.type === 'refused' && message.lastElected.counter > disk.lastElected.counter) return false;
      return now?.leading === undefined || isCounted(now.leading, from, message);
    case 'outcome':
      return message.outcome === 'unknown';
    default:
      return false;
  }
}

/**
 * True when a message that is spent may get this answer: it says again what the receiver has said and what is on its
 * disk, or it refuses by the promise that is there.
 */
export function saysNothingNew(site: SiteState, { message: asked }: Sent, { message: answer }: Sent): boolean {
  const phase = phaseOf(site.running);
  const rounds = roundsOf(site.running);
  switch (answer.type) {
    case 'vote':
      return asked.type === 'prepare' && answer.vote === (phase === 'aborted' ? 'no' : 'yes');
    case 'acknowledge':
      return phase === 'committed';
    case 'precommitted':
    case 'preaborted':
      return phase === answer.type && rounds !== undefined && compareRounds(answer.round, rounds.lastAttempt) === 0;
    case 'refused':
      return rounds !== undefined && compareRounds(answer.lastElected, rounds.lastElected) === 0;
    default:
      return decisionToldBy(answer) !== undefined && decisionToldBy(answer) === decisionAt(site);
  }
}

/** The leader has it already, or leads another round, or is past the stage where it counts. */
function isCounted(leading: Leading, from: string, message: Message & { readonly round: Round }): boolean {
  if (compareRounds(leading.round, message.round) !== 0) return true;
  if (leading.stage === 'electing') return message.type === 'state' && Object.hasOwn(leading.replies, from);
  if (message.type === 'state' || message.type === 'refused') return true;
  return leading.accepted.includes(from);
}

interface Rounds {
  readonly lastElected: Round;
  readonly lastAttempt: Round;
  readonly leading?: Leading;
}

/** The rounds of a site of 3PC in doubt. */
function roundsOf(running: Running): Rounds | undefined {
  const state = running.role === 'coordinator' ? running.machine?.state : running.run?.machine.state;
  return state !== undefined && 'lastElected' in state ? state : undefined;
}

function waitsFor(running: Running, name: string): boolean {
  const state = running.role === 'coordinator' ? running.machine?.state : undefined;
  return state?.phase === 'committed' && 'waiting' in state && state.waiting.includes(name);
}

function isCoordinatorOver(running: Running): boolean {
  return running.role === 'coordinator' && running.machine === undefined;
}

/** Tells a decision: worth nothing beside the same decision of a settled site. */
export function decisionToldBy(message: Message): 'commit' | 'abort' | undefined {
  if (message.type === 'commit' || message.type === 'abort') return message.type;
  if (message.type !== 'outcome' || message.outcome === 'unknown') return undefined;
  return message.outcome === 'committed' ? 'commit' : 'abort';
}
