/**
 * The shipped machines with one rule broken each: wrappers around them, one for
 * each way in which a correct-looking implementation is wrong. The explorer
 * must find a shortest run against every one of them.
 */
import type { Step } from '../../src/protocol/attempt.ts';
import type { CoordinatorEvent } from '../../src/protocol/coordinator-attempts.ts';
import { NO_VOTES } from '../../src/protocol/coordinator-voting.ts';
import type { NodeName, Round } from '../../src/protocol/messages.ts';
import type { ParticipantEvent } from '../../src/protocol/participant-attempts.ts';
import { compareRounds, ROUND_ZERO } from '../../src/protocol/quorum.ts';
import type { QuorumRule } from '../../src/protocol/quorum.ts';
import type { Append, ProtocolRecord } from '../../src/protocol/records.ts';
import type { Leading } from '../../src/protocol/site-3pc.ts';
import type { SiteReport } from '../../src/protocol/termination.ts';
import { SHIPPED_MACHINES } from '../../src/sim/explorer-machines.ts';
import type { ExplorerMachines } from '../../src/sim/explorer-machines.ts';

/** What ships, for wrappers made elsewhere. */
export const shipped = SHIPPED_MACHINES;

type CoordinatorStep = ReturnType<ExplorerMachines['coordinator']>;
type ParticipantStep = ReturnType<ExplorerMachines['participant']>;

/** Records of this type are written, and their promise leaves without waiting for the disk. */
function unforced<State>(step: Step<State>, type: ProtocolRecord['type']): Step<State> {
  const records = step.records.map((append): Append =>
    append.record.type === type ? { ...append, force: false } : append,
  );
  return { ...step, records };
}

function participantUnforced(type: ProtocolRecord['type']): ExplorerMachines {
  return {
    ...SHIPPED_MACHINES,
    participant: (attempt, machine, event): ParticipantStep => {
      const after = SHIPPED_MACHINES.participant(attempt, machine, event);
      return { ...after, step: unforced(after.step, type) };
    },
  };
}

function coordinatorUnforced(type: ProtocolRecord['type']): ExplorerMachines {
  return {
    ...SHIPPED_MACHINES,
    coordinator: (attempt, machine, event): CoordinatorStep => {
      const after = SHIPPED_MACHINES.coordinator(attempt, machine, event);
      return { ...after, step: unforced(after.step, type) };
    },
  };
}

export const yesUnforced = participantUnforced('prepared');
export const precommittedUnforced = participantUnforced('precommitted');
export const promiseUnforced = participantUnforced('promised');
export const tombstoneUnforced = participantUnforced('aborted');
/** The acknowledgement leaves before the record of the commit; one-phase, the outcome. */
export const committedUnforced = participantUnforced('committed');
/** One-phase: the decision is handed over before the record that it was. */
export const beginUnforced = coordinatorUnforced('begin');
/** 2PC: the commit message leaves before the commit point is on disk. */
export const commitUnforced = coordinatorUnforced('commit');
/** The coordinator's precommit leaves before its force; after a restart it presumes abort. */
export const ownPrecommitUnforced = coordinatorUnforced('precommitted');

/** A restarted coordinator with a precommit record commits alone. */
export const commitsAloneAfterRestart: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  recoverCoordinator: (attempt, records) => {
    const machine = SHIPPED_MACHINES.recoverCoordinator(attempt, records);
    if (machine?.kind !== '3pc' || machine.state.phase !== 'precommitted') return machine;
    return SHIPPED_MACHINES.coordinator(attempt, machine, { type: 'commit' }).machine;
  },
};

/** The coordinator aborts alone when the acknowledgements of its precommit do not come. */
export const abortsAloneAfterPrecommit: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    const bound = machine.kind === '3pc' && machine.state.phase === 'precommitted';
    return SHIPPED_MACHINES.coordinator(
      attempt,
      machine,
      bound && event.type === 'timeout' ? { type: 'abort' } : event,
    );
  },
};

/** The leader takes its proposal for the decision, without a quorum. */
export const decidesWithoutQuorum: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    const proposed = SHIPPED_MACHINES.coordinator(attempt, machine, event);
    const { state } = proposed.machine;
    if (!('leading' in state) || state.leading?.stage !== 'proposing') return proposed;
    const decision = { type: state.leading.kind === 'precommit' ? 'commit' : 'abort' } as const;
    const decided = SHIPPED_MACHINES.coordinator(attempt, proposed.machine, decision);
    return { machine: decided.machine, step: joined(proposed.step, decided.step) };
  },
};

/** A restarted coordinator without a decision on disk collects votes for the old number again. */
export const collectsAgain: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  recoverCoordinator: (attempt, records) => {
    const known = SHIPPED_MACHINES.recoverCoordinator(attempt, records);
    const begun = records.some(({ type }) => type === 'begin') && !records.some(({ type }) => type === 'abort');
    if (known !== undefined || !begun) return known;
    return { kind: attempt.protocol, state: NO_VOTES };
  },
};

/** Accepts a proposal of a round below its promise. */
export const acceptsBelowPromise: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  participant: (attempt, machine, event) => {
    const { state } = machine;
    const isProposal = event.type === 'precommit' || event.type === 'preabort';
    if (machine.kind !== '3pc' || !isProposal || !('lastElected' in state)) {
      return SHIPPED_MACHINES.participant(attempt, machine, event);
    }
    const forgot = { ...state, lastElected: state.lastAttempt };
    return SHIPPED_MACHINES.participant(attempt, { kind: '3pc', state: forgot }, event);
  },
};

/** Says that it accepted a precommit below its promise, which it did not: nothing of it is in its state or on its disk. */
export const acknowledgesBelowPromise: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  participant: (attempt, machine, event) => {
    const { state } = machine;
    const isPast =
      machine.kind === '3pc' &&
      event.type === 'precommit' &&
      'lastElected' in state &&
      compareRounds(event.round, state.lastElected) < 0;
    if (!isPast) return SHIPPED_MACHINES.participant(attempt, machine, event);
    const message = { type: 'precommitted', number: attempt.number, round: event.round } as const;
    return { machine, step: { ...still(state), send: [{ to: event.from, message }] } };
  },
};

/** Already precommitted: the coordinator acknowledges a higher round without a record of it. */
export const acknowledgesWithoutRecord: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    const { state } = machine;
    const isBound = machine.kind === '3pc' && state.phase === 'precommitted' && 'lastElected' in state;
    if (!isBound || event.type !== 'precommit' || compareRounds(event.round, state.lastElected) < 0) {
      return SHIPPED_MACHINES.coordinator(attempt, machine, event);
    }
    const message = { type: 'precommitted', number: attempt.number, round: event.round } as const;
    return { machine, step: { state, records: [], send: [{ to: event.from, message }], work: [], timers: [] } };
  },
};

/** Clause 3 broken: asked for its state while it collects votes, the coordinator promises, and forgets that it did. */
export const precommitsAfterPromise: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    if (machine.state.phase !== 'working' || event.type !== 'state-request') {
      return SHIPPED_MACHINES.coordinator(attempt, machine, event);
    }
    const { number } = attempt;
    const message = { type: 'state', number, round: event.round, state: 'prepared', lastAttempt: ROUND_ZERO } as const;
    return {
      machine,
      step: { state: machine.state, records: [], send: [{ to: event.from, message }], work: [], timers: [] },
    };
  },
};

/** Any precommitted among the reporters → precommit (the textbook's rule TR4, without lastAttempt). */
export const anyPrecommitted = weighsReports('precommitted');
/** Any preaborted among the reporters → preabort. */
export const anyPreaborted = weighsReports('preaborted');

const ABOVE_ALL: Round = { counter: 1000, site: 'Z' };

/** The leader takes every report of this state for the newest, and forgets that any other was attempted. */
function weighsReports(favoured: SiteReport['state']): ExplorerMachines {
  const weigh = (report: SiteReport): SiteReport =>
    report.state === favoured ? { ...report, lastAttempt: ABOVE_ALL } : report;
  const weighAll = (replies: Readonly<Record<NodeName, SiteReport>>): Readonly<Record<NodeName, SiteReport>> =>
    Object.fromEntries(Object.entries(replies).map(([name, report]) => [name, weigh(report)]));
  const inside = <State>(state: State): State => {
    if (typeof state !== 'object' || state === null || !('leading' in state)) return state;
    const leading = state.leading as { readonly replies?: Readonly<Record<NodeName, SiteReport>> } | undefined;
    if (leading?.replies === undefined) return state;
    return { ...state, leading: { ...leading, replies: weighAll(leading.replies) } };
  };
  return {
    ...SHIPPED_MACHINES,
    coordinator: (attempt, machine, event) => {
      const heard = event.type === 'state' ? { ...event, ...weigh(event) } : event;
      if (machine.kind !== '3pc') return SHIPPED_MACHINES.coordinator(attempt, machine, heard);
      return SHIPPED_MACHINES.coordinator(attempt, { kind: '3pc', state: inside(machine.state) }, heard);
    },
    participant: (attempt, machine, event) => {
      const heard = event.type === 'state' ? { ...event, ...weigh(event) } : event;
      if (machine.kind !== '3pc') return SHIPPED_MACHINES.participant(attempt, machine, heard);
      return SHIPPED_MACHINES.participant(attempt, { kind: '3pc', state: inside(machine.state) }, heard);
    },
  };
}

/**
 * P1 writes, yet votes read-only: it promises nothing, forgets, and when a leader asks it answers as one that never heard
 * of the attempt. The coordinator counts its vote, so commit without a yes of it is not what is wrong here.
 */
export const readOnlyVoterIsAsked: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  votesWithoutYes: ['P1'],
  participant: (attempt, machine, event) => {
    if (attempt.self !== 'P1' || event.type !== 'resource-yes' || machine.state.phase !== 'working') {
      return SHIPPED_MACHINES.participant(attempt, machine, event);
    }
    const { results, hashes } = event.prepared;
    const message = { type: 'vote', number: attempt.number, vote: 'read-only', results, hashes } as const;
    const state = { phase: 'read' } as const;
    const send = [{ to: attempt.coordinator.name, message }];
    return { machine: { kind: '3pc', state }, step: { state, records: [], send, work: [], timers: [] } };
  },
};

/** Half of the weight is a quorum: two quorums need not meet. */
export const HALF_IS_A_QUORUM: QuorumRule = { coordinatorWeight: 1, quorumWeight: 2 };

/** Skeen's quorum rule (1982): where some are precommitted and some preaborted, the leader waits. Safe, but it blocks. */
export const skeenWaits: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  coordinator: (attempt, machine, event) => {
    const waiting = machine.kind === '3pc' ? mixed(machine.state, event) : undefined;
    if (waiting === undefined) return SHIPPED_MACHINES.coordinator(attempt, machine, event);
    return { machine: { kind: '3pc', state: waiting }, step: still(waiting) };
  },
  participant: (attempt, machine, event) => {
    const waiting = machine.kind === '3pc' ? mixed(machine.state, event) : undefined;
    if (waiting === undefined) return SHIPPED_MACHINES.participant(attempt, machine, event);
    return { machine: { kind: '3pc', state: waiting }, step: still(waiting) };
  },
};

/** The state of a leader that has just heard of the other kind of proposal, and goes on collecting. */
function mixed<State extends object>(state: State, event: CoordinatorEvent | ParticipantEvent): State | undefined {
  if (event.type !== 'state' || !('leading' in state)) return undefined;
  const leading = state.leading as Leading | undefined;
  const { from, state: reported, lastAttempt, round } = event;
  if (leading?.stage !== 'electing' || compareRounds(round, leading.round) !== 0) return undefined;
  const replies = { ...leading.replies, [from]: { state: reported, lastAttempt } };
  const states = new Set(Object.values(replies).map((reply) => reply.state));
  if (!states.has('precommitted') || !states.has('preaborted')) return undefined;
  return { ...state, leading: { ...leading, replies } };
}

function still<State>(state: State): Step<State> {
  return { state, records: [], send: [], work: [], timers: [] };
}

/** A no is written, and told to whoever asks, without ever being forced: found in an early version of these machines. */
export const noUnforcedWhenAsked: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  participant: (attempt, machine, event) => {
    const after = SHIPPED_MACHINES.participant(attempt, machine, event);
    if (machine.state.phase !== 'aborted' || after.machine.state.phase !== 'aborted') return after;
    return { machine, step: { ...after.step, state: machine.state, records: [] } };
  },
};

/** Told by a peer that it is in doubt too, a participant takes that for an abort. */
export const takesUnknownForAbort: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  participantEvent: (from, message) =>
    message.type === 'outcome' && message.outcome === 'unknown'
      ? { type: 'abort' }
      : SHIPPED_MACHINES.participantEvent(from, message),
};

/** A participant in doubt does nothing when its timer rings. */
export const neverAsks: ExplorerMachines = {
  ...SHIPPED_MACHINES,
  participant: (attempt, machine, event) =>
    event.type === 'timeout'
      ? { machine, step: still(machine.state) }
      : SHIPPED_MACHINES.participant(attempt, machine, event),
};

function joined<State>(first: Step<State>, second: Step<State>): Step<State> {
  return {
    ...second,
    records: [...first.records, ...second.records],
    send: [...first.send, ...second.send],
    work: [...first.work, ...second.work],
  };
}
