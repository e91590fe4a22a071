/**
 * How far to explore. `QUICK` runs with the tests, in seconds; `PROVE` takes
 * minutes and, at the end, gigabytes (`node --max-old-space-size=8192`).
 *
 * Bounds matter: with rounds up to counter 2 two of the broken machines of
 * test/sim/broken-machines.ts are not caught, with 3 all are. `electionsMax`
 * bounds how many termination rounds one run begins; without it every site may
 * begin one at every counter, which is far more than one leader after the other.
 *
 * The tests, scripts/explore.mjs and the long proof read these lists, so that none of
 * them leaves out what another has.
 */
import type { ProtocolName } from '../../protocol/messages.ts';
import type { QuorumRule } from '../../protocol/quorum.ts';

/** One run of the explorer; rounds, elections and the rule count for 3PC only. */
export interface Bounds {
  readonly protocol: ProtocolName;
  readonly participants: number;
  readonly readers?: number;
  readonly roundsMax: number;
  readonly electionsMax?: number;
  readonly quorumRule?: QuorumRule;
}

/** The arguments of `parley` that explore within these bounds. */
export function exploreArgs(bounds: Bounds): readonly string[] {
  const { protocol, participants, readers = 0, roundsMax, electionsMax, quorumRule } = bounds;
  return [
    ...['explore', '--protocol', protocol, '--participants', String(participants), '--readers', String(readers)],
    ...['--rounds', String(roundsMax)],
    ...(electionsMax === undefined ? [] : ['--elections', String(electionsMax)]),
    // The only other rule in these lists.
    ...(quorumRule === undefined ? [] : ['--weights', 'equal']),
  ];
}

/** What the shipped rule is not, with C and three participants: all four weigh the same. */
export const MAJORITY_OF_FOUR: QuorumRule = { coordinatorWeight: 1, quorumWeight: 3 };

/** With every run of the tests. */
export const QUICK: readonly Bounds[] = [
  { protocol: '2pc', participants: 1, roundsMax: 1 },
  { protocol: '2pc', participants: 2, roundsMax: 1 },
  { protocol: '2pc', participants: 1, readers: 1, roundsMax: 1 },
  { protocol: '2pc', participants: 2, readers: 1, roundsMax: 1 },
  { protocol: '3pc', participants: 1, readers: 1, roundsMax: 2 },
  { protocol: 'parallel', participants: 2, roundsMax: 1 },
  { protocol: '3pc', participants: 2, roundsMax: 3 },
];

/** Before a release, and after a change to a machine; smallest first. */
export const PROVE: readonly Bounds[] = [
  ...QUICK,
  { protocol: '2pc', participants: 3, roundsMax: 1 },
  { protocol: '2pc', participants: 3, readers: 1, roundsMax: 1 },
  { protocol: '3pc', participants: 2, readers: 1, roundsMax: 2 },
  { protocol: '3pc', participants: 3, roundsMax: 2 },
  { protocol: '3pc', participants: 3, roundsMax: 2, quorumRule: MAJORITY_OF_FOUR },
  { protocol: 'parallel', participants: 3, roundsMax: 1 },
  { protocol: '3pc', participants: 3, roundsMax: 3, electionsMax: 2 },
  { protocol: '3pc', participants: 3, roundsMax: 3, electionsMax: 2, quorumRule: MAJORITY_OF_FOUR },
  { protocol: '3pc', participants: 2, roundsMax: 4 },
];
