/**
 * A participant's side of joining groups: which try of the coordinator is
 * current, by group. What an earlier try brings is thrown away: it would put an
 * old state over what was committed since. A lost link ends all tries. What the
 * parts of a copy are, and how it ends, is in participant-copies.ts.
 */
import type { Json } from '../base/canonical-json.ts';
import type { BarrierMessage, JoinedMessage, JoinMessage } from './messages.ts';
import type { CopyWork } from './node-step.ts';

/** What the copier reports. */
export type CopyEvent =
  /** Everything that was committed at the source when it looked is here. */
  | { readonly type: 'copied'; readonly group: string; readonly attempt: number }
  /** The rest could not be had; the barrier is held for nothing. */
  | { readonly type: 'copy-failed'; readonly group: string; readonly attempt: number }
  /** Lines of a copy that is under way, in order; part 1 begins anew. */
  | { readonly type: 'copy-part'; readonly group: string; readonly part: number; readonly lines: readonly Json[] }
  /** A copy under way was given up. */
  | { readonly type: 'copy-dropped'; readonly group: string }
  /** Behind the barrier: what is left, after so many parts. */
  | {
      readonly type: 'copy-finished';
      readonly group: string;
      readonly attempt: number;
      readonly parts: number;
      readonly lines: readonly Json[];
    };

type CopyReport = Extract<CopyEvent, { readonly type: 'copied' | 'copy-failed' }>;

/** The current tries of one participant. */
export class Joining {
  private readonly attempts = new Map<string, number>();
  /** Parts in the log of copies that are not whole yet. They outlast a lost link: the same source may go on. */
  private readonly parts = new Map<string, number>();

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
  report({ type, group, attempt }: CopyReport): JoinedMessage | undefined {
    if (type === 'copy-failed') return { type: 'joined', group, stage: 'failed', attempt };
    return this.isCurrent({ group, attempt }) ? { type: 'joined', group, stage: 'copying', attempt } : undefined;
  }

  /** Takes the next part, or the first of a copy anew; false for one whose place is another. */
  takePart({ group, part }: { readonly group: string; readonly part: number }): boolean {
    if (part !== 1 && part !== (this.parts.get(group) ?? 0) + 1) return false;
    this.parts.set(group, part);
    return true;
  }

  /** The parts of a copy that was given up count no more. */
  drop(group: string): void {
    this.parts.delete(group);
  }

  /** The copy of this try is taken; not when it is an earlier one's, when its try is over, or when parts are missing. */
  take(event: {
    readonly group: string;
    readonly attempt: number;
    readonly parts: number;
  }): 'taken' | 'stale' | 'left' | 'incomplete' {
    const { group, parts } = event;
    // With a newer try under way the parts are that one's; with none, nobody can go on with them.
    if (!this.isCurrent(event)) return !this.attempts.has(group) && this.parts.delete(group) ? 'left' : 'stale';
    // A copy that came whole has no parts before, and begins anew.
    const isWhole = parts === 0 || parts === this.parts.get(group);
    this.parts.delete(group);
    this.attempts.delete(group);
    return isWhole ? 'taken' : 'incomplete';
  }

  /** The link is lost or new: every try is over. */
  clear(): void {
    this.attempts.clear();
  }
}
