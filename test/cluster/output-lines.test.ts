/** Output in any pieces becomes the same lines. */
import { expect } from 'chai';
import { LINE_UNITS_MAX, OutputLines } from '../../src/cluster/output-lines.ts';

function linesOf(pieces: readonly Buffer[]): readonly string[] {
  const lines: string[] = [];
  const output = new OutputLines((line) => lines.push(line));
  for (const piece of pieces) output.push(piece);
  output.end();
  return lines;
}

describe('the lines of a child process', () => {
  const bytes = Buffer.from('first\nzwölf €\r\n\nlast without end');
  const expected = ['first', 'zwölf €', '', 'last without end'];

  it('are the same wherever the pieces are cut, even inside a character', () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(linesOf([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).to.deep.equal(expected);
    }
    expect(linesOf([...bytes].map((byte) => Buffer.from([byte])))).to.deep.equal(expected);
  });

  it('that never end are delivered in parts, so that memory stays bounded', () => {
    const lines = linesOf([Buffer.alloc(LINE_UNITS_MAX * 2 + 3, 'x')]);
    expect(lines.map((line) => line.length)).to.deep.equal([LINE_UNITS_MAX, LINE_UNITS_MAX, 3]);
  });
});
