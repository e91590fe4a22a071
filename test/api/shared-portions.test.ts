/** Events that are encoded once for all readers: what they hold, and who gets the same bytes. */
import { expect } from 'chai';
import { SharedPortions } from '../../src/api/shared-portions.ts';
import type { HistoryLine } from '../../src/resources/history.ts';

const line = (seq: number): HistoryLine => ({ seq, key: `k${seq}`, author: 'ann', text: `t${seq}` });

/** base64url of `lobby:<seq>`, by Node and not by the code that is tested. */
const token = (room: string, seq: number): string => Buffer.from(`${room}:${seq}`, 'latin1').toString('base64url');

const event = (room: string, seq: number): string =>
  `id: ${token(room, seq)}\nevent: line\n` +
  `data: {"room":"${room}","seq":${seq},"key":"k${seq}","author":"ann","text":"t${seq}"}\n\n`;

describe('SharedPortions', () => {
  it('holds one event for each line, with the id of a reader that follows this room alone', () => {
    const text = new SharedPortions().of('lobby', [line(7), line(8)]).bytes.toString('utf8');
    expect(text).to.equal(event('lobby', 7) + event('lobby', 8));
  });

  it('frames the events as one chunk', () => {
    const shared = new SharedPortions().of('lobby', [line(1)]);
    const length = event('lobby', 1).length.toString(16);
    expect(shared.chunk.toString('latin1')).to.equal(`${length}\r\n${event('lobby', 1)}\r\n`);
    expect(shared.chunk).to.equal(shared.chunk);
  });

  it('gives the same bytes to the next reader of the same lines', () => {
    const portions = new SharedPortions();
    const lines = [line(1), line(2), line(3)];
    expect(portions.of('lobby', lines)).to.equal(portions.of('lobby', [...lines]));
  });

  it('gives other bytes for fewer lines, for lines further on and for another room', () => {
    const portions = new SharedPortions();
    const lines = [line(1), line(2), line(3)];
    portions.of('lobby', lines);
    expect(portions.of('lobby', lines.slice(0, 2)).bytes.toString()).to.equal(event('lobby', 1) + event('lobby', 2));
    expect(portions.of('lobby', lines.slice(1)).bytes.toString()).to.equal(event('lobby', 2) + event('lobby', 3));
    expect(portions.of('news', lines.slice(0, 1)).bytes.toString()).to.equal(event('news', 1));
  });

  it('forgets portions after a few, and makes them again', () => {
    const portions = new SharedPortions();
    const first = [line(1)];
    const made = portions.of('lobby', first);
    for (let seq = 2; seq <= 20; seq += 1) portions.of('lobby', [line(seq)]);
    const again = portions.of('lobby', first);
    expect(again).not.to.equal(made);
    expect(again.bytes.equals(made.bytes)).to.equal(true);
  });
});
