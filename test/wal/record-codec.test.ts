import { expect } from 'chai';
import fc from 'fast-check';
import { CHAIN_START, RECORD_BYTES_MAX, decodeRecord, encodeRecord, findRecord } from '../../src/wal/record-codec.ts';
import { ParleyError } from '../../src/base/errors.ts';
import { buildLine, buildLog, bytesOf, crc32Hex, note } from './record-builder.ts';

const PLACE = { seq: 1, epoch: 1, prev: CHAIN_START };

describe('record codec', () => {
  it('has a builder beside it whose CRC-32 gives the published check value', () => {
    expect(crc32Hex(Buffer.from('123456789'))).to.equal('cbf43926');
  });

  it('writes the line that the format describes, byte by byte', () => {
    const record = { type: 'note', text: 'grüße 🙂\n"quoted"', list: [1, null, { epoch: 9, seq: 9 }] };
    const encoded = encodeRecord(record, { seq: 7, epoch: 3, prev: '0badcafe' });
    const built = buildLine(7, 3, '0badcafe', record);
    expect(encoded.line).to.equal(built.line.toString());
    expect(encoded.bytes).to.equal(built.line.length);
    expect(encoded.checksum).to.equal(built.checksum);
  });

  it('reads a line that was built by hand', () => {
    const { line, checksum } = buildLine(2, 1, '00c0ffee', { type: 'note', text: 'x' });
    expect(decodeRecord(line)).to.deep.equal({
      ...{ outcome: 'record', seq: 2, epoch: 1, prev: '00c0ffee', checksum },
      record: { type: 'note', text: 'x' },
    });
  });

  it('gives back any JSON, in one line, whatever characters its strings hold', () => {
    const text = fc.string({ unit: 'binary' });
    const value = fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 });
    fc.assert(
      fc.property(text, value, (name, payload) => {
        const record = { type: name, payload, lone: '\ud800', marks: `\n\r\u0000\u2028 {"seq":` };
        const { line, bytes } = encodeRecord(record, PLACE);
        const read = Buffer.from(line);
        expect(read.length).to.equal(bytes);
        expect(read.indexOf('\n')).to.equal(read.length - 1);
        const decoded = decodeRecord(read);
        // JSON has one zero and no undefined: what came back is what JSON itself would give.
        expect(decoded).to.deep.include({ outcome: 'record', record: JSON.parse(JSON.stringify(record)) as unknown });
      }),
      { numRuns: 300 },
    );
  });

  it('tells the end from a bad line, and never takes a cut line for a record', () => {
    const { line } = buildLine(1, 1, CHAIN_START, { type: 'note', text: 'cut me' });
    expect(decodeRecord(line.subarray(0, 0)).outcome).to.equal('end');
    for (let length = 1; length < line.length; length += 1) {
      expect(decodeRecord(line.subarray(0, length)).outcome, `cut to ${length} bytes`).to.equal('bad');
    }
  });

  it('finds every flipped bit', () => {
    const { line } = buildLine(41, 2, '89abcdef', { type: 'note', text: 'each bit counts: Aa' });
    for (let bit = 0; bit < line.length * 8; bit += 1) {
      const flipped = Buffer.from(line);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeRecord(flipped).outcome, `bit ${bit}`).to.equal('bad');
    }
  });

  for (const [what, line] of [
    ['a json that is no object', 'null'],
    ['no seq', '{"epoch":1,"prev":"00000000","record":{"type":"x"}}'],
    ['seq 0', '{"seq":0,"epoch":1,"prev":"00000000","record":{"type":"x"}}'],
    ['a record without a type', '{"seq":1,"epoch":1,"prev":"00000000","record":{}}'],
    ['a prev in upper case', '{"seq":1,"epoch":1,"prev":"ABCDEF01","record":{"type":"x"}}'],
  ] as const) {
    it(`refuses ${what}, though the checksum is right`, () => {
      const prev = line.includes('ABCDEF01') ? 'ABCDEF01' : CHAIN_START;
      const crc = crc32Hex(Buffer.from(`${prev} ${line.length} ${line}`));
      expect(decodeRecord(Buffer.from(`${crc} ${line.length} ${line}\n`)).outcome).to.equal('bad');
    });
  }

  it('refuses to write or read a record over 1 MiB', () => {
    const overhead = encodeRecord(note(''), PLACE).line.split(' ')[1];
    const room = RECORD_BYTES_MAX - Number(overhead);
    const greatest = encodeRecord(note('a'.repeat(room)), PLACE);
    expect(decodeRecord(Buffer.from(greatest.line)).outcome).to.equal('record');
    expect(() => encodeRecord(note('a'.repeat(room + 1)), PLACE))
      .to.throw(ParleyError)
      .with.property('code', 'too-large');
    const { line } = buildLine(1, 1, CHAIN_START, { type: 'note', text: 'a'.repeat(room + 1) });
    expect(decodeRecord(line)).to.deep.include({ outcome: 'bad' });
  });

  it('finds a valid record behind damage, also when the end of the line before it is gone', () => {
    const [first, second, third] = buildLog(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three lines were built');
    const damaged = Buffer.concat([first.line.subarray(0, -1), Buffer.from('X'), second.line, third.line]);
    expect(findRecord(damaged.subarray(1), 1)?.seq).to.equal(2);
    expect(findRecord(damaged.subarray(1), 3)?.seq).to.equal(3);
    expect(findRecord(bytesOf([first, second]).subarray(1, -1), 2)).to.equal(undefined);
    expect(findRecord(Buffer.from(' {"seq":'.repeat(20)), 1)).to.equal(undefined);
  });
});
