/**
 * Locks, all of an owner's at once, first come first served. Each key has a
 * queue of *runs*: neighbours whose modes go together share a run, and an
 * owner has a key when it stands in the first run.
 *
 * ```
 *   account/1:  [change T1 T2 T5] → [exclusive T6] → [change T7 T8]
 *                first run: clear    waits            waits, though T1 is `change` too
 * ```
 *
 * An owner is granted when it is clear on all its keys. All places are taken
 * in one step at arrival, so every wait is for an earlier arrival: no deadlock,
 * and nobody overtakes an earlier owner that it conflicts with, granted or not
 * (Gray & Reuter, Transaction Processing, §8.4: FIFO lock queues).
 *
 * Cost: joining and leaving are O(1) per key, and an owner is visited once per
 * key when it becomes clear; nothing scans the owners.
 */
import { assert } from '../base/assert.ts';
import type { LockMode, LockRequest } from './resource.ts';

/** Neighbours on a key whose modes go together. */
interface Run {
  readonly mode: LockMode;
  readonly places: Set<Place>;
  previous: Run | undefined;
  next: Run | undefined;
}

interface KeyQueue {
  first: Run | undefined;
  last: Run | undefined;
}

/** Where one owner stands on one key. */
interface Place {
  readonly owner: Owner;
  readonly key: string;
  readonly queue: KeyQueue;
  run: Run;
}

interface Owner {
  readonly name: string;
  readonly arrival: number;
  readonly granted: () => void;
  places: readonly Place[];
  /** Keys on which it is not clear yet; 0 = granted. */
  blockedKeys: number;
}

/** Why an owner waits: the first key it is not clear on, and who stands before it there. */
export interface LockWait {
  readonly key: string;
  readonly holders: readonly string[];
}

/** One key with somebody on it, for display. */
export interface LockedKey {
  readonly key: string;
  readonly mode: LockMode;
  readonly holders: readonly string[];
}

function shares(a: LockMode, b: LockMode): boolean {
  return a === b && a !== 'exclusive';
}

/** One request per key: a key asked for in two modes is held exclusively, which covers both. */
function combined(requests: readonly LockRequest[]): readonly LockRequest[] {
  // One operation asks for each key once; most transactions here have one.
  if (requests.length <= FEW && !requests.some(({ key }, at) => isBefore(requests, key, at))) return requests;
  const modes = new Map<string, LockMode>();
  for (const { key, mode } of requests) {
    const before = modes.get(key);
    modes.set(key, before === undefined || before === mode ? mode : 'exclusive');
  }
  return [...modes].map(([key, mode]) => ({ key, mode }));
}

/** So many keys are compared with each other rather than put into a map. */
const FEW = 8;

function isBefore(requests: readonly LockRequest[], key: string, end: number): boolean {
  for (let at = 0; at < end; at += 1) if (requests[at]?.key === key) return true;
  return false;
}

/** The lock table of one participant; owners and keys are texts the caller makes unique. */
export class LockTable {
  readonly #owners = new Map<string, Owner>();
  readonly #queues = new Map<string, KeyQueue>();
  readonly #due: Owner[] = [];
  #calling = false;
  #arrivals = 0;

  /**
   * Asks for all locks of a new owner. `granted` is called, once, only when the
   * answer was 'waiting'; it may call back into the table.
   */
  acquire(owner: string, requests: readonly LockRequest[], granted: () => void): 'granted' | 'waiting' {
    assert(!this.#owners.has(owner), `an owner asks for its locks once: ${owner}`);
    this.#arrivals += 1;
    const entry: Owner = { name: owner, arrival: this.#arrivals, granted, places: [], blockedKeys: 0 };
    entry.places = combined(requests).map(({ key, mode }) => this.#join(entry, key, mode));
    this.#owners.set(owner, entry);
    return entry.blockedKeys === 0 ? 'granted' : 'waiting';
  }

  /** Takes locks again that this owner held before a restart; they cannot conflict. */
  retake(owner: string, requests: readonly LockRequest[]): void {
    const answer = this.acquire(owner, requests, () => undefined);
    assert(answer === 'granted', `locks of prepared transactions do not conflict: ${owner}`);
  }

  /** Gives up all locks, or the place in the queues, and grants those who were waiting. Unknown owners are fine. */
  release(owner: string): void {
    const entry = this.#owners.get(owner);
    if (entry === undefined) return;
    this.#owners.delete(owner);
    this.#leave(entry.places);
  }

  /** Gives up waiting; false when the owner waits for nothing (granted or unknown). */
  cancel(owner: string): boolean {
    if (!this.isWaiting(owner)) return false;
    this.release(owner);
    return true;
  }

  /** Gives up the locks of a granted owner whose keys begin with `prefix`; it keeps the rest. */
  releasePrefix(owner: string, prefix: string): void {
    const entry = this.#owners.get(owner);
    if (entry === undefined) return;
    assert(entry.blockedKeys === 0, `only a granted owner gives up some of its locks: ${owner}`);
    const given = entry.places.filter((place) => place.key.startsWith(prefix));
    entry.places = entry.places.filter((place) => !place.key.startsWith(prefix));
    this.#leave(given);
  }

  isWaiting(owner: string): boolean {
    return (this.#owners.get(owner)?.blockedKeys ?? 0) > 0;
  }

  /** Why this owner waits, or undefined when it does not. */
  waitOf(owner: string): LockWait | undefined {
    const place = this.#owners.get(owner)?.places.find(({ run, queue }) => run !== queue.first);
    if (place === undefined) return undefined;
    return { key: place.key, holders: names(place.queue.first) };
  }

  /** Every key with somebody on it, in the order in which the keys came to be used. */
  locked(): readonly LockedKey[] {
    return [...this.#queues].flatMap(([key, { first }]) =>
      first === undefined ? [] : [{ key, mode: first.mode, holders: names(first) }],
    );
  }

  #join(owner: Owner, key: string, mode: LockMode): Place {
    const queue = this.#queues.get(key) ?? { first: undefined, last: undefined };
    this.#queues.set(key, queue);
    let run = queue.last;
    if (run === undefined || !shares(run.mode, mode)) {
      run = { mode, places: new Set(), previous: queue.last, next: undefined };
      if (queue.last === undefined) queue.first = run;
      else queue.last.next = run;
      queue.last = run;
    }
    const place: Place = { owner, key, queue, run };
    run.places.add(place);
    if (run !== queue.first) owner.blockedKeys += 1;
    return place;
  }

  #leave(places: readonly Place[]): void {
    const ready: Owner[] = [];
    for (const place of places) {
      const { key, queue, run } = place;
      run.places.delete(place);
      if (run.places.size > 0) continue;
      const wasFirst = queue.first === run;
      unlink(queue, run);
      if (queue.first === undefined) this.#queues.delete(key);
      else ready.push(...settle(queue.first, queue, wasFirst));
    }
    if (ready.length === 0) return;
    this.#due.push(...ready.sort((a, b) => a.arrival - b.arrival));
    this.#callDue();
  }

  /** Callbacks run one after the other, also when one of them releases and makes more due. */
  #callDue(): void {
    if (this.#calling) return;
    this.#calling = true;
    try {
      for (let owner = this.#due.shift(); owner !== undefined; owner = this.#due.shift()) {
        // A callback before this one may have released this owner.
        if (this.#owners.get(owner.name) === owner) owner.granted();
      }
    } finally {
      this.#calling = false;
    }
  }
}

function names(run: Run | undefined): string[] {
  return [...(run?.places ?? [])].map(({ owner }) => owner.name);
}

function unlink(queue: KeyQueue, run: Run): void {
  if (run.previous === undefined) queue.first = run.next;
  else run.previous.next = run.next;
  if (run.next === undefined) queue.last = run.previous;
  else run.next.previous = run.previous;
  run.previous = undefined;
  run.next = undefined;
}

/** Clears whoever now stands in the first run; returns the owners that are clear on all their keys. */
function settle(first: Run, queue: KeyQueue, isNew: boolean): Owner[] {
  const ready: Owner[] = [];
  const clear = ({ owner }: Place): void => {
    owner.blockedKeys -= 1;
    if (owner.blockedKeys === 0) ready.push(owner);
  };
  if (isNew) first.places.forEach(clear);
  // Runs behind the first may have become its neighbours when one between them left.
  for (let next = first.next; next !== undefined && shares(first.mode, next.mode); next = first.next) {
    for (const place of next.places) {
      place.run = first;
      first.places.add(place);
      clear(place);
    }
    unlink(queue, next);
  }
  return ready;
}
