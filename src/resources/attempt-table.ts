/**
 * The attempts of one participant between arrival and end: their locks, their
 * reservations, and who waits for whom.
 *
 * ```
 *   prepare → announce → all locks at once → every resource's prepare() → yes | no
 *                        (first come first        wait: keep locks and place, try again when an
 *                         served)                 attempt that used the same key has ended
 * ```
 *
 * Waiting for funds. An attempt that must wait keeps its locks, what its other
 * groups reserved, and its place in line on every account it debits. Later
 * attempts go past it wherever enough remains after its claim, so commuting
 * transfers are not blocked; where not enough remains they wait behind it, for
 * no longer than its lock wait. Letting them pass would be quicker here but
 * could close a circle between participants: A waits for B on one, B for A on
 * another. This way every wait is for an earlier arrival.
 */
import { assert } from '../base/assert.ts';
import type { AttemptNumber } from '../base/ids.ts';
import { groupKey, locksOf, partsOf, prepareParts, writesOf, yesOf } from './attempt.ts';
import type { Attempt, GroupEffect, IndexedOperation, Outcome } from './attempt.ts';
import type { GroupResources } from './group-resources.ts';
import { LockTable } from './lock-table.ts';
import type { LockedKey } from './lock-table.ts';
import type { Refusal } from './resource.ts';
import { UndecidedWrites } from './undecided-writes.ts';
import { WaitLines } from './wait-lines.ts';

/** Holders named in a refusal or a display; a hot account may have thousands. */
const HOLDERS_SHOWN_MAX = 5;

/** An attempt that waits, for display. */
export interface WaitingAttempt {
  readonly number: AttemptNumber;
  readonly for: 'lock' | 'funds';
  /** Prefixed with its group, for example `bank/account/1`. */
  readonly key: string;
  /** Who stands before it, a few of them; empty when it waits for funds. */
  readonly behind: readonly AttemptNumber[];
}

/** The open attempts of one participant, in order of arrival. */
export class AttemptTable {
  /** Which open attempts change what, once they have voted yes. */
  readonly undecided = new UndecidedWrites();
  readonly #groups: GroupResources;
  readonly #locks = new LockTable();
  readonly #lines = new WaitLines();
  readonly #attempts = new Map<AttemptNumber, Attempt>();
  readonly #freedKeys: string[] = [];
  #retrying = false;
  #arrivals = 0;

  constructor(groups: GroupResources) {
    this.#groups = groups;
  }

  /** The attempt of this number, if it is open. */
  find(number: AttemptNumber): Attempt | undefined {
    return this.#attempts.get(number);
  }

  /** Attempts with operations on a group, in order of arrival. */
  inGroup(group: string): readonly Attempt[] {
    return [...this.#attempts.values()].filter(({ parts }) => parts.some((part) => part.group === group));
  }

  /**
   * Asks for a vote. `done` is called exactly once, maybe before this returns,
   * unless timeout() or abort() comes first: then never. A no has freed everything.
   */
  prepare(number: AttemptNumber, operations: readonly IndexedOperation[], done: (outcome: Outcome) => void): void {
    assert(!this.#attempts.has(number), `an attempt is prepared once: ${number}`);
    const split = partsOf(this.#groups, operations);
    if ('refusal' in split) {
      done({ vote: 'no', refusal: split.refusal });
      return;
    }
    this.#arrivals += 1;
    const attempt: Attempt = {
      number,
      arrival: this.#arrivals,
      done,
      parts: split.parts,
      phase: 'locking',
      wait: undefined,
    };
    this.#attempts.set(number, attempt);
    for (const part of attempt.parts) part.resource.announce(number, part.operations);
    const answer = this.#locks.acquire(number, locksOf(attempt.parts), () => this.#tryPrepare(attempt));
    if (answer === 'granted') this.#tryPrepare(attempt);
  }

  /** Gives up an attempt that still waits and says why; undefined when it waits for nothing. */
  timeout(number: AttemptNumber): Refusal | undefined {
    const attempt = this.#attempts.get(number);
    const wait = attempt === undefined ? undefined : this.#waitOf(attempt);
    if (attempt === undefined || wait === undefined) return undefined;
    const holders = wait.behind.length === 0 ? '' : `, held by ${wait.behind.join(', ')}`;
    const funds = attempt.wait === undefined ? '' : ` ${attempt.wait.refusal.detail}`;
    this.end(attempt);
    return { code: 'lock-timeout', detail: `Attempt ${number} gave up waiting for ${wait.key}${holders}.${funds}` };
  }

  /** Ends an attempt: frees everything of it and lets those go on who waited for it. */
  end(attempt: Attempt): void {
    const { number, parts, wait } = attempt;
    this.#attempts.delete(number);
    if (wait !== undefined) this.#lines.remove(wait.key, attempt);
    for (const { resource } of parts) resource.abort(number);
    if (!this.#lines.isEmpty) this.#freedKeys.push(...new Set(locksOf(parts).map(({ key }) => key)));
    this.#locks.release(number);
    this.#retry();
    this.undecided.end(number);
  }

  /** Takes locks and reservations of a prepared attempt again, at a restart, before anything is prepared. */
  restorePrepared(
    number: AttemptNumber,
    operations: readonly IndexedOperation[],
    effects: readonly GroupEffect[],
  ): void {
    assert(!this.#attempts.has(number), `an attempt is restored once: ${number}`);
    const split = partsOf(this.#groups, operations);
    assert('parts' in split, `the groups of a prepared attempt are configured here: ${number}`);
    this.#arrivals += 1;
    for (const part of split.parts) {
      const effect = effects.find(({ group }) => group === part.group)?.effect ?? null;
      part.prepared = { results: [], effect };
      part.resource.restorePrepared(number, effect);
    }
    this.#locks.retake(number, locksOf(split.parts));
    const done = (): void => undefined;
    this.#attempts.set(number, {
      number,
      arrival: this.#arrivals,
      done,
      parts: split.parts,
      phase: 'prepared',
      wait: undefined,
    });
    this.undecided.add(number, writesOf(split.parts));
  }

  /** Attempts that voted yes and are undecided, in order of arrival. */
  prepared(): readonly { readonly number: AttemptNumber; readonly groups: readonly string[] }[] {
    return [...this.#attempts.values()]
      .filter(({ phase }) => phase === 'prepared')
      .map(({ number, parts }) => ({ number, groups: parts.map(({ group }) => group) }));
  }

  /** Attempts that wait for a lock or for funds, in order of arrival. */
  waiting(): readonly WaitingAttempt[] {
    return [...this.#attempts.values()].flatMap((attempt) => this.#waitOf(attempt) ?? []);
  }

  /** Every lock that is held or waited for; empty when all is decided. */
  locked(): readonly LockedKey[] {
    return this.#locks.locked();
  }

  /**
   * Frees what undecided attempts keep in a group whose copy will be replaced.
   * Prepared ones stay open, for their other groups if any, and their commit
   * changes nothing in this group; waiting ones end with a no.
   * @returns the prepared attempts concerned, in order of arrival
   */
  dropReservations(group: string): readonly AttemptNumber[] {
    const concerned = this.inGroup(group);
    const dropped: AttemptNumber[] = [];
    const drop = (attempt: Attempt): void => {
      dropped.push(attempt.number);
      this.#groups.get(group).abort(attempt.number);
      attempt.parts = attempt.parts.filter((part) => part.group !== group);
      this.undecided.removePrefix(attempt.number, groupKey(group, ''));
    };
    for (const attempt of concerned.filter(({ phase }) => phase === 'prepared')) drop(attempt);
    const detail = `The copy of the group ${group} on this participant is being replaced.`;
    // Youngest first: who goes frees nothing that an older one waits for, so that nobody is prepared in passing.
    for (const attempt of concerned.filter(({ phase }) => phase !== 'prepared').reverse()) {
      // It may have been granted in passing all the same, and has voted then.
      if (attempt.phase === 'prepared') drop(attempt);
      else this.#refuse(attempt, { code: 'not-in-view', detail });
    }
    for (const number of dropped) this.#locks.releasePrefix(number, groupKey(group, ''));
    return dropped;
  }

  #tryPrepare(attempt: Attempt): void {
    const answer = prepareParts(attempt.number, attempt.parts);
    if (answer?.vote === 'no') {
      this.#refuse(attempt, answer.refusal);
    } else if (answer?.vote === 'wait') {
      attempt.phase = 'funds';
      attempt.wait = { key: answer.key, refusal: answer.refusal };
      this.#lines.add(answer.key, attempt);
    } else {
      this.#accept(attempt);
    }
  }

  #accept(attempt: Attempt): void {
    const outcome = yesOf(attempt.parts);
    attempt.phase = 'prepared';
    if (!outcome.readOnly) this.undecided.add(attempt.number, writesOf(attempt.parts));
    attempt.done(outcome);
    // Every participant meets conflicting transactions in one order, so a read that has its answer needs its locks no longer.
    if (outcome.readOnly && this.#attempts.get(attempt.number) === attempt) this.end(attempt);
  }

  #refuse(attempt: Attempt, refusal: Refusal): void {
    this.end(attempt);
    attempt.done({ vote: 'no', refusal });
  }

  /** Tries the lines of freed keys from their heads; one loop, however long the chain of ends that it starts. */
  #retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    for (let key = this.#freedKeys.shift(); key !== undefined; key = this.#freedKeys.shift()) {
      let head = this.#lines.head(key);
      while (head !== undefined) {
        this.#lines.remove(key, head);
        head.wait = undefined;
        this.#tryPrepare(head);
        const next = this.#lines.head(key);
        if (next === head) break;
        head = next;
      }
    }
    this.#retrying = false;
  }

  #waitOf(attempt: Attempt): WaitingAttempt | undefined {
    if (attempt.wait !== undefined) return { number: attempt.number, for: 'funds', key: attempt.wait.key, behind: [] };
    const wait = this.#locks.waitOf(attempt.number);
    if (wait === undefined) return undefined;
    return { number: attempt.number, for: 'lock', key: wait.key, behind: wait.holders.slice(0, HOLDERS_SHOWN_MAX) };
  }
}
