/**
 * Which broken machine the explorer must catch, where, and by what. The bounds
 * are the smallest at which each is caught; some need a third round, and half a
 * quorum needs four sites that weigh the same.
 */
import type { ProtocolName } from '../../src/protocol/messages.ts';
import type { ExploreOptions } from '../../src/sim/explorer.ts';
import * as broken from './broken-machines.ts';
import * as parallel from './broken-parallel.ts';

/** One of them. */
export interface BrokenVariant {
  readonly rule: string;
  readonly protocol: ProtocolName;
  /** `split`: two decisions, or one against the votes; `blocked`: a run without faults that decides nothing. */
  readonly caughtAs: 'split' | 'blocked';
  readonly options: Omit<ExploreOptions, 'protocol'>;
}

/** What the violation of a split says; `blocked` says that something does not decide. */
export const SPLIT =
  /both decided|was decided before|without a yes|not voted yes here|aborted here|committed here|decide otherwise/;
export const BLOCKED = /do(es)? not decide$/;

type Machines = NonNullable<ExploreOptions['machines']>;
type Parts = Partial<BrokenVariant['options']>;

function variant(rule: string, protocol: ProtocolName, machines: Machines, parts: Parts = {}): BrokenVariant {
  return { rule, protocol, caughtAs: 'split', options: { participants: 2, roundsMax: 3, machines, ...parts } };
}

const three = (rule: string, machines: Machines, parts?: Parts) => variant(rule, '3pc', machines, parts);
const implied = (rule: string, machines: Machines, parts?: Parts) => variant(rule, 'parallel', machines, parts);
const two = (rule: string, machines: Machines, parts?: Parts) => variant(rule, '2pc', machines, parts);

/** The sixteen ways to break 3PC that a correct-looking implementation takes, and the older rule that blocks. */
export const BROKEN_3PC: readonly BrokenVariant[] = [
  three('decides without a quorum of acknowledgements', broken.decidesWithoutQuorum),
  three('a restarted coordinator with a precommit on disk commits alone', broken.commitsAloneAfterRestart),
  three('the coordinator aborts alone after its precommit', broken.abortsAloneAfterPrecommit),
  three('a yes is not forced', broken.yesUnforced),
  three('an acknowledgement of a precommit is not forced', broken.precommittedUnforced),
  three("the coordinator's precommit leaves before it is forced", broken.ownPrecommitUnforced),
  three('who has not voted says aborted without a record', broken.tombstoneUnforced),
  three('who voted read-only forgets, and is asked', broken.readOnlyVoterIsAsked),
  three('a promise is not forced', broken.promiseUnforced),
  three('a round below the promise is accepted', broken.acceptsBelowPromise),
  three('the coordinator precommits after it promised a higher round', broken.precommitsAfterPromise),
  three('any precommitted makes a precommit (TR4, without lastAttempt)', broken.anyPrecommitted),
  three('any preaborted makes a preabort', broken.anyPreaborted),
  three('already precommitted: a higher round is acknowledged without a record', broken.acknowledgesWithoutRecord),
  three('a restarted coordinator with an unforced abort collects votes again', broken.collectsAgain),
  three('half of the weight is a quorum', broken.shipped, {
    participants: 3,
    roundsMax: 2,
    quorumRule: broken.HALF_IS_A_QUORUM,
  }),
  { ...three("Skeen's quorum rule: precommitted beside preaborted waits", broken.skeenWaits), caughtAs: 'blocked' },
];

/** Other ways, and the same in 2PC. */
export const BROKEN_OTHERS: readonly BrokenVariant[] = [
  three('a no is not forced when someone asks', broken.noUnforcedWhenAsked),
  three('a precommit below the promise is acknowledged without a record', broken.acknowledgesBelowPromise),
  two('a yes is not forced', broken.yesUnforced),
  two('who has not voted says aborted without a record', broken.tombstoneUnforced),
  two('a no is not forced when someone asks', broken.noUnforcedWhenAsked),
  two('commit leaves before it is forced', broken.commitUnforced),
  two('an acknowledgement of a commit is not forced', broken.committedUnforced),
  two('one-phase: a decision taken alone is not forced', broken.committedUnforced, { participants: 1 }),
  two('one-phase: handing over is not forced', broken.beginUnforced, { participants: 1 }),
  two('a restarted coordinator collects votes again', broken.collectsAgain),
  two('a peer in doubt too is taken for one that aborted', broken.takesUnknownForAbort),
  { ...two('a participant in doubt never asks', broken.neverAsks), caughtAs: 'blocked' },
];

/** Parallel commit, where a missing record of the decision says nothing. */
export const BROKEN_PARALLEL: readonly BrokenVariant[] = [
  implied('the client is told before begin is synced', broken.beginUnforced),
  implied('a yes is not forced', broken.yesUnforced),
  implied('who has not voted says aborted without a record', broken.tombstoneUnforced),
  implied('a no is not forced when someone asks', broken.noUnforcedWhenAsked),
  implied('a restarted coordinator presumes abort', parallel.presumesAbort),
  implied('a restarted coordinator collects votes again', parallel.collectsAgain),
  implied('a coordinator that asks gives up', parallel.givesUpAsking),
  implied('a coordinator that asks is content with one yes', parallel.asksOnlyOne),
  implied('a coordinator that asks answers as by presumed abort', parallel.saysAbortedWhileAsking),
  implied('unknown is counted as prepared', parallel.countsUnknownAsPrepared),
  implied('a peer in doubt too is taken for one that aborted', broken.takesUnknownForAbort),
  implied('messages outlive the links that carried them', broken.shipped, { hasLinks: false }),
  implied('commit leaves before it is forced', broken.commitUnforced),
  { ...implied('a participant in doubt never asks', broken.neverAsks), caughtAs: 'blocked' },
];
