/**
 * What a crash leaves of the records that no sync covered, byte by byte. The
 * tail is written as the shipped codec writes it, cut or garbled anywhere, and
 * read back record by record:
 *
 *   cut      the bytes end somewhere, also in the middle of a record
 *   zeroed   and what follows the cut is zeros: the file grew, the data did not come
 *   garbage  and what follows the cut is anything
 *   flipped  cut, and one bit of the last bytes kept is turned
 *
 * `audit` gives the same bytes to the shipped scanner and repair, which read
 * them as a start would, and must come to the same records.
 */
import { scanLog } from '../wal/log-scanner.ts';
import type { ChainPlace } from '../wal/log-scanner.ts';
import { segmentFile } from '../wal/directory-layout.ts';
import { repairLog } from '../wal/log-repair.ts';
import type { LogRecord, StoredRecord } from '../wal/log-store.ts';
import { decodeRecord, encodeRecord } from '../wal/record-codec.ts';
import { MemoryDisk } from './memory-disk.ts';
import type { SeededRandom } from './seeded-random.ts';

/** A damaged tail: its bytes, the place in the chain before them, and how many of its records are whole. */
export interface DamagedTail {
  readonly before: ChainPlace;
  readonly bytes: Buffer;
  readonly whole: number;
  readonly damage: string;
}

const DIRECTORY = '/tail';
const LINE_FEED = 0x0a;
const PAGE_BYTES = 4096;

/** Damages the tail of a log; `durableSeq` is the last record that is synced. */
export function damageTail(
  tail: readonly StoredRecord<LogRecord>[],
  durableSeq: number,
  random: SeededRandom,
): DamagedTail {
  const before = { seq: durableSeq, checksum: random.whole(0, 0xffffffff).toString(16).padStart(8, '0') };
  const lines: string[] = [];
  let prev = before.checksum;
  for (const { seq, epoch, record } of tail) {
    const { line, checksum } = encodeRecord(record, { seq, epoch, prev });
    lines.push(line);
    prev = checksum;
  }
  const all = Buffer.from(lines.join(''));
  const damage = random.pick(['cut', 'cut', 'zeroed', 'garbage', 'flipped'] as const);
  const kept = Buffer.from(all.subarray(0, random.whole(0, all.length)));
  const after = random.whole(1, PAGE_BYTES);
  let bytes = kept;
  if (damage === 'zeroed') bytes = Buffer.concat([kept, Buffer.alloc(after)]);
  if (damage === 'garbage') bytes = Buffer.concat([kept, garbage(after, random)]);
  // Only in the last line: a valid record behind a broken one is damage, not a torn tail, and refused.
  if (damage === 'flipped') flip(bytes, random);
  return { before, bytes, whole: wholeRecords(bytes, before), damage };
}

/** Records at the beginning of `bytes` that are the next of the chain. */
function wholeRecords(bytes: Buffer, before: ChainPlace): number {
  let { seq, checksum } = before;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, start) + 1;
    const decoded = decodeRecord(bytes.subarray(start, end === 0 ? bytes.length : end));
    if (decoded.outcome !== 'record' || decoded.seq !== seq + 1 || decoded.prev !== checksum) break;
    ({ seq, checksum } = decoded);
    start = end;
  }
  return seq - before.seq;
}

function garbage(bytes: number, random: SeededRandom): Buffer {
  const filled = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) filled[at] = random.whole(0, 255);
  return filled;
}

function flip(bytes: Buffer, random: SeededRandom): void {
  if (bytes.length === 0) return;
  const lastLine = bytes.subarray(0, -1).lastIndexOf(LINE_FEED) + 1;
  const at = random.whole(lastLine, bytes.length - 1);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.whole(0, 7));
}

/** What the shipped scanner and repair make of a damaged tail; undefined when they come to the same records. */
export async function audit(tail: DamagedTail): Promise<string | undefined> {
  const disk = new MemoryDisk();
  const file = `${DIRECTORY}/${segmentFile(tail.before.seq + 1)}`;
  disk.files.set(file, tail.bytes);
  const scan = (): ReturnType<typeof scanLog> =>
    scanLog({ disk, directory: DIRECTORY, checkpoint: tail.before, onRecord: () => undefined });
  const found = await scan();
  const { verdict, segments } = found;
  const what = `a tail of ${tail.bytes.length} bytes (${tail.damage})`;
  if (verdict.kind === 'corrupt') return `${what} is refused: ${verdict.reason}`;
  if (found.records !== tail.whole)
    return `${what} holds ${tail.whole} whole records; the scanner finds ${found.records}`;
  await repairLog({ disk, directory: DIRECTORY, verdict, segments, now: new Date(0) });
  const mended = await scan();
  if (mended.verdict.kind !== 'clean' || mended.records !== tail.whole) return `${what} is not clean after its repair`;
  return undefined;
}
