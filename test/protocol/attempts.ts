/** Attempts, and what resources found, for the tests of the pure machines. */
import type { CoordinatorAttempt, ParticipantAttempt, Prepared } from '../../src/protocol/attempt.ts';
import type { NodeName, ProtocolName, Reason, Round, Site } from '../../src/protocol/messages.ts';

export const NUMBER = 'c0ffee.1.7';
export const TIMINGS = { voteTimeoutMs: 6000, lockWaitMs: 3000, askMs: 1000, electMs: 2000 };
export const COORDINATOR: Site = { name: 'C', address: '127.0.0.1:7100' };
export const A_REASON: Reason = { code: 'insufficient-funds', detail: 'The account does not hold enough.' };

export const siteOf = (name: NodeName): Site => ({ name, address: `127.0.0.1:72${name.slice(1).padStart(2, '0')}` });
export const round = (counter: number, site: NodeName): Round => ({ counter, site });

/** Names P1 to Pn. */
export const namesUpTo = (count: number): readonly NodeName[] =>
  Array.from({ length: count }, (_, index) => `P${index + 1}`);

/** What a resource found: one effect and one result on the group `bank`. */
export const PREPARED: Prepared = {
  effects: [{ group: 'bank', effect: { from: 1, to: 2, amount: 100 } }],
  results: [{ index: 0, result: { moved: 100 } }],
  hashes: { bank: 'd1' },
};

interface Wanted {
  readonly protocol?: ProtocolName;
  readonly listed?: readonly NodeName[];
  readonly readers?: readonly NodeName[];
}

const operationOf = { index: 0, operation: { group: 'bank', type: 'transfer', from: 1, to: 2, amount: 100 } };

/** As the coordinator C knows it; one-phase when only one takes part. */
export function coordinatorAttempt({
  protocol = '2pc',
  listed = ['P1', 'P2'],
  readers = [],
}: Wanted): CoordinatorAttempt {
  return {
    number: NUMBER,
    id: 'TX001',
    hash: 'h1',
    protocol,
    self: COORDINATOR,
    participants: listed.map(siteOf),
    readers: readers.map(siteOf),
    operations: Object.fromEntries([...listed, ...readers].map((name) => [name, [operationOf]])),
    groups: { bank: listed },
    operationCount: 1,
    voteWithinMs: 6000,
    onePhase: listed.length === 1 && readers.length === 0,
    timings: TIMINGS,
  };
}

/** As P1 (or `self`) knows it. */
export function participantAttempt(
  wanted: Wanted & { readonly self?: NodeName; readonly onePhase?: boolean },
): ParticipantAttempt {
  const { protocol = '2pc', listed = ['P1', 'P2'], self = 'P1', onePhase = false } = wanted;
  return {
    number: NUMBER,
    id: 'TX001',
    protocol,
    self,
    coordinator: COORDINATOR,
    participants: listed.map(siteOf),
    operations: [operationOf],
    voteWithinMs: 6000,
    onePhase,
    timings: TIMINGS,
  };
}
