/**
 * The checkpoint: what the log up to record `seq` amounts to, so that older
 * segments can go and a start need not read them.
 *
 * `checkpoint.json` is a small document, kept by lowdb through an adapter of
 * ours, since lowdb's own neither syncs nor checks. What grows without bound
 * (postings, lines, outcomes) is not in it, but in data files that are written
 * once and listed with length and checksum.
 *
 * ```
 *   data files durable -> checkpoint.json replaced, durable -> old segments, unlisted data files removed
 * ```
 * A crash between two of these leaves files that no checkpoint lists; the next
 * start removes them.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Low } from 'lowdb';
import { assert } from '../base/assert.ts';
import { ParleyError } from '../base/errors.ts';
import { CHECKPOINT_FILE, dataFile, isDataFile, segmentFile } from './directory-layout.ts';
import { isDiskFull, readRange, withFile, writeFileDurably } from './durable-file.ts';
import { firstNeeded, listSegments, readable } from './log-scanner.ts';
import { readLines } from './line-reader.ts';
import { LINE_BYTES_MAX, checksumText } from './record-codec.ts';
import type { Adapter } from 'lowdb';
import type { Json } from '../base/canonical-json.ts';
import type { Disk } from './disk.ts';

/** A data file as the checkpoint lists it. */
export interface DataFileEntry {
  readonly name: string;
  /** What the lines are: lower case letters, digits, hyphens. */
  readonly kind: string;
  readonly bytes: number;
  /** CRC-32 of the whole file, 8 hex digits. */
  readonly crc: string;
}

/** The document in checkpoint.json; there it has one more member, `crc`, over all of these. */
export interface Checkpoint {
  readonly version: 1;
  /** The last record that is contained. */
  readonly seq: number;
  /** The checksum of that record: the chain goes on from it. */
  readonly checksum: string;
  /** Whose log it is: name and role stand in the first record, which may be gone. */
  readonly name: string;
  readonly role: string;
  readonly incarnation: string;
  /** The epoch in which it was made. */
  readonly epoch: number;
  readonly dataFiles: readonly DataFileEntry[];
  readonly state: Json;
}

const FRESH = null;
const CHECKPOINT_VERSION = 1;
const PIECE_LENGTH_MIN = 262_144;

/** Reads the document with its checksum, and replaces it durably. */
class SyncingAdapter implements Adapter<Checkpoint | null> {
  private readonly disk: Disk;
  private readonly path: string;

  constructor(disk: Disk, path: string) {
    this.disk = disk;
    this.path = path;
  }

  async read(): Promise<Checkpoint | null> {
    const text = await readable(this.path, () => readText(this.disk, this.path));
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (cause) {
      throw corrupt(this.path, 'it is not JSON', cause);
    }
    if (typeof document !== 'object' || document === null) throw corrupt(this.path, 'it is not an object');
    const { crc, ...checkpoint } = document as Checkpoint & { crc?: unknown };
    if (crc !== checksumText(crc32(JSON.stringify(checkpoint)))) throw corrupt(this.path, 'its checksum does not fit');
    if (checkpoint.version !== CHECKPOINT_VERSION) {
      throw corrupt(this.path, `its version is ${checkpoint.version}, this program reads ${CHECKPOINT_VERSION}`);
    }
    return checkpoint;
  }

  async write(checkpoint: Checkpoint | null): Promise<void> {
    // The crc covers the text that JSON gives back, so that reading can compute it from what it parsed.
    const text = JSON.stringify(checkpoint);
    const crc = checksumText(crc32(text));
    await writeFileDurably(this.disk, this.path, [Buffer.from(`${text.slice(0, -1)},"crc":"${crc}"}\n`)]);
  }
}

async function readText(disk: Disk, path: string): Promise<string> {
  return withFile(disk, path, 'read', async (fd) => {
    const pieces: Buffer[] = [];
    for await (const piece of readRange(disk, fd, 0, await disk.size(fd))) pieces.push(piece);
    return Buffer.concat(pieces).toString('utf8');
  });
}

function corrupt(path: string, why: string, cause?: unknown): ParleyError {
  return new ParleyError('checkpoint-corrupt', `${path}: ${why}.`, cause === undefined ? {} : { cause });
}

/** Opens the checkpoint of a directory, if it has one. Changes nothing. */
export async function openCheckpointStore(disk: Disk, directory: string): Promise<CheckpointStore> {
  const low = new Low<Checkpoint | null>(new SyncingAdapter(disk, join(directory, CHECKPOINT_FILE)), FRESH);
  const names = await readable(directory, () => disk.list(directory));
  if (names.includes(CHECKPOINT_FILE)) await low.read();
  return new CheckpointStore(disk, directory, low);
}

/** The checkpoint of one directory: reads it, writes its data files, replaces it. */
export class CheckpointStore {
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly low: Low<Checkpoint | null>;

  constructor(disk: Disk, directory: string, low: Low<Checkpoint | null>) {
    this.disk = disk;
    this.directory = directory;
    this.low = low;
  }

  /** The last durable checkpoint. */
  get current(): Checkpoint | undefined {
    return this.low.data ?? undefined;
  }

  /**
   * Writes a data file for the checkpoint at `seq`. `lines` is read while the
   * disk is written: it must not change meanwhile.
   * @param placed told of each line at which offset it was put; that counts when the checkpoint is durable
   */
  async writeDataFile(
    kind: string,
    seq: number,
    lines: Iterable<Json>,
    placed?: (line: Json, offset: number) => void,
  ): Promise<DataFileEntry> {
    const name = dataFile(kind, seq);
    assert(isDataFile(name), 'the kind of a data file is made of lower case letters, digits and hyphens');
    const listed = this.current?.dataFiles.some((entry) => entry.name === name) ?? false;
    assert(!listed, 'a data file that a checkpoint lists is never written again');
    const { bytes, crc } = await writeFileDurably(this.disk, join(this.directory, name), textOf(lines, placed));
    return { name, kind, bytes, crc: checksumText(crc) };
  }

  /**
   * Hands over the lines of a data file in order. What was handed over counts
   * only when this resolves.
   * @throws ParleyError `checkpoint-corrupt`, `directory-unusable`
   */
  async readDataFile(entry: DataFileEntry, onLine: (line: Json) => void): Promise<void> {
    const path = join(this.directory, entry.name);
    await this.scanDataFile(entry, (line) => onLine(parseLine(path, line)));
  }

  /**
   * The same with the bytes of each line and its offset, for what needs no parsing. The bytes are only valid during
   * the call.
   */
  async scanDataFile(entry: DataFileEntry, onLine: (line: Buffer, offset: number) => void): Promise<void> {
    const path = join(this.directory, entry.name);
    let bytes = 0;
    let crc = 0;
    await readable(path, () =>
      readLines(
        this.disk,
        path,
        (line, offset) => {
          onLine(line, offset);
          return 'next';
        },
        (chunk) => {
          bytes += chunk.length;
          crc = crc32(chunk, crc);
        },
      ),
    );
    if (bytes !== entry.bytes) throw corrupt(path, `it has ${bytes} bytes, the checkpoint says ${entry.bytes}`);
    if (checksumText(crc) !== entry.crc) throw corrupt(path, 'its checksum is not the one in the checkpoint');
  }

  /** Makes the checkpoint durable, tells so, then removes what it makes unneeded. */
  async commit(checkpoint: Checkpoint, whenDurable?: () => void): Promise<void> {
    assert(checkpoint.seq >= (this.current?.seq ?? 0), 'checkpoints do not go back');
    const previous = this.low.data;
    this.low.data = checkpoint;
    try {
      await this.low.write();
    } catch (error) {
      this.low.data = previous;
      throw error;
    }
    whenDurable?.();
    try {
      await this.removeUnneeded();
    } catch (error) {
      // It is durable, and who asked for it must hear so: what a full disk does not let go, the next one removes.
      if (!isDiskFull(error)) throw error;
    }
  }

  /** Removes segments that lie wholly before the checkpoint, and data files that it does not list. */
  async removeUnneeded(): Promise<void> {
    const checkpoint = this.current;
    const segments = await listSegments(this.disk, this.directory);
    const listed = new Set(checkpoint?.dataFiles.map(({ name }) => name));
    const names = await this.disk.list(this.directory);
    const unneeded = [
      ...segments.slice(0, firstNeeded(segments, checkpoint?.seq ?? 0)).map(segmentFile),
      ...names.filter((name) => isDataFile(name) && !listed.has(name)),
    ];
    for (const name of unneeded) await this.disk.remove(join(this.directory, name));
    if (unneeded.length > 0) await this.disk.syncDirectory(this.directory);
  }
}

/** Lines as text, many to a piece, so that the disk is not asked once per line. */
function* textOf(lines: Iterable<Json>, placed?: (line: Json, offset: number) => void): Generator<Buffer> {
  let text = '';
  let offset = 0;
  for (const line of lines) {
    const added = `${JSON.stringify(line)}\n`;
    const bytes = Buffer.byteLength(added);
    assert(bytes <= LINE_BYTES_MAX, `a line of a data file has at most ${LINE_BYTES_MAX} bytes`);
    placed?.(line, offset);
    offset += bytes;
    text += added;
    if (text.length < PIECE_LENGTH_MIN) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

function parseLine(path: string, line: Buffer): Json {
  try {
    return JSON.parse(line.toString('utf8')) as Json;
  } catch (cause) {
    throw corrupt(path, 'a line is not JSON', cause);
  }
}
