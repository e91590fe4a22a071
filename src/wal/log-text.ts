/**
 * A log as people read it, one line a record:
 *
 * ```
 *      seq  epoch  type          id / number            the rest
 *        1      1  start         -                      name=P1 role=participant …
 *        2      1  prepared      c7f3a9b2.1.1           id=TX001 sites=["P1","P2"]
 * ```
 * or as JSON, one object a line: `{"seq": 1, "epoch": 1, "record": {...}}`,
 * `{"checkpoint": {...}}`, `{"damage": {...}}`, `{"bad": {...}}`, `{"verdict": "..."}`.
 *
 * It only reads, and takes no lock, so it may be used on the log of a running
 * node (whose last line may then be half written). On a damaged log it says
 * where the damage is and goes on with the records after it.
 */
import { join } from 'node:path';
import { ParleyError } from '../base/errors.ts';
import { openCheckpointStore } from './checkpoint.ts';
import { segmentFile } from './directory-layout.ts';
import { realDisk } from './disk.ts';
import { readLines } from './line-reader.ts';
import { firstNeeded, listSegments, readable, scanLog } from './log-scanner.ts';
import { decodeRecord } from './record-codec.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import type { Verdict } from './log-scanner.ts';
import type { DecodedRecord } from './record-codec.ts';

/** Which directory, in which form, and where the lines go. */
export interface PrintOptions {
  readonly directory: string;
  readonly json: boolean;
  /** Gets lines without their LF. */
  readonly write: (line: string) => void;
  readonly disk?: Disk;
}

/** What the log is worth, and the checkpoint's fault if it has one. */
export interface PrintedLog {
  readonly verdict: Verdict;
  readonly checkpointFault: ParleyError | undefined;
}

/**
 * Prints the checkpoint, then every record that can be read.
 * @throws ParleyError `directory-unusable` (there is nothing to read)
 */
export async function printLog(options: PrintOptions): Promise<PrintedLog> {
  const { directory, write } = options;
  const disk = options.disk ?? realDisk;
  const printer = options.json ? jsonPrinter(write) : textPrinter(write);
  const { checkpoint, fault } = await readCheckpoint(disk, directory);
  if (checkpoint !== undefined) printer.checkpoint(checkpoint);
  if (fault !== undefined) printer.note(fault.message);

  const { verdict } = await scanLog({ disk, directory, checkpoint, onRecord: () => undefined });
  const all = await listSegments(disk, directory);
  // Without the checkpoint nobody knows which segments may be missing: all that are there are printed.
  for (const firstSeq of all.slice(firstNeeded(all, checkpoint?.seq ?? 0))) {
    const file = segmentFile(firstSeq);
    const path = join(directory, file);
    await readable(path, () =>
      readLines(disk, path, (line, offset) => {
        if (verdict.kind !== 'clean' && verdict.file === file && verdict.offset === offset) printer.damage(verdict);
        const decoded = decodeRecord(line);
        if (decoded.outcome === 'record') printer.record(decoded);
        else if (decoded.outcome === 'bad') printer.badLine(file, offset, line.length, decoded.reason);
        return 'next';
      }),
    );
  }
  printer.verdict(verdict);
  return { verdict, checkpointFault: fault };
}

async function readCheckpoint(
  disk: Disk,
  directory: string,
): Promise<{ checkpoint: Checkpoint | undefined; fault: ParleyError | undefined }> {
  try {
    return { checkpoint: (await openCheckpointStore(disk, directory)).current, fault: undefined };
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== 'checkpoint-corrupt') throw error;
    return { checkpoint: undefined, fault: error };
  }
}

interface Printer {
  checkpoint(checkpoint: Checkpoint): void;
  record(record: DecodedRecord): void;
  damage(verdict: Exclude<Verdict, { kind: 'clean' }>): void;
  badLine(file: string, offset: number, bytes: number, reason: string): void;
  note(text: string): void;
  verdict(verdict: Verdict): void;
}

function jsonPrinter(write: (line: string) => void): Printer {
  const print = (value: unknown): void => write(plain(JSON.stringify(value)));
  return {
    checkpoint: (checkpoint) => print({ checkpoint }),
    record: ({ seq, epoch, record }) => print({ seq, epoch, record }),
    damage: (verdict) => print({ damage: verdict }),
    badLine: (file, offset, bytes, reason) => print({ bad: { file, offset, bytes, reason } }),
    note: (text) => print({ note: text }),
    verdict: ({ kind }) => print({ verdict: kind }),
  };
}

function textPrinter(write: (line: string) => void): Printer {
  const print = (text: string): void => write(plain(text));
  return {
    checkpoint: ({ seq, epoch, role, name, incarnation, dataFiles }) =>
      print(
        `checkpoint of ${role} ${name} (${incarnation}) at record ${seq}, epoch ${epoch}; ` +
          `data files: ${dataFiles.map((each) => `${each.name} ${each.bytes} B`).join(', ') || 'none'}`,
      ),
    record: (record) => print(recordText(record)),
    damage: (verdict) =>
      print(`!! ${verdict.kind}: ${verdict.file}, offset ${verdict.offset}, record ${verdict.seq}: ${verdict.reason}`),
    badLine: (file, offset, bytes, reason) => print(`?? ${file}, offset ${offset}: ${bytes} bytes: ${reason}`),
    note: (text) => print(`!! ${text}`),
    verdict: ({ kind }) => print(`log: ${kind}`),
  };
}

const TYPE_WIDTH = 14;
const NAME_WIDTH = 22;

/** One record in columns: seq, epoch, type, number or id, then the rest as key=value. */
export function recordText({ seq, epoch, record }: Pick<DecodedRecord, 'seq' | 'epoch' | 'record'>): string {
  const { type, ...members } = record;
  const entries = Object.entries(members);
  const named = entries.find(([key]) => key === 'number') ?? entries.find(([key]) => key === 'id');
  const rest = entries.filter((entry) => entry !== named).map(([key, value]) => `${key}=${valueText(value)}`);
  const name = named === undefined ? '-' : valueText(named[1]);
  const columns = [
    String(seq).padStart(8),
    String(epoch).padStart(5),
    type.padEnd(TYPE_WIDTH),
    name.padEnd(NAME_WIDTH),
  ];
  return `${columns.join('  ')}  ${rest.join(' ')}`.trimEnd();
}

const BARE = /^[A-Za-z0-9._:/@+-]+$/;

/** A simple word as it is, a site by its name, a round as `2@P1`, a list of those with commas; anything else as JSON. */
function valueText(value: unknown): string {
  if (Array.isArray(value) && value.length > 0 && value.every((item) => shortText(item) !== undefined)) {
    return value.map(shortText).join(',');
  }
  return shortText(value) ?? JSON.stringify(value);
}

function shortText(value: unknown): string | undefined {
  if (typeof value === 'string') return BARE.test(value) ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  const { name, address, counter, site } = members;
  const count = Object.keys(members).length;
  if (count === 2 && typeof name === 'string' && typeof address === 'string' && BARE.test(name)) return name;
  const isRound = count === 2 && typeof counter === 'number' && typeof site === 'string';
  return isRound && (site === '' || BARE.test(site)) ? `${counter}@${site}` : undefined;
}

/**
 * What a terminal would obey or hide (C1 controls, DEL, direction marks, zero
 * width) as \u escapes, which JSON reads back; C0 controls were escaped by JSON
 * before, and cannot be here but by a file name.
 */
function plain(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
