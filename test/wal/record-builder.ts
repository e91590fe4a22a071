/**
 * Lines of a log, built without the code under test: the format as docs/log.md
 * tells it, and a CRC-32 of its own, bit by bit (ISO 3309; check value
 * cbf43926 for "123456789").
 */

/** CRC-32 of bytes as 8 hex digits. */
export function crc32Hex(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

/** One line of a log, and its checksum. */
export interface BuiltLine {
  readonly line: Buffer;
  readonly checksum: string;
}

/** The line of one record. */
export function buildLine(seq: number, epoch: number, prev: string, record: unknown): BuiltLine {
  const json = `{"seq":${seq},"epoch":${epoch},"prev":"${prev}","record":${JSON.stringify(record)}}`;
  const length = Buffer.from(json).length;
  const checksum = crc32Hex(Buffer.from(`${prev} ${length} ${json}`));
  return { line: Buffer.from(`${checksum} ${length} ${json}\n`), checksum };
}

/** The start record of a node named P1. */
export const START = { type: 'start', name: 'P1', role: 'participant', incarnation: 'abcd1234', version: '0' };

/** The lines of a whole log: a start record, then notes, `records` in all. */
export function buildLog(records: number): readonly BuiltLine[] {
  const lines: BuiltLine[] = [];
  let prev = '00000000';
  for (let seq = 1; seq <= records; seq += 1) {
    const built = buildLine(seq, 1, prev, seq === 1 ? START : { type: 'note', text: `n${seq}` });
    lines.push(built);
    prev = built.checksum;
  }
  return lines;
}

/** Lines as the bytes of a file. */
export function bytesOf(lines: readonly BuiltLine[]): Buffer {
  return Buffer.concat(lines.map(({ line }) => line));
}

/** The record type of these tests. */
export interface Note {
  readonly type: 'note';
  readonly text: string;
}

/** A note. */
export function note(text: string): Note {
  return { type: 'note', text };
}
