/**
 * Parallel commit with one rule broken each: wrappers around the shipped
 * machines, like those of broken-machines.ts. What breaks it is always the same:
 * somebody takes the missing record of a decision for a decision.
 */
import { NO_VOTES } from '../../src/protocol/coordinator-voting.ts';
import type { FavourableVote } from '../../src/protocol/coordinator-voting.ts';
import { SHIPPED_MACHINES } from '../../src/sim/explorer-machines.ts';
import type { ExplorerMachines } from '../../src/sim/explorer-machines.ts';

const YES: FavourableVote = { vote: 'yes', results: [], hashes: { g: 'same' } };

/** Started again with `begin` and no decision, the coordinator presumes abort, as in 2PC. */
export const presumesAbort: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  recoverCoordinator: (attempt, records) => {
    const machine = SHIPPED_MACHINES.recoverCoordinator(attempt, records);
    return machine?.state.phase === 'asking' ? undefined : machine;
  },
};

/** Started again, it goes on collecting votes as if nothing had been, and times out. */
export const collectsAgain: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  recoverCoordinator: (attempt, records) => {
    const machine = SHIPPED_MACHINES.recoverCoordinator(attempt, records);
    return machine?.state.phase === 'asking' ? { kind: 'parallel', state: NO_VOTES } : machine;
  },
};

/** It asks, and aborts when the answers take too long. */
export const givesUpAsking: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    const isTired = machine.state.phase === 'asking' && event.type === 'vote-timeout';
    return SHIPPED_MACHINES.coordinator(attempt, machine, isTired ? { type: 'abort' } : event);
  },
};

/** It asks, and one yes is enough. */
export const asksOnlyOne: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    if (machine.kind !== 'parallel' || machine.state.phase !== 'asking' || event.type !== 'vote') {
      return SHIPPED_MACHINES.coordinator(attempt, machine, event);
    }
    const votes = Object.fromEntries(attempt.participants.map(({ name }) => [name, YES]));
    return SHIPPED_MACHINES.coordinator(
      attempt,
      { kind: 'parallel', state: { phase: 'asking', votes, left: [] } },
      event,
    );
  },
};

/** While it asks, it tells others that it has no record of a decision, in the words of presumed abort. */
export const saysAbortedWhileAsking: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    const after = SHIPPED_MACHINES.coordinator(attempt, machine, event);
    if (machine.state.phase !== 'asking' || event.type !== 'inquire') return after;
    const message = { type: 'outcome', number: attempt.number, outcome: 'aborted' } as const;
    return { ...after, step: { ...after.step, send: [{ to: event.from, message }] } };
  },
};

/** Asked before its vote a participant says `unknown`, promising nothing, and the coordinator counts that as prepared. */
export const countsUnknownAsPrepared: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  participant: (attempt, machine, event) => {
    const { state } = machine;
    const isFree = state.phase === 'initial' || state.phase === 'working';
    if (!isFree || event.type !== 'inquire') return SHIPPED_MACHINES.participant(attempt, machine, event);
    const message = { type: 'outcome', number: attempt.number, outcome: 'unknown' } as const;
    return { machine, step: { state, records: [], send: [{ to: event.from, message }], work: [], timers: [] } };
  },
  coordinatorEvent: (from, message, onePhase) =>
    message.type === 'outcome' && message.outcome === 'unknown'
      ? { type: 'vote', from, vote: YES }
      : SHIPPED_MACHINES.coordinatorEvent(from, message, onePhase),
};
