/**
 * States and events for the walks: every phase with every shape of data that
 * keeps the machine's own invariants (lastAttempt ≤ lastElected, a proposing
 * leader has accepted its own proposal), whether or not a correct run gets there.
 */
import type { Coordinator2pc, Coordinator2pcEvent } from '../../src/protocol/coordinator-2pc.ts';
import type { Coordinator3pc, Coordinator3pcEvent } from '../../src/protocol/coordinator-3pc.ts';
import type { CoordinatorOnePhase, CoordinatorOnePhaseEvent } from '../../src/protocol/coordinator-one-phase.ts';
import type { CoordinatorParallel, CoordinatorParallelEvent } from '../../src/protocol/coordinator-parallel.ts';
import type { Participant2pc, Participant2pcEvent } from '../../src/protocol/participant-2pc.ts';
import type { Participant3pc, Participant3pcEvent } from '../../src/protocol/participant-3pc.ts';
import { compareRounds, ROUND_ZERO } from '../../src/protocol/quorum.ts';
import type { Leading, Site3pc, Site3pcEvent } from '../../src/protocol/site-3pc.ts';
import type { SiteReport } from '../../src/protocol/termination.ts';
import type { NodeName } from '../../src/protocol/messages.ts';
import { A_REASON, PREPARED, round } from './attempts.ts';

const ROUNDS = [round(1, 'C'), round(2, 'P1'), round(2, 'P2'), round(3, 'C'), round(3, 'P1')];
const REPORTS: readonly SiteReport[] = [
  { state: 'prepared', lastAttempt: ROUND_ZERO },
  { state: 'precommitted', lastAttempt: round(1, 'C') },
  { state: 'precommitted', lastAttempt: round(2, 'P2') },
  { state: 'preaborted', lastAttempt: round(2, 'P2') },
];

const yesBy = (from: NodeName, hash = 'd1') =>
  ({ type: 'vote', from, vote: { vote: 'yes', results: PREPARED.results, hashes: { bank: hash } } }) as const;
const favourable = { vote: 'yes', results: PREPARED.results, hashes: PREPARED.hashes } as const;

export const VOTING_EVENTS: readonly Participant2pcEvent[] = [
  { type: 'prepare' },
  { type: 'resource-yes', prepared: PREPARED },
  { type: 'resource-no', reason: A_REASON },
  { type: 'commit' },
  { type: 'abort' },
  { type: 'abort', reason: A_REASON },
  { type: 'inquire', from: 'P2' },
  { type: 'timeout' },
  { type: 'hasten' },
];

export const DECIDED_STATES = [
  { phase: 'committed' },
  { phase: 'committed', results: PREPARED.results },
  { phase: 'aborted', reason: A_REASON, durable: false },
  { phase: 'aborted', reason: A_REASON, durable: true },
  { phase: 'read' },
] as const;

export const PARTICIPANT_2PC_STATES: readonly Participant2pc[] = [
  { phase: 'initial' },
  { phase: 'working' },
  { phase: 'prepared', prepared: PREPARED },
  ...DECIDED_STATES,
];

/** What the site `self` may be leading, given what it has promised and accepted. */
function* leadings(self: NodeName, site: Site3pc): Generator<Leading | undefined> {
  yield undefined;
  const own: SiteReport = { state: site.phase, lastAttempt: site.lastAttempt };
  for (const led of ROUNDS.filter((one) => one.site === self)) {
    if (compareRounds(led, site.lastElected) === 0 && compareRounds(led, site.lastAttempt) > 0) {
      yield { stage: 'electing', round: led, replies: { [self]: own } };
    }
    if (compareRounds(led, site.lastAttempt) > 0) continue;
    for (const kind of ['precommit', 'preabort'] as const) {
      const phase = kind === 'precommit' ? 'precommitted' : 'preaborted';
      // Own record of the round comes first, and is of the round's one kind. A site that has since accepted the other
      // kind leads a proposal that cannot find its quorum any more: the last test of tables.test.ts.
      if (site.phase !== phase) continue;
      yield { stage: 'proposing', round: led, kind, accepted: [self] };
    }
  }
}

/** Every undecided site with rounds up to 3. */
export function* undecidedSites(self: NodeName): Generator<Site3pc> {
  for (const phase of ['prepared', 'precommitted', 'preaborted'] as const) {
    for (const lastAttempt of phase === 'prepared' ? [ROUND_ZERO] : ROUNDS) {
      for (const lastElected of [ROUND_ZERO, ...ROUNDS]) {
        if (compareRounds(lastAttempt, lastElected) > 0) continue;
        const site: Site3pc = { phase, lastElected, lastAttempt, counterSeen: Math.max(1, lastElected.counter) };
        for (const leading of leadings(self, site)) yield leading === undefined ? site : { ...site, leading };
      }
    }
  }
}

/** Every message of a round, from each of the others. */
export function siteEvents(others: readonly NodeName[]): readonly Site3pcEvent[] {
  return others.flatMap((from) =>
    ROUNDS.flatMap((of): Site3pcEvent[] => [
      { type: 'precommitted', from, round: of },
      { type: 'preaborted', from, round: of },
      { type: 'refused', from, round: of, lastElected: round(3, 'P2') },
      { type: 'state-request', from, round: of },
      { type: 'precommit', from, round: of },
      { type: 'preabort', from, round: of },
      ...REPORTS.map((report) => ({ type: 'state', from, round: of, ...report }) as const),
      { type: 'state', from, round: of, state: 'committed', lastAttempt: round(1, 'C') },
      { type: 'state', from, round: of, state: 'aborted', lastAttempt: ROUND_ZERO },
    ]),
  );
}

export function participant3pcStates(): readonly Participant3pc[] {
  return [
    { phase: 'initial' },
    { phase: 'working' },
    ...[...undecidedSites('P1')].map((site) => ({ ...site, prepared: PREPARED })),
    ...DECIDED_STATES,
  ];
}

export const PARTICIPANT_3PC_EVENTS: readonly Participant3pcEvent[] = [
  ...VOTING_EVENTS,
  ...siteEvents(['C', 'P2']).filter(
    (event): event is Exclude<Site3pcEvent, { type: 'timeout' }> => event.type !== 'timeout',
  ),
];

export const COORDINATOR_2PC_STATES: readonly Coordinator2pc[] = [
  { phase: 'working', votes: {}, left: [] },
  { phase: 'working', votes: { P1: favourable }, left: [] },
  { phase: 'working', votes: { P1: favourable }, left: ['P1'] },
  { phase: 'committed', results: PREPARED.results, waiting: ['P1', 'P2'], left: [] },
  { phase: 'committed', results: PREPARED.results, waiting: ['P2'], left: ['P1'] },
  { phase: 'aborted', reason: A_REASON, mayRetry: false },
  { phase: 'ended', results: PREPARED.results, left: [] },
];

export const COORDINATOR_PARALLEL_STATES: readonly CoordinatorParallel[] = [
  ...COORDINATOR_2PC_STATES,
  { phase: 'decided', results: PREPARED.results, left: [] },
  { phase: 'decided', results: PREPARED.results, left: ['P1'] },
  { phase: 'decided', results: PREPARED.results, left: ['P1', 'P2'] },
  { phase: 'asking', votes: {}, left: [] },
  { phase: 'asking', votes: { P1: favourable }, left: [] },
  { phase: 'asking', votes: { P1: favourable }, left: ['P1', 'P2'] },
];

export const COORDINATOR_2PC_EVENTS: readonly Coordinator2pcEvent[] = [
  { type: 'begin' },
  { type: 'vote-timeout' },
  ...['P1', 'P2'].flatMap((from): Coordinator2pcEvent[] => [
    yesBy(from),
    yesBy(from, 'd2'),
    { type: 'vote', from, vote: { vote: 'read-only', results: [], hashes: PREPARED.hashes } },
    { type: 'vote', from, vote: { vote: 'no', reason: A_REASON } },
    { type: 'member-left', from },
    { type: 'resend', to: from },
    { type: 'inquire', from },
    { type: 'acknowledge', from },
  ]),
];

export const COORDINATOR_PARALLEL_EVENTS: readonly CoordinatorParallelEvent[] = [
  ...COORDINATOR_2PC_EVENTS,
  { type: 'write-down' },
  { type: 'abort' },
  { type: 'abort', reason: A_REASON },
];

/** Bound coordinators, once with nobody left and once with everybody left. */
export function coordinator3pcStates(listed: readonly NodeName[]): readonly Coordinator3pc[] {
  const bound = [...undecidedSites('C')].flatMap((site) => {
    const { phase } = site;
    if (phase === 'prepared') return [];
    return [[], listed].map((left) => ({ ...site, phase, results: PREPARED.results, left }));
  });
  return [...COORDINATOR_2PC_STATES, ...bound];
}

export const COORDINATOR_3PC_EVENTS: readonly Coordinator3pcEvent[] = [
  ...COORDINATOR_2PC_EVENTS,
  { type: 'commit' },
  { type: 'abort' },
  { type: 'abort', reason: A_REASON },
  { type: 'hasten' },
  { type: 'timeout' },
  ...siteEvents(['P1', 'P2']),
];

export const ONE_PHASE_STATES: readonly CoordinatorOnePhase[] = [
  { phase: 'working', asking: false },
  { phase: 'working', asking: true },
  { phase: 'aborted', reason: A_REASON, mayRetry: false },
  { phase: 'ended', results: PREPARED.results, left: [] },
];

export const ONE_PHASE_EVENTS: readonly CoordinatorOnePhaseEvent[] = [
  { type: 'begin' },
  { type: 'told-committed', results: PREPARED.results },
  { type: 'told-aborted', reason: A_REASON },
  { type: 'vote-timeout' },
  { type: 'resend', to: 'P1' },
];
