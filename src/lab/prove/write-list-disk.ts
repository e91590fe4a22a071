/**
 * A disk in memory that writes down every change it was asked for, in order:
 * the write list from which power-states.ts makes each state that a power cut
 * could leave. (The idea is that of SQLite's crash tests and of ALICE: Pillai
 * et al., "All File Systems Are Not Created Equal", OSDI 2014.)
 *
 * Files have numbers, as inodes do: a name may go while the file is still
 * written to, and a rename moves a name and no byte.
 */
import type { Disk, OpenMode } from '../../wal/disk.ts';

/** One change. `file` is the number of a file, `path` and `directory` are whole paths. */
export type DiskChange =
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  | { readonly kind: 'write'; readonly file: number; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: number; readonly bytes: number }
  | { readonly kind: 'sync'; readonly file: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'sync-directory'; readonly directory: string };

/** Every third write takes only half of what it is given: a short write is no error and must be gone on with. */
const SHORT_EVERY = 3;

interface OpenFile {
  data: Buffer;
}

/** See the header. Everything in `files` at the beginning is durable. */
export class WriteListDisk implements Disk {
  readonly changes: DiskChange[] = [];
  /** Called before each change, with the number of those before it. */
  onChange: (before: number) => void = () => undefined;
  /** The change before which the process dies: no operation ends after it. */
  dieBefore = Infinity;
  readonly died: Promise<void>;
  readonly #files: OpenFile[] = [];
  readonly #names = new Map<string, number>();
  readonly #open = new Map<number, number>();
  #nextFd = 3;
  #writes = 0;
  #die: () => void = () => undefined;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [path, data] of files) this.#names.set(path, this.#files.push({ data }) - 1);
    this.died = new Promise((resolve) => (this.#die = resolve));
  }

  /** The files as a process sees them now; what a process finds that starts after kill -9. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([path, file]) => [path, this.#file(file).data]));
  }

  async open(path: string, mode: OpenMode): Promise<number> {
    let file = this.#names.get(path);
    if (mode === 'create') {
      if (file === undefined) {
        file = this.#files.length;
        await this.#change({ kind: 'create', path, file });
        this.#files.push({ data: Buffer.alloc(0) });
        this.#names.set(path, file);
      } else {
        await this.#change({ kind: 'truncate', file, bytes: 0 });
        this.#file(file).data = Buffer.alloc(0);
      }
    }
    if (file === undefined) throw failure('ENOENT', path);
    this.#open.set(this.#nextFd, file);
    return this.#nextFd++;
  }

  async read(fd: number, into: Uint8Array, position: number): Promise<number> {
    return this.#file(this.#number(fd)).data.copy(into, 0, position);
  }

  async write(fd: number, bytes: Uint8Array, position: number): Promise<number> {
    const file = this.#number(fd);
    this.#writes += 1;
    const count = this.#writes % SHORT_EVERY === 0 ? Math.ceil(bytes.length / 2) : bytes.length;
    const taken = Buffer.from(bytes.subarray(0, count));
    await this.#change({ kind: 'write', file, position, bytes: taken });
    this.#file(file).data = overwritten(this.#file(file).data, position, taken);
    return count;
  }

  async sync(fd: number): Promise<void> {
    await this.#change({ kind: 'sync', file: this.#number(fd) });
  }

  async truncate(fd: number, bytes: number): Promise<void> {
    const file = this.#number(fd);
    await this.#change({ kind: 'truncate', file, bytes });
    this.#file(file).data = resized(this.#file(file).data, bytes);
  }

  async size(fd: number): Promise<number> {
    return this.#file(this.#number(fd)).data.length;
  }

  async close(fd: number): Promise<void> {
    this.#open.delete(fd);
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#names.get(from);
    if (file === undefined) throw failure('ENOENT', from);
    await this.#change({ kind: 'rename', from, to });
    this.#names.delete(from);
    this.#names.set(to, file);
  }

  async remove(path: string): Promise<void> {
    if (!this.#names.has(path)) throw failure('ENOENT', path);
    await this.#change({ kind: 'remove', path });
    this.#names.delete(path);
  }

  async list(directory: string): Promise<readonly string[]> {
    const prefix = `${directory}/`;
    return [...this.#names.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  }

  async makeDirectory(): Promise<string | undefined> {
    return undefined;
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#change({ kind: 'sync-directory', directory });
  }

  touchNow(path: string): void {
    if (!this.#names.has(path)) this.#names.set(path, this.#files.push({ data: Buffer.alloc(0) }) - 1);
  }

  async #change(change: DiskChange): Promise<void> {
    if (this.changes.length >= this.dieBefore) {
      this.#die();
      await new Promise(() => undefined);
    }
    this.onChange(this.changes.length);
    this.changes.push(change);
  }

  #number(fd: number): number {
    const file = this.#open.get(fd);
    if (file === undefined) throw failure('EBADF', String(fd));
    return file;
  }

  #file(number: number): OpenFile {
    const file = this.#files[number];
    if (file === undefined) throw failure('EBADF', String(number));
    return file;
  }
}

/** `data` with `bytes` at `position`; a gap before them is zeros. */
export function overwritten(data: Buffer, position: number, bytes: Uint8Array): Buffer {
  const next = resized(data, Math.max(data.length, position + bytes.length));
  next.set(bytes, position);
  return next;
}

/** A copy of `data` with this length; what is added is zeros. */
export function resized(data: Buffer, bytes: number): Buffer {
  const next = Buffer.alloc(bytes);
  data.copy(next);
  return next;
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
