/**
 * A disk in memory whose power can be cut. It keeps apart what a process sees
 * from what would be there after a power cut: bytes count when their file was
 * synced, names when their directory was. What was not synced may be lost, or
 * kept in part: of the bytes added to a file a beginning, of the names changed
 * the first few (journals keep order).
 */
import { dirname } from 'node:path';
import type { Disk, OpenMode } from '../../src/wal/disk.ts';

interface File {
  data: Buffer;
  synced: Buffer;
}

interface NameChange {
  readonly directory: string;
  readonly apply: (names: Map<string, File>) => void;
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
}

export class PowerDisk implements Disk {
  /** Operations done so far that change something. */
  operations = 0;
  /** The operation before which the process dies; nothing after it ever ends. */
  dieBefore = Infinity;
  readonly died: Promise<void>;
  private names = new Map<string, File>();
  private durableNames = new Map<string, File>();
  private unsyncedNames: NameChange[] = [];
  private readonly open_ = new Map<number, File>();
  private nextFd = 3;
  private die: () => void = () => undefined;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [path, data] of files) this.names.set(path, { data, synced: data });
    this.durableNames = new Map(this.names);
    this.died = new Promise((resolve) => (this.die = resolve));
  }

  /** The files as a process sees them. */
  files(): Map<string, Buffer> {
    return new Map([...this.names].map(([path, { data }]) => [path, Buffer.from(data)]));
  }

  /** What a process finds that starts after kill -9. */
  afterKill(): PowerDisk {
    return new PowerDisk(this.files());
  }

  /** What a process finds after the power came back; `kept` is the share of what was not synced that survived. */
  afterPowerLoss(kept: number): PowerDisk {
    const names = new Map(this.durableNames);
    for (const { apply } of this.unsyncedNames.slice(0, Math.round(kept * this.unsyncedNames.length))) apply(names);
    const dataOf = ({ data, synced }: File): Buffer => {
      const added = data.subarray(0, synced.length).equals(synced) ? data.subarray(synced.length) : Buffer.alloc(0);
      return Buffer.concat([synced, added.subarray(0, Math.round(kept * added.length))]);
    };
    return new PowerDisk(new Map([...names].map(([path, file]) => [path, dataOf(file)])));
  }

  async open(path: string, mode: OpenMode): Promise<number> {
    let file = this.names.get(path);
    if (mode === 'create') {
      await this.step();
      if (file === undefined) file = this.create(path);
      else file.data = Buffer.alloc(0);
    }
    if (file === undefined) throw missing(path);
    this.open_.set(this.nextFd, file);
    return this.nextFd++;
  }

  private create(path: string): File {
    const file: File = { data: Buffer.alloc(0), synced: Buffer.alloc(0) };
    this.change(dirname(path), (names) => names.set(path, file));
    return file;
  }

  async read(fd: number, into: Uint8Array, position: number): Promise<number> {
    return this.at(fd).data.copy(into, 0, position);
  }

  async write(fd: number, bytes: Uint8Array, position: number): Promise<number> {
    await this.step();
    const file = this.at(fd);
    // Half of it, then the rest: every write of more than a byte is a short one.
    const count = Math.ceil(bytes.length / 2);
    const end = Math.max(file.data.length, position + count);
    const data = Buffer.alloc(end);
    file.data.copy(data);
    data.set(bytes.subarray(0, count), position);
    file.data = data;
    return count;
  }

  async sync(fd: number): Promise<void> {
    await this.step();
    const file = this.at(fd);
    file.synced = Buffer.from(file.data);
  }

  async truncate(fd: number, bytes: number): Promise<void> {
    await this.step();
    this.at(fd).data = Buffer.from(this.at(fd).data.subarray(0, bytes));
  }

  async size(fd: number): Promise<number> {
    return this.at(fd).data.length;
  }

  async close(fd: number): Promise<void> {
    this.open_.delete(fd);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step();
    const file = this.names.get(from);
    if (file === undefined) throw missing(from);
    this.change(dirname(to), (names) => {
      names.delete(from);
      names.set(to, file);
    });
  }

  async remove(path: string): Promise<void> {
    await this.step();
    if (!this.names.has(path)) throw missing(path);
    this.change(dirname(path), (names) => names.delete(path));
  }

  async list(directory: string): Promise<readonly string[]> {
    const prefix = `${directory}/`;
    return [...this.names.keys()].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  }

  async makeDirectory(): Promise<string | undefined> {
    return undefined;
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.step();
    for (const { apply } of this.unsyncedNames.filter((change) => change.directory === directory)) {
      apply(this.durableNames);
    }
    this.unsyncedNames = this.unsyncedNames.filter((change) => change.directory !== directory);
  }

  touchNow(path: string): void {
    if (!this.names.has(path)) this.create(path);
  }

  private change(directory: string, apply: (names: Map<string, File>) => void): void {
    apply(this.names);
    this.unsyncedNames.push({ directory, apply });
  }

  private at(fd: number): File {
    const file = this.open_.get(fd);
    if (file === undefined) throw Object.assign(new Error('EBADF'), { code: 'EBADF' });
    return file;
  }

  private async step(): Promise<void> {
    if (this.operations >= this.dieBefore) {
      this.die();
      await new Promise(() => undefined);
    }
    this.operations += 1;
  }
}
