/** What a simulated world is made from, what it reports, and its durations. */
import type { NodeTimings } from '../protocol/coordinator-tables.ts';
import type { NodeName, ProtocolName } from '../protocol/messages.ts';
import type { CrashPlace } from './sim-ports.ts';
import type { SpecialFault } from './special-faults.ts';

/** What a run is made from; the same options give the same run. */
export interface WorldOptions {
  readonly seed: number;
  readonly participants: number;
  readonly protocols: readonly ProtocolName[];
  readonly transactions: number;
  /** Faults tried while clients work. */
  readonly faults: number;
  /** Absent: drawn from the seed, nearly always none. */
  readonly special?: SpecialFault;
}

/** What a run was and what it found; `violations` is empty when all holds. */
export interface WorldReport {
  readonly seed: number;
  readonly committed: number;
  readonly aborted: number;
  readonly faultsHit: number;
  /** How often each kind of fault hit. */
  readonly faults: Readonly<Record<string, number>>;
  readonly events: number;
  /** Virtual time from the heal to rest. */
  readonly restMs: number;
  /** Outputs that were held against a synced record. */
  readonly outputsChecked: number;
  /** Equal digests: equal runs. */
  readonly digest: string;
  readonly violations: readonly string[];
}

/** Who looks on. */
export interface WorldHooks {
  /** Whether all logs are read again at the end; absent: by the seed. */
  readonly replays?: boolean;
  /** One line for everything that happens. */
  readonly trace?: (line: string) => void;
  /** A crash point was passed; who throws DIED must have ended the node. */
  readonly onCrashPoint?: (node: NodeName, what: string, where: CrashPlace) => void;
}

/** Short durations: virtual time costs nothing, but retries cost events. */
export const TIMINGS: NodeTimings = {
  voteTimeoutMs: 600,
  lockWaitMs: 250,
  askMs: 100,
  electMs: 200,
  leaseWaitMs: 150,
  resendMs: 200,
  barrierMs: 50,
};

/** How long the clients' work is spread over: dense worlds and sparse ones. */
export const WORK_MS = [1_200, 2_500, 4_000] as const;
/** What was in doubt at the heal is decided this soon after it (I10). */
export const DOUBT_MS_MAX = 5_000;
/** After the heal the world is at rest this soon; a pause before another try to join may take most of it. */
export const REST_MS_MAX = 20_000;
/** Then a transaction over every account commits this soon. */
export const PROBE_MS_MAX = 1_000;
/** Between two looks at whether the world is at rest. */
export const LOOK_MS = 50;
/** A seed counts with at least this many faults that hit. */
export const FAULTS_MIN = 3;
/** How often a world has a special fault. */
export const SPECIAL_CHANCE = 0.02;
/** Every so many seeds all logs are read again at the end (I9); a crash reads them again in every seed. */
export const REPLAY_EVERY = 4;
/** Every so many seeds messages and records pass as text, as between processes; else by reference, which is quicker. */
export const TEXT_EVERY = 16;
