import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { lineTime, readLine } from '../../src/chat/line-rules.ts';
import type { Json } from '../../src/base/canonical-json.ts';

function refusal(room: string, body: Json, key?: string): string {
  try {
    readLine(room, body, key, () => 'made');
  } catch (error) {
    if (error instanceof ParleyError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('the rules of a line', () => {
  it('takes author and text, and a key from the body, the header, or made here', () => {
    const body = { author: 'ann', text: 'hi\tthere 👋' };
    const made = readLine('lobby', body, undefined, () => 'made');
    expect(made).to.deep.equal({ room: 'lobby', key: 'made', keyIsGiven: false, ...body });
    const given = (key: string): unknown => ({ room: 'lobby', key, keyIsGiven: true, ...body });
    expect(readLine('lobby', body, 'header', () => 'made')).to.deep.equal(given('header'));
    expect(readLine('lobby', { ...body, key: 'body' }, undefined, () => 'made')).to.deep.equal(given('body'));
    expect(readLine('lobby', { ...body, key: 'same' }, 'same', () => 'made')).to.deep.equal(given('same'));
  });

  // prettier-ignore
  const refused: readonly (readonly [title: string, room: string, body: Json, said: RegExp])[] = [
    ['no object', 'lobby', ['x'], /^bad-request: The body is not an object/],
    ['no text', 'lobby', { author: 'ann' }, /^bad-operation: The field "text" is missing; it must be 1 to 4096 characters/],
    ['an empty text', 'lobby', { author: 'ann', text: '' }, /^bad-operation: The field "text" is ""; it must be/],
    ['a text that is too long', 'lobby', { author: 'ann', text: 'x'.repeat(4097) }, /The field "text" is "x+…; it must be 1 to 4096/],
    ['a line feed in the text', 'lobby', { author: 'ann', text: 'a\nb' }, /The field "text" is "a\\nb"; it must be/],
    ['half a surrogate pair', 'lobby', { author: 'ann', text: '\ud800' }, /The field "text"/],
    ['an author that is a number', 'lobby', { author: 1, text: 'x' }, /The field "author" is 1; it must be 1 to 64 characters/],
    ['a key with a space', 'lobby', { author: 'ann', text: 'x', key: 'a b' }, /The field "key" is "a b"; it must be/],
    ['a key that is null', 'lobby', { author: 'ann', text: 'x', key: null }, /The field "key" is null; it must be/],
    ['a field nobody knows', 'lobby', { author: 'ann', text: 'x', txet: 'y' }, /The field "txet" is unknown; allowed are author, text, key\./],
    ['a room with a slash', 'a/b', { author: 'ann', text: 'x' }, /The field "room" is "a\/b"; it must be 1 to 64 characters/],
  ];
  for (const [title, room, body, said] of refused) {
    it(`refuses ${title} and says what is allowed`, () => {
      expect(refusal(room, body)).to.match(said);
    });
  }

  it('refuses two different keys, because it cannot know which was meant', () => {
    expect(refusal('lobby', { author: 'a', text: 'b', key: 'k1' }, 'k2')).to.match(/^bad-request: .*differ/);
  });

  it('gives times that rise with the sequence though clocks differ, but follows no clock that is far ahead', () => {
    const noon = Date.parse('2026-01-31T12:00:00.000Z');
    expect(lineTime(noon, undefined)).to.equal('2026-01-31T12:00:00.000Z');
    expect(lineTime(noon, '2026-01-31T11:59:59.000Z')).to.equal('2026-01-31T12:00:00.000Z');
    expect(lineTime(noon, '2026-01-31T12:00:07.000Z')).to.equal('2026-01-31T12:00:07.000Z');
    expect(lineTime(noon, '2099-01-01T00:00:00.000Z')).to.equal('2026-01-31T12:00:00.000Z');
  });
});
