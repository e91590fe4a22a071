import { expect } from 'chai';
import fc from 'fast-check';
import { LineCursor } from '../../src/chat/line-cursor.ts';
import { lineToken, readLineToken } from '../../src/chat/line-token.ts';
import { RoomCache } from '../../src/chat/room-cache.ts';
import { lineNumber, linesFrom } from './room-lines.ts';

/** What replicas might say: any stretch of the one list, in any order, twice or late. */
const stretches = fc.array(
  fc.record({
    room: fc.constantFrom('a', 'b'),
    from: fc.integer({ min: 1, max: 30 }),
    length: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 60 },
);

describe('the cache of rooms', () => {
  it('hands every line on once and in order, whatever stretches the replicas tell', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 8 }), (told, kept) => {
        const cache = new RoomCache(kept);
        const heard = new Map<string, number[]>([
          ['a', []],
          ['b', []],
        ]);
        for (const [room, seqs] of heard) cache.listen(room, (lines) => seqs.push(...lines.map(({ seq }) => seq)));
        for (const { room, from, length } of told) {
          const before = cache.last(room);
          const merge = cache.merge({ room, lines: linesFrom(from, from + length - 1) });
          expect(merge.merge).to.equal(from > before + 1 ? 'gap' : 'taken');
          expect(cache.last(room)).to.equal(from > before + 1 ? before : Math.max(before, from + length - 1));
        }
        for (const [room, seqs] of heard) {
          expect(seqs).to.deep.equal(Array.from({ length: cache.last(room) }, (_, index) => index + 1));
        }
      }),
    );
  });

  it('refuses lines behind a gap and takes nothing of them', () => {
    const cache = new RoomCache();
    cache.merge({ room: 'a', lines: linesFrom(1, 2) });
    expect(cache.merge({ room: 'a', lines: linesFrom(4, 5) })).to.deep.equal({
      merge: 'gap',
      room: 'a',
      expected: 3,
      got: 4,
    });
    expect(cache.merge({ room: 'a', lines: [lineNumber(3), lineNumber(5)] }).merge).to.equal('gap');
    expect(cache.last('a')).to.equal(2);
  });

  it('finds that two replicas disagree about a line', () => {
    const cache = new RoomCache();
    cache.merge({ room: 'a', lines: linesFrom(1, 3) });
    const other = { ...lineNumber(2), key: 'another' };
    expect(cache.merge({ room: 'a', lines: [other, lineNumber(3), lineNumber(4)] })).to.deep.equal({
      merge: 'conflict',
      room: 'a',
      seq: 2,
    });
    expect(cache.last('a')).to.equal(3);
    expect(cache.merge({ room: 'a', lines: [{ ...lineNumber(3), text: 'another' }] }).merge).to.equal('conflict');
  });

  it('keeps the newest lines of a room and says of the others that they are not here', () => {
    const cache = new RoomCache(10);
    for (let seq = 1; seq <= 1000; seq += 1) cache.merge({ room: 'a', lines: [lineNumber(seq)] });
    const newest = cache.after('a', 990, 100);
    expect(newest).to.deep.equal(linesFrom(991, 1000));
    expect(cache.after('a', 0, 5)).to.equal(undefined);
    expect(cache.after('a', 1000, 5)).to.deep.equal([]);
    expect(cache.after('a', 5000, 5)).to.deep.equal([]);
    expect(cache.lineOfKey('a', 'k1000')).to.deep.equal(lineNumber(1000));
    expect(cache.lineOfKey('a', 'k1')).to.equal(undefined);
  });

  it('names its rooms in order, with their last sequence', () => {
    const cache = new RoomCache();
    cache.merge({ room: 'zoo', lines: linesFrom(1, 2) });
    cache.merge({ room: '__proto__', lines: linesFrom(1, 1) });
    expect(cache.rooms()).to.deep.equal([
      { room: '__proto__', last: 1 },
      { room: 'zoo', last: 2 },
    ]);
    expect(cache.last('nowhere')).to.equal(0);
    expect(cache.after('nowhere', 0, 5)).to.deep.equal([]);
  });

  it('tells nobody who has stopped listening', () => {
    const cache = new RoomCache();
    let heard = 0;
    const unlisten = cache.listen('a', () => (heard += 1));
    cache.merge({ room: 'a', lines: linesFrom(1, 1) });
    unlisten();
    cache.merge({ room: 'a', lines: linesFrom(2, 2) });
    expect(heard).to.equal(1);
  });
});

describe('the cursor of a reader', () => {
  /** Reads until nothing is left, and stops after `most` lines as a connection that breaks would. */
  function readSome(
    cache: RoomCache,
    cursor: LineCursor,
    most: number,
  ): { seqs: Map<string, number[]>; token: string } {
    const seqs = new Map<string, number[]>(cursor.rooms.map((room) => [room, []]));
    let token = cursor.token;
    for (let count = 0; count < most;) {
      const portion = cursor.next(cache, 3);
      if (portion.portion !== 'lines') break;
      for (const { seq } of portion.lines) {
        if (count >= most || !cursor.advance(portion.room, seq)) continue;
        seqs.get(portion.room)?.push(seq);
        token = cursor.token;
        count += 1;
      }
      cursor.yieldTurn(portion.room);
    }
    return { seqs, token };
  }

  it('resumes with the very next line of every room, wherever the stream broke, on another server', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), fc.array(fc.nat(9), { maxLength: 12 }), (a, b, breaks) => {
        const cache = new RoomCache();
        cache.merge({ room: 'a', lines: linesFrom(1, a) });
        cache.merge({ room: 'b', lines: linesFrom(1, b) });
        const seen = new Map<string, number[]>([
          ['a', []],
          ['b', []],
        ]);
        let token = lineToken(
          new Map([
            ['a', 0],
            ['b', 0],
          ]),
        );
        for (const most of [...breaks, 1000]) {
          const part = readSome(cache, new LineCursor(readLineToken(token) ?? new Map()), most);
          token = part.token;
          for (const [room, seqs] of part.seqs) seen.get(room)?.push(...seqs);
        }
        expect(seen.get('a')).to.deep.equal(linesFrom(1, a).map(({ seq }) => seq));
        expect(seen.get('b')).to.deep.equal(linesFrom(1, b).map(({ seq }) => seq));
      }),
    );
  });

  it('waits where the cache is behind the reader, and takes no line twice when it comes after', () => {
    const cache = new RoomCache();
    cache.merge({ room: 'a', lines: linesFrom(1, 3) });
    const cursor = new LineCursor(new Map([['a', 5]]));
    expect(cursor.next(cache, 10).portion).to.equal('none');
    cache.merge({ room: 'a', lines: linesFrom(4, 7) });
    const portion = cursor.next(cache, 10);
    expect(portion).to.deep.equal({ portion: 'lines', room: 'a', lines: linesFrom(6, 7) });
    expect([cursor.advance('a', 5), cursor.advance('a', 7), cursor.advance('a', 6)]).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it('asks for what is no longer in memory', () => {
    const cache = new RoomCache(2);
    cache.merge({ room: 'a', lines: linesFrom(1, 50) });
    expect(new LineCursor(new Map([['a', 7]])).next(cache, 10)).to.deep.equal({
      portion: 'older',
      room: 'a',
      after: 7,
    });
  });

  it('lets no busy room hold up another', () => {
    const cache = new RoomCache();
    cache.merge({ room: 'a', lines: linesFrom(1, 100) });
    cache.merge({ room: 'b', lines: linesFrom(1, 1) });
    const cursor = new LineCursor(
      new Map([
        ['a', 0],
        ['b', 0],
      ]),
    );
    const first = cursor.next(cache, 1);
    expect(first.portion === 'lines' && first.room).to.equal('a');
    cursor.advance('a', 1);
    cursor.yieldTurn('a');
    const second = cursor.next(cache, 1);
    expect(second.portion === 'lines' && second.room).to.equal('b');
  });
});

describe('the token of a stream', () => {
  it('is fixed, because servers of other versions and clients keep it', () => {
    // printf 'lobby:17,news:4' | base64
    expect(
      lineToken(
        new Map([
          ['lobby', 17],
          ['news', 4],
        ]),
      ),
    ).to.equal('bG9iYnk6MTcsbmV3czo0');
    expect(readLineToken('bG9iYnk6MTcsbmV3czo0')).to.deep.equal(
      new Map([
        ['lobby', 17],
        ['news', 4],
      ]),
    );
  });

  it('is refused when it is none, whoever made it up', () => {
    const made = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');
    const tooMany = Array.from({ length: 51 }, (_, index) => `r${index}:1`).join(',');
    const bad = [
      'lobby',
      'lobby:',
      'lobby:-1',
      'lobby:01',
      'lobby:1,lobby:2',
      'lo bby:1',
      ':1',
      'a:99999999999999999',
      tooMany,
    ];
    for (const text of bad) expect(readLineToken(made(text)), text).to.equal(undefined);
    for (const token of ['', ' ', '17', 'bG9i=', 'ü', 'a'.repeat(20_000)])
      expect(readLineToken(token), token.slice(0, 20)).to.equal(undefined);
  });
});
