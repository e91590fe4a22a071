/** Fast ways of reading and writing must be the same as the slow and plain ones. */
import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson } from '../../src/base/canonical-json.ts';
import { parseExactJson } from '../../src/base/exact-json.ts';
import { numberParts } from '../../src/base/ids.ts';

/** The grammar as docs say it. */
const NUMBER = /^([0-9a-z]{1,16})\.([0-9]{1,15})\.([0-9]{1,15})$/;

/** Sorted by rebuilding, written by JSON.stringify: plain and slow. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, member]) => `${JSON.stringify(key)}:${plain(member)}`);
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${(sorted(value) as string[]).join(',')}}`;
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

describe('the numbers of attempts', () => {
  it('are exactly the texts of their grammar', () => {
    const parts = fc.constantFrom(
      'c7f3a9b2',
      '1',
      '',
      'z'.repeat(16),
      'z'.repeat(17),
      '9'.repeat(15),
      '9'.repeat(16),
      'A',
      '-1',
    );
    const texts = fc.oneof(
      fc.array(parts, { maxLength: 4 }).map((each) => each.join('.')),
      fc.string(),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const match = NUMBER.exec(text);
        const wanted = match && { incarnation: match[1], epoch: Number(match[2]), sequence: Number(match[3]) };
        expect(numberParts(text)).to.deep.equal(wanted ?? undefined);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the canonical text', () => {
  it('is the same for every order of members, whatever they are called', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(value)).to.equal(plain(value));
      }),
    );
  });

  it('escapes what JSON escapes', () => {
    expect(canonicalJson({ 'b"': 'a\n\u2028\\', 'a b': 'x/y:z' })).to.equal(
      JSON.stringify({ 'a b': 'x/y:z', 'b"': 'a\n\u2028\\' }),
    );
  });
});

describe('exact JSON', () => {
  it('takes every value whose numbers are exact integers, and no other', () => {
    const tokens = fc.constantFrom(
      '1.5',
      '1e2',
      '9007199254740993',
      '-0.0',
      '1E1',
      '12',
      '-7',
      '"1.5e3"',
      '"a:1.5"',
      'null',
    );
    const texts = fc
      .array(fc.tuple(fc.constantFrom('', ' ', '\n'), tokens))
      .map((each) => `[${each.map(([space, token]) => space + token).join(',')}]`);
    fc.assert(
      fc.property(texts, (text) => {
        const bad = ['1.5', '1e2', '9007199254740993', '-0.0', '1E1'];
        const isBad = text
          .slice(1, -1)
          .split(',')
          .some((token) => bad.includes(token.trim()));
        const read = (): unknown => parseExactJson(Buffer.from(text));
        if (isBad) expect(read).to.throw('is not an exact integer');
        else expect(read()).to.deep.equal(JSON.parse(text));
      }),
    );
  });

  it('takes what JSON.stringify made of integers, whatever the texts hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const isExact =
          numbersIn(value).every(Number.isSafeInteger) &&
          !/[-\d.][eE][-+\d]/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, ''));
        const read = (): unknown => parseExactJson(Buffer.from(text));
        if (isExact) expect(read()).to.deep.equal(JSON.parse(text));
        else expect(read).to.throw('is not an exact integer');
      }),
    );
  });

  it('finds a bad number that is the whole text', () => {
    for (const text of ['1.5', '-1e5', ' 2.0', '9007199254740993']) {
      expect(() => parseExactJson(Buffer.from(text)), text).to.throw('is not an exact integer');
    }
  });
});
