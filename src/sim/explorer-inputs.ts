/**
 * What a site of the explored world may do by itself at any moment: crash and
 * come back, ring a timer, let its resources vote, and in parallel commit sync
 * what it has written or see a participant register anew.
 */
import type { CoordinatorMachine, CoordinatorEvent } from '../protocol/coordinator-attempts.ts';
import type { ParticipantEvent, ParticipantMachine } from '../protocol/participant-attempts.ts';
import { placesOf } from './explorer-machines.ts';
import type { ParticipantRun } from './explorer-machines.ts';
import type { Setting, SiteInput, SiteState } from './explorer-sites.ts';
import { isParallel } from './explorer-standing.ts';

/** What a site may do by itself, restarts included. */
export function ownInputs(setting: Setting, site: SiteState): readonly SiteInput[] {
  const inputs: SiteInput[] = Array.from({ length: site.written.length + 1 }, (_, kept) => ({ type: 'restart', kept }));
  const { running } = site;
  if (isParallel(setting.attempt) && site.written.length > 0) inputs.push({ type: 'sync' });
  if (running.role === 'coordinator') {
    const events = running.machine === undefined ? [] : coordinatorEvents(setting, running.machine);
    if (isParallel(setting.attempt)) {
      inputs.push(
        ...placesOf(setting.attempt)
          .slice(1)
          .map((peer) => ({ type: 'link', peer }) as const),
      );
    }
    return [...inputs, ...events.map((event) => ({ type: 'coordinator-event', event }) as const)];
  }
  const events = running.run === undefined ? [] : participantEvents(setting, running.run);
  return [...inputs, ...events.map((event) => ({ type: 'participant-event', event }) as const)];
}

function coordinatorEvents(
  { attempt, roundsMax }: Setting,
  { state }: CoordinatorMachine,
): readonly CoordinatorEvent[] {
  const resends = placesOf(attempt)
    .slice(1)
    .map((to) => ({ type: 'resend', to }) as const);
  if (state.phase === 'working' || state.phase === 'asking') return [{ type: 'vote-timeout' }, ...resends];
  if (state.phase === 'decided') return [{ type: 'write-down' }];
  const isBound = state.phase === 'precommitted' || state.phase === 'preaborted';
  const mayRing = isBound && !('counterSeen' in state && state.counterSeen >= roundsMax);
  return mayRing ? [{ type: 'timeout' }, ...resends] : resends;
}

function participantEvents({ roundsMax }: Setting, { machine }: ParticipantRun): readonly ParticipantEvent[] {
  const { state } = machine;
  switch (state.phase) {
    case 'working':
      return [
        { type: 'resource-yes', prepared: { effects: [], results: [], hashes: { g: 'same' } } },
        { type: 'resource-no', reason: { code: 'voted-no', detail: 'no' } },
      ];
    case 'prepared':
    case 'precommitted':
    case 'preaborted':
      return beginsRound(machine) && 'counterSeen' in state && state.counterSeen >= roundsMax
        ? []
        : [{ type: 'timeout' }];
    default:
      return [];
  }
}

/** The timer of a site that leads a round of the textbook ends it; every other begins one. */
function beginsRound({ kind, state }: ParticipantMachine): boolean {
  return kind !== '3pc-textbook' || !('leading' in state) || 'recovered' in state;
}

/** What the timers of a site do in a run without faults, and its resources: they can commit. */
export function faultFreeInputs(setting: Setting, site: SiteState): readonly SiteInput[] {
  const inputs = ownInputs({ ...setting, roundsMax: Number.POSITIVE_INFINITY }, site);
  return inputs.filter(
    (input) =>
      input.type === 'coordinator-event' ||
      input.type === 'sync' ||
      (input.type === 'participant-event' && input.event.type !== 'resource-no'),
  );
}
