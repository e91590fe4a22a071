/**
 * Reading without waiting: for the rare look at what is on disk while a step is
 * under way. Kept open, since a file that is removed meanwhile must still be
 * read by who knows it.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** A file that is open. Errors are Node's own. */
export interface OpenFile {
  /** Reads into the whole of `into` or less; 0 at the end of the file. */
  read(into: Uint8Array, position: number): number;
  close(): void;
}

/** The port: opens a file by its whole path. */
export type OpenNow = (path: string) => OpenFile;

/** The files of this machine. */
export const openNow: OpenNow = (path) => {
  const fd = openSync(path, 'r');
  return {
    read: (into, position) => readSync(fd, into, 0, into.byteLength, position),
    close: () => closeSync(fd),
  };
};
