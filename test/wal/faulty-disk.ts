/** The real disk with faults to order: each hook may replace what the disk would do. */
import { realDisk } from '../../src/wal/disk.ts';
import type { Disk } from '../../src/wal/disk.ts';

/** An error as Node's file system makes it. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: made to fail`), { code });
}

/** A disk like the real one but for the members given. */
export function faultyDisk(faults: Partial<Disk>): Disk {
  return { ...realDisk, ...faults };
}

/** A disk with room for `bytes` more; writing over what is there is free, truncating gives back. */
export function fullDisk(bytes: number): { readonly disk: Disk; room: number } {
  const sizes = new Map<number, number>();
  const state = {
    room: bytes,
    disk: faultyDisk({
      open: async (path, mode) => {
        if (mode === 'create') {
          const old = await realDisk.open(path, 'read').catch(() => undefined);
          if (old !== undefined) {
            state.room += await realDisk.size(old);
            await realDisk.close(old);
          }
        }
        const fd = await realDisk.open(path, mode);
        sizes.set(fd, await realDisk.size(fd));
        return fd;
      },
      write: async (fd, chunk, position) => {
        const size = sizes.get(fd) ?? 0;
        const count = Math.min(chunk.byteLength, size + state.room - position);
        if (count <= 0) throw errno('ENOSPC');
        const written = await realDisk.write(fd, chunk.subarray(0, count), position);
        const grown = Math.max(0, position + written - size);
        state.room -= grown;
        sizes.set(fd, size + grown);
        return written;
      },
      truncate: async (fd, length) => {
        await realDisk.truncate(fd, length);
        state.room += Math.max(0, (sizes.get(fd) ?? 0) - length);
        sizes.set(fd, length);
      },
    }),
  };
  return state;
}
