/**
 * How far to explore. `QUICK` runs with the tests, in seconds; `PROVE` takes
 * minutes to hours and gigabytes (`node --max-old-space-size=8192`).
 *
 * Bounds matter: with rounds up to counter 2 two of the broken machines of
 * test/sim/broken-machines.ts are not caught, with 3 all are.
 */
import type { ProtocolName } from '../protocol/messages.ts';

/** One run of the explorer; `roundsMax` counts for 3PC only. */
export interface Bounds {
  readonly protocol: ProtocolName;
  readonly participants: number;
  readonly readers?: number;
  readonly roundsMax: number;
}

/** With every run of the tests. */
export const QUICK: readonly Bounds[] = [
  { protocol: '2pc', participants: 1, roundsMax: 1 },
  { protocol: '2pc', participants: 2, roundsMax: 1 },
  { protocol: '2pc', participants: 1, readers: 1, roundsMax: 1 },
  { protocol: '3pc', participants: 1, readers: 1, roundsMax: 2 },
  { protocol: '3pc', participants: 2, roundsMax: 2 },
];

/** Before a release, and after a change to a machine; smallest first. */
export const PROVE: readonly Bounds[] = [
  ...QUICK,
  { protocol: '2pc', participants: 2, readers: 1, roundsMax: 1 },
  { protocol: '2pc', participants: 3, roundsMax: 1 },
  { protocol: '3pc', participants: 2, roundsMax: 3 },
  { protocol: '3pc', participants: 3, roundsMax: 2 },
  { protocol: '3pc', participants: 2, roundsMax: 4 },
  { protocol: '3pc', participants: 3, roundsMax: 3 },
];
