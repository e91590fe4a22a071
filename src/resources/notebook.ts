/**
 * A notebook: strings in the order of their commits, numbered from 1. The
 * smallest resource, for the first steps with the protocols. A write locks
 * the whole notebook, so every replica numbers the strings the same way.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { AttemptNumber, TransactionId } from '../base/ids.ts';
import { madeWhenRead } from './resource.ts';
import type { Change, LockRequest, Operation, Prepared, Resource, Restorer } from './resource.ts';
import { contradiction, storedInteger, storedObject, storedString } from './stored-json.ts';

/** One committed string. */
export type NotebookEntry = { readonly index: number; readonly string: string };

/** What a commit adds. */
export type NotebookEffect = { readonly strings: readonly NotebookEntry[] };

type NotebookOperation = { readonly type: 'write'; readonly string: string } | { readonly type: 'read' };

/** The key of the whole notebook. */
export const NOTEBOOK_KEY = 'notebook';

/** The fields were checked by validateOperation(). */
const typed = (operation: Operation): NotebookOperation => operation as unknown as NotebookOperation;
/** Effects come from prepare() or, unchanged, from the log. */
const entriesOf = (effect: Json): readonly NotebookEntry[] =>
  (effect as unknown as NotebookEffect | null)?.strings ?? [];

/** The notebook of one group on one participant. */
export class Notebook implements Resource {
  readonly kind = 'notebook';
  #strings: string[] = [];

  locks(operations: readonly Operation[]): readonly LockRequest[] {
    return operations
      .map(typed)
      .map(({ type }) => ({ key: NOTEBOOK_KEY, mode: type === 'read' ? 'read' : 'exclusive' }));
  }

  announce(): void {
    // The lock on the notebook is all that a write needs.
  }

  prepare(_number: AttemptNumber, operations: readonly Operation[]): Prepared {
    const strings: NotebookEntry[] = [];
    const results = operations.map(typed).map((operation): Json => {
      if (operation.type === 'read') return { strings: [...this.strings(), ...strings] };
      const entry = { index: this.#strings.length + strings.length + 1, string: operation.string };
      strings.push(entry);
      return { index: entry.index };
    });
    return { vote: 'yes', results, effect: strings.length === 0 ? null : { strings } };
  }

  restorePrepared(): void {
    // As above: nothing is reserved beside the lock.
  }

  writes(effect: Json): readonly string[] {
    return entriesOf(effect).length === 0 ? [] : [NOTEBOOK_KEY];
  }

  commit(number: AttemptNumber, id: TransactionId, effect: Json): readonly Change[] {
    const entries = entriesOf(effect);
    for (const { index, string } of entries) {
      assert(index === this.#strings.length + 1, `the notebook has no gap at ${index}`);
      this.#strings.push(string);
    }
    return entries.length === 0 ? [] : [{ number, id, data: effect }];
  }

  abort(): void {
    // As above.
  }

  /** All committed strings in order. */
  strings(): readonly NotebookEntry[] {
    return this.#strings.map((string, offset) => ({ index: offset + 1, string }));
  }

  snapshot(): Iterable<Json> {
    const strings = this.#strings.slice();
    return madeWhenRead(function* () {
      for (const [offset, string] of strings.entries()) yield { index: offset + 1, string };
    });
  }

  restorer(): Restorer {
    this.#strings = [];
    const take = (stored: Json): void => {
      const next = this.#strings.length + 1;
      const where = `Notebook line ${next}`;
      const line = storedObject(stored, where);
      const index = storedInteger(line['index'], `${where}, index`);
      if (index !== next) throw contradiction(`${where} has the index ${index}.`);
      this.#strings.push(storedString(line['string'], `${where}, string`));
    };
    return { take, end: () => undefined };
  }
}
