import { expect } from 'chai';
import { Driver, append, numberOf } from './participant-driver.ts';
import type { Fields } from './participant-driver.ts';

const read = (room: string, more: Fields = {}): Fields => ({ group: 'chat', type: 'read', room, ...more });
const linesOf = (driver: Driver, room: string): unknown =>
  driver.manager.groups
    .history('chat')
    ?.read(room)
    ?.lines.map(({ seq, key }) => [seq, key]);

describe('The history', () => {
  it('numbers the lines of each room from 1 without a gap', () => {
    const driver = new Driver();
    driver.run(1, append('lobby', 'a', 'b'));
    driver.prepare(2, append('lobby', 'x'));
    driver.abort(2);
    driver.run(3, append('lobby', 'c'));
    driver.run(4, append('attic', 'a'));
    expect(driver.results(3)).to.deep.equal([{ room: 'lobby', lines: [{ key: 'c', seq: 3 }] }]);
    expect(linesOf(driver, 'lobby')).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect(driver.manager.groups.history('chat')?.rooms()).to.deep.equal([
      { room: 'attic', last: 1 },
      { room: 'lobby', last: 3 },
    ]);
  });

  it('answers the sequence a key has, line by line, and adds only what is new', () => {
    const driver = new Driver();
    driver.run(1, append('lobby', 'a', 'b'));
    driver.run(2, append('lobby', 'b', 'c', 'c', 'a', 'd'));
    expect(driver.results(2)).to.deep.equal([
      {
        room: 'lobby',
        lines: [
          ['b', 2],
          ['c', 3],
          ['c', 3],
          ['a', 1],
          ['d', 4],
        ].map(([key, seq]) => ({ key, seq })),
      },
    ]);
    expect(linesOf(driver, 'lobby')).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
    ]);
  });

  it('answers the time that a line was stored with, and says when another line is stored under its key', () => {
    const driver = new Driver();
    const lines = (key: string, text: string, at: string) => ({ key, author: 'Ann', text, at });
    const [early, late] = ['2026-01-31T12:00:00.000Z', '2026-01-31T12:00:09.000Z'];
    const append = (...some: readonly Fields[]): Fields => ({
      ...{ group: 'chat', type: 'append', room: 'lobby', lines: some },
    });
    driver.run(1, append(lines('a', 'one', early)));
    driver.run(2, append(lines('a', 'one', late), lines('b', 'two', late)));
    driver.run(3, append(lines('a', 'another', late), lines('c', 'three', late), lines('c', 'four', late)));
    expect([2, 3].flatMap((number) => driver.results(number))).to.deep.equal([
      {
        room: 'lobby',
        lines: [
          { key: 'a', seq: 1, at: early },
          { key: 'b', seq: 2 },
        ],
      },
      {
        room: 'lobby',
        lines: [
          { key: 'a', seq: 1, at: early, differs: true },
          { key: 'c', seq: 3 },
          { key: 'c', seq: 3, at: late, differs: true },
        ],
      },
    ]);
  });

  it('says yes and changes nothing when every key is there', () => {
    const driver = new Driver();
    driver.run(1, append('lobby', 'a'));
    const outcome = driver.run(2, append('lobby', 'a'));
    expect(outcome.effects).to.deep.equal([]);
    expect(outcome.readOnly, 'a writer that changes nothing is still a writer').to.equal(false);
    expect(driver.manager.position).to.equal(1);
  });

  it('goes on counting over several appends of one transaction, in one room and in two', () => {
    const driver = new Driver();
    driver.run(1, append('lobby', 'a'), append('attic', 'a'), append('lobby', 'a', 'b'));
    expect(driver.results(1)[2]).to.deep.equal({
      room: 'lobby',
      lines: [
        { key: 'a', seq: 1 },
        { key: 'b', seq: 2 },
      ],
    });
    expect(driver.manager.changesSince(0).changes.map(({ data }) => data)).to.deep.equal([
      {
        appends: [
          {
            room: 'lobby',
            lines: [
              { seq: 1, key: 'a', author: 'Ann', text: 'text of a' },
              { seq: 2, key: 'b', author: 'Ann', text: 'text of b' },
            ],
          },
          { room: 'attic', lines: [{ seq: 1, key: 'a', author: 'Ann', text: 'text of a' }] },
        ],
      },
    ]);
  });

  it('lets appends to one room follow each other, and to two rooms go side by side', () => {
    const driver = new Driver();
    driver.prepare(1, append('lobby', 'a'));
    driver.prepare(2, append('lobby', 'b'));
    driver.prepare(3, append('attic', 'a'));
    expect([1, 2, 3].map((n) => driver.vote(n))).to.deep.equal(['yes', 'waiting', 'yes']);
    driver.commit(1);
    expect(driver.results(2)).to.deep.equal([{ room: 'lobby', lines: [{ key: 'b', seq: 2 }] }]);
  });

  it('reads pages after a sequence, with the time of a line where it has one', () => {
    const driver = new Driver();
    const at = '2018-03-03T22:34:52.180Z';
    driver.run(1, append('lobby', 'a', 'b', 'c'));
    driver.run(2, {
      group: 'chat',
      type: 'append',
      room: 'lobby',
      lines: [{ key: 'd', author: 'Bo', text: 'hi', at }],
    });
    driver.prepare(3, read('lobby', { after: 2, limit: 1 }), read('lobby', { after: 3 }), read('lobby', { after: 9 }));
    expect(driver.results(3)).to.deep.equal([
      { room: 'lobby', lines: [{ seq: 3, key: 'c', author: 'Ann', text: 'text of c' }], last: 4 },
      { room: 'lobby', lines: [{ seq: 4, key: 'd', author: 'Bo', text: 'hi', at }], last: 4 },
      { room: 'lobby', lines: [], last: 4 },
    ]);
  });

  it('shows a read the lines that the same transaction appends before it', () => {
    const driver = new Driver();
    driver.run(1, append('lobby', 'a'), read('lobby'));
    expect(driver.results(1)[1]).to.deep.equal({
      room: 'lobby',
      lines: [{ seq: 1, key: 'a', author: 'Ann', text: 'text of a' }],
      last: 1,
    });
  });

  it('knows no room before its first line', () => {
    const driver = new Driver();
    driver.prepare(1, read('lobby'));
    expect(driver.refusal(1)).to.equal('unknown-room');
    expect(driver.manager.groups.history('chat')?.read('lobby')).to.equal(undefined);
  });

  it('names the undecided appends of a room, which its readers wait for', () => {
    const driver = new Driver();
    driver.prepare(1, append('lobby', 'a'));
    const seen: string[] = [];
    const undecided = driver.manager.undecidedWrite('chat', 'room/lobby');
    expect(undecided).to.deep.equal([numberOf(1)]);
    expect(driver.manager.undecidedWrite('chat', 'room/attic')).to.deep.equal([]);
    driver.manager.afterDecided(undecided, () => seen.push(JSON.stringify(linesOf(driver, 'lobby'))));
    expect(seen).to.deep.equal([]);
    driver.commit(1);
    expect(seen, 'the reader is called when the line is there').to.deep.equal(['[[1,"a"]]']);
  });
});
