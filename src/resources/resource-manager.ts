/**
 * The resources of one participant, with their locks and their feed, as the
 * host uses them: prepares, decisions and timeouts in, votes and changes out.
 * Durability is the host's: it forces a record before it shows what it learned
 * here.
 *
 * | who | does |
 * | --- | --- |
 * | attempt-table.ts | locks, reservations, waits of open attempts |
 * | group-resources.ts | the resources, by group |
 * | applied-numbers.ts | a second commit of a number changes nothing |
 * | change-feed.ts | what was committed, in order, for those who follow |
 *
 * Deterministic: no clock, no random; every walk is in order of arrival or sorted.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import { AppliedNumbers } from './applied-numbers.ts';
import { AttemptTable } from './attempt-table.ts';
import type { WaitingAttempt } from './attempt-table.ts';
import { groupKey } from './attempt.ts';
import type { GroupEffect, IndexedOperation, Outcome } from './attempt.ts';
import { ChangeFeed } from './change-feed.ts';
import type { FeedChange, FeedPage } from './change-feed.ts';
import { emptyResource, GroupResources } from './group-resources.ts';
import type { GroupConfig } from './group-resources.ts';
import type { LockedKey } from './lock-table.ts';
import type { Refusal, Resource, ResourceKind } from './resource.ts';
import { StagedCopy } from './staged-copy.ts';
import { storedInteger, storedObject } from './stored-json.ts';

/** Changes kept for readers of the feed, unless said otherwise: some minutes of a busy cluster. */
export const FEED_LENGTH_DEFAULT = 10_000;

/** The committed state of a participant at one moment; the lines of a group can be read later, and more than once. */
export interface ResourceCheckpoint {
  readonly position: number;
  readonly applied: ReturnType<AppliedNumbers['state']>;
  readonly resources: readonly {
    readonly group: string;
    readonly kind: ResourceKind;
    readonly lines: Iterable<Json>;
  }[];
}

/** One per participant. */
export class ResourceManager {
  /** The resources by group, for reads. */
  readonly groups: GroupResources;
  readonly #attempts: AttemptTable;
  readonly #feed: ChangeFeed;
  readonly #applied = new AppliedNumbers();
  readonly #staged = new Map<string, StagedCopy>();

  constructor(options: { readonly groups: readonly GroupConfig[]; readonly feedLength?: number }) {
    this.#feed = new ChangeFeed(options.feedLength ?? FEED_LENGTH_DEFAULT);
    this.groups = new GroupResources(options.groups);
    this.#attempts = new AttemptTable(this.groups);
  }

  /**
   * Asks for a vote. `done` is called exactly once, maybe before this returns,
   * unless timeout() or abort() comes first: then never. A no has freed everything;
   * a yes to reads only has too.
   */
  prepare(number: AttemptNumber, operations: readonly IndexedOperation[], done: (outcome: Outcome) => void): void {
    this.#attempts.prepare(number, operations, done);
  }

  /** Gives up an attempt that still waits and says why; undefined when it waits for nothing. */
  timeout(number: AttemptNumber): Refusal | undefined {
    return this.#attempts.timeout(number);
  }

  /**
   * Applies a prepared attempt, or, for one that is not known here (replay of
   * the log), the effects given. Applied once per number and group.
   */
  commit(number: AttemptNumber, id: TransactionId, effects?: readonly GroupEffect[]): void {
    const attempt = this.#attempts.find(number);
    if (attempt === undefined) {
      assert(effects !== undefined || this.#applied.isPast(number), `a commit was prepared or applied here: ${number}`);
      this.#apply(number, id, effects ?? []);
      return;
    }
    assert(attempt.phase === 'prepared', `only a prepared attempt commits: ${number}`);
    this.#apply(
      number,
      id,
      attempt.parts.map(({ group, prepared }) => ({ group, effect: prepared?.effect ?? null })),
    );
    this.#attempts.end(attempt);
  }

  /** Ends an attempt without a change; unknown numbers are fine. */
  abort(number: AttemptNumber): void {
    const attempt = this.#attempts.find(number);
    if (attempt !== undefined) this.#attempts.end(attempt);
  }

  /** Takes locks and reservations of a prepared attempt again, at a restart, before anything is prepared. */
  restorePrepared(
    number: AttemptNumber,
    operations: readonly IndexedOperation[],
    effects: readonly GroupEffect[],
  ): void {
    this.#attempts.restorePrepared(number, operations, effects);
  }

  isPrepared(number: AttemptNumber): boolean {
    return this.#attempts.find(number)?.phase === 'prepared';
  }

  /** Attempts that voted yes and are undecided, in order of arrival. */
  prepared(): readonly { readonly number: AttemptNumber; readonly groups: readonly string[] }[] {
    return this.#attempts.prepared();
  }

  /** Attempts that wait for a lock or for funds, in order of arrival. */
  waiting(): readonly WaitingAttempt[] {
    return this.#attempts.waiting();
  }

  /** Every lock that is held or waited for; empty when all is decided. */
  locked(): readonly LockedKey[] {
    return this.#attempts.locked();
  }

  /** Prepared, undecided attempts that change this key (as in Resource.locks), in the order of their votes. */
  undecidedWrite(group: string, key: string): readonly AttemptNumber[] {
    return this.#attempts.undecided.of(groupKey(group, key));
  }

  /** Calls back once, when all these attempts are decided; at once when none is open. The returned function gives up. */
  afterDecided(numbers: readonly AttemptNumber[], callback: () => void): () => void {
    return this.#attempts.undecided.after(numbers, callback);
  }

  /** The resource of a group this participant is a member of; `groups` has them by kind. */
  resource(group: string): Resource {
    return this.groups.get(group);
  }

  /** Position of the newest committed change; 0 before the first. */
  get position(): number {
    return this.#feed.position;
  }

  /** Committed changes after a position; `complete: false`: take a snapshot instead. */
  changesSince(position: number, group?: string): FeedPage {
    return this.#feed.since(position, group);
  }

  /** Calls `listener` for each change as it is applied (durable or not: the host decides what may be shown). */
  onChange(listener: (change: FeedChange) => void): () => void {
    return this.#feed.listen(listener);
  }

  /** All committed state of a group as JSON lines. */
  snapshotGroup(group: string): readonly Json[] {
    return [...this.resource(group).snapshot()];
  }

  /**
   * Gathers a copy beside the group: the lines of a snapshot, then changes (staged-copy.ts). Part 1 begins anew.
   * @throws ParleyError `checkpoint-corrupt`
   */
  stageCopy(group: string, part: number, lines: readonly Json[]): void {
    const known = part === 1 ? undefined : this.#staged.get(group);
    const staged = known ?? new StagedCopy(emptyResource(this.resource(group).kind));
    this.#staged.set(group, staged);
    staged.take(part, lines);
  }

  /** Forgets a copy that will not be finished. */
  dropCopy(group: string): void {
    this.#staged.delete(group);
  }

  /** Groups of which a copy is being gathered. */
  staging(): readonly string[] {
    return [...this.#staged.keys()];
  }

  /**
   * The gathered copy becomes the group's committed state, after dropReservations(). The position moves on by one with
   * no change to show for it, so followers find a gap and take a snapshot.
   * @throws ParleyError `checkpoint-corrupt`
   */
  installCopy(group: string): void {
    const staged = this.#staged.get(group);
    assert(staged !== undefined, `a copy of ${group} was gathered`);
    assert(this.#attempts.inGroup(group).length === 0, `nothing is undecided in ${group} when its copy is replaced`);
    this.#staged.delete(group);
    this.groups.replace(group, staged.whole());
    // The copy may lack what was applied here; it will come as a change, and must not be taken for a repetition.
    this.#applied.dropGroup(group);
    this.#feed.restart(this.#feed.position + 1);
  }

  /**
   * Frees what undecided attempts keep in a group whose copy will be replaced.
   * Prepared ones stay open, for their other groups if any, and their commit
   * changes nothing in this group; waiting ones end with a no.
   * @returns the prepared attempts concerned, in order of arrival
   */
  dropReservations(group: string): readonly AttemptNumber[] {
    return this.#attempts.dropReservations(group);
  }

  /** Forgets which attempts below this number, of its incarnation, were applied: nobody will send them again. */
  forgetBelow(lowWater: AttemptNumber): void {
    this.#applied.forgetBelow(lowWater);
  }

  /**
   * All committed state of this moment, for a checkpoint: what can be large is made when it is read. Prepared attempts
   * are not in it: the host restores them from its own.
   */
  checkpoint(): ResourceCheckpoint {
    return { position: this.#feed.position, applied: this.#applied.state(), resources: this.groups.snapshots() };
  }

  /** The same in one value. */
  checkpointState(): Json {
    return { ...this.checkpoint(), resources: this.groups.state() };
  }

  /** Takes checkpointState() back. @throws ParleyError `checkpoint-corrupt` */
  restoreState(state: Json): void {
    const { position, applied, resources } = storedObject(state, 'The state');
    this.groups.restore(resources);
    this.#applied.restore(applied);
    this.#feed.restart(storedInteger(position, 'position'));
  }

  #apply(number: AttemptNumber, id: TransactionId, effects: readonly GroupEffect[]): void {
    const todo = effects.filter(({ group }) => !this.#applied.has(number, group));
    const changes = todo.flatMap(({ group, effect }) =>
      this.resource(group)
        .commit(number, id, effect)
        .map((change) => this.#feed.append({ group, ...change })),
    );
    this.#applied.add(
      number,
      todo.map(({ group }) => group),
    );
    // Listeners see the whole transaction, not its first group only.
    for (const change of changes) this.#feed.publish(change);
  }
}
