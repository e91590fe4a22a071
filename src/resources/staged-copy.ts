/**
 * A copy of a group that is being gathered beside the group itself: the lines of a snapshot, then changes that were
 * committed since, as `{"change": {"number", "id", "data"}}`. Taken line by line, however large it is; then it is the
 * group's new resource.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import type { Resource, Restorer } from './resource.ts';
import { storedObject, storedString } from './stored-json.ts';

/** See the header. */
export class StagedCopy {
  readonly #resource: Resource;
  /** Undefined once the snapshot is whole. */
  #restorer: Restorer | undefined;
  /** Parts taken; they are numbered from 1. */
  #parts = 0;

  /** @param resource an empty one, of the kind of the group */
  constructor(resource: Resource) {
    this.#resource = resource;
    this.#restorer = resource.restorer();
  }

  /** The next part. @throws ParleyError `checkpoint-corrupt` */
  take(part: number, lines: readonly Json[]): void {
    assert(part === this.#parts + 1, `the parts of a copy come in order: ${part} after ${this.#parts}`);
    this.#parts = part;
    for (const line of lines) this.#take(line);
  }

  /** Everything was taken. @throws ParleyError `checkpoint-corrupt` */
  whole(): Resource {
    this.#endSnapshot();
    return this.#resource;
  }

  #take(line: Json): void {
    const change = changeIn(line);
    if (change === undefined && this.#restorer !== undefined) return this.#restorer.take(line);
    this.#endSnapshot();
    const stored = storedObject(change ?? null, 'A change in a copy');
    const number = storedString(stored['number'], 'The number of a change');
    this.#resource.commit(number, storedString(stored['id'], 'The id of a change'), stored['data'] ?? null);
  }

  #endSnapshot(): void {
    this.#restorer?.end();
    this.#restorer = undefined;
  }
}

function changeIn(line: Json): Json | undefined {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return undefined;
  return (line as Readonly<Record<string, Json>>)['change'];
}
