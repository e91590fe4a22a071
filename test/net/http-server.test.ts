/** The HTTP server against bytes: order, errors, limits of time, and every way to end. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect } from 'chai';
import { ParleyError } from '../../src/base/errors.ts';
import { HttpConnection } from '../../src/net/http-connection.ts';
import { HttpDate } from '../../src/net/http-date.ts';
import { HttpServer } from '../../src/net/http-server.ts';
import { HTTP_TIMEOUTS } from '../../src/net/http-service.ts';
import type { Request } from '../../src/net/request.ts';
import { json, text } from '../../src/net/router.ts';
import type { Handler, Response } from '../../src/net/router.ts';
import { eventually } from '../support/eventually.ts';
import { Fixture, statusesIn } from './raw-client.ts';

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
const post = (path: string, body: string, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const echo: Handler = ({ method, path, body }) => text(200, `${method} ${path} ${body.toString()}`);

/** A handler whose answers are given by hand, in any order. */
function byHand(): { handler: Handler; begun: string[]; answer: (path: string, response?: Response) => void } {
  const waiting = new Map<string, (response: Response) => void>();
  const begun: string[] = [];
  const handler: Handler = ({ path }) =>
    new Promise<Response>((resolve) => {
      begun.push(path);
      waiting.set(path, resolve);
    });
  return { handler, begun, answer: (path, response = text(200, path)) => waiting.get(path)?.(response) };
}

/** A socket of which nobody takes what is written until the test says so, however little that is. */
class UnreadSocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  taken = '';
  #take: () => void = () => undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** Takes all that waits. */
  takeAll(): void {
    this.#take();
  }

  setNoDelay(): this {
    return this;
  }

  override _read(): void {
    // The test pushes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this._writev([{ chunk }], done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#take = () => {
      this.#take = () => undefined;
      for (const { chunk } of chunks) this.taken += chunk.toString('latin1');
      done();
    };
  }
}

describe('The HTTP server', () => {
  const fixture = new Fixture();
  afterEach(() => fixture.release());

  /** So many rounds of the server's loop: time for what is ready to happen, whatever the machine. */
  async function turns(served: { readonly port: number }, count: number): Promise<void> {
    const other = await fixture.connect(served);
    for (let i = 1; i <= count; i++) {
      other.send(get('/quick'));
      await eventually(`answer ${i}`, () => statusesIn(other.text()).length === i);
    }
  }
  const withQuick =
    (handler: Handler): Handler =>
    (request) =>
      request.path === '/quick' ? text(200, '') : handler(request);

  it('answers with date, user agent, type and length', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: echo }));
    client.send(post('/a', 'b'));
    await client.sees('POST /a b');
    expect(client.text()).to.match(
      /^HTTP\/1\.1 200 OK\r\nUser-Agent: parley\/0\.1\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: 9\r\n\r\nPOST \/a b$/,
    );
  });

  it('executes pipelined requests one at a time and answers in order', async () => {
    const { handler, begun, answer } = byHand();
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.send(get('/1') + get('/2') + get('/3'));
    for (const path of ['/1', '/2', '/3']) {
      await eventually(`${path} begins`, () => begun.includes(path));
      expect(begun.at(-1)).to.equal(path);
      answer(path);
    }
    await client.sees('/3');
    expect([...client.text().matchAll(/\/\d$|\/\d(?=HTTP)/g)].map(String)).to.deep.equal(['/1', '/2', '/3']);
  });

  it('answers a thousand requests that came in one piece', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: echo }));
    client.send(get('/n').repeat(1000));
    await eventually('1000 answers', () => statusesIn(client.text()).length === 1000);
    expect(client.isClosed()).to.equal(false);
  });

  it('answers the good requests before a bad frame, then 400, then closes', async () => {
    const { handler, begun, answer } = byHand();
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.send(`${get('/1')}bad frame\r\n\r\n${get('/2')}`);
    await eventually('/1 begins', () => begun.length === 1);
    answer('/1');
    const all = await client.closed();
    expect(statusesIn(all)).to.deep.equal([200, 400]);
    expect(all).to.include('Connection: close').and.to.include('"code":"bad-frame"');
    expect(begun).to.deep.equal(['/1']);
  });

  it('answers a client that closed its side, however late the answer', async () => {
    const { handler, begun, answer } = byHand();
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.socket.end(get('/late'));
    await eventually('the handler begins', () => begun.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    answer('/late');
    expect(statusesIn(await client.closed())).to.deep.equal([200]);
  });

  it('says nothing when a client leaves between requests or inside a request it resets', async () => {
    const { handler, begun } = byHand();
    const { port, server } = await fixture.serve({ handler });
    const silent = await fixture.connect({ port });
    silent.socket.end();
    expect(await silent.closed()).to.equal('');
    const half = await fixture.connect({ port });
    half.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab');
    await eventually('it is there', () => server.connections === 1);
    half.socket.resetAndDestroy();
    await eventually('it is gone', () => server.connections === 0);
    expect(begun).to.deep.equal([]);
  });

  it('lets a sender wait that sends more than it takes answers for', async () => {
    const { handler, begun } = byHand();
    const served = await fixture.serve({ handler: withQuick(handler) });
    const client = await fixture.connect(served);
    client.send(get('/1'));
    await eventually('/1 begins', () => begun.length === 1);
    // Far more than the buffers of the system hold.
    client.socket.write(Buffer.alloc(48 * 1024 * 1024, 'x'));
    await turns(served, 200);
    expect(client.socket.writableLength).to.be.greaterThan(0);
    expect(begun).to.deep.equal(['/1']);
  });

  it('executes no more than 16 requests whose answers nobody takes, and the others when they are taken', async () => {
    const socket = new UnreadSocket();
    const executed: string[] = [];
    const handler: Handler = ({ path }) => {
      executed.push(path);
      return text(200, path);
    };
    const onBug = (error: unknown): never => {
      throw error;
    };
    const timeouts = HTTP_TIMEOUTS;
    const service = { handler, onBug, onUpgrade: undefined, onAnswered: undefined, limits: {}, timeouts };
    const connection = new HttpConnection(
      socket as unknown as Socket,
      { ...service, date: new HttpDate() },
      () => undefined,
    );
    socket.push(Buffer.from(Array.from({ length: 50 }, (_, i) => get(`/${i + 1}`)).join('')));
    await eventually('/16 is executed', () => executed.includes('/16'));
    // Time for more, were there more to come.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(executed).to.have.lengthOf(16);
    for (const most of [32, 48, 50]) {
      socket.takeAll();
      await eventually(`/${most} is executed`, () => executed.includes(`/${most}`));
      expect(executed).to.have.lengthOf(most);
    }
    await eventually('all answers are taken', () => {
      socket.takeAll();
      return statusesIn(socket.taken).length === 50;
    });
    expect(executed).to.deep.equal(Array.from({ length: 50 }, (_, i) => `/${i + 1}`));
    connection.destroy();
  });

  it('loses no last answer to a client that goes on sending: no reset', async () => {
    const { handler, begun, answer } = byHand();
    const served = await fixture.serve({ handler: withQuick(handler) });
    const client = await fixture.connect(served);
    let error: Error | undefined;
    client.socket.on('error', (thrown) => {
      error = thrown;
    });
    client.send(get('/1', 'Connection: close\r\n'));
    await eventually('/1 begins', () => begun.length === 1);
    client.socket.write(Buffer.alloc(16 * 1024 * 1024, 'x'));
    await turns(served, 20);
    answer('/1');
    expect(statusesIn(await client.closed())).to.deep.equal([200]);
    await eventually('both sides are done', () => client.socket.closed);
    expect(error).to.equal(undefined);
  });

  it('tells a handler that its client is gone', async () => {
    const seen: string[] = [];
    const handler = (request: Request): Promise<Response> => {
      request.onClose(() => void seen.push('closed'));
      request.signal.addEventListener('abort', () => void seen.push('aborted'));
      seen.push('begun');
      return new Promise(() => undefined);
    };
    const client = await fixture.connect(await fixture.serve({ handler }));
    client.send(get('/'));
    await eventually('it begins', () => seen.includes('begun'));
    client.socket.resetAndDestroy();
    await eventually('it is told', () => seen.length === 3);
    expect(seen).to.deep.equal(['begun', 'closed', 'aborted']);
  });

  describe('turns what a handler throws into', () => {
    const cases: readonly (readonly [string, unknown, number, string])[] = [
      [
        'problem+json',
        new ParleyError('unknown-account', 'There is no account 7.'),
        404,
        '"detail":"There is no account 7."',
      ],
      [
        '503 with Retry-After',
        new ParleyError('busy', 'Later.', { extra: { retryAfterSeconds: 3 } }),
        503,
        'Retry-After: 3\r\n',
      ],
      ['401 with a challenge', new ParleyError('unauthorized', 'Who?'), 401, 'WWW-Authenticate: Parley\r\n'],
    ];
    for (const [what, error, status, part] of cases) {
      it(what, async () => {
        const served = await fixture.serve({
          handler: () => {
            throw error;
          },
        });
        const client = await fixture.connect(served);
        client.send(get('/'));
        await client.sees(part);
        expect(statusesIn(client.text())).to.deep.equal([status]);
        expect(client.text()).to.include('Content-Type: application/problem+json\r\n');
        expect(served.bugs).to.deep.equal([]);
      });
    }

    it('500 when it is a bug, which is reported, and goes on', async () => {
      const bug = new TypeError('no such thing');
      const served = await fixture.serve({
        handler: ({ path }) => (path === '/bug' ? Promise.reject(bug) : text(200, 'fine')),
      });
      const client = await fixture.connect(served);
      client.send(get('/bug') + get('/'));
      await client.sees('fine');
      expect(statusesIn(client.text())).to.deep.equal([500, 200]);
      expect(client.text()).not.to.include('no such thing');
      expect(served.bugs).to.deep.equal([bug]);
    });

    it('500 when the answer itself cannot be written', async () => {
      const served = await fixture.serve({ handler: () => ({ status: 200, headers: { A: 'b\r\nc' } }) });
      const client = await fixture.connect(served);
      client.send(get('/'));
      await client.sees('"code":"internal"');
      expect(served.bugs).to.have.length(1);
    });
  });

  it('asks for a body that is waited with, and only for that', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: echo }));
    client.send('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    await client.sees('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('{}');
    await client.sees('POST / {}');
    client.send(post('/', 'at once', 'Expect: 100-continue\r\n'));
    await client.sees('POST / at once');
    expect(statusesIn(client.text())).to.deep.equal([100, 200, 200]);
  });

  it('refuses a bad HEAD with the head alone', async () => {
    const served = await fixture.serve({ handler: echo });
    for (const [bad, status] of [
      ['HEAD / HTTP/1.1\r\n\r\n', 400],
      ['HEAD / HTTP/2.0\r\n', 505],
      ['HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx', 400],
    ] as const) {
      const client = await fixture.connect(served);
      client.send(bad);
      const refusal = await client.closed();
      expect(statusesIn(refusal)).to.deep.equal([status]);
      expect(refusal).to.match(/\r\nContent-Length: [1-9]\d*\r\n/);
      expect(refusal).to.match(/\r\n\r\n$/);
    }
  });

  it('answers HEAD with the head alone', async () => {
    const client = await fixture.connect(await fixture.serve({ handler: () => text(200, 'body') }));
    client.send(`HEAD / HTTP/1.1\r\nHost: h\r\n\r\n${get('/')}`);
    await client.sees('body');
    expect(client.text()).to.match(/Content-Length: 4\r\n\r\nHTTP\/1\.1 200 OK/);
  });

  for (const [title, request, closes, field] of [
    ['HTTP/1.1', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', false, undefined],
    [
      'HTTP/1.1 with close among its options',
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: a, Close\r\n\r\n',
      true,
      'close',
    ],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', true, 'close'],
    ['HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', false, 'keep-alive'],
  ] as const) {
    it(`${closes ? 'closes' : 'stays open'} behind the answer to ${title}`, async () => {
      const client = await fixture.connect(await fixture.serve({ handler: () => text(200, 'yes') }));
      client.send(request);
      await client.sees('yes');
      expect(/Connection: ([\w-]+)/.exec(client.text())?.[1]).to.equal(field);
      if (closes) await client.closed();
      client.send(get('/'));
      if (!closes) await eventually('a second answer', () => statusesIn(client.text()).length === 2);
    });
  }

  describe('limits time:', () => {
    for (const [what, sent] of [
      ['a head that does not end', 'GET / HTTP/1.1\r\nHost: h\r\n'],
      ['a body that does not end', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab'],
    ] as const) {
      it(`${what} is 408, though its bytes drip`, async () => {
        const timeouts = { headMs: 150, bodyMs: 150 };
        const client = await fixture.connect(
          await fixture.serve({ handler: echo, timeouts, limits: { headBytesMax: 1e6 } }),
        );
        client.send(sent);
        const drip = setInterval(() => client.send(what.includes('head') ? 'A:\r\n' : ''), 20);
        const all = await client.closed().finally(() => clearInterval(drip));
        expect(statusesIn(all)).to.deep.equal([408]);
      });
    }

    it('an idle connection is closed without a word, and empty lines are idle', async () => {
      const client = await fixture.connect(
        await fixture.serve({ handler: echo, timeouts: { idleMs: 150 }, limits: { emptyLinesMax: 1000 } }),
      );
      const drip = setInterval(() => client.send('\r\n'), 20);
      expect(await client.closed().finally(() => clearInterval(drip))).to.equal('');
    });

    it('a slow handler is not the fault of its client', async () => {
      const timeouts = { headMs: 40, bodyMs: 40, idleMs: 40 };
      const handler = (): Promise<Response> =>
        new Promise((resolve) => setTimeout(() => resolve(text(200, 'slow')), 200));
      const client = await fixture.connect(await fixture.serve({ handler, timeouts }));
      client.send(get('/'));
      await client.sees('slow');
    });

    it('a client that does not read is cut, and runs no more requests', async () => {
      let executed = 0;
      const body = Buffer.alloc(4 * 1024 * 1024);
      const { port, server } = await fixture.serve({
        handler: () => {
          executed += 1;
          return { status: 200, body };
        },
        timeouts: { flushMs: 100 },
      });
      const client = await fixture.connect({ port });
      client.socket.pause();
      client.send(get('/').repeat(50));
      await eventually('it begins', () => executed > 0);
      await eventually('it is cut', () => server.connections === 0);
      expect(executed).to.be.lessThan(50);
    });
  });

  describe('refuses to listen', () => {
    const failure = async (address: { host: string; port: number }): Promise<unknown> => {
      const server = new HttpServer({ handler: echo, onBug: () => undefined });
      try {
        await server.listen(address);
      } catch (error) {
        return error instanceof ParleyError ? error.code : error;
      }
      await server.close();
      return 'listening';
    };

    it('on a port in use, and says which', async () => {
      const { port } = await fixture.serve({ handler: echo });
      expect(await failure({ host: '127.0.0.1', port })).to.equal('port-busy');
    });

    it('on an address of another machine, and on a port that is none', async () => {
      expect(await failure({ host: '192.0.2.1', port: 0 })).to.equal('port-unusable');
      expect(await failure({ host: '127.0.0.1', port: 70_000 })).to.equal('port-unusable');
      expect(await failure({ host: '127.0.0.1', port: -1 })).to.equal('port-unusable');
    });
  });

  it('takes the same port again at once', async () => {
    const first = await fixture.serve({ handler: echo });
    const client = await fixture.connect(first);
    client.send(get('/'));
    await client.sees('GET /');
    await first.server.close();
    const second = new HttpServer({ handler: echo, onBug: () => undefined });
    expect(await second.listen({ host: '127.0.0.1', port: first.port })).to.deep.equal({ port: first.port });
    await second.close();
  });

  it('closes further connections when it has its most', async () => {
    const { port, server } = await fixture.serve({ handler: echo, connectionsMax: 1 });
    const first = await fixture.connect({ port });
    first.send(get('/1'));
    await first.sees('GET /1');
    const second = await fixture.connect({ port });
    expect(await second.closed()).to.equal('');
    first.send(get('/2'));
    await first.sees('GET /2');
    expect(server.connections).to.equal(1);
  });

  it('closes further connections of an address that has its most, until one of them is gone', async () => {
    const { port, server } = await fixture.serve({ handler: echo, connectionsPerAddressMax: 2 });
    const first = await fixture.connect({ port });
    const second = await fixture.connect({ port });
    await eventually('both are in', () => server.connections === 2);
    const third = await fixture.connect({ port });
    expect(await third.closed()).to.equal('');
    const elsewhere = connect({ host: '127.0.0.1', localAddress: '127.0.0.2', port });
    await eventually('another address comes in', () => server.connections === 3);
    elsewhere.destroy();
    first.socket.destroy();
    await eventually('the first is gone', () => server.connections === 1);
    const fourth = await fixture.connect({ port });
    fourth.send(get('/4'));
    await fourth.sees('GET /4');
    second.send(get('/2'));
    await second.sees('GET /2');
  });

  it('drains: idle connections close, what is under way is answered with close, nobody comes in', async () => {
    const { handler, begun, answer } = byHand();
    const { port, server } = await fixture.serve({ handler });
    const idle = await fixture.connect({ port });
    const busy = await fixture.connect({ port });
    busy.send(get('/1') + get('/never'));
    await eventually('/1 begins', () => begun.length === 1);
    await eventually('both are in', () => server.connections === 2);
    const drained = server.drain();
    expect(await idle.closed()).to.equal('');
    answer('/1');
    expect(await busy.closed()).to.match(/Connection: close\r\n/);
    await drained;
    expect(begun).to.deep.equal(['/1']);
    await fixture.connect({ port }).then(
      () => expect.fail('it still listens'),
      (error: NodeJS.ErrnoException) => expect(error.code).to.equal('ECONNREFUSED'),
    );
  });

  describe('offers an upgrade', () => {
    const upgrade = 'GET /peer HTTP/1.1\r\nHost: h\r\nConnection: x, Upgrade\r\nUpgrade: parley\r\n\r\n';

    it('with the head and what came behind it, and leaves the socket alone from then on', async () => {
      const heard: string[] = [];
      const { port, server } = await fixture.serve({
        handler: echo,
        timeouts: { idleMs: 500 },
        onUpgrade: (head, socket, rest) => {
          heard.push(head.path, rest.toString());
          socket.on('data', (chunk: Buffer) => void heard.push(chunk.toString())).on('end', () => socket.end());
          socket.resume();
          socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
          return true;
        },
      });
      const client = await fixture.connect({ port });
      client.send(`${upgrade}rest`);
      await client.sees('101');
      expect(server.connections).to.equal(0);
      // A connection of HTTP that is idle for longer than this one has been is closed by now.
      const idle = await fixture.connect({ port });
      await idle.closed();
      client.send('more');
      await eventually('it hears more', () => heard.includes('more'));
      expect(heard).to.deep.equal(['/peer', 'rest', 'more']);
      await server.drain();
      client.socket.end();
      await client.closed();
    });

    it('only for GET /peer with both fields; any other is answered as if it did not ask', async () => {
      let offered = 0;
      const { port } = await fixture.serve({
        handler: echo,
        onUpgrade: () => {
          offered += 1;
          return false;
        },
      });
      const client = await fixture.connect({ port });
      client.send(upgrade.replace('/peer', '/other'));
      client.send(upgrade.replace('parley', 'websocket'));
      client.send(upgrade.replace('x, Upgrade', 'x'));
      client.send(upgrade.replace('GET', 'POST'));
      await eventually('four answers', () => statusesIn(client.text()).length === 4);
      expect(statusesIn(client.text())).to.deep.equal([200, 200, 200, 200]);
      expect(offered).to.equal(0);
    });
  });

  it('tells of every answer', async () => {
    const told: string[] = [];
    const { port } = await fixture.serve({
      handler: ({ path }) => (path === '/no' ? Promise.reject(new ParleyError('not-found', 'No.')) : json(200, {})),
      onAnswered: ({ path }, status, elapsedMs) => void told.push(`${path} ${status} ${elapsedMs >= 0}`),
    });
    const client = await fixture.connect({ port });
    client.send(get('/yes') + get('/no'));
    await client.sees('not-found');
    expect(told).to.deep.equal(['/yes 200 true', '/no 404 true']);
  });
});
