/**
 * A file as lines, in bounded memory. A line is handed over with its LF and
 * its offset; the last one may lack the LF. A run of bytes longer than any
 * legal line is handed over in pieces: no piece is a record, and the reader
 * finds its feet again at the next LF.
 */
import { withFile } from './durable-file.ts';
import { LINE_BYTES_MAX } from './record-codec.ts';
import type { Disk } from './disk.ts';

const LINE_FEED = 0x0a;
/** Room for one line of the greatest length and as much again, so that moving the rest down is rare. */
const BUFFER_BYTES = 2 * LINE_BYTES_MAX;

/** What the receiver of a line wants next. */
export type Wish = 'next' | 'stop';

/**
 * Reads the lines of `path`. The bytes of a line are only valid during the call.
 * @param onChunk sees every byte once, in order, before the lines made of them
 */
export async function readLines(
  disk: Disk,
  path: string,
  onLine: (line: Buffer, offset: number) => Wish,
  onChunk?: (bytes: Buffer) => void,
): Promise<void> {
  await withFile(disk, path, 'read', async (fd) => {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    let position = 0; // of buffer[0] in the file
    let filled = 0;
    for (;;) {
      const count = await disk.read(fd, buffer.subarray(filled), position + filled);
      onChunk?.(buffer.subarray(filled, filled + count));
      filled += count;
      const used = handOver(buffer.subarray(0, filled), position, count === 0, onLine);
      if (used === 'stop' || count === 0) return;
      buffer.copyWithin(0, used, filled);
      position += used;
      filled -= used;
    }
  });
}

/** Hands over the whole lines of `bytes`, and at the end of the file the rest; answers how many bytes were used. */
function handOver(
  bytes: Buffer,
  position: number,
  atEnd: boolean,
  onLine: (line: Buffer, offset: number) => Wish,
): number | 'stop' {
  let start = 0;
  while (start < bytes.length) {
    const lineFeed = bytes.indexOf(LINE_FEED, start);
    const tooLong = bytes.length - start > LINE_BYTES_MAX;
    if (lineFeed === -1 && !atEnd && !tooLong) break;
    const end = lineFeed === -1 ? bytes.length : lineFeed + 1;
    if (onLine(bytes.subarray(start, end), position + start) === 'stop') return 'stop';
    start = end;
  }
  return start;
}
