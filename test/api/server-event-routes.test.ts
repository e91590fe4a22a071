import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { EventReader, withFrontDoor } from './front-door.ts';
import type { FrontDoor } from './front-door.ts';
import type { Json } from '../../src/base/canonical-json.ts';

type Fields = Readonly<Record<string, Json>>;

const count = (length: number, from = 1): readonly number[] => Array.from({ length }, (_, index) => from + index);

function say(door: FrontDoor, text: string, room = 'lobby', server = 0) {
  return door.ask('POST', `/rooms/${room}/messages`, { author: 'ann', text }, {}, server);
}

/** Lines that came from elsewhere, all at once. */
function flood(door: FrontDoor, from: number, to: number, textOf = (seq: number) => `t${seq}`): void {
  const lines = count(to - from + 1, from).map((seq) => ({ seq, key: `f${seq}`, author: 'bob', text: textOf(seq) }));
  for (const participant of door.participants) participant.append('lobby', lines);
}

describe('the live lines', () => {
  it('reach every reader, at every server, in one order, with author, text and time', () =>
    withFrontDoor(
      async (door) => {
        const ports = [await door.startServer(), await door.startServer()];
        const readers = ports.flatMap((port) => [0, 1].map(() => new EventReader(port, '/events?rooms=lobby')));
        await eventually('all are there', () => readers.every((reader) => reader.events().length === 1));
        await Promise.all(count(20).map((index) => say(door, `line ${index}`, 'lobby', index % 2)));
        await eventually('all have all', () => readers.every((reader) => reader.seqs('lobby').length === 20));
        const [first] = readers;
        for (const reader of readers) expect(reader.events()).to.deep.equal(first?.events());
        expect(first?.seqs('lobby')).to.deep.equal(count(20));
        expect(first?.events()[1]?.data).to.include({ room: 'lobby', seq: 1, author: 'ann' });
        expect(first?.events()[1]?.data['at']).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(first?.text)
          .to.match(/^HTTP\/1\.1 200 /)
          .and.to.match(/content-type: text\/event-stream/i);
        for (const reader of readers) reader.breakOff();
      },
      { start: false },
    ));

  it('begin with now: what was said before is history', () =>
    withFrontDoor(
      async (door) => {
        flood(door, 1, 5);
        const port = await door.startServer();
        const reader = new EventReader(port, '/events?rooms=lobby,other');
        await eventually('the position', () => reader.events()[0]?.event === 'position');
        flood(door, 6, 7);
        await eventually('the new lines', () => reader.seqs('lobby').length === 2);
        expect(reader.seqs('lobby')).to.deep.equal([6, 7]);
        reader.breakOff();
      },
      { start: false },
    ));

  it('go on from the page that was read before, in an empty room too', () =>
    withFrontDoor(
      async (door) => {
        flood(door, 1, 5);
        const port = await door.startServer();
        const page = await door.ask('GET', '/rooms/lobby/messages?limit=2');
        const empty = await door.ask('GET', '/rooms/empty/messages');
        // Said between the page and the stream.
        flood(door, 6, 7);
        await say(door, 'first', 'empty');
        const since = (body: Fields): string => encodeURIComponent(JSON.stringify(body['since']).slice(1, -1));
        const lobby = new EventReader(port, `/events?rooms=lobby&since=${since(page.body)}`);
        const other = new EventReader(port, `/events?rooms=empty&since=${since(empty.body)}`);
        await eventually('the lines', () => lobby.seqs('lobby').length === 2 && other.seqs('empty').length === 1);
        expect(lobby.seqs('lobby')).to.deep.equal([6, 7]);
        lobby.breakOff();
        other.breakOff();
      },
      { start: false },
    ));

  it('end, and no new ones begin, while the server hears no replica, since silence would look like a quiet room', () =>
    withFrontDoor(
      async (door) => {
        flood(door, 1, 2);
        const port = await door.startServer();
        const reader = new EventReader(port, '/events?rooms=lobby');
        await eventually('the position', () => reader.events().length === 1);
        for (const participant of door.participants) await participant.stop();
        await eventually('the stream is over', () => reader.isOver);
        expect(reader.events().at(-1)?.event).to.equal('closing');
        const refused = await door.ask('GET', '/events?rooms=lobby');
        expect([refused.status, refused.body['code']]).to.deep.equal([503, 'busy']);
        // What is known can be read all the same.
        expect((await door.ask('GET', '/rooms/lobby/messages')).body).to.include({ last: 2 });
        for (const participant of door.participants) await participant.start();
        await eventually('the feed is live', () => door.parts().notReady().length === 0);
        flood(door, 3, 3);
        const again = new EventReader(port, '/events?rooms=lobby', reader.events()[0]?.id);
        await eventually('the next line', () => again.seqs('lobby').length === 1);
        expect(again.seqs('lobby')).to.deep.equal([3]);
        again.breakOff();
      },
      { start: false },
    ));

  it('resume with the very next line after a break, at another server and from before its first line', () =>
    withFrontDoor(
      async (door) => {
        const ports = [await door.startServer(), await door.startServer()];
        const path = '/events?rooms=lobby,news';
        let seen: number[] = [];
        let news: number[] = [];
        let id: string | undefined;
        for (let round = 0; round < 4; round += 1) {
          const reader = new EventReader(ports[round % 2] ?? 0, path, id);
          await eventually('it is heard', () => reader.events().length > 0);
          if (round > 0) {
            await say(door, `round ${round}`);
            await say(door, `news ${round}`, 'news', 1);
            await eventually(
              'its lines',
              () => reader.seqs('lobby').includes(2 * round) && reader.seqs('news').includes(round),
            );
          }
          seen = [...seen, ...reader.seqs('lobby')];
          news = [...news, ...reader.seqs('news')];
          id = reader.events().at(-1)?.id;
          reader.breakOff();
          // While nobody listens, one more line is said.
          await say(door, `between ${round}`);
        }
        expect(seen).to.deep.equal(count(6));
        expect(news).to.deep.equal(count(3));
      },
      { start: false },
    ));

  it('continue a page that was read, by the id in the address', () =>
    withFrontDoor(
      async (door) => {
        flood(door, 1, 3);
        const port = await door.startServer();
        // printf 'lobby:1' | base64
        const reader = new EventReader(port, '/events?rooms=lobby&since=bG9iYnk6MQ');
        await eventually('the lines since', () => reader.seqs('lobby').length === 2);
        expect(reader.seqs('lobby')).to.deep.equal([2, 3]);
        reader.breakOff();
      },
      { start: false },
    ));

  it('go on without a gap and without a repeated line when the replica behind the server dies', () =>
    withFrontDoor(
      async (door) => {
        const port = await door.startServer();
        const reader = new EventReader(port, '/events?rooms=lobby');
        await eventually('it is heard', () => reader.events().length === 1);
        flood(door, 1, 10);
        await eventually('the first lines', () => reader.seqs('lobby').length === 10);
        const dead = door.followed();
        await dead?.stop();
        door.participants
          .filter((one) => one !== dead)
          .forEach((one) => one.append('lobby', [{ seq: 11, key: 'k', author: 'a', text: 't' }]));
        await eventually('the next line', () => reader.seqs('lobby').length === 11);
        expect(reader.seqs('lobby')).to.deep.equal(count(11));
        expect(door.followed()).to.not.equal(dead);
        reader.breakOff();
      },
      { start: false },
    ));

  it('go on when the replica behind the server falls silent and its connection stays', () =>
    withFrontDoor(
      async (door) => {
        const port = await door.startServer();
        const reader = new EventReader(port, '/events?rooms=lobby');
        await eventually('it is heard', () => reader.events().length === 1);
        const silent = door.followed();
        if (silent !== undefined) silent.beats = false;
        await eventually('another is followed', () => door.followed() !== undefined && door.followed() !== silent);
        flood(door, 1, 3);
        await eventually('the lines', () => reader.seqs('lobby').length === 3);
        expect(reader.seqs('lobby')).to.deep.equal(count(3));
        reader.breakOff();
      },
      { start: false },
    ));

  it('bring a reader who was away for long everything, from memory and from before it', () =>
    withFrontDoor(
      async (door) => {
        flood(door, 1, 21_000);
        const port = await door.startServer();
        // printf 'lobby:9900' | base64
        const reader = new EventReader(port, '/events?rooms=lobby', 'bG9iYnk6OTkwMA');
        await eventually('all of it', () => reader.text.includes('"seq":21000,'), { deadlineMs: 60_000 });
        expect(reader.seqs('lobby')).to.deep.equal(count(11_100, 9901));
        const asked = door.participants.flatMap((participant) => participant.asked);
        expect(asked).to.include('/history/lobby?after=9900&limit=100&group=chat');
        // Only what is no longer in memory is fetched: 9901 to 11000.
        expect(asked).to.have.lengthOf(11);
        reader.breakOff();
      },
      { start: false },
    ));

  it('wait for a reader that is slow and keep nobody else waiting', () =>
    withFrontDoor(
      async (door) => {
        const port = await door.startServer();
        const [slow, quick] = [
          new EventReader(port, '/events?rooms=lobby'),
          new EventReader(port, '/events?rooms=lobby'),
        ];
        await eventually('both are heard', () => slow.events().length === 1 && quick.events().length === 1);
        slow.pause();
        // Far more than sockets and the server would hold for a reader.
        for (let from = 1; from <= 3000; from += 500) flood(door, from, from + 499, () => 'x'.repeat(4000));
        await eventually('the quick one has all', () => quick.text.includes('"seq":3000,'), { deadlineMs: 60_000 });
        expect(slow.text).to.not.include('"seq":3000,');
        slow.resume();
        await eventually('the slow one has all', () => slow.text.includes('"seq":3000,'), { deadlineMs: 60_000 });
        expect(slow.seqs('lobby')).to.deep.equal(count(3000));
        slow.breakOff();
        quick.breakOff();
      },
      { start: false },
    ));

  it('are refused where no room or no true id is named', () =>
    withFrontDoor(async (door) => {
      const many = count(51).join(',');
      for (const path of ['/events', '/events?rooms=', '/events?rooms=lobby&since=x!', `/events?rooms=${many}`]) {
        expect((await door.ask('GET', path)).body, path).to.include({ status: 400, code: 'bad-request' });
      }
      expect((await door.ask('GET', '/events?rooms=a%20b')).status).to.equal(422);
    }));

  it('end with a word when the server stops, and no stream is left', () =>
    withFrontDoor(
      async (door) => {
        const port = await door.startServer();
        const reader = new EventReader(port, '/events?rooms=lobby');
        await eventually('it is heard', () => reader.events().length === 1);
        await door.drainServer();
        await eventually('it is over', () => reader.isOver);
        expect(reader.events().at(-1)?.event).to.equal('closing');
        expect(door.parts().state()).to.include({ streams: 0 });
      },
      { start: false },
    ));
});
