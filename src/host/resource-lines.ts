/**
 * The resources' part of a checkpoint as lines of bounded size: the position of
 * the feed, the numbers that were applied, then each group under its own head.
 *
 *   {"position":17} {"applied":…} … {"lowWater":[…]} {"group":"bank","kind":"ledger"} {"line":…} …
 */
import type { Json } from '../base/canonical-json.ts';
import { madeWhenRead } from '../resources/resource.ts';
import type { ResourceCheckpoint } from '../resources/resource-manager.ts';

type JsonObject = Readonly<Record<string, Json>>;

/** The lines of a state, each made when it is read. */
export function resourceLines({ position, applied, resources }: ResourceCheckpoint): Iterable<Json> {
  return madeWhenRead(function* () {
    yield { position };
    for (const one of applied.numbers) yield { applied: one };
    yield { lowWater: applied.lowWater };
    for (const { group, kind, lines } of resources) {
      yield { group, kind };
      for (const line of lines) yield { line };
    }
  });
}

/** Puts the lines together again. */
export class ResourceLinesReader {
  private position: Json = 0;
  private lowWater: Json = [];
  private readonly numbers: Json[] = [];
  private readonly resources: { readonly group: Json; readonly kind: Json; readonly lines: Json[] }[] = [];
  private empty = true;

  take(stored: Json): void {
    this.empty = false;
    const entry = stored as JsonObject;
    if (entry['position'] !== undefined) this.position = entry['position'];
    else if (entry['applied'] !== undefined) this.numbers.push(entry['applied']);
    else if (entry['lowWater'] !== undefined) this.lowWater = entry['lowWater'];
    else if (entry['kind'] !== undefined) {
      this.resources.push({ group: entry['group'] ?? '', kind: entry['kind'], lines: [] });
    } else this.resources.at(-1)?.lines.push(entry['line'] ?? null);
  }

  /** The state, or undefined when there were no lines. */
  state(): Json | undefined {
    if (this.empty) return undefined;
    const { position, numbers, lowWater, resources } = this;
    return { position, applied: { numbers, lowWater }, resources };
  }
}
