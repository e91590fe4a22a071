/**
 * Which prepared, undecided transactions write which key, and who waits for
 * them. A read of such a key must not answer before the writes that were
 * prepared before it came are decided: a client may know already that one of
 * them committed.
 */
import type { AttemptNumber } from '../base/ids.ts';

interface Reader {
  readonly missing: Set<AttemptNumber>;
  readonly callback: () => void;
}

/** Keys are prefixed with their group by the caller. */
export class UndecidedWrites {
  readonly #numbersByKey = new Map<string, Set<AttemptNumber>>();
  readonly #keysByNumber = new Map<AttemptNumber, readonly string[]>();
  readonly #readers = new Map<AttemptNumber, Set<Reader>>();

  /** Notes the keys that a transaction which voted yes will change. */
  add(number: AttemptNumber, keys: readonly string[]): void {
    this.#keysByNumber.set(number, keys);
    for (const key of keys) {
      const numbers = this.#numbersByKey.get(key) ?? new Set();
      this.#numbersByKey.set(key, numbers.add(number));
    }
  }

  /** The undecided writers of a key in the order in which they voted. */
  of(key: string): readonly AttemptNumber[] {
    return [...(this.#numbersByKey.get(key) ?? [])];
  }

  /** Takes back the keys of a transaction that begin with `prefix`: it will not change them. */
  removePrefix(number: AttemptNumber, prefix: string): void {
    const keys = this.#keysByNumber.get(number);
    if (keys === undefined) return;
    this.#unlink(
      number,
      keys.filter((key) => key.startsWith(prefix)),
    );
    this.#keysByNumber.set(
      number,
      keys.filter((key) => !key.startsWith(prefix)),
    );
  }

  /** The transaction is decided and its outcome is visible: forgets it and calls the readers that waited for it last. */
  end(number: AttemptNumber): void {
    this.#unlink(number, this.#keysByNumber.get(number) ?? []);
    this.#keysByNumber.delete(number);
    const readers = this.#readers.get(number) ?? [];
    this.#readers.delete(number);
    for (const reader of readers) {
      reader.missing.delete(number);
      if (reader.missing.size === 0) reader.callback();
    }
  }

  /** Calls `callback` once all these are decided; at once when none is undecided. Returns how to give up. */
  after(numbers: readonly AttemptNumber[], callback: () => void): () => void {
    const missing = new Set(numbers.filter((number) => this.#keysByNumber.has(number)));
    if (missing.size === 0) {
      callback();
      return () => undefined;
    }
    const reader: Reader = { missing, callback };
    for (const number of missing) {
      const readers = this.#readers.get(number) ?? new Set();
      this.#readers.set(number, readers.add(reader));
    }
    return () => {
      for (const number of missing) {
        const readers = this.#readers.get(number);
        readers?.delete(reader);
        if (readers?.size === 0) this.#readers.delete(number);
      }
    };
  }

  #unlink(number: AttemptNumber, keys: readonly string[]): void {
    for (const key of keys) {
      const numbers = this.#numbersByKey.get(key);
      numbers?.delete(number);
      if (numbers?.size === 0) this.#numbersByKey.delete(key);
    }
  }
}
