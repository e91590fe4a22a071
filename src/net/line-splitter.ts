/**
 * Bytes to lines, however they are cut. A line ends in LF or CR LF, which are
 * not part of it. Each byte is searched and copied once.
 */
import { ParleyError } from '../base/errors.ts';

/** One line that does not end is not kept beyond this. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;
const LF = 0x0a;

/** See the header. */
export class LineSplitter {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** The lines that are whole now. @throws ParleyError `too-large` */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      this.#pieces.push(chunk.subarray(from, end));
      lines.push(this.#takeLine());
      from = end + 1;
    }
    if (from < chunk.length) {
      this.#pieces.push(chunk.subarray(from));
      this.#bytes += chunk.length - from;
    }
    if (this.#bytes > LINE_BYTES_MAX) throw new ParleyError('too-large', 'A line of the stream is too long.');
    return lines;
  }

  /** A last line that lacked its end, if any. */
  end(): string[] {
    return this.#bytes > 0 ? [this.#takeLine()] : [];
  }

  #takeLine(): string {
    const line = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    this.#bytes = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }
}
