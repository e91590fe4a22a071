/**
 * A participant's side of joining groups: which try of the coordinator is
 * current, by group. What an earlier try brings is thrown away: it would put an
 * old state over what was committed since. A lost link ends all tries.
 */
import type { BarrierMessage, JoinedMessage, JoinMessage } from './messages.ts';
import type { CopyWork } from './node-step.ts';

/** What the copier reports. */
export type CopyEvent =
  /** Everything that was committed at the source when it looked is here. */
  | { readonly type: 'copied'; readonly group: string; readonly attempt: number }
  /** The rest could not be had; the barrier is held for nothing. */
  | { readonly type: 'copy-failed'; readonly group: string; readonly attempt: number };

/** The current tries of one participant. */
export class Joining {
  private readonly attempts = new Map<string, number>();

  /** The coordinator's `join`: from now on this try counts. */
  begin({ group, attempt, source }: JoinMessage): CopyWork {
    this.attempts.set(group, attempt);
    return { type: 'copy', group, attempt, address: source.address };
  }

  /** True for the try that counts. */
  isCurrent({ group, attempt }: { readonly group: string; readonly attempt: number }): boolean {
    return this.attempts.get(group) === attempt;
  }

  /** The coordinator's `barrier`: the rest is to be had, unless the log has no room for the copy. */
  finish({ group, attempt }: BarrierMessage, accepting: boolean): CopyWork | JoinedMessage | undefined {
    if (!accepting) return { type: 'joined', group, stage: 'failed', attempt };
    return this.isCurrent({ group, attempt }) ? { type: 'finish-copy', group, attempt } : undefined;
  }

  /** What the coordinator is told of a report. */
  report({ type, group, attempt }: CopyEvent): JoinedMessage | undefined {
    if (type === 'copy-failed') return { type: 'joined', group, stage: 'failed', attempt };
    return this.isCurrent({ group, attempt }) ? { type: 'joined', group, stage: 'copying', attempt } : undefined;
  }

  /** The copy of this try is taken; false when it is an earlier one's. */
  take(event: { readonly group: string; readonly attempt: number }): boolean {
    return this.isCurrent(event) && this.attempts.delete(event.group);
  }

  /** The link is lost or new: every try is over. */
  clear(): void {
    this.attempts.clear();
  }
}
