/**
 * The resources of one participant by group: the place where reads find them,
 * and their committed state for a checkpoint.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/canonical-json.ts';
import { History } from './history.ts';
import { Ledger } from './ledger.ts';
import { Notebook } from './notebook.ts';
import { restoreAll } from './resource.ts';
import type { Resource, ResourceKind } from './resource.ts';
import { contradiction, storedList, storedObject, storedString } from './stored-json.ts';

/** A group this participant is a member of, and what it holds. */
export interface GroupConfig {
  readonly group: string;
  readonly kind: ResourceKind;
}

const MAKE: Readonly<Record<ResourceKind, () => Resource>> = {
  ledger: () => new Ledger(),
  history: () => new History(),
  notebook: () => new Notebook(),
};

/** An empty resource. */
export function emptyResource(kind: ResourceKind): Resource {
  return MAKE[kind]();
}

/** One resource per group, in the order of the configuration. */
export class GroupResources {
  readonly #resources = new Map<string, Resource>();

  constructor(groups: readonly GroupConfig[]) {
    for (const { group, kind } of groups) {
      assert(!this.#resources.has(group), `a group is configured once: ${group}`);
      this.#resources.set(group, emptyResource(kind));
    }
  }

  /** The resource of a group, or undefined when this participant is not a member. */
  find(group: string): Resource | undefined {
    return this.#resources.get(group);
  }

  /** The resource of a group this participant is a member of. */
  get(group: string): Resource {
    const resource = this.#resources.get(group);
    assert(resource !== undefined, `this participant is a member of the group ${group}`);
    return resource;
  }

  /** Another resource of the same kind takes the place of a group's. */
  replace(group: string, resource: Resource): void {
    assert(this.get(group).kind === resource.kind, `a group keeps its kind: ${group}`);
    this.#resources.set(group, resource);
  }

  /** The ledger of a group, or undefined when the group is not here or holds something else. */
  ledger(group: string): Ledger | undefined {
    const resource = this.#resources.get(group);
    return resource instanceof Ledger ? resource : undefined;
  }

  /** As ledger(), for a history. */
  history(group: string): History | undefined {
    const resource = this.#resources.get(group);
    return resource instanceof History ? resource : undefined;
  }

  /** As ledger(), for a notebook. */
  notebook(group: string): Notebook | undefined {
    const resource = this.#resources.get(group);
    return resource instanceof Notebook ? resource : undefined;
  }

  /** The committed state of all groups, its lines made when they are read. */
  snapshots(): readonly { readonly group: string; readonly kind: ResourceKind; readonly lines: Iterable<Json> }[] {
    return [...this.#resources].map(([group, resource]) => ({
      group,
      kind: resource.kind,
      lines: resource.snapshot(),
    }));
  }

  /** The same in one value. */
  state(): Json {
    return this.snapshots().map((snapshot) => ({ ...snapshot, lines: [...snapshot.lines] }));
  }

  /** Takes state() back. @throws ParleyError `checkpoint-corrupt`, also for a group that is configured otherwise now */
  restore(state: Json | undefined): void {
    for (const stored of storedList(state, 'resources')) {
      const entry = storedObject(stored, 'A resource');
      const group = storedString(entry['group'], 'The group of a resource');
      const kind = storedString(entry['kind'], `The kind of ${group}`);
      const resource = this.#resources.get(group);
      if (resource?.kind !== kind) {
        throw contradiction(`The group ${group} was a ${kind} and is configured as ${resource?.kind ?? 'nothing'}.`);
      }
      restoreAll(resource, storedList(entry['lines'], `The lines of ${group}`));
    }
  }
}
