/**
 * Runs a participant's work on its resources and turns what they find into
 * events. The resources are in memory, so a commit is applied as soon as its
 * record is appended: later prepares build on it, and no reader sees it before
 * the record is synced (Host.whenDurable).
 *
 * Voting by hand sits here too: a yes of the resources waits for a person.
 */
import { assertNever } from '../base/assert.ts';
import type { ErrorCode } from '../base/error-registry.ts';
import { fitsJsonBytes, RECORD_PAYLOAD_BYTES_MAX } from '../base/json-size.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import type { Prepared, Work } from '../protocol/attempt.ts';
import type { Reason } from '../protocol/messages.ts';
import type { NodeWork } from '../protocol/node-step.ts';
import type { Outcome } from '../resources/attempt.ts';
import type { Operation } from '../resources/resource.ts';
import type { ResourceManager } from '../resources/resource-manager.ts';

/** The reason of a no to what no record could hold. */
const TOO_LARGE: Reason = {
  code: 'too-large',
  detail: 'Operations and results together do not fit one record of the log.',
};

/** Who decides a vote that the resources would give: nobody else, a person, or the flag. */
export type VoteMode = 'auto' | 'ask' | 'yes' | 'no';

/** A vote that waits for a person. */
export interface WaitingVote {
  readonly number: AttemptNumber;
  readonly id: TransactionId;
  readonly operations: readonly Operation[];
}

/** What the resources, or a person, decided. */
export type VoteEvent =
  | { readonly type: 'resource-yes'; readonly number: AttemptNumber; readonly prepared: Prepared }
  | { readonly type: 'resource-no'; readonly number: AttemptNumber; readonly reason: Reason };

/** What the worker works on and whom it tells. */
export interface ResourceWorkerOptions {
  readonly resources: ResourceManager;
  readonly voteMode: VoteMode;
  /** True: this yes waits for voteByHand, whatever the mode. Asked once. */
  readonly holdsBack?: (vote: WaitingVote) => boolean;
  /** An attempt asks for its locks and holds; what this returns is called if it gets them. */
  readonly onLocking?: () => () => void;
  readonly emit: (event: VoteEvent) => void;
  /** A vote waits for a person, or no longer does. */
  readonly onWaiting?: (vote: WaitingVote, waits: boolean) => void;
}

/** One per participant; see the header. */
export class ResourceWorker {
  private readonly options: ResourceWorkerOptions;
  private readonly asked = new Map<AttemptNumber, { readonly vote: WaitingVote; readonly prepared: Prepared }>();

  constructor(options: ResourceWorkerOptions) {
    this.options = options;
  }

  /** One piece of work. */
  run({ number, id, work }: NodeWork): void {
    const { resources } = this.options;
    switch (work.type) {
      case 'prepare':
        return this.prepare(number, id, work);
      case 'give-up': {
        const reason = resources.timeout(number);
        if (reason !== undefined) this.options.emit({ type: 'resource-no', number, reason });
        return;
      }
      case 'commit':
        this.forgetAsked(number);
        return resources.commit(number, id, work.effects);
      case 'abort':
        this.forgetAsked(number);
        return resources.abort(number);
      default:
        return assertNever(work, 'work');
    }
  }

  /** A person votes, or whoever held the vote back. Returns false when no such vote waits. */
  voteByHand(number: AttemptNumber, vote: 'commit' | 'abort', why: string, code?: ErrorCode): boolean {
    const waiting = this.asked.get(number);
    if (waiting === undefined) return false;
    this.forgetAsked(number);
    if (vote === 'commit') this.options.emit({ type: 'resource-yes', number, prepared: waiting.prepared });
    else this.voteNo(number, why, code);
    return true;
  }

  /** Votes that wait for a person, oldest first. */
  votesWaiting(): readonly WaitingVote[] {
    return [...this.asked.values()].map(({ vote }) => vote);
  }

  private prepare(number: AttemptNumber, id: TransactionId, work: Extract<Work, { type: 'prepare' }>): void {
    // The coordinator admitted them by the grammar of resources/operations.ts.
    const operations = work.operations as readonly { readonly index: number; readonly operation: Operation }[];
    const onLocked = this.options.onLocking?.();
    this.options.resources.prepare(number, operations, (outcome) => {
      if (outcome.vote !== 'no') onLocked?.();
      this.found(
        number,
        id,
        operations.map(({ operation }) => operation),
        outcome,
      );
    });
  }

  private found(number: AttemptNumber, id: TransactionId, operations: readonly Operation[], outcome: Outcome): void {
    if (outcome.vote === 'no') {
      this.options.emit({ type: 'resource-no', number, reason: outcome.refusal });
      return;
    }
    const { effects, results, hashes } = outcome;
    const prepared: Prepared = { effects, results, hashes };
    // What the yes promises must fit one record, and the vote one message.
    if (!fitsJsonBytes([operations, effects, results], RECORD_PAYLOAD_BYTES_MAX)) {
      this.options.resources.abort(number);
      this.options.emit({ type: 'resource-no', number, reason: TOO_LARGE });
      return;
    }
    const { voteMode, holdsBack } = this.options;
    const vote = { number, id, operations };
    const waits = !outcome.readOnly && (holdsBack?.(vote) === true || voteMode === 'ask');
    if (!waits && voteMode === 'no' && !outcome.readOnly) {
      this.voteNo(number, 'It runs with --vote no.');
    } else if (!waits) {
      this.options.emit({ type: 'resource-yes', number, prepared });
    } else {
      this.asked.set(number, { vote, prepared });
      this.options.onWaiting?.(vote, true);
    }
  }

  private voteNo(number: AttemptNumber, why: string, code: ErrorCode = 'voted-no'): void {
    this.options.resources.abort(number);
    this.options.emit({ type: 'resource-no', number, reason: { code, detail: why } });
  }

  private forgetAsked(number: AttemptNumber): void {
    const waiting = this.asked.get(number);
    if (waiting === undefined) return;
    this.asked.delete(number);
    this.options.onWaiting?.(waiting.vote, false);
  }
}
