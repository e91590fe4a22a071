/** A disk of files in memory behind the port of the log: what the shipped scanner and repair read and mend in a simulated world. */
import type { Disk } from '../wal/disk.ts';

/** Files by path; see the header. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>();
  private readonly paths = new Map<number, string>();
  private opened = 0;

  open(path: string, mode: 'read' | 'write' | 'create'): Promise<number> {
    if (mode === 'create') this.files.set(path, Buffer.alloc(0));
    if (!this.files.has(path)) return missing(path);
    this.opened += 1;
    this.paths.set(this.opened, path);
    return Promise.resolve(this.opened);
  }

  read(fd: number, into: Uint8Array, position: number): Promise<number> {
    const bytes = this.bytesOf(fd).subarray(position, position + into.byteLength);
    into.set(bytes);
    return Promise.resolve(bytes.length);
  }

  write(fd: number, bytes: Uint8Array, position: number): Promise<number> {
    const before = this.bytesOf(fd);
    const after = Buffer.alloc(Math.max(before.length, position + bytes.byteLength));
    after.set(before);
    after.set(bytes, position);
    this.files.set(this.pathOf(fd), after);
    return Promise.resolve(bytes.byteLength);
  }

  truncate(fd: number, bytes: number): Promise<void> {
    this.files.set(this.pathOf(fd), this.bytesOf(fd).subarray(0, bytes));
    return Promise.resolve();
  }

  size(fd: number): Promise<number> {
    return Promise.resolve(this.bytesOf(fd).length);
  }

  close(fd: number): Promise<void> {
    this.paths.delete(fd);
    return Promise.resolve();
  }

  rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.files.get(from) ?? Buffer.alloc(0));
    this.files.delete(from);
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }

  list(directory: string): Promise<readonly string[]> {
    const inside = [...this.files.keys()].filter((path) => path.startsWith(`${directory}/`));
    return Promise.resolve(inside.map((path) => path.slice(directory.length + 1)));
  }

  makeDirectory(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  // Nothing here is ever lost: what a power cut takes was taken before.
  sync(): Promise<void> {
    return Promise.resolve();
  }

  syncDirectory(): Promise<void> {
    return Promise.resolve();
  }

  touchNow(path: string): void {
    this.files.set(path, Buffer.alloc(0));
  }

  private pathOf(fd: number): string {
    return this.paths.get(fd) ?? '';
  }

  private bytesOf(fd: number): Buffer {
    return this.files.get(this.pathOf(fd)) ?? Buffer.alloc(0);
  }
}

function missing(path: string): Promise<never> {
  return Promise.reject(Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' }));
}
