/** Answers that do not end: what is on the wire, who is dropped, and who is told. */
import { expect } from 'chai';
import { STREAM_WAITING_BYTES_MAX } from '../../src/net/answer-stream.ts';
import { eventStream, eventText, jsonLines } from '../../src/net/event-stream.ts';
import type { PushStream, ServerEvent } from '../../src/net/event-stream.ts';
import { json } from '../../src/net/router.ts';
import type { Handler } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';
import { Fixture, statusesIn } from './raw-client.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

describe('eventText', () => {
  for (const [title, event, text] of [
    ['data alone', { data: 'a' }, 'data: a\n\n'],
    [
      'all fields',
      { id: '7', event: 'line', data: '{}', retryMs: 1500 },
      'retry: 1500\nid: 7\nevent: line\ndata: {}\n\n',
    ],
    ['data of several lines, however they end', { data: 'a\nb\r\nc\rd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
    ['empty data', { data: '' }, 'data: \n\n'],
    ['data that looks like a field', { data: 'x\nid: 9' }, 'data: x\ndata: id: 9\n\n'],
  ] as const) {
    it(`writes ${title}`, () => {
      expect(eventText(event)).to.equal(text);
    });
  }

  it('takes an id of two lines for a bug', () => {
    expect(() => eventText({ id: 'a\nb', data: '' })).to.throw('broken invariant');
  });
});

describe('An endless answer', () => {
  const fixture = new Fixture();
  afterEach(() => fixture.release());

  const streams: PushStream<ServerEvent>[] = [];
  const closed: number[] = [];
  const handler: Handler = ({ path }) => {
    if (path === '/json') return json(200, {});
    return eventStream((events) => {
      const index = streams.push(events) - 1;
      events.onClose(() => void closed.push(index));
    }, 60);
  };
  beforeEach(() => {
    streams.length = 0;
    closed.length = 0;
  });

  it('of events comes in chunks, with a comment now and then, and is not to be kept', async () => {
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.send(get('/events'));
    await client.sees('3\r\n:\n\n\r\n');
    expect(client.text()).to.match(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*Content-Type: text\/event-stream\r\n/);
    expect(client.text()).to.include('Cache-Control: no-store\r\n').and.to.include('Transfer-Encoding: chunked\r\n');
    expect(streams[0]?.write({ id: '1', data: 'x' })).to.equal(true);
    await client.sees('f\r\nid: 1\ndata: x\n\n\r\n');
    await eventually('two comments', () => client.text().split('3\r\n:\n\n\r\n').length >= 3);
  });

  it('ends with its last chunk, and the next request on the connection is answered', async () => {
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.send(get('/events') + get('/json'));
    await eventually('it begins', () => streams.length === 1);
    // Its head reaches the client a moment after the stream is handed over here.
    await client.sees('HTTP/1.1 200 OK');
    expect(statusesIn(client.text())).to.deep.equal([200]);
    streams[0]?.close();
    await client.sees('0\r\n\r\nHTTP/1.1 200 OK');
    expect(closed).to.deep.equal([0]);
    expect(streams[0]?.write({ data: 'late' })).to.equal(false);
    await client.sees('{}');
    expect(client.text()).not.to.include('late');
  });

  for (const [how, leave] of [
    ['resets', 'reset'],
    ['closes', 'fin'],
  ] as const) {
    it(`is told when its reader ${how}`, async () => {
      const client = await fixture.connect(await fixture.serve({ handler }));
      client.send(get('/events'));
      await eventually('it begins', () => streams.length === 1);
      if (leave === 'reset') client.socket.resetAndDestroy();
      else client.socket.end();
      await eventually('it is told', () => closed.length === 1);
      expect(streams[0]?.isOpen).to.equal(false);
      let late = false;
      streams[0]?.onClose(() => {
        late = true;
      });
      expect(late).to.equal(true);
    });
  }

  it('drops a reader that is 1 MiB behind, and only that one', async () => {
    const { port } = await fixture.serve({ handler });
    const stuck = await fixture.connect({ port });
    stuck.send(get('/events'));
    stuck.socket.pause();
    const quick = await fixture.connect({ port });
    await eventually('one reads', () => streams.length === 1);
    quick.send(get('/events'));
    await eventually('both read', () => streams.length === 2);
    const data = 'x'.repeat(64 * 1024);
    let written = 0;
    await eventually('the stuck one is dropped', () => {
      written += data.length;
      streams[1]?.write({ data: String(written) });
      return streams[0]?.write({ data }) === false;
    });
    expect(written).to.be.greaterThan(STREAM_WAITING_BYTES_MAX / 2);
    expect(closed).to.deep.equal([0]);
    await quick.sees(`data: ${written}\n`);
  });

  it('closes when the server drains', async () => {
    const { port, server } = await fixture.serve({ handler });
    const client = await fixture.connect({ port });
    client.send(get('/events'));
    await eventually('it begins', () => streams.length === 1);
    await server.drain();
    expect(await client.closed()).to.match(/0\r\n\r\n$/);
    expect(closed).to.deep.equal([0]);
  });

  it('of JSON lines is one text a line, without chunks for HTTP/1.0', async () => {
    const lines: Handler = () =>
      jsonLines((out) => {
        out.write({ a: 'x\ny' });
        out.write([1]);
        out.close();
      });
    const { port } = await fixture.serve({ handler: lines });
    const client = await fixture.connect({ port });
    client.send('GET / HTTP/1.0\r\n\r\n');
    const text = await client.closed();
    expect(text)
      .to.match(/Content-Type: application\/x-ndjson\r\n/)
      .and.to.match(/Connection: close\r\n/);
    expect(text.split('\r\n\r\n')[1]).to.equal('{"a":"x\\ny"}\n[1]\n');
  });

  it('has only a head for HEAD, and is not begun', async () => {
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.send('HEAD /events HTTP/1.1\r\nHost: h\r\n\r\n' + get('/json'));
    await client.sees('{}');
    expect(statusesIn(client.text())).to.deep.equal([200, 200]);
    expect(streams).to.deep.equal([]);
  });

  it('is cut off when its writer fails at the start, which is reported', async () => {
    const bug = new Error('writer');
    const served = await fixture.serve({
      handler: () => ({
        status: 200,
        stream: () => {
          throw bug;
        },
      }),
    });
    const client = await fixture.connect(served);
    client.send(get('/'));
    expect(await client.closed()).not.to.include('0\r\n\r\n');
    expect(served.bugs).to.deep.equal([bug]);
  });
});
