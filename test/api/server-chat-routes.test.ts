import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { withFrontDoor } from './front-door.ts';
import type { FrontDoor } from './front-door.ts';
import type { Json } from '../../src/base/canonical-json.ts';

const MESSAGES = '/rooms/lobby/messages';

function say(door: FrontDoor, text: string, key?: string, server = 0) {
  return door.ask('POST', MESSAGES, { author: 'ann', text, ...(key === undefined ? {} : { key }) }, {}, server);
}

/** The keys of the lines in an append. */
function keysOf(append: Readonly<Record<string, Json>> = {}): readonly string[] {
  return ((append['lines'] ?? []) as readonly { key: string }[]).map(({ key }) => key);
}

/** The lines in an answer, as texts in order. */
function texts(body: Readonly<Record<string, Json>>): readonly Json[] {
  return (body['lines'] as readonly { text: string }[]).map(({ text }) => text);
}

describe('the front end of the chat', () => {
  it('sends a line, answers its sequence, and shows it to whoever asks next', () =>
    withFrontDoor(async (door) => {
      const { status, body } = await say(door, 'hi', 'k1');
      expect(status).to.equal(200);
      expect(body).to.include({ outcome: 'committed', room: 'lobby', seq: 1, key: 'k1' });
      expect(body['at']).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const read = await door.ask('GET', MESSAGES);
      expect(read.body).to.deep.equal({
        room: 'lobby',
        lines: [{ seq: 1, key: 'k1', author: 'ann', text: 'hi', at: body['at'] }],
        last: 1,
        // base64url of "lobby:1"
        since: 'bG9iYnk6MQ',
      });
      expect((await door.ask('GET', '/rooms')).body).to.deep.equal({ rooms: [{ room: 'lobby', last: 1 }] });
    }));

  it('makes a key when the client gave none, and takes it from the header', () =>
    withFrontDoor(async (door) => {
      expect((await say(door, 'hi')).body['key']).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      const given = await door.ask('POST', MESSAGES, { author: 'ann', text: 'hi' }, { 'Idempotency-Key': 'K7' });
      expect(given.body['key']).to.equal('K7');
    }));

  it('gathers the lines that arrive while an append is under way into the next one', () =>
    withFrontDoor(async (door) => {
      // The first append is asked for again and again while the others arrive.
      door.script = ['unknown', 'unknown', 'unknown'];
      const first = say(door, 'first', 'k0');
      await eventually('the first append', () => door.submitted.length >= 1);
      const others = Array.from({ length: 20 }, (_, index) => say(door, `line ${index}`, `k${index + 1}`));
      const answers = await Promise.all([first, ...others]);
      expect(answers.map(({ body }) => body['outcome'])).to.deep.equal(answers.map(() => 'committed'));
      const seqs = answers.map(({ body }) => Number(body['seq']));
      expect([...seqs].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 21 }, (_, index) => index + 1));
      const ids = new Set(door.submitted.map(({ id }) => id));
      expect(ids.size).to.be.lessThan(6);
      expect(new Set(door.submitted.slice(0, 4).map(({ id }) => id)).size).to.equal(1);
    }));

  it('keeps a line once that is sent twice, to this server or another', () =>
    withFrontDoor(async (door) => {
      await door.startServer();
      const first = await say(door, 'hi', 'k1');
      for (const server of [0, 1, 1, 0]) {
        const again = await say(door, 'hi', 'k1', server);
        expect(again.body).to.deep.equal(first.body);
      }
      expect(texts((await door.ask('GET', MESSAGES, undefined, {}, 1)).body)).to.deep.equal(['hi']);
      const other = await say(door, 'something else', 'k1');
      expect([other.status, other.body['code']]).to.deep.equal([422, 'id-reused']);
    }));

  it('answers an abort with its reason, and the line is not there', () =>
    withFrontDoor(async (door) => {
      await say(door, 'before');
      door.script = [{ abort: 'vote-timeout' }];
      const { status, body } = await say(door, 'never');
      expect(status).to.equal(409);
      expect(body).to.deep.include({ code: 'vote-timeout', outcome: 'aborted', definite: true });
      expect(body['key']).to.equal(keysOf(door.submitted[1]?.operation)[0]);
      expect(texts((await door.ask('GET', MESSAGES)).body)).to.deep.equal(['before']);
    }));

  it('says no definite no of a line whose key was sent before, to this server or another', () =>
    withFrontDoor(
      async (door) => {
        await door.startServer({ deadlineMs: 5000 });
        // The first server hears nothing of the append, which commits only after all else.
        door.script = ['hang', { abort: 'lock-timeout' }, { refuse: 'log-full' }];
        const first = await say(door, 'late', 'k1');
        expect([first.status, first.body]).to.deep.equal([202, { room: 'lobby', outcome: 'unknown', key: 'k1' }]);
        const unknown = { room: 'lobby', outcome: 'unknown', key: 'k1' };
        const second = await say(door, 'late', 'k1', 1);
        const aborted = { code: 'lock-timeout', detail: 'Scripted.' };
        expect([second.status, second.body]).to.deep.equal([202, { ...unknown, sending: 'aborted', reason: aborted }]);
        const third = await say(door, 'late', 'k1', 1);
        const full = { code: 'log-full', detail: 'Scripted.' };
        expect([third.status, third.body]).to.deep.equal([202, { ...unknown, sending: 'refused', reason: full }]);
        const stored = door.commit(door.submitted[0]?.operation ?? {});
        expect(stored).to.deep.equal({ room: 'lobby', lines: [{ key: 'k1', seq: 1 }] });
        for (const server of [0, 1]) {
          const last = await say(door, 'late', 'k1', server);
          expect(last.body).to.include({ outcome: 'committed', seq: 1 });
        }
        expect(texts((await door.ask('GET', MESSAGES)).body)).to.deep.equal(['late']);
      },
      { deadlineMs: 150 },
    ));

  it('answers 202 and the key at the deadline, and the same key later finds the line', () =>
    withFrontDoor(
      async (door) => {
        door.script = ['hang'];
        const { status, body } = await say(door, 'late', 'k1');
        expect(status).to.equal(202);
        expect(body).to.deep.equal({ room: 'lobby', outcome: 'unknown', key: 'k1' });
        const append = door.submitted[0]?.operation ?? {};
        door.commit(append);
        const again = await say(door, 'late', 'k1');
        expect(again.body).to.include({ outcome: 'committed', seq: 1 });
      },
      { deadlineMs: 150 },
    ));

  it('answers from the feed what the survivors committed while the coordinator was away', () =>
    withFrontDoor(async (door) => {
      door.script = ['hang'];
      const sending = say(door, 'hi', 'k1');
      await eventually('the append', () => door.submitted.length === 1);
      const append = door.submitted[0]?.operation ?? {};
      await door.stopCoordinator();
      door.commit(append);
      expect((await sending).body).to.include({ outcome: 'committed', seq: 1 });
    }));

  it('names the field that is wrong and what it may hold, and sends nothing', () =>
    withFrontDoor(async (door) => {
      const cases: readonly (readonly [string, Json, number, RegExp])[] = [
        [MESSAGES, { author: 'ann', text: '' }, 422, /"text" is ""; it must be 1 to 4096 characters/],
        [
          MESSAGES,
          { author: 'ann', text: 'x', colour: 'red' },
          422,
          /"colour" is unknown; allowed are author, text, key/,
        ],
        [MESSAGES, { text: 'x' }, 422, /"author" is missing/],
        ['/rooms/a%20b/messages', { author: 'ann', text: 'x' }, 422, /"room" is "a b"; it must be/],
        [MESSAGES, 'x', 400, /not an object/],
      ];
      for (const [path, line, status, said] of cases) {
        const answer = await door.ask('POST', path, line);
        expect(answer.status).to.equal(status);
        expect(answer.body['detail']).to.match(said);
      }
      expect(door.submitted).to.deep.equal([]);
    }));

  it('pages: the newest lines without `after`, else those behind it; older ones from a participant', () =>
    withFrontDoor(
      async (door) => {
        const line = (seq: number) => ({
          seq,
          key: `k${seq}`,
          author: 'ann',
          text: `t${seq}`,
          at: '2026-01-31T12:00:00.000Z',
        });
        const all = Array.from({ length: 25_000 }, (_, index) => line(index + 1));
        for (const participant of door.participants) participant.append('lobby', all);
        await door.startServer();
        const page = async (query: string) => (await door.ask('GET', `${MESSAGES}${query}`)).body;
        expect(texts(await page('?limit=2'))).to.deep.equal(['t24999', 't25000']);
        expect(texts(await page('?after=24990&limit=2'))).to.deep.equal(['t24991', 't24992']);
        expect(texts(await page('?after=25000'))).to.deep.equal([]);
        expect(texts(await page('?after=3&limit=2'))).to.deep.equal(['t4', 't5']);
        const asked = door.participants.flatMap((participant) => participant.asked);
        expect(asked).to.deep.equal(['/history/lobby?after=3&limit=2&group=chat']);
        expect(await page('?after=3&limit=0')).to.include({ code: 'bad-request' });
      },
      { start: false },
    ));

  it('says that a room without a line is not there, and where its stream begins', () =>
    withFrontDoor(async (door) => {
      const { status, body } = await door.ask('GET', '/rooms/nowhere/messages');
      expect([status, body['code']]).to.deep.equal([404, 'unknown-room']);
      expect(Buffer.from(JSON.stringify(body['since']), 'base64url').toString()).to.equal('nowhere:0');
    }));

  it('lists a room as soon as its first line was answered', () =>
    withFrontDoor(async (door) => {
      for (let count = 1; count <= 10; count += 1) {
        const room = `room-${count}`;
        await door.ask('POST', `/rooms/${room}/messages`, { author: 'ann', text: 'first' });
        const { body } = await door.ask('GET', '/rooms');
        expect((body['rooms'] as readonly { room: string }[]).map((one) => one.room)).to.include(room);
      }
    }));

  it('is not ready, and says why, until the coordinator answered and a feed is live', () =>
    withFrontDoor(
      async (door) => {
        await door.stopCoordinator();
        for (const participant of door.participants) await participant.stop();
        await door.startServer({ waitReady: false });
        expect(door.parts().notReady()).to.deep.equal([
          'The coordinator has not answered yet.',
          'The feed of the history is not live.',
        ]);
        const early = await door.ask('GET', '/rooms');
        expect([early.status, early.body['code']]).to.deep.equal([503, 'starting']);
        for (const participant of door.participants) await participant.start();
        await eventually('the feed is live', () => door.parts().notReady().length === 1);
        expect((await door.ask('GET', '/rooms')).status).to.equal(200);
        await door.startCoordinator();
        await eventually('it is ready', () => door.parts().notReady().length === 0);
      },
      { start: false },
    ));

  it('goes on serving reads while the coordinator is dead', () =>
    withFrontDoor(async (door) => {
      await say(door, 'hi');
      await door.stopCoordinator();
      expect(texts((await door.ask('GET', MESSAGES)).body)).to.deep.equal(['hi']);
      expect(door.parts().notReady()).to.deep.equal([]);
    }));
});
