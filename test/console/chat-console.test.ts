/** The chat's console: what is typed is said once, what is said is shown once, in order. */
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { ApiClient } from '../../src/console/api-client.ts';
import { ChatConsole, elapsedText } from '../../src/console/chat-console.ts';
import { EventStreamReader } from '../../src/console/event-stream-reader.ts';
import { eventually } from '../support/eventually.ts';
import { countingIds, FakeTransport, problem, runScript } from './console-harness.ts';
import type { ApiRequest } from '../../src/console/api-client.ts';
import type { FakeAnswer } from './console-harness.ts';

interface Chat {
  readonly chat: ChatConsole;
  readonly transport: FakeTransport;
  readonly printed: string[];
  readonly rooms: string[];
}

function openChat(answer: (request: ApiRequest) => FakeAnswer, live = false): Chat {
  const transport = new FakeTransport(answer);
  const printed: string[] = [];
  const rooms: string[] = [];
  const chat = new ChatConsole({
    client: new ApiClient(transport),
    user: 'uthira',
    room: 'lobby',
    settle: { patienceMs: 200, pauseMsFirst: 1, pauseMsMax: 2 },
    live,
    print: (line) => printed.push(line),
    narrate: (line) => printed.push(`(${line})`),
    onRoom: (room) => rooms.push(room),
    makeId: countingIds(),
  });
  return { chat, transport, printed, rooms };
}

const said = (seq: number, author: string, text: string, at: number | string): string =>
  JSON.stringify({ room: 'lobby', seq, author, text, at });

describe("the chat's console", () => {
  it('says what is typed in the room, with a key made before, and two slashes say one', async () => {
    const { chat, transport } = openChat(() => [200, { outcome: 'committed', seq: 17 }]);
    const { output } = await runScript(chat, 'hi there\n//join is a command\n# no comment\n', { comments: false });
    expect(output).to.equal('sent lobby 17\nsent lobby 17\nsent lobby 17\n');
    expect(transport.requests[0]).to.deep.include({ method: 'POST', path: '/rooms/lobby/messages' });
    expect(transport.requests.map(({ json }) => json)).to.deep.equal([
      { author: 'uthira', text: 'hi there', key: 'id-1' },
      { author: 'uthira', text: '/join is a command', key: 'id-2' },
      { author: 'uthira', text: '# no comment', key: 'id-3' },
    ]);
  });

  it('repeats a line with the same key after an unknown outcome and after busy', async () => {
    const answers: FakeAnswer[] = [
      new ParleyError('timeout', 'No answer.'),
      problem(503, 'busy', 'Busy.'),
      [200, { outcome: 'committed', seq: 1 }],
    ];
    const { chat, transport } = openChat(() => answers.shift() ?? problem(500, 'internal', 'asked too often'));
    expect((await runScript(chat, 'hi\n')).output).to.equal('sent lobby 1\n');
    expect(transport.requests.map(({ json }) => (json as { key: string }).key)).to.deep.equal(['id-1', 'id-1', 'id-1']);
  });

  it('says that a line was not sent when each of its sendings came to nothing, and unknown when one may not have', async () => {
    const reason = { code: 'lock-timeout', detail: 'Another append held the room.' };
    const futile: FakeAnswer = [202, { outcome: 'unknown', key: 'id-1', sending: 'aborted', reason }];
    const never = await runScript(openChat(() => futile).chat, 'hi\n');
    expect(never.output.split('\n').slice(0, 2)).to.deep.equal([
      'not sent: hi',
      '  reason: lock-timeout: Another append held the room.',
    ]);
    expect(never.code).to.equal(1);
    for (const doubt of [
      new ParleyError('connection-lost', 'The link broke.'),
      [202, { outcome: 'unknown' }] as const,
    ]) {
      const answers: FakeAnswer[] = [doubt];
      const { code, output } = await runScript(openChat(() => answers.shift() ?? futile).chat, 'hi\n');
      expect(output).to.equal('unknown: hi; it may appear later\n');
      expect(code).to.equal(3);
    }
  });

  it('S0-18 S1-5 shows the history with the time since the line before', async () => {
    const { chat } = openChat(({ path }) => {
      expect(path).to.equal('/rooms/lobby/messages?limit=50');
      const at = (seconds: number): string => new Date(Date.UTC(2018, 2, 3, 22, 34, 52) + seconds * 1000).toISOString();
      const lines = [
        { seq: 1, author: 'bob', text: 'hello', at: at(0) },
        { seq: 2, author: 'uthira', text: 'hi', at: at(17) },
      ];
      return [200, { lines }];
    });
    const { output } = await runScript(chat, '', { command: '/history lobby' });
    expect(output).to.equal('[bob]: 0:00:00:hello\n[uthira]: 0:00:17:hi\n');
  });

  it('S0-1 S1-6 shows live lines once each, in order, and goes on where a broken stream stopped', async () => {
    const { chat, transport, printed } = openChat(() => [200, {}], true);
    const session = new AbortController();
    const following = chat.follow(session.signal);
    const first = await eventually('the stream is open', () => transport.streams[0]);
    expect(first.path).to.equal('/events?rooms=lobby');
    const feed = (say: (line: string) => void, id: string, data: string): void => {
      for (const line of [`id: ${id}`, 'event: line', `data: ${data}`, '']) say(line);
    };
    feed(first.say, 't1', said(1, 'bob', 'one', 1_000_000));
    feed(first.say, 't2', said(2, 'uthira', 'two', 1_017_000));
    first.say('event: line');
    first.say('data: {"half":');
    first.end();
    const second = await eventually('the stream is open again', () => transport.streams[1]);
    expect(second.headers['last-event-id']).to.equal('t2');
    feed(second.say, 't2', said(2, 'uthira', 'two', 1_017_000));
    feed(second.say, 't3', said(3, 'bob', 'three', 1_017_500 + 3_600_000));
    second.say('event: beat');
    second.say('data: {}');
    second.say('');
    feed(second.say, 't4', 'not json');
    session.abort();
    await following;
    expect(printed).to.deep.equal(['[bob]: 0:00:00:one', '[uthira]: 0:00:17:two', '[bob]: 1:00:00:three']);
  });

  it('S0-18 shows a person the last lines of a room on entering, and follows on from there', async () => {
    const page = [
      { seq: 41, author: 'bob', text: 'hello', at: '2018-03-03T22:34:52.000Z' },
      { seq: 42, author: 'bob', text: 'anybody?', at: '2018-03-03T22:34:59.000Z' },
    ];
    const { chat, transport, printed } = openChat(() => [200, { lines: page, since: 'at-42' }], true);
    const session = new AbortController();
    const following = chat.follow(session.signal);
    const stream = await eventually('the stream is open', () => transport.streams[0]);
    expect(transport.requests[0]?.path).to.equal('/rooms/lobby/messages?limit=10');
    expect(stream.headers['last-event-id']).to.equal('at-42');
    for (const line of ['event: line', `data: ${said(43, 'ann', 'me', '2018-03-03T22:35:09.000Z')}`, '']) {
      stream.say(line);
    }
    session.abort();
    await following;
    expect(printed).to.deep.equal(['[bob]: 0:00:00:hello', '[bob]: 0:00:07:anybody?', '[ann]: 0:00:10:me']);
  });

  it('shows a line that was stored without a time, as those that programs append may be', async () => {
    const page = [
      { seq: 1, author: 'bob', text: 'hello', at: '2018-03-03T22:34:52.000Z' },
      { seq: 2, author: 'program', text: 'no time' },
      { seq: 3, author: 'program', text: 'no time either', at: 'noon' },
      { seq: 4, author: 'bob', text: 'who was that?', at: '2018-03-03T22:34:59.000Z' },
    ];
    const { chat } = openChat(() => [200, { lines: page }]);
    const { output } = await runScript(chat, '', { command: '/history lobby' });
    expect(output.trimEnd().split('\n')).to.deep.equal([
      '[bob]: 0:00:00:hello',
      '[program]: 0:00:00:no time',
      '[program]: 0:00:00:no time either',
      '[bob]: 0:00:07:who was that?',
    ]);
  });

  it('follows an empty room from its beginning, and says if it cannot enter', async () => {
    const answers: FakeAnswer[] = [
      problem(503, 'starting', 'Not yet.'),
      [404, { code: 'unknown-room', detail: 'There is no room lobby yet.', since: 'at-0' }],
    ];
    const { chat, transport, printed } = openChat(() => answers.shift() ?? [200, {}], true);
    const session = new AbortController();
    const following = chat.follow(session.signal);
    const stream = await eventually('the stream is open', () => transport.streams[0]);
    expect(stream.headers['last-event-id']).to.equal('at-0');
    session.abort();
    await following;
    expect(printed).to.deep.equal(['(live lines stopped: Not yet. Trying again.)']);
  });

  it('follows the room it joins', async () => {
    const { chat, transport, rooms } = openChat(() => [200, {}], true);
    const session = new AbortController();
    const following = chat.follow(session.signal);
    await eventually('the stream is open', () => transport.streams[0]);
    await chat.run('/join den.2');
    const second = await eventually('the stream of the other room is open', () => transport.streams[1]);
    expect(second.path).to.equal('/events?rooms=den.2');
    expect(rooms).to.deep.equal(['den.2']);
    await chat.run('hi');
    expect(transport.requests.find(({ method }) => method === 'POST')?.path).to.equal('/rooms/den.2/messages');
    // In a room that cannot be, nothing could ever be said.
    const refusal = await chat.run('/join "den & hall"').catch(String);
    expect(refusal).to.match(/"den & hall" is no name of a room: 1 to 64 characters A-Z a-z 0-9 \. _ -/);
    expect(rooms).to.deep.equal(['den.2']);
    session.abort();
    await following;
  });

  it('refuses an unknown command with the near one, and lists rooms', async () => {
    const { chat } = openChat(() => [200, { rooms: ['lobby', { room: 'den' }] }]);
    const { output, errors } = await runScript(chat, '/roms\n/rooms\n');
    expect(errors).to.match(/^usage: There is no command "\/roms"\. Did you mean "\/rooms"\?/);
    expect(output).to.equal('lobby\nden\n');
  });

  it('counts hours, minutes and seconds, and a clock that went back as no time', () => {
    expect([0, 17_000, 61_999, 3_600_000, 360_000_000, -5].map(elapsedText)).to.deep.equal([
      '0:00:00',
      '0:00:17',
      '0:01:01',
      '1:00:00',
      '100:00:00',
      '0:00:00',
    ]);
  });
});

describe('the reader of event streams', () => {
  it('joins data lines, keeps the id, passes over comments and retry, and needs data', () => {
    const reader = new EventStreamReader();
    const events = [': beat', 'retry: 100', 'id: 7', 'data: a', 'data:b', '', 'event: x', '', 'data', ''].map((line) =>
      reader.feed(line),
    );
    expect(events.filter((event) => event !== undefined)).to.deep.equal([
      { type: 'message', data: 'a\nb', id: '7' },
      { type: 'message', data: '', id: '7' },
    ]);
  });
});
