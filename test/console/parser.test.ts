/** Lines taken apart: words come back as they were quoted, and no text breaks the parser. */
import { expect } from 'chai';
import fc from 'fast-check';
import { quoteWord, readInteger, splitCommand, splitWords } from '../../src/console/parser.ts';

describe('the parser of console lines', () => {
  it('reads back any words it quoted, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
        expect(splitWords(words.map(quoteWord).join(' '))).to.deep.equal({ type: 'words', words });
      }),
    );
  });

  it('ends with words or with a column inside the text, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '\t', '\n', 'é') }), (text) => {
        const split = splitWords(text);
        if (split.type === 'words') expect(split.words.join('').length).to.be.at.most(text.length);
        else expect(split.column).to.be.within(1, text.length);
      }),
    );
  });

  it('keeps all that is not white space at the ends, in name and rest', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        const command = splitCommand(line);
        if (command === undefined) {
          expect(line.trim()).to.equal('');
          return;
        }
        expect(line.trim().startsWith(command.name)).to.equal(true);
        expect(line.trim().endsWith(command.rest)).to.equal(true);
      }),
    );
  });

  const WORDS: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    ['  a  b ', ['a', 'b']],
    ['"two words" one', ['two words', 'one']],
    [`'it''s' ok`, ['its', 'ok']],
    [String.raw`a\ b "c\"d" 'e\f'`, ['a b', 'c"d', String.raw`e\f`]],
    ['"" x', ['', 'x']],
  ];
  for (const [text, words] of WORDS) {
    it(`splits ${JSON.stringify(text)} into ${JSON.stringify(words)}`, () => {
      expect(splitWords(text)).to.deep.equal({ type: 'words', words });
    });
  }

  it('says where a quote was left open and where a backslash ends the text', () => {
    expect(splitWords('ab "cd')).to.deep.equal({ type: 'malformed', detail: 'the quote " is not closed', column: 4 });
    expect(splitWords('ab\\')).to.deep.equal({ type: 'malformed', detail: 'nothing follows the backslash', column: 3 });
  });

  it('takes `key: value` with or without the blank, and leaves the value as it was typed', () => {
    expect(splitCommand('string: Hello')).to.deep.equal({ name: 'string', rest: 'Hello', keyed: true });
    expect(splitCommand(`string:It's "quoted"`)).to.deep.equal({ name: 'string', rest: `It's "quoted"`, keyed: true });
    expect(splitCommand('transfer 1 2 100')).to.deep.equal({ name: 'transfer', rest: '1 2 100', keyed: false });
    expect(splitCommand('http://x y')).to.deep.equal({ name: 'http://x', rest: 'y', keyed: false });
  });

  it('reads whole numbers in plain decimal only, never rounding one', () => {
    expect(['1', '007', '9007199254740991'].map((word) => readInteger(word, 1))).to.deep.equal([
      1, 7, 9007199254740991,
    ]);
    const refused = ['0', '-1', '', '1.0', '1e3', '0x1', '+1', ' 1', '9007199254740992', '9'.repeat(30)];
    for (const word of refused) expect(readInteger(word, 1), word).to.equal(undefined);
  });
});
