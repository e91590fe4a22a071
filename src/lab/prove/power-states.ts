/**
 * Every state that a power cut could leave on the disk, from a write list.
 *
 * Bytes are safe when their file was synced, names when their directory was.
 * What came after the last sync is the *window*; of it the disk may hold
 *
 * | what survives of the window | the state is called |
 * | --- | --- |
 * | nothing | dropped |
 * | all of it | whole |
 * | all before its last write, and that one up to some byte, for every byte | torn |
 * | the same, and zeros from there to where the write would have ended | zeroed |
 * | any of its writes without one before it, or some sectors of one | reordered |
 *
 * for bytes; and for the names of a directory the first few changes, or any
 * one missing. A reordered state is the only one in which a later record may
 * be there without an earlier one.
 */
import { dirname } from 'node:path';
import { overwritten, resized } from './write-list-disk.ts';
import type { DiskChange } from './write-list-disk.ts';

/** One state, and how it came about. */
export interface PowerState {
  /** How many changes of the list the process had asked for. */
  readonly after: number;
  readonly files: ReadonlyMap<string, Buffer>;
  /** For a person, and to tell states apart: `torn at byte 17 of 93`. */
  readonly how: string;
  readonly reordered: boolean;
}

/** A sync that the disk claims and does not do: the control that shows the check can fail. */
export type LyingSync = 'sync' | 'sync-directory';

interface ByteChange {
  readonly position: number;
  /** Undefined: the file was cut (or grown) to `position`. */
  readonly bytes: Buffer | undefined;
}

interface DiskFile {
  synced: Buffer;
  window: ByteChange[];
}

interface NameChange {
  readonly directory: string;
  readonly apply: (names: Map<string, number>) => void;
}

interface DataVariant {
  readonly data: ReadonlyMap<number, Buffer>;
  readonly how: string;
  readonly reordered: boolean;
}

/** Sectors of a reordered write: small, so that even a batch of few records has several. */
const SECTOR_BYTES = 64;

/** The disk as a power cut sees it, fed change by change. */
export class PowerModel {
  readonly #files = new Map<number, DiskFile>();
  readonly #lying: LyingSync | undefined;
  #names: Map<string, number>;
  #nameWindow: NameChange[] = [];
  #changes = 0;

  /** @param initial what was durable at the beginning, numbered as WriteListDisk numbers it */
  constructor(initial: ReadonlyMap<string, Buffer>, lying?: LyingSync) {
    this.#lying = lying;
    this.#names = new Map([...initial.keys()].map((path, file) => [path, file]));
    for (const [file, data] of [...initial.values()].entries()) this.#files.set(file, { synced: data, window: [] });
  }

  /** Takes the next change of the list. */
  take(change: DiskChange): void {
    this.#changes += 1;
    switch (change.kind) {
      case 'create':
        this.#files.set(change.file, { synced: Buffer.alloc(0), window: [] });
        return this.#rename(change.path, (names) => names.set(change.path, change.file));
      case 'write':
        this.#file(change.file).window.push({ position: change.position, bytes: change.bytes });
        return;
      case 'truncate':
        this.#file(change.file).window.push({ position: change.bytes, bytes: undefined });
        return;
      case 'sync':
        return this.#sync(this.#file(change.file));
      case 'rename':
        return this.#rename(change.to, (names) => {
          const file = names.get(change.from);
          if (file === undefined) return;
          names.delete(change.from);
          names.set(change.to, file);
        });
      case 'remove':
        return this.#rename(change.path, (names) => names.delete(change.path));
      case 'sync-directory':
        return this.#syncDirectory(change.directory);
    }
  }

  /** The states that a cut just now could leave; some may be alike. */
  *states(): Generator<PowerState> {
    const plain = [...this.#plainData()];
    const torn = [...this.#tornData()];
    const allNames = this.#namesAfter(() => true);
    for (const names of this.#nameVariants()) {
      for (const data of plain) yield this.#state(names, data);
      // Torn bytes under other names than the newest matter only now and then: one in the middle shows it.
      const middle = torn[Math.floor(torn.length / 2)];
      if (middle !== undefined) yield this.#state(names, middle);
    }
    for (const data of torn) yield this.#state({ names: allNames, how: 'all names', reordered: false }, data);
  }

  #state(
    { names, how, reordered }: { names: ReadonlyMap<string, number>; how: string; reordered: boolean },
    variant: DataVariant,
  ): PowerState {
    const dataOf = (file: number): Buffer => variant.data.get(file) ?? this.#file(file).synced;
    return {
      after: this.#changes,
      files: new Map([...names].map(([path, file]) => [path, dataOf(file)])),
      how: `${how}, ${variant.how}`,
      reordered: reordered || variant.reordered,
    };
  }

  *#nameVariants(): Generator<{ names: ReadonlyMap<string, number>; how: string; reordered: boolean }> {
    const count = this.#nameWindow.length;
    for (let first = 0; first <= count; first += 1) {
      const how = `${first} of ${count} names`;
      yield { names: this.#namesAfter((index) => index < first), how, reordered: false };
    }
    // All but one of the changes; without the last is the case above.
    for (let missing = 0; missing < count - 1; missing += 1) {
      const how = `all names but change ${missing + 1} of ${count}`;
      yield { names: this.#namesAfter((index) => index !== missing), how, reordered: false };
    }
  }

  *#plainData(): Generator<DataVariant> {
    yield { data: new Map(), how: 'dropped', reordered: false };
    const written = [...this.#files].filter(([, { window }]) => window.length > 0);
    if (written.length === 0) return;
    yield {
      data: new Map(written.map(([number, file]) => [number, applied(file.synced, file.window)])),
      how: 'whole',
      reordered: false,
    };
    if (written.length === 1) return;
    for (const [number, file] of written) {
      const data = new Map([[number, applied(file.synced, file.window)]]);
      yield { data, how: `file ${number} alone whole`, reordered: false };
    }
  }

  *#tornData(): Generator<DataVariant> {
    for (const [number, { synced, window }] of this.#files) {
      const last = window.at(-1);
      if (last?.bytes === undefined) continue;
      const before = applied(synced, window.slice(0, -1));
      const { position, bytes } = last;
      for (let byte = 1; byte < bytes.length; byte += 1) {
        const cut = overwritten(before, position, bytes.subarray(0, byte));
        const how = `file ${number} torn at byte ${byte} of ${bytes.length}`;
        yield { data: new Map([[number, cut]]), how, reordered: false };
        const zeroed = resized(cut, Math.max(cut.length, position + bytes.length));
        // Every seventh is enough: what counts is where the zeros begin within a record.
        if (byte % 7 === 0) yield { data: new Map([[number, zeroed]]), how: `${how}, then zeros`, reordered: false };
      }
      yield* reorderedData(number, synced, window);
    }
  }

  #namesAfter(survives: (index: number) => boolean): ReadonlyMap<string, number> {
    const names = new Map(this.#names);
    this.#nameWindow.forEach(({ apply }, index) => {
      if (survives(index)) apply(names);
    });
    return names;
  }

  #rename(path: string, apply: (names: Map<string, number>) => void): void {
    this.#nameWindow.push({ directory: dirname(path), apply });
  }

  #sync(file: DiskFile): void {
    if (this.#lying === 'sync') return;
    file.synced = applied(file.synced, file.window);
    file.window = [];
  }

  #syncDirectory(directory: string): void {
    if (this.#lying === 'sync-directory') return;
    for (const { apply } of this.#nameWindow.filter((change) => change.directory === directory)) apply(this.#names);
    this.#nameWindow = this.#nameWindow.filter((change) => change.directory !== directory);
  }

  #file(number: number): DiskFile {
    const file = this.#files.get(number);
    if (file === undefined) throw new RangeError(`the write list names file ${number} before it made it`);
    return file;
  }
}

/** Each write of the window missing, and each sector of the last one missing, with all the rest there. */
function* reorderedData(number: number, synced: Buffer, window: readonly ByteChange[]): Generator<DataVariant> {
  for (let missing = 0; missing < window.length - 1; missing += 1) {
    const data = applied(
      synced,
      window.filter((_, index) => index !== missing),
    );
    yield { data: new Map([[number, data]]), how: `file ${number} without write ${missing + 1}`, reordered: true };
  }
  const last = window.at(-1);
  const { position, bytes } = { position: last?.position ?? 0, bytes: last?.bytes ?? Buffer.alloc(0) };
  for (let start = 0; start + SECTOR_BYTES < bytes.length; start += SECTOR_BYTES) {
    const holed = Buffer.from(bytes).fill(0, start, start + SECTOR_BYTES);
    const data = overwritten(applied(synced, window.slice(0, -1)), position, holed);
    yield { data: new Map([[number, data]]), how: `file ${number} without sector at ${start}`, reordered: true };
  }
}

function applied(data: Buffer, window: readonly ByteChange[]): Buffer {
  return window.reduce(
    (now, { position, bytes }) => (bytes === undefined ? resized(now, position) : overwritten(now, position, bytes)),
    data,
  );
}
