/**
 * Copies a group from a live member while work goes on: a snapshot page by page,
 * then the changes behind it, as parts of a copy that the node forces and
 * gathers beside the group. Behind the barrier it fetches the rest, which is
 * little however large the group is. Nothing of it is used before that.
 */
import type { Json } from '../base/canonical-json.ts';
import { ParleyError } from '../base/errors.ts';
import type { CopierWork } from '../protocol/node-step.ts';
import { partsOf } from '../protocol/participant-copies.ts';
import type { ClientTls } from '../net/tls.ts';
import { CopySource } from './copy-source.ts';

/** Whom the copier tells, and with what credentials it asks. */
export interface CopierOptions {
  readonly authorization: string;
  readonly tls?: ClientTls | undefined;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** What a group is here: `ledger`, `history`, `notebook`. */
  readonly kindOf: (group: string) => string;
  /** Everything committed at the source when it was last asked is here. */
  readonly onCopied: (group: string, attempt: number) => void;
  /** The next part of a copy; part 1 begins anew. Resolves when it is durable. */
  readonly onPart: (group: string, part: number, lines: readonly Json[]) => Promise<void>;
  /** The parts of this group will not be finished. */
  readonly onDropped: (group: string) => void;
  /** What is left after so many parts. */
  readonly onFinished: (group: string, attempt: number, rest: CopyRest) => void;
  /** Counts bytes of a copy; false when the disk has no room for them. `first`: it begins anew. */
  readonly hasRoom: (group: string, bytes: number, first: boolean) => boolean;
  /** The rest could not be had behind the barrier; the coordinator lowers it and asks again. */
  readonly onFailed: (group: string, attempt: number) => void;
  readonly onTrouble: (group: string, error: unknown) => void;
}

/** The end of a copy. */
export interface CopyRest {
  readonly parts: number;
  readonly lines: readonly Json[];
}

/** A copy under way. */
interface Copy {
  readonly group: string;
  readonly address: string;
  readonly source: CopySource;
  /** Parts that were handed over. */
  parts: number;
  /** Changes that come behind the snapshot, while that is still on its way. */
  readonly changes: Json[];
  position: number;
  /** The try that caught up with it last. */
  attempt: number | undefined;
  /** When something was fetched for it last. */
  usedAtMs: number;
  /** Ends when what is done with it now is done: two tries must not take the same changes, nor one skip what the other took. */
  busy: Promise<void>;
}

/** After a failed copy the coordinator's `join` is honoured again after this pause. */
const RETRY_MS = 500;
/** The source keeps a bounded number of changes, so they are fetched while the snapshot is on its way. */
const PAGES_BETWEEN_CHANGES = 16;
/** It has caught up when so few changes came while the last ones were forced. */
const FEW_CHANGES = 200;
/** Or after so many rounds: behind the barrier nothing new comes. */
const ROUNDS_MAX = 20;
/** A copy that nobody goes on with for so long is given up: it keeps the node from taking checkpoints. */
const UNUSED_MS_MAX = 60_000;

/** One copy a group at a time; see the header. */
export class Copier {
  private readonly options: CopierOptions;
  private readonly copies = new Map<string, Copy>();
  /** The newest try of each group; what an earlier one still brings is thrown away. */
  private readonly wanted = new Map<string, number>();
  private readonly retries = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(options: CopierOptions) {
    this.options = options;
  }

  /** `copy` and `finish-copy`; answers by the callbacks, or by trouble and another try. */
  run(work: CopierWork): void {
    if (this.closed) return;
    if (work.type === 'copy') {
      this.wanted.set(work.group, work.attempt);
      this.attempt(work, () => this.copy(work), 'again');
    }
    if (work.type === 'finish-copy') this.attempt(work, () => this.finish(work), 'give-up');
  }

  /** The group is up to date here: nothing is copied any more. */
  forget(group: string): void {
    this.wanted.delete(group);
    this.drop(group);
  }

  private drop(group: string): void {
    const copy = this.copies.get(group);
    if (copy === undefined) return;
    copy.source.close();
    this.copies.delete(group);
    if (!this.closed) this.options.onDropped(group);
  }

  /** Gives up copies whose source nobody has asked for a while: it, or the coordinator, may be gone for good. */
  dropUnused(): void {
    const oldestMs = this.options.nowMs() - UNUSED_MS_MAX;
    for (const { group, usedAtMs } of [...this.copies.values()]) if (usedAtMs < oldestMs) this.drop(group);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.retries) clearTimeout(timer);
    for (const group of [...this.copies.keys()]) this.forget(group);
  }

  private isWanted({ group, attempt }: { readonly group: string; readonly attempt: number }): boolean {
    return !this.closed && this.wanted.get(group) === attempt;
  }

  private attempt(work: CopierWork, run: () => Promise<void>, onTrouble: 'again' | 'give-up'): void {
    run().catch((error: unknown) => {
      if (!(error instanceof ParleyError)) throw error;
      if (!this.isWanted(work)) return;
      this.drop(work.group);
      this.options.onTrouble(work.group, error);
      if (onTrouble === 'give-up') {
        this.options.onFailed(work.group, work.attempt);
        return;
      }
      const timer = setTimeout(() => {
        this.retries.delete(timer);
        if (this.isWanted(work)) this.run(work);
      }, RETRY_MS);
      this.retries.add(timer);
    });
  }

  /** Snapshot and changes up to now. A later try at the same source goes on where the last one stopped. */
  private async copy(work: Extract<CopierWork, { type: 'copy' }>): Promise<void> {
    const { group, attempt, address } = work;
    let copy = this.copies.get(group);
    // One whose snapshot is still on its way belongs to an earlier try, which ends at its next page.
    if (copy?.address !== address || copy.attempt === undefined) {
      this.drop(group);
      copy = await this.begin(work);
    }
    if (!this.isWanted(work)) return;
    const known = copy;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const count = await this.inTurn(known, () => this.catchUp(known));
      if (!this.isWanted(work)) return;
      if (count < FEW_CHANGES) break;
    }
    copy.attempt = attempt;
    this.options.onCopied(group, attempt);
  }

  /** What is fetched is handed over, whoever asked for it: the position of the copy goes with its parts. */
  private async catchUp(copy: Copy): Promise<number> {
    const { changes, position } = await copy.source.changes(copy.position);
    copy.usedAtMs = this.options.nowMs();
    await this.handOver(copy, changes);
    copy.position = position;
    return changes.length;
  }

  /** Runs alone on this copy. One that fails leaves nobody knows what of it, so then the copy is given up. */
  private async inTurn<T>(copy: Copy, run: () => Promise<T>): Promise<T> {
    const before = copy.busy;
    let done: () => void = () => undefined;
    copy.busy = new Promise((resolve) => (done = resolve));
    await before;
    try {
      if (this.copies.get(copy.group) !== copy)
        throw new ParleyError('busy', `The copy of ${copy.group} was given up.`);
      return await run();
    } catch (error) {
      if (this.copies.get(copy.group) === copy) this.drop(copy.group);
      throw error;
    } finally {
      done();
    }
  }

  /** The snapshot, page by page; the changes behind it are fetched meanwhile. */
  private async begin(work: Extract<CopierWork, { type: 'copy' }>): Promise<Copy> {
    const { group, address } = work;
    const { authorization, tls, nowMs, kindOf } = this.options;
    const source = new CopySource({ group, address, kind: kindOf(group), authorization, tls });
    const copy: Copy = {
      ...{ group, address, source, parts: 0, changes: [], position: 0, attempt: undefined },
      ...{ usedAtMs: nowMs(), busy: Promise.resolve() },
    };
    this.copies.set(group, copy);
    let snapshot: string | undefined;
    let forced = Promise.resolve();
    for (let number = 1; ; number += 1) {
      const { page, bytes } = await source.page(number, snapshot);
      // One part is forced while the next is fetched, and no more: the disk may be slower than the source.
      await forced;
      if (!this.isWanted(work)) return copy;
      snapshot = page.copy;
      copy.position = page.position ?? copy.position;
      forced = this.part(copy, page.lines, bytes);
      if (!page.more) break;
      if (number % PAGES_BETWEEN_CHANGES === 0) {
        const { changes, position } = await copy.source.changes(copy.position);
        for (const one of changes) copy.changes.push(one);
        copy.position = position;
      }
    }
    await forced;
    if (this.isWanted(work)) await this.handOver(copy, copy.changes.splice(0));
    return copy;
  }

  /** Changes as parts of the copy; none are no part. */
  private async handOver(copy: Copy, changes: readonly Json[]): Promise<void> {
    if (changes.length === 0) return;
    for (const lines of partsOf(changes)) await this.part(copy, lines, Buffer.byteLength(JSON.stringify(lines)));
  }

  private part(copy: Copy, lines: readonly Json[], bytes: number): Promise<void> {
    // Another copy of the group took its place meanwhile.
    if (this.copies.get(copy.group) !== copy) return Promise.resolve();
    copy.usedAtMs = this.options.nowMs();
    this.requireRoom(copy, bytes);
    copy.parts += 1;
    return this.options.onPart(copy.group, copy.parts, lines);
  }

  private requireRoom({ group, parts }: Copy, bytes: number): void {
    if (this.options.hasRoom(group, bytes, parts === 0)) return;
    throw new ParleyError('log-full', `The disk has no room for a copy of ${group}.`);
  }

  /** Behind the barrier: the rest. Then the copy is the node's, and a later try begins anew. */
  private async finish(work: Extract<CopierWork, { type: 'finish-copy' }>): Promise<void> {
    const { group, attempt } = work;
    const copy = this.copies.get(group);
    if (!this.isWanted(work)) return;
    if (copy?.attempt !== attempt) throw new ParleyError('busy', `There is no copy of ${group} from this try.`);
    const lines = await this.inTurn(copy, () => this.rest(copy));
    if (!this.isWanted(work)) return;
    this.requireRoom(copy, Buffer.byteLength(JSON.stringify(lines)));
    copy.source.close();
    this.copies.delete(group);
    this.options.onFinished(group, attempt, { parts: copy.parts, lines });
  }

  /** All that is left. The copy stays as it is: should it not be wanted any more, another try fetches this again. */
  private async rest(copy: Copy): Promise<readonly Json[]> {
    const lines: Json[] = [];
    // Not until the position stands still: that of the source goes on with its other groups, whose work does not wait.
    for (let { position } = copy; ;) {
      const more = await copy.source.changes(position);
      if (more.changes.length === 0) return lines;
      for (const change of more.changes) lines.push(change);
      ({ position } = more);
    }
  }
}
